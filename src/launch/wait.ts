import type { Native } from '../host/native.ts';

/** The argument of the native function poll. */
export function waitList(wanted: readonly (readonly [descriptor: number, events: number])[]): ArrayBuffer {
  return new Int32Array(wanted.flat()).buffer;
}

export function milliseconds(native: Native): number {
  const [seconds = 0, nanoseconds = 0] = native.realTime();
  return seconds * 1000 + nanoseconds / 1e6;
}
