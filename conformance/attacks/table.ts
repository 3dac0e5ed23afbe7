/**
 * Prints how the runtimes have stood the attacks, and writes it as JSON: usage: table.ts LINES OUTPUT. Fails when ours did
 * not hold, or when no control fell for anything.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface Line {
  readonly attack: string;
  readonly runtime: string;
  readonly verdict: string;
}

const RUNTIMES = ['rt', 'node', 'runc', 'crun'];
const OURS = ['rt', 'node'];
/** Of an attack that was skipped with a reason: build/tap/attacks.tap has it. */
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
process.exit(count(OURS, ['broken', 'error']) === 0 && count(controls, ['broken']) > 0 ? 0 : 1);
