/**
 * Writes the seed inputs of the C programs into a directory: the plans of src/plan/snapshots, encoded for the helper.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeProgram } from '../../src/launch/encode.ts';
import { planCases } from '../../src/plan/snapshots/cases.ts';
import type { PlannedOp } from '../../src/plan/types.ts';

const folder = join(process.argv[2] ?? '', 'native-program');
mkdirSync(folder, { recursive: true });
const kinds = new Set<string>();

function write(name: string, ops: readonly PlannedOp[]): void {
  const parts = encodeProgram(ops).map((part) => {
    if (typeof part === 'number') return Buffer.from(Uint32Array.of(part).buffer);
    if (typeof part !== 'string') return Buffer.from(part);
    const text = Buffer.from(part);
    return Buffer.concat([Buffer.from(Uint32Array.of(text.length).buffer), text, Buffer.of(0)]);
  });
  writeFileSync(join(folder, name), Buffer.concat(parts));
}

for (const [name, print] of Object.entries(planCases)) {
  const { ops } = print();
  write(name, ops);
  // And each op alone: small inputs are mutated and run more often.
  for (const op of ops) {
    if (!kinds.has(op.op)) write(`op-${op.op}`, [op]);
    kinds.add(op.op);
  }
}
