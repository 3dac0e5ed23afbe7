import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { errors } from './errors.ts';

const src = new URL('../src', import.meta.url).pathname;
const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(src, name), 'utf8'))
  .join('\n');

/** The sources put these together of two words. */
const composed = /^(?:seccomp\.(action|defaultAction|flag|index|notify|operator)|(console|pidfd)\.connect)$/;

t.test('each code has a source', async (t) => {
  for (const code of Object.keys(errors)) {
    const [, kind, socket] = composed.exec(code) ?? [];
    t.ok(sources.includes(`'${kind ?? socket ?? code}'`), code);
  }
});

t.test('each code has a meaning and a cure, in one sentence', async (t) => {
  for (const [code, words] of Object.entries<readonly string[]>(errors)) {
    t.ok(
      words.every((text) => text !== '' && !text.endsWith('.') && !text.includes('\n')),
      code,
    );
  }
});

t.test('codes are in the order of the alphabet, as the page is read', async (t) => {
  const codes = Object.keys(errors);
  t.strictSame(
    codes,
    [...codes].sort((one, other) => (one < other ? -1 : 1)),
  );
});
