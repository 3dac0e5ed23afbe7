import { Failure } from '../diag/diagnostic.ts';
import { expectDone, expectIfPresent, isAbsent, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EBUSY, ENODEV } from '../kernel/errno.ts';
import { O_WRONLY } from '../kernel/open-flags.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { CgroupRecord } from '../plan/types.ts';
import { stopUnit } from './systemd.ts';
import { waitList } from './wait.ts';

const maximumFile = 1 << 20;
/** Milliseconds. A process that was killed leaves its cgroup a moment later, which is long on a busy host. */
const patience = 5000;
const longestPause = 128;
/** Number of rounds to find and kill new processes of a container. */
const longestChase = 1000;
/** poll(2) ignores a negative descriptor. */
const nothing = waitList([[-1, 0]]);

/** Removes the container's cgroups and those made below them. A busy one is retried with growing delays. */
export function removeCgroups(native: Native, cgroup: CgroupRecord): void {
  // systemd removes the cgroups that it made; we remove the others.
  if (cgroup.unit !== undefined) stopUnit(native, cgroup.unit);
  for (const directory of cgroup.directories) removeTree(native, directory);
}

/** The record without its unit, which may be another container's: only who started a unit may stop it. */
export function withoutUnit({ manager, version, directories }: CgroupRecord): CgroupRecord {
  return { manager, version, directories };
}

function removeTree(native: Native, directory: string): void {
  let pause = 1;
  for (let waited = 0; ; waited += pause, pause = Math.min(2 * pause, longestPause)) {
    const result = native.removeCgroups(directory);
    if (result === 0) return;
    if (result !== -EBUSY || waited >= patience) {
      throw systemFailure('cgroup.remove', `cannot remove cgroup "${directory}"`, 'rmdir', result);
    }
    wait(native, pause);
  }
}

/**
 * As expectIfPresent, for what is in a cgroup: whoever has a file open of one that is gone is told that there is no such
 * device.
 */
export function ifPresent<T>(result: T | number, action: string, syscall: string): T | undefined {
  return result === -ENODEV ? undefined : expectIfPresent(result, 'cgroup.read', action, syscall);
}

/** Undefined if the cgroup is gone, or the kernel has no such file. */
export function readCgroupFile(native: Native, path: string): string | undefined {
  return ifPresent(native.readText(path, maximumFile), `cannot read "${path}"`, 'read');
}

/** Nothing announces that a v1 cgroup became empty, or that a lock is free again: this is the polling interval. */
export function wait(native: Native, milliseconds: number): void {
  native.poll(nothing, milliseconds);
}

/** Pids of all processes in the container's cgroup and below. */
export function cgroupProcesses(native: Native, cgroup: CgroupRecord): number[] {
  const directory = mainDirectory(cgroup);
  if (directory === undefined) return [];
  const text = native.cgroupProcesses(directory);
  const listed = ifPresent(text, `cannot read the processes of cgroup "${directory}" and those below it`, 'read');
  // 0 stands for a process that the runtime's pid namespace does not have, and as a number to signal for the runtime itself.
  const pids = (listed ?? '').split('\n').map(Number);
  // The threads of a process may be in several cgroups of v1.
  return [...new Set(pids.filter((pid) => pid > 0))];
}

/** Any hierarchy has all processes; on v1 the freezer is the one that the rest of the work needs too. */
function mainDirectory(cgroup: CgroupRecord): string | undefined {
  return freezerDirectory(cgroup) ?? cgroup.directories[0];
}

export function freezerDirectory({ directories }: CgroupRecord): string | undefined {
  return directories.find((directory) => directory.startsWith('/sys/fs/cgroup/freezer/'));
}

export function isFrozen(native: Native, cgroup: CgroupRecord): boolean {
  if (cgroup.version === 2) {
    const [directory = ''] = cgroup.directories;
    return readCgroupFile(native, `${directory}/cgroup.freeze`)?.startsWith('1') === true;
  }
  const directory = freezerDirectory(cgroup);
  if (directory === undefined) return false;
  return readCgroupFile(native, `${directory}/freezer.self_freezing`)?.startsWith('1') === true;
}

/** Kills every process of the container, frozen or not. */
export function killCgroup(native: Native, cgroup: CgroupRecord): void {
  const [first = ''] = cgroup.directories;
  if (cgroup.version === 2) {
    writeIfPresent(native, `${first}/cgroup.kill`, '1');
    // It kills frozen processes too, but leaves the cgroup frozen.
    writeIfPresent(native, `${first}/cgroup.freeze`, '0');
    return;
  }
  const killed = new Set<number>();
  let left: number[];
  // A killed process may have forked just before.
  for (let pass = 0; (left = cgroupProcesses(native, cgroup).filter((pid) => !killed.has(pid))).length > 0; pass++) {
    if (pass === longestChase) {
      throw new Failure({
        code: 'kill.chase',
        message: 'the container forks faster than its processes can be killed',
      });
    }
    for (const pid of left) {
      native.signalProcess(pid, SIGKILL);
      killed.add(pid);
    }
  }
  thawForKill(native, cgroup);
}

/** On v1 a process that is frozen does not end before it is thawed. The container may have frozen cgroups of its own. */
export function thawForKill(native: Native, cgroup: CgroupRecord): void {
  const freezer = cgroup.version === 1 ? freezerDirectory(cgroup) : undefined;
  if (freezer === undefined) return;
  const result = native.thawCgroups(freezer);
  if (result === -ENODEV || isAbsent(result)) return;
  expectDone(result, 'cgroup.write', `cannot thaw cgroup "${freezer}" and those below it`, 'write');
}

function writeIfPresent(native: Native, path: string, text: string): void {
  const result = native.writeText(path, text, O_WRONLY, 0);
  if (result === -ENODEV || isAbsent(result)) return;
  expectDone(result, 'cgroup.write', `cannot write "${text}" to "${path}"`, 'write');
}

/** Whether the OOM killer has killed a process of the container. */
export function wasOutOfMemory(native: Native, cgroup: CgroupRecord): boolean {
  return outOfMemoryKills(native, cgroup) > 0;
}

/** `oom_kill` of memory.events (v2) or memory.oom_control (v1); 0 when it cannot be read: it only explains a failure. */
function outOfMemoryKills(native: Native, cgroup: CgroupRecord): number {
  const file = cgroup.version === 2 ? 'memory.events' : 'memory.oom_control';
  const text = native.readText(`${memoryDirectory(cgroup) ?? ''}/${file}`, maximumFile);
  return typeof text === 'number' ? 0 : Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0);
}

/** The container's cgroup in the hierarchy of the memory controller; undefined when the host has none. */
export function memoryDirectory({ version, directories }: CgroupRecord): string | undefined {
  if (version === 2) return directories[0];
  return directories.find((directory) => directory.startsWith('/sys/fs/cgroup/memory/'));
}
