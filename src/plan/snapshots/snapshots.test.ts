import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { OP_CODECS } from '../../../schema/generated/ops.ts';
import { invariants, violations } from '../invariants.ts';
import type { PlannedOp } from '../types.ts';
import { planCases } from './cases.ts';

const folder = new URL('./', import.meta.url);

t.test('plans: as checked in (`make generate` rewrites them; read the diff)', async (t) => {
  for (const [name, print] of Object.entries(planCases)) {
    t.equal(print().text, readFileSync(new URL(`${name}.txt`, folder), 'utf8'), name);
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

/** Those that the runtime adds to a plan, or runs without one. */
const unplanned = ['pass_descriptors', 'unmount'];

t.test('plans: every operation is in one of them', async (t) => {
  const text = Object.values(planCases)
    .map((print) => print().text)
    .join('\n');
  const planned = new Set([...text.matchAll(/^ +\d+ +(\w+)/gm)].map(([, op]) => op));
  for (const op of Object.keys(OP_CODECS)) t.equal(planned.has(op), !unplanned.includes(op), op);
});

t.test('invariants: hold for every plan, and each applies to some', async (t) => {
  const lists = Object.entries(planCases).map(([name, print]) => [name, print().ops] as const);
  for (const [name, ops] of lists) t.strictSame(violations(ops), [], name);
  for (const { why, applies } of invariants)
    t.ok(
      lists.some(([, ops]) => applies(ops)),
      why,
    );
});

/** The list without one operation, with it at each end, and with one of its numbers 0. */
function changed(ops: readonly PlannedOp[]): (readonly PlannedOp[])[] {
  return ops.flatMap((op, index) => {
    const others = ops.toSpliced(index, 1);
    const numbers = Object.entries(op).filter(([, value]) => typeof value === 'number');
    const zeroed = numbers.map(([name]) => ops.with(index, { ...op, [name]: 0 }));
    return [others, [op, ...others], [...others, op], ...zeroed];
  });
}

t.test('invariants: each is violated if an operation is missing or misplaced', async (t) => {
  const lists = Object.values(planCases).map((print) => print().ops);
  for (const { why, applies, broken } of invariants) {
    const isBroken = (ops: readonly PlannedOp[]): boolean => changed(ops).some((list) => broken(list) !== undefined);
    t.ok(
      lists.some((ops) => applies(ops) && isBroken(ops)),
      why,
    );
  }
});

t.test('violations: reports a missing and a swapped operation with the reason', async (t) => {
  const ops = planCases['spec-v1']?.().ops ?? [];
  const bounding = ops.filter(({ op }) => op === 'drop_bounding');
  const others = ops.filter(({ op }) => op !== 'drop_bounding');
  t.match(violations(others), [/^dropping the bounding set needs CAP_SETPCAP: \d+ set_user$/]);
  const late = violations([...others.slice(0, -1), ...bounding, ...others.slice(-1)]);
  t.ok(
    late.some((text) => /CAP_SETPCAP: \d+ drop_bounding and \d+ set_user$/.test(text)),
    late.join('; '),
  );
});
