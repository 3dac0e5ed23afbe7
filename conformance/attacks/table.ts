/**
 * Prints which runtime withstood which attack, and writes the table as JSON. Fails if rt did not hold, or if no attack
 * succeeded on a control.
 *
 *   table.ts LINES OUTPUT
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Line {
  readonly attack: string;
  readonly runtime: string;
  readonly verdict: string;
}

const RUNTIMES = ['rt', 'node', 'runc', 'crun'];
const OURS = ['rt', 'node'];
/** The attack was skipped; build/tap/attacks.tap has the reason. */
const SKIPPED = 'not applicable';

const [, , input = '', output = ''] = process.argv;
const table = new Map<string, Record<string, string>>();
for (const line of readFileSync(input, 'utf8').split('\n').filter(Boolean)) {
  const { attack, runtime, verdict } = JSON.parse(line) as Line;
  const row = table.get(attack) ?? Object.fromEntries(RUNTIMES.map((name) => [name, SKIPPED]));
  row[runtime] = verdict;
  table.set(attack, row);
}
writeFileSync(output, `${JSON.stringify(Object.fromEntries(table), null, 2)}\n`);

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
console.log(row(['attack', ...RUNTIMES]));
console.log(row(['---', ...RUNTIMES.map(() => '---')]));
for (const [attack, verdicts] of table)
  console.log(row([attack, ...RUNTIMES.map((name) => verdicts[name] ?? SKIPPED)]));

const count = (names: readonly string[], wanted: readonly string[]): number =>
  [...table.values()].flatMap((verdicts) => names.filter((name) => wanted.includes(verdicts[name] ?? ''))).length;
for (const name of RUNTIMES) {
  const verdicts = ['held', 'broken', 'error', SKIPPED].map((one) => `${count([name], [one])} ${one}`);
  console.log(`${name}: ${verdicts.join(', ')}`);
}
const controls = RUNTIMES.filter((name) => !OURS.includes(name));
const failed = count(OURS, ['broken', 'error']);
const proven = count(controls, ['broken']) > 0;
if (failed > 0) console.log('FAILED: rt did not hold, or an attack ended early; build/tap/attacks.tap has the reason');
if (!proven) console.log('FAILED: no attack succeeded on runc or crun, so this run proves nothing');
if (failed === 0 && proven) console.log('rt held against every attack');
process.exit(failed === 0 && proven ? 0 : 1);
