/**
 * Prints the verdict on each validation program, one per line, and fails if rt fails a program for a reason that
 * reasons.json does not list.
 *
 *   report [--record PLACE] RUNTIME...    PLACE: host, vm-v1, vm-v2 or vm-selinux; writes results.json and the table of README.md
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeAll } from './judge.ts';
import type { Verdict } from './judge.ts';

interface Reason {
  /** The places where no runtime can pass, or where rt does not. */
  readonly places: readonly string[];
  readonly kind: 'kernel' | 'suite' | 'ours' | 'peers';
  readonly reason: string;
  /** It passes there once the lines of mends.tsv are corrected. */
  readonly mended?: true;
}

const HERE = import.meta.dirname;
const RESULTS = join(HERE, '..', '..', 'build', 'oci', 'results');
const REMARK = 'remark';
const COLUMNS: Readonly<Record<string, string>> = {
  'host rt': 'rt',
  'host node': 'rt on Node',
  'host runc': 'runc',
  'host crun': 'crun',
  'vm-v1 rt': 'rt, VM v1',
  'vm-v2 rt': 'rt, VM v2',
  'vm-selinux rt': 'rt, VM SELinux',
  mended: 'rt, line mended',
};

const { values: options, positionals: runtimes } = parseArgs({
  options: { record: { type: 'string' }, place: { type: 'string', default: 'host' } },
  allowPositionals: true,
});
const place = options.record ?? options.place;
const reasons = readJson('reasons.json') as Record<string, readonly Reason[]>;
const verdicts = new Map(runtimes.map((name) => [name, judgeAll(join(RESULTS, name))]));
const programs = [...new Set([...verdicts.values()].flatMap((all) => [...all.keys()]))].sort();

console.log(line('', runtimes));
for (const program of programs) {
  console.log(
    line(
      program,
      runtimes.map((name) => cell(verdicts.get(name)?.get(program))),
    ),
  );
}
let unexplained = 0;
let last: { passed: number; all: number } | undefined;
for (const name of [...runtimes].sort((a, b) => rank(a) - rank(b))) {
  const all = verdicts.get(name) ?? new Map<string, Verdict>();
  console.log(`\n${name}`);
  for (const [program, verdict] of [...all].sort()) explain(name, program, verdict);
  const passed = [...all.values()].filter((verdict) => verdict.passed).length;
  const byTap = [...all.values()].filter((verdict) => verdict.passed || verdict.onlyRemarked).length;
  console.log(`${name}: ${passed} of ${all.size} programs pass, ${byTap} by TAP alone`);
  last = { passed, all: all.size };
}
for (const [program, verdict] of judgeAll(join(RESULTS, 'mended'))) {
  if (!verdict.passed && reasonFor(program)?.mended === true) unexplained += 1;
  console.log(`${program}, mended: ${cell(verdict)}`);
}
const { passed, all } = last ?? { passed: 0, all: 0 };
console.log(`${passed} of ${all} programs pass`);
if (options.record !== undefined) record(options.record);
process.exit(unexplained === 0 ? 0 : 1);

function explain(name: string, program: string, verdict: Verdict): void {
  const ours = name === 'rt' || name === 'node';
  for (const thing of verdict.left) console.log(`  ${program}: left ${thing}`);
  if (verdict.passed) return;
  for (const words of new Set([...verdict.failed, ...(verdict.complaint === undefined ? [] : [verdict.complaint])])) {
    console.log(`  ${program}: ${words}`);
  }
  if (!ours) return;
  const reason = reasonFor(program);
  if (reason !== undefined) return console.log(`    known (${reason.kind}): ${reason.reason}`);
  unexplained += 1;
  console.log('    NOT EXPLAINED');
}

function reasonFor(program: string): Reason | undefined {
  return reasons[program]?.find(({ places }) => places.includes(place));
}

/** rt comes last, since the last line of the output matters most. */
function rank(name: string): number {
  return ['crun', 'runc', 'node', 'rt'].indexOf(name);
}

function cell(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '';
  if (verdict.passed) return verdict.assertions === 0 ? 'ok' : String(verdict.assertions);
  if (verdict.failed.length > 0) return `${verdict.failed.length} of ${verdict.assertions} fail`;
  return verdict.onlyRemarked ? REMARK : 'fails';
}

function line(program: string, cells: readonly string[]): string {
  return [program.padEnd(34), ...cells.map((text) => text.padEnd(16))].join('').trimEnd();
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(HERE, name), 'utf8'));
}

/** Cells by column (`host rt`), then by program. */
type Results = Record<string, Record<string, string>>;

function record(where: string): void {
  const results = readJson('results.json') as Results;
  for (const [name, all] of verdicts) results[`${where} ${name}`] = cellsOf(all);
  // A correction proves nothing where a program also fails for another reason, as all those about cgroups do on v2.
  const mended = [...judgeAll(join(RESULTS, 'mended'))].filter(([program]) => reasonFor(program)?.mended === true);
  results['mended'] = { ...results['mended'], ...cellsOf(new Map(mended)) };
  writeFileSync(join(HERE, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  const readme = readFileSync(join(HERE, 'README.md'), 'utf8');
  const [before = '', after = ''] = [readme.split('<!-- table -->')[0], readme.split('<!-- end of table -->')[1]];
  writeFileSync(join(HERE, 'README.md'), `${before}<!-- table -->\n\n${table(results)}\n<!-- end of table -->${after}`);
}

function cellsOf(all: ReadonlyMap<string, Verdict>): Record<string, string> {
  return Object.fromEntries(
    [...all].sort().map(([program, verdict]) => [program, verdict.passed ? cell(verdict) : `**${cell(verdict)}**`]),
  );
}

function table(results: Results): string {
  const columns = Object.keys(COLUMNS).filter((column) => column in results);
  const all = [...new Set(columns.flatMap((column) => Object.keys(results[column] ?? {})))].sort();
  const rows = all.map((program) => {
    const cells = columns.map((column) => results[column]?.[program] ?? '');
    const why = (reasons[program] ?? []).map(({ kind, reason }) => `${kind}: ${reason}`);
    return `| ${[program, ...cells, why.join('; ')].join(' | ')} |`;
  });
  const passes = (column: string, program: string): boolean => results[column]?.[program]?.startsWith('**') === false;
  const total = (counts: (column: string, program: string) => boolean): string[] =>
    columns.map((column) => {
      const programs = Object.keys(results[column] ?? {});
      return `**${programs.filter((program) => counts(column, program)).length} of ${programs.length}**`;
    });
  const byTap = total((column, program) => passes(column, program) || results[column]?.[program] === `**${REMARK}**`);
  const somewhere = (ours: readonly string[]): number =>
    all.filter((program) => ours.some((column) => passes(column, program))).length;
  const ours = columns.filter((column) => column.endsWith(' rt'));
  return [
    `| program | ${columns.map((column) => COLUMNS[column] ?? column).join(' | ')} | why not everywhere |`,
    `|---|${columns.map(() => '---|').join('')}---|`,
    ...rows,
    `| programs that pass | ${total(passes).join(' | ')} | |`,
    `| by TAP alone | ${byTap.join(' | ')} | |`,
    '',
    `${somewhere(ours)} of ${all.length} programs pass with rt in one of these places, ${somewhere([...ours, 'mended'])} when those`,
    'that fail because of a line of their own have it mended.',
    '',
  ].join('\n');
}
