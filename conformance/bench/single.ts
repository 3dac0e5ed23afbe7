/** One command at a time, on an idle host. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { FLOOR, UNCOUNTED, call, measure, median, memoryRow, timeRow } from './measure.ts';
import type { Row, Sample } from './measure.ts';
import type { Measured } from './runtimes.ts';

export const ID = 'bench';

/** `run` of /bin/true, and the floor if it supports the same. */
export function runRows(
  rounds: number,
  what: string,
  runtimes: readonly Measured[],
  bundle: string,
  floor: readonly string[],
): Row[] {
  const lines = runtimes.map(({ name, rooted }) => [name, ...rooted, 'run', '--bundle', bundle, ID]);
  const samples = measure(rounds, [...lines, [FLOOR, ...floor]]);
  return [timeRow(what, samples), memoryRow(what, samples)];
}

/** `create`, `start` and `delete`, together and separately. */
export function stepRows(rounds: number, runtimes: readonly Measured[], bundle: string): Row[] {
  const steps = ['create', 'start', 'delete'];
  const samples = measure(
    rounds,
    runtimes.flatMap(({ name, rooted }) => [
      [`${name}:create`, ...rooted, 'create', '--bundle', bundle, ID],
      [`${name}:start`, ...rooted, 'start', ID],
      ['wait'],
      [`${name}:delete`, ...rooted, 'delete', ID],
    ]),
  );
  const of = (name: string, step: string): readonly Sample[] => samples.get(`${name}:${step}`) ?? [];
  const sum = (name: string): Sample[] =>
    of(name, 'create').map((_, round) => ({
      duration: steps.reduce((total, step) => total + (of(name, step)[round]?.duration ?? 0), 0),
      memory: Math.max(...steps.map((step) => of(name, step)[round]?.memory ?? 0)),
    }));
  const each = (from: (name: string) => readonly Sample[]): Map<string, readonly Sample[]> =>
    new Map(runtimes.map(({ name }) => [name, from(name)]));
  const whole = 'create + start + delete';
  return [
    timeRow(whole, each(sum)),
    memoryRow(whole, each(sum)),
    ...steps.map((step) =>
      timeRow(
        `- ${step}`,
        each((name) => of(name, step)),
      ),
    ),
  ];
}

/** `exec` of /bin/true in a running container. */
export function execRows(rounds: number, place: Place, runtimes: readonly Measured[]): Row[] {
  const running: Measured[] = [];
  try {
    for (const runtime of runtimes) {
      const bundle = specBundle(place, `exec-${runtime.name}`, ['/bin/busybox', 'sleep', '1000000']);
      call([...runtime.rooted, 'run', '--detach', '--bundle', bundle, ID]);
      running.push(runtime);
    }
    const samples = measure(
      rounds,
      runtimes.map(({ name, rooted }) => [name, ...rooted, 'exec', ID, '/bin/true']),
    );
    return [timeRow('exec', samples), memoryRow('exec', samples)];
  } finally {
    for (const { rooted } of running) call([...rooted, 'delete', '--force', ID]);
  }
}

/** `state` of a created container, and `--version`. */
export function stateRows(rounds: number, runtimes: readonly Measured[], bundle: string): Row[] {
  const states = measure(
    rounds,
    runtimes.flatMap(({ name, rooted }) => [
      [UNCOUNTED, ...rooted, 'create', '--bundle', bundle, ID],
      [name, ...rooted, 'state', ID],
      [UNCOUNTED, ...rooted, 'delete', '--force', ID],
    ]),
  );
  const versions = measure(
    rounds,
    runtimes.map(({ name, argv }) => [name, ...argv, '--version']),
  );
  return [
    timeRow('state', states),
    memoryRow('state', states),
    timeRow('--version', versions),
    memoryRow('--version', versions),
  ];
}

/** The cost of Node beyond an empty script, as a multiple of the total time of the binary (`run`, spec config). */
export function nodeRows(rounds: number, runtimes: readonly Measured[], bundle: string, empty: string): Row[] {
  const [binary, node] = ['rt', 'node'].map((wanted) => runtimes.find(({ name }) => name === wanted));
  if (binary === undefined || node === undefined) return [];
  const samples = measure(rounds, [
    ['rt', ...binary.rooted, 'run', '--bundle', bundle, ID],
    ['node', ...node.rooted, 'run', '--bundle', bundle, ID],
    ['empty', process.execPath, empty],
  ]);
  const times = (name: string): number[] => (samples.get(name) ?? []).map(({ duration }) => duration / 1e6);
  const over = (of: (numbers: readonly number[]) => number): number =>
    (of(times('node')) - of(times('empty'))) / of(times('rt'));
  const best = (numbers: readonly number[]): number => Math.min(...numbers);
  return [
    {
      what: 'Node: empty script',
      unit: 'ms',
      values: { node: median(times('empty')) },
      minima: { node: best(times('empty')) },
    },
    {
      what: 'Node: run beyond that, over run of rt',
      unit: 'x',
      values: { node: over(median) },
      minima: { node: over(best) },
    },
  ];
}

/** Resident and proportional memory of a container that waits for `start`. */
export function createdRows(place: Place, runtimes: readonly Measured[], bundle: string): Row[] {
  const found = runtimes.map(({ name, rooted }) => {
    const pidFile = join(place.dir, 'pid');
    call([...rooted, 'create', '--pid-file', pidFile, '--bundle', bundle, ID]);
    const rollup = readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/smaps_rollup`, 'utf8');
    call([...rooted, 'delete', '--force', ID]);
    return { name, rollup };
  });
  return ['Rss', 'Pss'].map((field) => ({
    what: `created and waiting: ${field}`,
    unit: 'KiB',
    values: Object.fromEntries(
      found.map(({ name, rollup }) => [name, Number(new RegExp(`^${field}: +(\\d+)`, 'm').exec(rollup)?.[1])]),
    ),
  }));
}
