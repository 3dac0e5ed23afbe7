// Writes V8's code cache of build/node/program.js, after a rehearsal of a few commands against a simulated host:
// node-cache.mjs DIRECTORY HOST.js
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Script, runInThisContext } from 'node:vm';

const require = createRequire(import.meta.url);

const [directory, host] = process.argv.slice(2).map((path) => resolve(path));
const filename = join(directory, 'program.js');
globalThis.native = { ...require(join(directory, 'rt.node')) };
runInThisContext(readFileSync(host, 'utf8'));
const played = { createRequire: () => () => globalThis.native };

const script = new Script(readFileSync(filename, 'utf8'), { filename });
const { start } = script.runInThisContext()((name) => (name === 'node:module' ? played : require(name)), directory);
for (const words of ['state c', 'start c', 'exec c true', 'run --bundle /bundle c', 'delete --force c']) {
  const code = start(words.split(' '));
  if (code !== 0) throw new Error(`the rehearsal of "rt ${words}" ended with ${code}`);
}
writeFileSync(join(directory, 'program.cache'), script.createCachedData());
