/** Runs the targets of `make fuzz` with the inputs that once found a defect, and with a few fixed ones. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { random } from '../../schema/mutations.ts';
import { targets } from './targets.ts';

const seed = 1;

for (const { name, rounds, make, check } of targets) {
  const folder = new URL(`corpus/${name}/`, import.meta.url);
  t.test(`${name}: inputs that are kept`, async (t) => {
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      t.doesNotThrow(() => check(readFileSync(new URL(file, folder), 'utf8')), file);
    }
  });

  t.test(`${name}: inputs of seed ${seed}`, async (t) => {
    for (let run = 0; run < rounds; run++) {
      const input = make(random(seed + run));
      try {
        check(input);
      } catch (error) {
        t.fail(`input ${run}: ${JSON.stringify(input.slice(0, 2000))}`, { error });
        return;
      }
    }
  });
}
