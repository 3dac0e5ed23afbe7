/**
 * Starts the program on Node from V8's code cache, made at build time (native/build/node-cache.mjs): compiling takes
 * longer than a container. V8 rejects the cache of another version of Node, and compiles the program.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import type * as program from './main-node-program.ts';

function readCache(): Buffer | undefined {
  try {
    return readFileSync(join(import.meta.dirname, 'program.cache'));
  } catch {
    // An installation without the cache is only slower.
    return undefined;
  }
}

const filename = join(import.meta.dirname, 'program.js');
const cachedData = readCache();
const script = new Script(
  // Only ASCII, by native/build/bundle.mjs: quicker to read, and half of the memory.
  readFileSync(filename, 'latin1'),
  cachedData === undefined ? { filename } : { filename, cachedData },
);
const wrapped = script.runInThisContext() as (require: NodeJS.Require, directory: string) => typeof program;
const { start, exit } = wrapped(createRequire(filename), import.meta.dirname);
exit(start(process.argv.slice(2)));
