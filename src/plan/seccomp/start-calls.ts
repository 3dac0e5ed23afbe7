import { AWAIT_START_HOW } from '../../../schema/generated/ops.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { PlannedOp } from '../types.ts';
import { nameOfReturn } from './action-words.ts';
import { kills } from './verdict.ts';
import type { Verdict } from './verdict.ts';

/** Names of system calls of the helper. */
interface Calls {
  /** The start fails if one of them fails. */
  readonly needed: readonly string[];
  /** Their result is ignored: only a filter that kills stops the start. */
  readonly made: readonly string[];
}

const signals = ['rt_sigaction', 'rt_sigprocmask'];
const execve: Calls = { needed: ['execve'], made: [] };
const exec: Calls = { needed: ['mmap', 'execve'], made: signals };
const setCapabilities: Calls = { needed: ['prctl', 'capset'], made: [] };
const forkInit: Calls = {
  needed: ['pipe2', 'clone', 'write', 'read', 'setsid', 'writev'],
  made: ['ioctl', 'prctl', 'close'],
};
const askRuntime: Calls = { needed: ['writev', 'read'], made: [] };
const scheduler: Calls = { needed: ['sched_setattr'], made: [] };
const awaitControl: Calls = { needed: ['writev', 'read'], made: ['prctl'] };
const awaitSocket: Calls = { needed: ['writev', 'read', 'getsockopt', 'accept4'], made: ['prctl', 'close'] };
const hookOfParent = [
  'mmap',
  'memfd_create',
  'writev',
  'lseek',
  'pipe2',
  'clone',
  'getpid',
  'clock_gettime',
  'ppoll',
  'wait4',
  'read',
];
const hookOfChild = ['dup3', 'close_range', 'execve'];
const hook: Calls = { needed: [...hookOfParent, ...hookOfChild], made: ['close', 'munmap', 'setpgid', ...signals] };
const hookWithTimeout: Calls = { ...hook, needed: [...hookOfParent, 'kill', ...hookOfChild] };

const callsByOp: { readonly [Name in PlannedOp['op']]?: Calls } = {
  set_capabilities: setCapabilities,
  fork_init: forkInit,
  await_scheduler: askRuntime,
  scheduler,
  exec,
};

/** The calls of an op that succeeds (native/helper), for ops that may follow the loading of the filter. */
function callsOf(op: PlannedOp): Calls {
  if (op.op === 'await_start') return op.how === AWAIT_START_HOW.listener ? awaitSocket : awaitControl;
  if (op.op === 'hook') return op.timeoutMs > 0 ? hookWithTimeout : hook;
  const calls = callsByOp[op.op];
  if (calls === undefined) throw new Error(`${op.op} comes after the filter, and nobody knows what it calls`);
  return calls;
}

/** All calls of a start under a filter that is loaded by `create` or `run`, without hooks, or right before the program. */
export function callsOfStart(noNewPrivileges: boolean): string[] {
  const steps = noNewPrivileges ? [execve] : [setCapabilities, awaitSocket, exec];
  return steps.flatMap(({ needed, made }) => [...needed, ...made]);
}

/** The calls that must work once the filter is loaded. */
function callsUnderFilter(ops: readonly PlannedOp[]): readonly Calls[] {
  const at = ops.findLastIndex(({ op }) => op === 'seccomp' || op === 'seccomp_notify');
  const load = ops[at];
  if (load === undefined) return [];
  return load.op === 'seccomp' && load.atExecve === 1 ? [execve] : ops.slice(at + 1).map(callsOf);
}

export interface StartCheck {
  /** The filter certainly prevents the start. */
  readonly fault: Diagnostic | undefined;
  /** Arguments, a receiver or a tracer decide on a call that the start needs. */
  readonly uncertain: boolean;
}

/** Whether the filter lets the helper get from loading the filter to executing the program. `ops` end with `exec`. */
export function checkStart(ops: readonly PlannedOp[], verdict: ((call: string) => Verdict) | undefined): StartCheck {
  if (verdict === undefined) return { fault: undefined, uncertain: false };
  const refused: { call: string; value: number; pointer: string }[] = [];
  let uncertain = false;
  const ask = (call: string, whatever: boolean): void => {
    const answer = verdict(call);
    if (answer.kind === 'allowed') return;
    if (answer.kind === 'open') uncertain = true;
    else if (whatever || answer.ends === 'always') refused.push({ call, ...answer });
    else if (answer.ends === 'sometimes') uncertain = true;
  };
  for (const { needed, made } of callsUnderFilter(ops)) {
    for (const call of needed) ask(call, true);
    for (const call of made) ask(call, false);
  }
  // The call that no other setting can avoid.
  const program = refused.find(({ call }) => call === 'execve');
  const first = program ?? refused[0];
  if (first === undefined) return { fault: undefined, uncertain };
  const { call, value, pointer } = first;
  const others = [...new Set(refused.map((other) => other.call))].filter((name) => name !== 'execve').join(', ');
  const message = `linux.seccomp answers ${call} with ${nameOfReturn(value)}: the program could never start`;
  // A filter with a listener is always loaded early.
  const couldBeLate = !ops.some(({ op }) => op === 'seccomp_notify');
  const late = 'process.noNewPrivileges, so that the filter is loaded right before the program';
  const hints = {
    execve: 'allow execve',
    both: couldBeLate ? `allow execve, and ${others} or set ${late}` : `allow execve, ${others}`,
    others: couldBeLate ? `allow ${others}, or set ${late}` : `allow ${others}`,
  };
  const hint = program === undefined ? hints.others : others === '' ? hints.execve : hints.both;
  return { fault: { code: 'seccomp.start', message, pointer, hint }, uncertain };
}

/** Without exit_group only a signal can end a program. */
export function exitWarning(verdict: ((call: string) => Verdict) | undefined): Diagnostic | undefined {
  const answer = verdict?.('exit_group');
  if (answer?.kind !== 'refused') return undefined;
  const end = kills(answer.value) ? 'ends with SIGSYS instead of its exit status' : 'cannot exit by itself';
  return {
    code: 'seccomp.exit',
    message: `linux.seccomp answers exit_group with ${nameOfReturn(answer.value)}: the program ${end}`,
    pointer: answer.pointer,
    hint: 'allow exit_group',
  };
}
