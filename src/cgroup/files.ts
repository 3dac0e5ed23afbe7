import { expectDone, expectIfPresent, isAbsent, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EINVAL, EMFILE, ENODEV } from '../kernel/errno.ts';
import { S_IFDIR, S_IFMT } from '../kernel/files.ts';
import { O_RDONLY, O_WRONLY } from '../kernel/open-flags.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import { cgroupWith } from '../plan/cgroup/record.ts';

const maximumFile = 1 << 20;
/** Many, since the cgroup is read for each lot. */
const mostHeld = 512;
/** Descriptors with which a cgroup and those below it are read. */
const spare = 8;
/** True if the cgroup is gone or has no such file. Access to an open file of a removed cgroup fails with ENODEV. */
export function isGone(result: number): boolean {
  return result === -ENODEV || isAbsent(result);
}

/** As expectIfPresent, for the contents of a cgroup. */
export function ifPresent<T>(result: T | number, action: string, syscall: string): T | undefined {
  return result === -ENODEV ? undefined : expectIfPresent(result, 'cgroup.read', action, syscall);
}

/** Undefined if the cgroup is gone or the kernel has no such file. */
export function readCgroupFile(native: Native, path: string): string | undefined {
  return ifPresent(native.readText(path, maximumFile), `cannot read "${path}"`, 'read');
}

/** As readCgroupFile, for one with a digit. */
export function readFlag(native: Native, path: string): string | undefined {
  return ifPresent(native.readOnce(path, 16), `cannot read "${path}"`, 'read');
}

export function writeIfPresent(native: Native, path: string, text: string): void {
  const result = native.writeText(path, text, O_WRONLY, 0);
  if (!isGone(result)) expectDone(result, 'cgroup.write', `cannot write "${text}" to "${path}"`, 'write');
}

/** Writes to a file that freezes or thaws. */
export function writeFreezer(native: Native, path: string, text: string): void {
  const result = native.writeText(path, text, O_WRONLY, 0);
  if (result < 0) throw systemFailure('pause.write', `cannot write "${text}" to "${path}"`, 'write', result);
}

export const watchAction = 'cannot watch the memory of cgroup';

/** Opens a file for poll(2); undefined if there is none. */
export function openWatched(native: Native, path: string): number | undefined {
  const descriptor = native.open(path, O_RDONLY, 0);
  return isGone(descriptor) ? undefined : expectDone(descriptor, 'events.watch', `cannot read "${path}"`, 'open');
}

/** `oom_kill` of a file; undefined if it cannot be read, since it only explains a failure. */
export function countKills(native: Native, path: string): number | undefined {
  const text = native.readText(path, maximumFile);
  const count = typeof text === 'number' ? undefined : /^oom_kill (\d+)/m.exec(text)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** The value of a single-number file; 0 if the file is missing. */
export function readCount(native: Native, path: string): bigint {
  return BigInt((readCgroupFile(native, path) ?? '').trim() || 0);
}

/** Path of a process below the v2 mount point (cgroups(7)); undefined if it has ended or is outside. */
export function unifiedPath(native: Native, pid: number): string | undefined {
  const file = `/proc/${pid}/cgroup`;
  const text = expectIfPresent(native.readText(file, maximumFile), 'process.read', `cannot read "${file}"`, 'read');
  const line = text?.split('\n').find((one) => one.startsWith('0::/'));
  return line?.slice('0::'.length);
}

/** Directory of a cgroup below the container's, which it has made itself; undefined if there is none. */
export function innerCgroup(native: Native, { hierarchies }: CgroupRecord): string | undefined {
  for (const { directory } of hierarchies) {
    const names = ifPresent(native.readDirectory(directory), `cannot read cgroup "${directory}"`, 'getdents64');
    for (const name of (names ?? '').split('\0')) {
      const path = `${directory}/${name}`;
      const status = name === '' ? 0 : native.stat(path, 0);
      if (typeof status !== 'number' && ((status[0] ?? 0) & S_IFMT) === S_IFDIR) return path;
    }
  }
  return undefined;
}

/** Pids of all processes in the container's cgroup and below. */
export function cgroupProcesses(native: Native, { hierarchies }: CgroupRecord): number[] {
  // Every hierarchy has all processes; on v1 the freezer is needed for other steps, too.
  const { directory } = cgroupWith(hierarchies, 'freezer') ?? hierarchies[0] ?? {};
  if (directory === undefined) return [];
  const text = native.cgroupProcesses(directory);
  const listed = ifPresent(text, `cannot read the processes of cgroup "${directory}" and those below it`, 'read');
  // 0 is a process outside of the runtime's pid namespace; for kill(2) it is the runtime's process group.
  const pids = (listed ?? '').split('\n').map(Number);
  // The threads of a process may be in different v1 cgroups.
  return [...new Set(pids.filter((pid) => pid > 0))];
}

/**
 * Signals processes that were found in the container's cgroup. By now a pid may be that of another process, of the host: each is
 * held by a descriptor first, and then has to be in the cgroup still. Returns the pids of those that got the signal.
 */
export function signalProcesses(
  native: Native,
  cgroup: CgroupRecord,
  pids: readonly number[],
  signal: number,
): readonly number[] {
  const signalled: number[] = [];
  for (let at = 0; at < pids.length;) {
    const held = new Map<number, number>();
    try {
      at = hold(native, pids, at, held);
      const members = new Set(cgroupProcesses(native, cgroup));
      for (const [pid, pidfd] of held) {
        if (members.has(pid) && native.pidfdSignal(pidfd, signal) >= 0) signalled.push(pid);
      }
    } finally {
      for (const pidfd of held.values()) native.close(pidfd);
    }
  }
  return signalled;
}

/** Adds pidfds of the processes from an index on, by their pids; returns the index of the first that is not held. */
function hold(native: Native, pids: readonly number[], from: number, held: Map<number, number>): number {
  let at = from;
  for (; at < pids.length && held.size < mostHeld; at += 1) {
    const pid = pids[at] ?? 0;
    const pidfd = native.pidfdOpen(pid);
    // The limit of open files: those that are held are signalled first, but for some, to read the cgroup.
    if (pidfd === -EMFILE && held.size > spare) {
      for (const [last, descriptor] of [...held].slice(-spare)) {
        native.close(descriptor);
        held.delete(last);
      }
      return at - spare;
    }
    // As of a thread: the process has ended.
    if (isAbsent(pidfd) || pidfd === -EINVAL) continue;
    held.set(pid, expectDone(pidfd, 'process.open', `cannot open process ${pid}`, 'pidfd_open'));
  }
  return at;
}
