import { createRequire } from 'node:module';
import type { Native } from './native.ts';

/** Loads the native functions for Node. The addon is beside the bundle; for a run from source, it is in build/. */
export function loadNative(): Native {
  const addon = import.meta.url.endsWith('.ts') ? '../../build/node/rt.node' : './rt.node';
  return createRequire(import.meta.url)(addon) as Native;
}
