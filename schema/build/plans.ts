/**
 * Writes the plans of src/plan/snapshots/cases.ts as text beside them. Run by `make generate`; the unit test
 * src/plan/snapshots/snapshots.test.ts fails when one differs.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { planCases } from '../../src/plan/snapshots/cases.ts';

const folder = new URL('../../src/plan/snapshots/', import.meta.url);

for (const file of readdirSync(folder)) if (file.endsWith('.txt')) rmSync(new URL(file, folder));
for (const [name, print] of Object.entries(planCases)) writeFileSync(new URL(`${name}.txt`, folder), print().text);
