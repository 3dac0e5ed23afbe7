/**
 * Starts the program on Node with what V8 has compiled of it at build time (native/build/node-cache.mjs): compiling
 * it takes longer than a container. Code of another version of Node is refused by V8, and the program compiled.
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
    // An installation without it is slower, nothing else.
    return undefined;
  }
}

const filename = join(import.meta.dirname, 'program.js');
const cachedData = readCache();
const script = new Script(
  // Nothing but ASCII, by native/build/bundle.mjs: quicker to read, and half of the memory.
  readFileSync(filename, 'latin1'),
  cachedData === undefined ? { filename } : { filename, cachedData },
);
const wrapped = script.runInThisContext() as (require: NodeJS.Require, directory: string) => typeof program;
const { start, exit } = wrapped(createRequire(filename), import.meta.dirname);
exit(start(process.argv.slice(2)));
