import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import { traceStarted } from '../diag/trace.ts';
import type { TracedOp } from '../diag/trace-events.ts';
import { lookInto } from '../diag/look.ts';
import type { Native } from '../host/native.ts';
import { ECONNREFUSED } from '../kernel/errno.ts';
import { SOCK_SEQPACKET } from '../kernel/sockets.ts';
import { helperOps } from '../plan/plan.ts';
import type { Plan } from '../plan/plan.ts';
import type { StartHooks } from '../plan/hooks.ts';
import { diedInSetUp, endedUnheard, requireExecuted } from './ending.ts';
import type { HelperRecord } from './records.ts';
import type { Watch } from './watch.ts';
import { failureOf, receiveFrom, isDelivered, sendGoAhead } from './control.ts';

/** Any byte: only the descriptor counts. */
const traceText = '\u0001';

/**
 * Tells init, whose pid is `pid`, that its state is saved: from now on it outlives the runtime and waits for `start`.
 * Throws a Failure if init has ended.
 */
export function confirm(native: Native, plan: Plan, control: number, pid: number): void {
  try {
    if (!sendGoAhead(native, control, 'saved')) throw diedInSetUp(native, plan, pid);
  } finally {
    native.close(control);
  }
}

/** Connects to the init that waits for `start`. */
export function connectStart(native: Native, socketPath: string): number {
  const control = native.connect(socketPath, SOCK_SEQPACKET);
  if (control === -ECONNREFUSED) {
    throw new Failure({ code: 'start.dead', message: 'container process is already dead' });
  }
  if (control < 0) throw systemFailure('start.connect', `cannot connect to "${socketPath}"`, 'connect', control);
  return control;
}

/** The ops that `start` triggers, and their origin: only `create` has the plan. `nth` counts ops of one name. */
function startedOp(op: string, nth: number): TracedOp {
  switch (op) {
    case 'hook':
      return { op, from: `/hooks/startContainer/${nth}` };
    case 'seccomp':
    case 'seccomp_notify':
      return { op, from: '/linux/seccomp' };
    case 'exec':
      return { op, from: '/process/args' };
    default:
      return { op, from: 'default' };
  }
}

/** Knowledge of init's ops: the plan in the command that made it, the saved start hooks in a later command. */
export type KnownOps =
  | { readonly kind: 'plan'; readonly plan: Plan }
  | { readonly kind: 'saved'; readonly startHooks: StartHooks | undefined };

/**
 * Lets init execute its program. Returns once it runs, or throws a Failure with the cause. `pid`: that of init.
 * `uncertain`: its filter may end it before its program runs. `watch` answers what that filter asks.
 */
export function release(
  native: Native,
  control: number,
  known: KnownOps,
  pid: number,
  uncertain: boolean,
  watch?: Watch,
): void {
  const trace = known.kind === 'saved' ? traceStarted(native, startedOp) : undefined;
  const send = (): boolean => {
    const heard = sendGoAhead(native, control, trace === undefined ? 'start' : 'start_traced');
    return trace === undefined ? heard : isDelivered(native.sendDescriptor(control, trace, traceText));
  };
  awaitProgram(native, control, known, pid, uncertain, send, watch);
}

/** As `release`; `send` sends the go-ahead, and returns false if init has ended. */
export function awaitProgram(
  native: Native,
  control: number,
  known: KnownOps,
  pid: number,
  uncertain: boolean,
  send: () => boolean,
  watch?: Watch,
): void {
  let record: HelperRecord;
  let heard: boolean;
  try {
    heard = send();
    record = receiveFrom(native, control, pid, watch);
    if (record.kind === 'failed' || record.kind === 'hook_failed') {
      // Init waits until the socket is closed.
      const look = lookInto(native, pid);
      throw known.kind === 'plan'
        ? failureOf(record, helperOps(known.plan), look)
        : failureOf(record, undefined, look, known.startHooks);
    }
  } finally {
    native.close(control);
  }
  requireExecuted(native, pid, uncertain);
  // Another process has reaped it.
  if (record.kind === 'end' && (!heard || record.unread === true)) throw endedUnheard();
}
