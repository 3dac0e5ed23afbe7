import { expectDone } from '../diag/system.ts';
import type { Native } from '../host/native.ts';

/** For a command that waits for its container or program, before that exists: signals are to be forwarded to it. */
export function catchSignals(native: Native): void {
  expectDone(native.catchSignals(), 'signals.catch', 'cannot catch signals', 'pipe2');
}
