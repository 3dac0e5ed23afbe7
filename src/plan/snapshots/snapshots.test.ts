import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { planCases } from './cases.ts';

const folder = new URL('./', import.meta.url);

t.test('plans: as checked in (`make generate` rewrites them; read the diff)', async (t) => {
  for (const [name, print] of Object.entries(planCases)) {
    t.equal(print(), readFileSync(new URL(`${name}.txt`, folder), 'utf8'), name);
  }
});

t.test('plans: every file belongs to a case', async (t) => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  t.strictSame(
    files.sort(),
    Object.keys(planCases)
      .map((name) => `${name}.txt`)
      .sort(),
  );
});
