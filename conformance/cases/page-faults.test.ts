/**
 * The blocks of the heap that a command uses lie together in the binary (native/host/arrange.h). These budgets are above
 * what a start takes then (Linux 6.1 takes some more than 6.18), and below what it takes when the gain is lost, as with
 * `make build ARRANGE=no`.
 */
import type { Test } from 'tap';
import { guestProgram } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

const OURS = {
  oursOnly: 'a budget of this project',
  deviates: { node: 'its heap is not part of a program', sanitized: 'it has no image of a heap' },
};

/** Page faults of a command: the fewest of three runs, for the first may find files that are not in memory. */
async function faults(t: Test, rt: Sandbox, words: () => readonly string[]): Promise<number> {
  const counts: number[] = [];
  for (let round = 0; round < 3; round++) {
    const outcome = await rt.commandThrough([guestProgram('pages')], ...words());
    t.equal(outcome.status, 0, outcome.stderr);
    counts.push(Number(outcome.stdout));
  }
  const fewest = Math.min(...counts);
  t.ok(fewest > 0, 'faults are counted');
  return fewest;
}

function within(t: Test, taken: number, budget: number): void {
  t.ok(taken <= budget, `${taken} page faults, at most ${budget}`);
}

forEachRuntime(
  '--version takes few page faults',
  async (t, rt) => within(t, await faults(t, rt, () => ['--version']), 112),
  OURS,
);

forEachRuntime(
  'state takes few page faults',
  async (t, rt) => {
    const container = await rt.created();
    within(t, await faults(t, rt, () => ['state', container.id]), 160);
    await container.remove('--force');
  },
  OURS,
);

forEachRuntime(
  'run takes few page faults',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/true']));
    within(t, await faults(t, rt, () => ['run', '--bundle', bundle.dir, rt.nextId()]), 300);
  },
  OURS,
);
