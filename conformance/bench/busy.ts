/** A minute of a busy node: what its containers cost in processor time with each runtime, and how long its probes take. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, isUnified } from '../harness/cgroup.ts';
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { call, drive, median, quantile } from './measure.ts';
import type { Row } from './measure.ts';
import type { Measured } from './runtimes.ts';

const CONTAINERS = 100;
/** How many of them are replaced in a second. Each has one probe a second. */
const REPLACED = 10;
const SECONDS = 60;
const SECOND = 1000;
/** Commands that may run at the same time. */
const AT_ONCE = 64;
const SLEEP = ['/bin/busybox', 'sleep', '1000000'];

interface Minute {
  /** Seconds of all commands and containers. */
  readonly processor: number;
  /** Milliseconds from the time when a probe was due to its end. */
  readonly probes: readonly number[];
  /** Probes of a container that is still being replaced. */
  readonly failed: number;
  /** Lists that failed because a container was replaced meanwhile. */
  readonly lost: number;
  /** The same of the steps of a replacement, the medians' sum. */
  readonly replacement: number;
}

export function busyRows(place: Place, runtimes: readonly Measured[]): Row[] {
  const found = runtimes.map((runtime) => [runtime.name, minuteOf(place, runtime)] as const);
  const row = (name: string, unit: Row['unit'], of: (minute: Minute) => number): Row => ({
    what: `${CONTAINERS} containers, a probe a second in each, ${REPLACED} replaced a second: ${name}`,
    unit,
    values: Object.fromEntries(found.map(([runtime, minute]) => [runtime, of(minute)])),
  });
  return [
    row('processor time of a minute', 's', ({ processor }) => processor),
    row('probe', 'ms', ({ probes }) => median(probes)),
    row('probe, 99 of 100', 'ms', ({ probes }) => quantile(probes, 0.99)),
    row('slowest probe', 'ms', ({ probes }) => Math.max(...probes)),
    row('probes that failed', 'count', ({ failed }) => failed),
    row('lists that failed', 'count', ({ lost }) => lost),
    row('replacement', 'ms', ({ replacement }) => replacement),
  ];
}

function minuteOf(place: Place, { name, rooted }: Measured): Minute {
  const parent = `busy-${name}`;
  const cgroup = cgroupDirectory('cpuacct', `/${place.prefix}${parent}`);
  const callers = join(cgroup, 'callers');
  mkdirSync(callers, { recursive: true });
  const idOf = (index: number): string => `busy-${index}`;
  const bundles = Array.from({ length: CONTAINERS }, (_, index) => specBundle(place, `${parent}/${index}`, SLEEP));
  const start = (index: number): string[] => [
    ...rooted,
    'run',
    '--detach',
    '--bundle',
    bundles[index] ?? '',
    idOf(index),
  ];
  const made: number[] = [];
  try {
    for (const [index] of bundles.entries()) {
      call(start(index));
      made.push(index);
    }
    const before = processorTime(cgroup);
    const lines = drive('schedule', [String(AT_ONCE)], schedule(rooted, idOf, start), { cgroup: callers });
    const processor = processorTime(cgroup) - before;
    const times = (label: string): number[] =>
      lines.filter(([word]) => word === label).map(([, time]) => Number(time) / 1e6);
    const steps = ['state', 'delete', 'run', 'again'].map((label) => median(times(label)));
    const probes = times('?probe');
    const failed = probes.filter(Number.isNaN).length;
    const lost = times('?list').filter(Number.isNaN).length;
    return {
      processor,
      probes: probes.filter((time) => !Number.isNaN(time)),
      failed,
      lost,
      replacement: steps.reduce((sum, step) => sum + step, 0),
    };
  } finally {
    for (const index of made) call([...rooted, 'delete', '--force', idOf(index)]);
  }
}

/**
 * As engines do: `state` before a container is deleted and after the next one runs, `list` every ten seconds. A container
 * that is replaced has no probe in that second.
 */
function schedule(
  rooted: readonly string[],
  idOf: (index: number) => string,
  start: (index: number) => readonly string[],
): string[][] {
  const lines: string[][] = [];
  for (let second = 0; second < SECONDS; second++) {
    if (second % 10 === 0) lines.push([String(second * SECOND), '?list', ...rooted, 'list']);
    for (let slot = 0; slot < CONTAINERS; slot++) {
      const at = String(second * SECOND + (slot * SECOND) / CONTAINERS);
      const id = idOf(slot);
      if (slot % (CONTAINERS / REPLACED) !== second % (CONTAINERS / REPLACED)) {
        lines.push([at, '?probe', ...rooted, 'exec', id, '/bin/true']);
        continue;
      }
      lines.push(
        [at, 'state', ...rooted, 'state', id],
        ['-', 'delete', ...rooted, 'delete', '--force', id],
        ['-', 'run', ...start(slot)],
        ['-', 'again', ...rooted, 'state', id],
      );
    }
  }
  return lines;
}

/** Seconds that the processes of a cgroup and below have used. */
function processorTime(cgroup: string): number {
  if (!isUnified()) return Number(readFileSync(join(cgroup, 'cpuacct.usage'), 'utf8')) / 1e9;
  return Number(/^usage_usec (\d+)/m.exec(readFileSync(join(cgroup, 'cpu.stat'), 'utf8'))?.[1]) / 1e6;
}
