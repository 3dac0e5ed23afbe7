import { expectIfPresent, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EPERM } from '../kernel/errno.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import { cgroupProcesses } from './files.ts';

const largestStatus = 1 << 16;
const hidden = '';
const sysPtrace = 1n << BigInt(CAPABILITIES.CAP_SYS_PTRACE);

/**
 * Whether a process that sees those of a container may trace one that rt has started there: it has CAP_SYS_PTRACE, or
 * may gain it by execve(2), in the user namespace of the runtime (ptrace(2), "Ptrace access mode checking"). `initPid`
 * is the container's init.
 */
export function mayBeTraced(native: Native, initPid: number, cgroup: CgroupRecord): boolean {
  const namespace = read(native, `/proc/${initPid}/ns/pid`);
  // Processes that see those of the host see this one anyway.
  const shared = namespace === read(native, '/proc/self/ns/pid');
  const pids = shared ? cgroupProcesses(native, cgroup) : processesIn(native, namespace);
  return pids.some((pid) => hasPtrace(native, pid));
}

/** The processes in the pid namespace, and those in an unreadable one below the runtime's, which may be the same. */
function processesIn(native: Native, namespace: string | undefined): number[] {
  const names = expectResult(native.readDirectory('/proc'), 'exec.look', 'cannot read directory "/proc"', 'getdents64');
  const pids = names.split('\0').filter((name) => /^[1-9]\d*$/.test(name));
  return pids.map(Number).filter((pid) => {
    const found = read(native, `/proc/${pid}/ns/pid`);
    return found === namespace || (found === hidden && isBelow(native, pid));
  });
}

/** A process has a pid in each pid namespace from that of /proc down to its own (proc_pid_status(5), NSpid). */
function isBelow(native: Native, pid: number): boolean {
  return /^NSpid:\t\d+\t/m.test(statusOf(native, pid));
}

function hasPtrace(native: Native, pid: number): boolean {
  const user = read(native, `/proc/${pid}/ns/user`);
  if (user === undefined || (user !== hidden && user !== read(native, '/proc/self/ns/user'))) return false;
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(statusOf(native, pid))?.[1];
  return bounding !== undefined && (BigInt(`0x${bounding}`) & sysPtrace) !== 0n;
}

/** Empty if the process has ended. */
function statusOf(native: Native, pid: number): string {
  const path = `/proc/${pid}/status`;
  return expectIfPresent(native.readText(path, largestStatus), 'exec.look', `cannot read "${path}"`, 'read') ?? '';
}

/** Undefined if the process has ended, `hidden` if the runtime lacks the privileges to read the link. */
function read(native: Native, path: string): string | undefined {
  const link = native.readLink(path);
  if (link === -EACCES || link === -EPERM) return hidden;
  return expectIfPresent(link, 'exec.look', `cannot read "${path}"`, 'readlink');
}
