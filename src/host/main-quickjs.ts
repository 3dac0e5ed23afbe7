import { main } from '../cli/main.ts';
import { architectures } from '../plan/seccomp/architectures.ts';
import type { Native } from './native.ts';

declare const native: Native;

// Puts the table into the image of the heap (native/host/arena.h), where it costs nothing.
architectures();

/** Called by native/host/rt.c in each process; everything above ran at build time. */
function start(argv: readonly string[]): number {
  return main(argv, native);
}

Object.assign(globalThis, { start });
