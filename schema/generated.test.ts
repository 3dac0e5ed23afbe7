import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const generated = fileURLToPath(new URL('generated/', import.meta.url));
const generator = fileURLToPath(new URL('build/validator.ts', import.meta.url));

/** Maximum size of the config validator, which is loaded at every start. */
const maximumSize = 56_000;

t.test('the generated validators and types are those of the schemas', async (t) => {
  const directory = t.testdir();
  execFileSync(process.execPath, ['--import=tsx', generator, directory]);
  const names = readdirSync(directory);
  t.ok(names.includes('validate-config.js') && names.includes('config.ts'));
  for (const name of names) {
    const stale = readFileSync(join(directory, name), 'utf8') !== readFileSync(join(generated, name), 'utf8');
    t.notOk(stale, `${name} is what the generator writes`);
  }
});

t.test('validators are small and need nothing', async (t) => {
  for (const name of readdirSync(generated).filter((file) => file.startsWith('validate-') && file.endsWith('.js'))) {
    const text = readFileSync(join(generated, name), 'utf8');
    t.notMatch(text, /\b(import|require|RegExp)\b/, name);
  }
  t.ok(readFileSync(join(generated, 'validate-config.js'), 'utf8').length < maximumSize);
});

t.test('lists of strings are lists of strings, integers of 64 bits may be bigint', async (t) => {
  const types = readFileSync(join(generated, 'config.ts'), 'utf8');
  t.match(types, /export type Uint64 = number \| bigint;/);
  t.match(types, /\bargs\?: string\[\];/);
  t.notMatch(types, /\[k: string\]: unknown/);
});
