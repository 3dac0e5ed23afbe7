/** One command at a time, on an idle host. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isUnified } from '../harness/cgroup.ts';
import { makeBundle, specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { specConfig } from './configs.ts';
import { FLOOR, UNCOUNTED, addSamples, call, measure, median, memoryRow, processorRow, timeRow } from './measure.ts';
import type { Row, Sample, Samples } from './measure.ts';
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
  return [timeRow(what, samples), processorRow(what, samples), memoryRow(what, samples)];
}

/** `run` in scopes of systemd; no rows where systemd does not manage cgroup v2. */
export function systemdRows(rounds: number, place: Place, runtimes: readonly Measured[]): Row[] {
  if (!isUnified() || !existsSync('/run/systemd/system')) return [];
  const bundle = makeBundle(place, 'systemd', specConfig(`system.slice:${place.prefix}:systemd`));
  const lines = runtimes.map(({ name, rooted }) => [
    name,
    ...rooted,
    '--systemd-cgroup',
    'run',
    '--bundle',
    bundle,
    ID,
  ]);
  const samples = measure(rounds, lines);
  const what = "run, systemd's cgroup driver";
  return [timeRow(what, samples), processorRow(what, samples)];
}

/** Milliseconds between two starts on a host where they are rare. */
const apart = 400;
const blocks = 5;

/**
 * `run` of /bin/true as a rare start, and as one of many that follow each other: in rounds, each runtime waits for what the
 * kernel still does for the one before it.
 */
export function rhythmRows(
  rounds: number,
  runtimes: readonly Measured[],
  bundle: string,
  floor: readonly string[],
): Row[] {
  const lines = [
    ...runtimes.map(({ name, rooted }) => [name, ...rooted, 'run', '--bundle', bundle, ID]),
    [FLOOR, ...floor],
  ];
  const rare = measure(
    Math.ceil(rounds / blocks),
    lines.flatMap((line) => [['pause', String(apart)], line]),
  );
  const following: Samples = new Map();
  for (let block = 0; block < blocks; block++) {
    for (const line of lines) {
      // What the runtime before it has left to the kernel is over by then.
      measure(1, [
        ['pause', String(apart)],
        [UNCOUNTED, ...line.slice(1)],
      ]);
      addSamples(following, measure(Math.ceil(rounds / blocks), [line]));
    }
  }
  const [sporadic, backToBack] = [`run, ${apart} ms apart`, 'run, back to back'];
  return [
    timeRow(sporadic, rare),
    processorRow(sporadic, rare),
    timeRow(backToBack, following),
    processorRow(backToBack, following),
  ];
}

/** `run` of /bin/true by a runtime none of whose files is in the page cache. */
export function coldRows(rounds: number, runtimes: readonly Measured[], bundle: string): Row[] {
  const samples = measure(
    rounds,
    runtimes.flatMap(({ name, rooted }) => [['cold'], [name, ...rooted, 'run', '--bundle', bundle, ID]]),
  );
  const read = [...samples].map(([name, list]) => [name, median(list.map((sample) => sample.read)) / 2 ** 20]);
  const what = 'run, empty page cache';
  return [
    timeRow(what, samples),
    { what: `${what}: read from disk`, unit: 'MiB', values: Object.fromEntries(read) as Row['values'] },
  ];
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
  const total = (name: string, round: number, value: (sample: Sample) => number): number =>
    steps.map((step) => of(name, step)[round]).reduce((so, sample) => so + (sample ? value(sample) : 0), 0);
  const sum = (name: string): Sample[] =>
    of(name, 'create').map((_, round) => ({
      duration: total(name, round, ({ duration }) => duration),
      memory: Math.max(...steps.map((step) => of(name, step)[round]?.memory ?? 0)),
      processor: total(name, round, ({ processor }) => processor),
      read: total(name, round, ({ read }) => read),
    }));
  const each = (from: (name: string) => readonly Sample[]): Map<string, readonly Sample[]> =>
    new Map(runtimes.map(({ name }) => [name, from(name)]));
  const whole = 'create + start + delete';
  return [
    timeRow(whole, each(sum)),
    processorRow(whole, each(sum)),
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
    return [timeRow('exec', samples), processorRow('exec', samples), memoryRow('exec', samples)];
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
