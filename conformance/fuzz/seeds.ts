/** Writes what the programs in C begin with into a directory: the programs of src/plan/snapshots as the helper gets them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeProgram } from '../../src/launch/encode.ts';
import { planCases } from '../../src/plan/snapshots/cases.ts';

const folder = join(process.argv[2] ?? '', 'native-program');
mkdirSync(folder, { recursive: true });
for (const [name, print] of Object.entries(planCases)) {
  const parts = encodeProgram(print().ops).map((part) => {
    if (typeof part === 'number') return Buffer.from(Uint32Array.of(part).buffer);
    if (typeof part !== 'string') return Buffer.from(part);
    const text = Buffer.from(part);
    return Buffer.concat([Buffer.from(Uint32Array.of(text.length).buffer), text, Buffer.of(0)]);
  });
  writeFileSync(join(folder, name), Buffer.concat(parts));
}
