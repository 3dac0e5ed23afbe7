import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_WRONLY } from '../host/open-flags.ts';
import type { CgroupRecord } from '../plan/types.ts';
import { stopUnit } from './systemd.ts';

const EBUSY = 16;
const ENOENT = 2;
const ENODEV = 19;
const SIGKILL = 9;
const maximumFile = 1 << 20;
/** Milliseconds. A process that was killed leaves its cgroup a moment later, which is long on a busy host. */
const patience = 5000;
const longestPause = 128;

/** Removes the container's cgroups and those made below them. A busy one is tried again, each time later. */
export function removeCgroups(native: Native, cgroup: CgroupRecord): void {
  // systemd removes what it made; what it did not is ours.
  if (cgroup.unit !== undefined) stopUnit(native, cgroup.unit);
  for (const directory of cgroup.directories) removeTree(native, directory);
}

/** The record without its unit, which may be another container's: only who started a unit may stop it. */
export function withoutUnit({ manager, version, directories }: CgroupRecord): CgroupRecord {
  return { manager, version, directories };
}

function removeTree(native: Native, directory: string): void {
  let pause = 1;
  let waited = 0;
  for (;;) {
    const result = native.rmdir(directory);
    if (result === 0 || result === -ENOENT || result === -ENODEV) return;
    if (result !== -EBUSY || waited >= patience) {
      throw systemFailure('cgroup.remove', `cannot remove cgroup "${directory}"`, 'rmdir', result);
    }
    const children = childrenOf(native, directory);
    if (children.length > 0) for (const child of children) removeTree(native, child);
    else wait(native, pause);
    waited += pause;
    pause = Math.min(2 * pause, longestPause);
  }
}

function childrenOf(native: Native, directory: string): string[] {
  const names = native.readDirectory(directory);
  if (typeof names === 'number') return [];
  return names
    .split('\0')
    .filter((name) => name !== '' && isDirectory(native, `${directory}/${name}`))
    .map((name) => `${directory}/${name}`);
}

function isDirectory(native: Native, path: string): boolean {
  const stat = native.stat(path, 0);
  return typeof stat !== 'number' && ((stat[0] ?? 0) & 0o170000) === 0o040000;
}

/** Nothing announces that a v1 cgroup became empty, so this waits for a descriptor that never speaks. */
export function wait(native: Native, milliseconds: number): void {
  const pidfd = native.pidfdOpen(native.processId());
  if (pidfd < 0) return;
  native.pidfdWait(pidfd, milliseconds);
  native.close(pidfd);
}

/** Pids of all processes in the container's cgroup and below. */
export function cgroupProcesses(native: Native, cgroup: CgroupRecord): number[] {
  const directory = mainDirectory(cgroup);
  return directory === undefined ? [] : processesBelow(native, directory);
}

function processesBelow(native: Native, directory: string): number[] {
  const text = native.readText(`${directory}/cgroup.procs`, maximumFile);
  const pids = typeof text === 'number' ? [] : text.split('\n').filter(Boolean).map(Number);
  for (const child of childrenOf(native, directory)) pids.push(...processesBelow(native, child));
  return pids;
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
    const text = native.readText(`${directory}/cgroup.freeze`, maximumFile);
    return typeof text !== 'number' && text.startsWith('1');
  }
  const directory = freezerDirectory(cgroup);
  if (directory === undefined) return false;
  const text = native.readText(`${directory}/freezer.self_freezing`, maximumFile);
  return typeof text !== 'number' && text.startsWith('1');
}

/** Kills every process of the container, frozen or not. */
export function killCgroup(native: Native, cgroup: CgroupRecord): void {
  const [first = ''] = cgroup.directories;
  if (cgroup.version === 2) {
    native.writeText(`${first}/cgroup.kill`, '1', O_WRONLY, 0);
    // It kills what is frozen too, but leaves the cgroup so.
    native.writeText(`${first}/cgroup.freeze`, '0', O_WRONLY, 0);
    return;
  }
  for (const pid of cgroupProcesses(native, cgroup)) native.signalProcess(pid, SIGKILL);
  const freezer = freezerDirectory(cgroup);
  if (freezer !== undefined) native.writeText(`${freezer}/freezer.state`, 'THAWED', O_WRONLY, 0);
}

/** Whether the kernel has killed a process of the container for want of memory. */
export function wasOutOfMemory(native: Native, cgroup: CgroupRecord): boolean {
  return outOfMemoryKills(native, cgroup) > 0;
}

/** `oom_kill` of memory.events (v2) or memory.oom_control (v1); 0 when it cannot be read. */
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
