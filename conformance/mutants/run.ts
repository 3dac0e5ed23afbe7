/**
 * Makes single changes to the lists of operations in src/plan, and reports those that no unit test of the planner
 * notices: an element is dropped, two neighbours are swapped, a computed list loses its first element or is reversed.
 *
 *   run.ts [--list] [file below src/plan]...
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changesOf } from './changes.ts';
import type { Change } from './changes.ts';
import { equivalents } from './equivalent.ts';
import { judge, removeBundles } from './trial.ts';

const plan = fileURLToPath(new URL('../../src/plan', import.meta.url));
const requiredShare = 95;

function planFiles(): string[] {
  return readdirSync(plan, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('snapshots/'))
    .filter((name) => name !== 'fixture.ts' && name !== 'invariants.ts')
    .filter(isChosen)
    .map((name) => join(plan, name))
    .sort();
}

const chosen = process.argv.slice(2).filter((word) => !word.startsWith('--'));

function isChosen(file: string): boolean {
  return chosen.length === 0 || chosen.includes(file);
}

function shown({ file, line, what }: Change): string {
  return `${relative(plan, file)}:${String(line)} ${what}`;
}

async function main(): Promise<number> {
  const all = changesOf(planFiles(), fileURLToPath(new URL('../../tsconfig.json', import.meta.url)));
  if (process.argv.includes('--list')) {
    for (const change of all) console.log(shown(change));
    return 0;
  }
  console.log(`${String(all.length)} changes to try; no source file is written to`);
  const isSame = (change: Change, { file, what }: (typeof equivalents)[number]): boolean =>
    relative(plan, change.file) === file && change.what === what;
  const noticed: Change[] = [];
  const missed: Change[] = [];
  let named = 0;
  const waiting = all.values();
  const work = async (_: unknown, worker: number): Promise<void> => {
    for (const change of waiting) {
      const verdict = await judge(change, worker);
      (verdict.witness === undefined ? missed : noticed).push(change);
      if (verdict.named) named += 1;
      const done = noticed.length + missed.length;
      if (done % 100 === 0) console.log(`${String(done)} of ${String(all.length)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    removeBundles();
  }
  const excused = missed.filter((change) => equivalents.some((one) => isSame(change, one)));
  const open = missed.filter((change) => !excused.includes(change));
  for (const change of open.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)) {
    console.log(`not noticed: ${shown(change)}`);
  }
  const stale = equivalents.filter((one) => isChosen(one.file) && !missed.some((change) => isSame(change, one)));
  for (const { file, what } of stale) console.log(`listed as making no difference, but not so: ${file} ${what}`);
  const counted = all.length - excused.length;
  const share = (100 * noticed.length) / counted;
  console.log(
    `${String(noticed.length)} of ${String(counted)} changes are noticed (${share.toFixed(1)} %, at least ${String(requiredShare)} % must be), ` +
      `${String(named)} of them by an invariant, too; ${String(excused.length)} make no difference`,
  );
  return share >= requiredShare && stale.length === 0 ? 0 : 1;
}

process.exitCode = await main();
