import { SIGNALS, SIGRTMAX } from '../kernel/signals.ts';
import type { PlannedOp } from './types.ts';

/** Their default action does not end a process (signal(7)), or cannot be changed. */
const harmless = [
  ...[SIGNALS.CHLD, SIGNALS.CONT, SIGNALS.URG, SIGNALS.WINCH],
  ...[SIGNALS.KILL, SIGNALS.STOP, SIGNALS.TSTP, SIGNALS.TTIN, SIGNALS.TTOU],
];

function endingSignals(): bigint {
  let mask = 0n;
  for (let signal = 1; signal <= SIGRTMAX; signal++) {
    // SIGSYS is how a seccomp filter ends a process: its exit status tells that.
    if (signal !== SIGNALS.SYS && !harmless.some((one) => one === signal)) mask |= 1n << BigInt(signal - 1);
  }
  return mask;
}

const ending = endingSignals();

/** A container that waits for `start` ends by a signal as its program would that has no handler for it. */
export function waitingSignalOps(): PlannedOp[] {
  return [{ op: 'end_on_signals', signals: ending, from: 'default' }];
}
