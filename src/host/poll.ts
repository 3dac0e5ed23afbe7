import type { Native } from './native.ts';

/** The argument of the native function poll. */
export function waitList(wanted: readonly (readonly [descriptor: number, events: number])[]): ArrayBuffer {
  return new Int32Array(wanted.flat()).buffer;
}

export function milliseconds(native: Native): number {
  const [seconds = 0, nanoseconds = 0] = native.realTime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** poll(2) ignores a negative descriptor. */
const nothing = waitList([[-1, 0]]);

/** Pause of a polling loop: no event announces that a v1 cgroup became empty or that a lock was released. */
export function wait(native: Native, milliseconds: number): void {
  native.poll(nothing, milliseconds);
}
