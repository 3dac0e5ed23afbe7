/** Many containers at once, and their effect on an unrelated process. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, isUnified } from '../harness/cgroup.ts';
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { drive, median, quantile } from './measure.ts';
import type { Row, Surroundings } from './measure.ts';
import type { Measured } from './runtimes.ts';

const CONTAINERS = 100;
const CALLERS = 16;

/** Results of one batch of containers; times in milliseconds. */
interface Batch {
  readonly all: number;
  /** From the start of a container's command to its first output. */
  readonly firstOutput: readonly number[];
  /** Durations of the other process's forks. */
  readonly forks: readonly number[];
  /** Total memory in MiB: commands, containers, and kernel memory. */
  readonly memory: number | undefined;
}

/** `where`: what is special about the host, for the names of the rows. */
export function parallelRows(
  batches: number,
  place: Place,
  runtimes: readonly Measured[],
  where = '',
  at: Surroundings = {},
): Row[] {
  const found = new Map<string, Batch[]>(runtimes.map(({ name }) => [name, []]));
  for (let batch = 0; batch < batches; batch++)
    for (const runtime of runtimes) found.get(runtime.name)?.push(runBatch(place, runtime, batch, at));
  const what = `${CONTAINERS} containers by ${CALLERS} callers${where}`;
  const row = (name: string, unit: Row['unit'], from: (list: readonly Batch[]) => number): Row => ({
    what: `${what}: ${name}`,
    unit,
    values: Object.fromEntries([...found].map(([runtime, list]) => [runtime, from(list)])),
  });
  const ofBatches = (of: (batch: Batch) => number) => (list: readonly Batch[]) => median(list.map(of));
  const rows = [
    row(
      'throughput',
      '1/s',
      ofBatches(({ all }) => (CONTAINERS / all) * 1000),
    ),
    row(
      'all of them',
      'ms',
      ofBatches(({ all }) => all),
    ),
    row(
      'first output',
      'ms',
      ofBatches(({ firstOutput }) => median(firstOutput)),
    ),
    row(
      'first output of the slowest',
      'ms',
      ofBatches(({ firstOutput }) => Math.max(...firstOutput)),
    ),
    row(
      'fork of another process',
      'ms',
      ofBatches(({ forks }) => median(forks)),
    ),
    row(
      'fork of another process, 99 of 100',
      'ms',
      ofBatches(({ forks }) => quantile(forks, 0.99)),
    ),
  ];
  const measured = [...found.values()].every((list) => list.every(({ memory }) => memory !== undefined));
  if (!measured) return rows;
  const peak = ofBatches(({ memory }) => memory ?? Number.NaN);
  return [...rows, row('peak memory of all', 'MiB', peak)];
}

function runBatch(place: Place, { name, rooted }: Measured, batch: number, at: Surroundings): Batch {
  const parent = `parallel-${name}-${batch}`;
  const bundles = Array.from({ length: CONTAINERS }, (_, index) =>
    specBundle(place, `${parent}/${index}`, ['/bin/busybox', 'echo', 'running']),
  );
  const cgroup = cgroupDirectory('memory', `/${place.prefix}${parent}`);
  const callers = join(cgroup, 'callers');
  mkdirSync(callers, { recursive: true });
  const lines = drive(
    'parallel',
    [String(CALLERS)],
    bundles.map((bundle, index) => [...rooted, 'run', '--bundle', bundle, `parallel-${index}`]),
    { ...at, cgroup: callers },
  );
  const times = (label: string): number[] =>
    lines.filter(([word]) => word === label).map(([, time]) => Number(time) / 1e6);
  return {
    all: times('all')[0] ?? Number.NaN,
    firstOutput: times('output'),
    forks: times('fork'),
    memory: peakMemory(cgroup),
  };
}

/** Undefined before Linux 5.19, on v2. */
function peakMemory(cgroup: string): number | undefined {
  const file = join(cgroup, isUnified() ? 'memory.peak' : 'memory.max_usage_in_bytes');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) / 2 ** 20 : undefined;
}
