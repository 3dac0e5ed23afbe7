import { Failure } from '../diag/diagnostic.ts';
import { expectDone, expectIfPresent, isAbsent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EINVAL } from '../kernel/errno.ts';
import { PF_EXITING } from '../kernel/processes.ts';
import { SIGKILL } from '../kernel/signals.ts';

export interface ProcessStatus {
  /** One letter, as in /proc/<pid>/stat. */
  readonly state: string;
  /** Clock ticks since boot. Together with the pid it identifies a process for good. */
  readonly startTime: number;
}

/** Undefined if there is no such process. */
export function readProcess(native: Native, pid: number): ProcessStatus | undefined {
  const stat = readStat(native, pid) ?? readHidden(native, pid);
  return stat === undefined ? undefined : { state: String.fromCharCode(stat[0] ?? 0), startTime: stat[2] ?? 0 };
}

function readStat(native: Native, pid: number): number[] | undefined {
  return expectIfPresent(native.processStat(pid), 'process.read', `cannot read "/proc/${pid}/stat"`, 'read');
}

/**
 * A process that is not in /proc has ended, unless /proc hides processes of others (`hidepid`, proc(5)) or is not
 * procfs at all. pidfd_open(2) decides.
 */
function readHidden(native: Native, pid: number): number[] | undefined {
  const opened = native.pidfdOpen(pid);
  if (isRefused(opened) && isAbsent(native.signalProcess(pid, 0))) return undefined;
  const pidfd = pidfdOf(opened, pid);
  if (pidfd === undefined) return undefined;
  const stat = readStat(native, pid);
  const ended = native.pidfdSignal(pidfd, 0);
  native.close(pidfd);
  if (stat !== undefined || isAbsent(ended)) return stat;
  throw new Failure({
    code: 'process.hidden',
    message: `cannot see process ${pid} in /proc, though there is one`,
    hint: 'rt needs procfs at /proc that shows the processes of its containers (mount option hidepid)',
  });
}

/** Start time of a process that has not been reaped yet, in clock ticks since boot. */
export function startTimeOf(native: Native, pid: number): number {
  const found = readProcess(native, pid);
  if (found !== undefined) return found.startTime;
  throw new Failure({ code: 'process.ended', message: `cannot find out when process ${pid} began: it has ended` });
}

/** True if that very process still runs; a zombie does not. */
export function isRunning(native: Native, pid: number, startTime: number): boolean {
  const found = readProcess(native, pid);
  return found !== undefined && found.startTime === startTime && found.state !== 'Z' && found.state !== 'X';
}

const pendingKill = 1n << BigInt(SIGKILL - 1);

/** True if the process is exiting or has a pending SIGKILL. Format: proc_pid_stat(5), proc_pid_status(5). */
export function isDying(native: Native, pid: number): boolean {
  const stat = native.processStat(pid);
  if (typeof stat === 'number') return false;
  if (((stat[1] ?? 0) & PF_EXITING) !== 0) return true;
  const status = native.readText(`/proc/${pid}/status`, 65536);
  if (typeof status === 'number') return false;
  return [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)].some(
    ([, pending = '']) => (BigInt(`0x${pending}`) & pendingKill) !== 0n,
  );
}

/**
 * A pidfd of that very process, undefined if it has ended. The start time is compared after the open, so a pid that was
 * reused in between is detected.
 */
export function openProcess(native: Native, pid: number, startTime: number): number | undefined {
  const opened = native.pidfdOpen(pid);
  if (isRefused(opened) && !isRunning(native, pid, startTime)) return undefined;
  const pidfd = pidfdOf(opened, pid);
  if (pidfd === undefined) return undefined;
  let running = false;
  try {
    running = isRunning(native, pid, startTime);
  } finally {
    if (!running) native.close(pidfd);
  }
  return running ? pidfd : undefined;
}

/** Whether the result of pidfd_open(2) does not tell if there is a process. */
function isRefused(pidfd: number): boolean {
  return pidfd < 0 && !hasNone(pidfd);
}

/** Whether no process has the pid; a thread may have it (EINVAL). */
function hasNone(pidfd: number): boolean {
  return pidfd === -EINVAL || isAbsent(pidfd);
}

/** The result of pidfd_open(2); undefined if no process has the pid. */
function pidfdOf(pidfd: number, pid: number): number | undefined {
  if (hasNone(pidfd)) return undefined;
  return expectDone(pidfd, 'process.open', `cannot open process ${pid}`, 'pidfd_open');
}
