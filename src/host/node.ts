import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Native } from './native.ts';

/** From the bundles in build/node, which are in the package of npm as well. */
const besides = { rt: '../rt', 'rt.node': './rt.node' } as const;
/** From this file, for a run from source. */
const built = { rt: '../../build/rt', 'rt.node': '../../build/node/rt.node' } as const;

/**
 * The path of a file that is made for one machine: the program `rt`, or the native functions for Node. It is in the build
 * that this is part of, or else in the package that npm installs for the machine (packaging/npm.mjs). The first of these
 * paths if it is nowhere.
 */
export function nativeFile(name: keyof typeof besides): string {
  const own = fileURLToPath(new URL((import.meta.url.endsWith('.ts') ? built : besides)[name], import.meta.url));
  if (existsSync(own)) return own;
  try {
    return createRequire(import.meta.url).resolve(`@oci-rt/linux-${process.arch}/${name}`);
  } catch {
    return own;
  }
}

/** Loads the native functions for Node. */
export function loadNative(): Native {
  return createRequire(import.meta.url)(nativeFile('rt.node')) as Native;
}
