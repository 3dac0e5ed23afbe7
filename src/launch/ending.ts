import { Failure } from '../diag/diagnostic.ts';
import { expectIfPresent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { PF_EXITING } from '../kernel/processes.ts';
import { SIGSYS } from '../kernel/signals.ts';
import type { Plan } from '../plan/plan.ts';
import { memoryNumbers, wasOutOfMemory } from '../cgroup/control.ts';

/** Index among the fields after the name, which is the second (proc_pid_stat(5)). */
const flagsIndex = 9 - 3;
const exitCodeIndex = 52 - 3;
/** The name that native/helper/init.c gives itself; execve(2) sets the name of the program. */
const nameOfHelper = 'rt:init';
/** Beginning of the link to the helper's program (native/host/launch.c). */
const linkOfHelper = '/memfd:rt-init';

interface Process {
  readonly name: string;
  readonly exiting: boolean;
  /** As of waitpid(2); 0 also if the kernel does not reveal it. */
  readonly waitStatus: number;
}

/** Undefined if it has been reaped. */
function readEnd(native: Native, pid: number): Process | undefined {
  const path = `/proc/${pid}/stat`;
  const text = expectIfPresent(native.readText(path, 4096), 'process.read', `cannot read "${path}"`, 'read');
  if (text === undefined) return undefined;
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    exiting: (Number(fields[flagsIndex]) & PF_EXITING) !== 0,
    waitStatus: Number(fields[exitCodeIndex]),
  };
}

/**
 * What the child `pid`, in which a helper was started, is now. `forked`: the helper may have ended because it continues in
 * another process, which has yet to say so; `other`: it has executed its program, or has ended.
 */
export function conditionOf(native: Native, pid: number): 'helper' | 'forked' | 'other' {
  const link = `/proc/${pid}/exe`;
  const program = native.readLink(link);
  if (typeof program === 'string') {
    // A clone that shares memory until it executes the helper lets this process continue just before its link changes.
    const isHelper = program.startsWith(linkOfHelper) || isOneFile(native, link, '/proc/self/exe');
    return isHelper ? 'helper' : 'other';
  }
  if (program !== -ENOENT) return 'helper';
  const found = readEnd(native, pid);
  return found?.name === nameOfHelper && found.waitStatus === 0 ? 'forked' : 'other';
}

/** Not by the text of links, since a container may have another program at the path of the runtime. */
function isOneFile(native: Native, one: string, other: string): boolean {
  const [first, second] = [native.stat(one, 1), native.stat(other, 1)];
  if (typeof first === 'number' || typeof second === 'number') return false;
  return first[3] === second[3] && first[4] === second[4];
}

/**
 * Called once init has closed its control socket. Throws a Failure if init has ended instead of executing its program; a
 * process that has been reaped counts as having executed it. `filtered`: the filter may be the cause.
 */
export function requireExecuted(native: Native, pid: number, filtered: boolean): void {
  // An ending process releases its memory, and with it this link, before its descriptors.
  const program = native.readLink(`/proc/${pid}/exe`);
  if (typeof program === 'string') {
    if (!program.startsWith(linkOfHelper)) return;
    const message = 'the container process did not receive the go-ahead';
    throw new Failure({ code: 'launch.unheard', message, hint: 'it is still waiting: try again' });
  }
  const found = readEnd(native, pid);
  // PF_EXITING is set even earlier. A program that has ended meanwhile has its own name.
  if (found?.exiting !== true || found.name !== nameOfHelper) return;
  throw filtered ? endedUnderFilter(found.waitStatus) : endedEarly('before its program ran', found.waitStatus);
}

/**
 * The reason why init, a child of this process, has ended during its setup. The cgroup of the container counts OOM kills.
 */
export function diedInSetUp(native: Native, plan: Plan, pid: number): Failure {
  if (wasOutOfMemory(native, plan.cgroup)) {
    return new Failure({
      code: 'launch.memory',
      message: `container init was OOM-killed (memory limit too low?)${memoryNumbers(native, plan.cgroup)}`,
      pointer: '/linux/resources/memory/limit',
    });
  }
  const waitStatus = readEnd(native, pid)?.waitStatus ?? 0;
  return plan.uncertainStart ? endedUnderFilter(waitStatus) : endedEarly('during its setup', waitStatus);
}

/** For an init that has ended without reading its go-ahead. */
export function endedUnheard(): Failure {
  return endedEarly('before it was started', 0);
}

function endedEarly(when: string, waitStatus: number): Failure {
  const end = waitStatus === 0 ? '' : ` (${ending(waitStatus)})`;
  return new Failure({ code: 'launch.died', message: `the container process ended ${when}${end}` });
}

function endedUnderFilter(waitStatus: number): Failure {
  const end = waitStatus === 0 ? '' : `${ending(waitStatus)}, `;
  const subject = isSigsys(waitStatus) ? 'linux.seccomp ended the container process' : 'the container process ended';
  return new Failure({
    code: 'seccomp.ended',
    message: `${subject} before its program ran (${end}after: seccomp)`,
    pointer: '/linux/seccomp',
    hint: 'a rule of the profile depends on the arguments of a call that the start needs, or passes it to a receiver or a tracer',
  });
}

function isSigsys(waitStatus: number): boolean {
  return (waitStatus & 0x7f) === SIGSYS;
}

function ending(waitStatus: number): string {
  const signal = waitStatus & 0x7f;
  if (signal === SIGSYS) return 'SIGSYS';
  return signal === 0 ? `exit status ${waitStatus >> 8}` : `signal ${signal}`;
}
