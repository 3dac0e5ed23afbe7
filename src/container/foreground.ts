import { expectDone } from '../diag/system.ts';
import type { Native } from '../host/native.ts';

/** Called before the container or program of a foreground command exists: signals are later forwarded to it. */
export function catchSignals(native: Native): void {
  expectDone(native.catchSignals(), 'signals.catch', 'cannot catch signals', 'pipe2');
}
