import { main } from '../cli/main.ts';
import type { Native } from './native.ts';

declare const native: Native;

/** Called by native/host/rt.c in each process; everything above ran at build time. */
function start(argv: readonly string[]): number {
  return main(argv, native);
}

Object.assign(globalThis, { start });
