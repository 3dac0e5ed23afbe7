import { expectDone } from '../diag/system.ts';
import type { Native } from '../host/native.ts';

/** For a command that stays until its container or program ends, before that exists: signals are passed on to it. */
export function catchSignals(native: Native): void {
  expectDone(native.catchSignals(), 'signals.catch', 'cannot catch signals', 'pipe2');
}
