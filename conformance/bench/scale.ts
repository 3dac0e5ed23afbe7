/** The cost of commands on a host that already has many containers or mounts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { FLOOR, addSamples, call, measure, median, processorRow, timeRow } from './measure.ts';
import type { Row, Samples, Surroundings } from './measure.ts';
import { parallelRows } from './parallel.ts';
import type { Measured } from './runtimes.ts';

const CONTAINERS = 1000;
const MOUNTS = 5000;
const COMMANDS = ['run', 'exec', 'state', 'list'] as const;
const SLEEP = ['/bin/busybox', 'sleep', '1000000'];
const TARGET = 'scale-0';

interface Host {
  readonly place: Place;
  readonly rounds: number;
  /** The command line of the floor for the container of `run`. */
  readonly floor: readonly string[];
  /** Bundle of the container of `run`. */
  readonly bundle: string;
}

/** Parts of a measurement between which empty and busy host alternate, so that a slow minute of the machine affects both. */
const BLOCKS = 5;

/**
 * For each command: its time on the empty host, and with 5,000 mounts or 1,000 containers present, as ratios. Each
 * runtime has its own containers; `list` lists them all, so its cost is given per container.
 */
export async function scaleRows(host: Host, runtimes: readonly Measured[]): Promise<Row[]> {
  const empty: Samples = new Map();
  const mounted: Samples = new Map();
  const parallel = await withMounts(host.place, (mountsOf) => {
    withTargets(host, runtimes, () => {
      for (let block = 0; block < BLOCKS; block++) {
        addSamples(empty, timesOf(host, runtimes, {}));
        addSamples(mounted, timesOf(host, runtimes, { mountsOf }));
      }
    });
    return parallelRows(BLOCKS, host.place, runtimes, `, ${MOUNTS} mounts`, { mountsOf });
  });
  const before: Samples = new Map();
  const crowded: Samples = new Map();
  for (const runtime of runtimes) {
    const times = (to: Samples): void => {
      for (let block = 0; block < BLOCKS; block++) addSamples(to, timesOf(host, [runtime], {}));
    };
    withContainers(host.place, runtime, 1, () => times(before));
    withContainers(host.place, runtime, CONTAINERS, () => times(crowded));
  }
  return [
    ...COMMANDS.map((command) => timeRow(`${command}, empty host`, part(empty, command))),
    ...COMMANDS.flatMap((command) =>
      compared(`${command}, ${MOUNTS} mounts`, part(empty, command), part(mounted, command)),
    ),
    ...parallel,
    ...COMMANDS.filter((command) => command !== 'list').flatMap((command) =>
      compared(`${command}, ${CONTAINERS} containers`, part(before, command), part(crowded, command)),
    ),
    ...listRows(part(crowded, 'list')),
  ];
}

function compared(what: string, before: Samples, after: Samples): Row[] {
  const row = timeRow(what, after);
  const base = timeRow(what, before);
  const over = (numbers: Row['values'], bases: Row['values']): Record<string, number> =>
    Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, number / (bases[name] ?? Number.NaN)]));
  const ratio: Row = {
    what: `- over empty host`,
    unit: 'x',
    values: over(row.values, base.values),
    minima: over(row.minima ?? {}, base.minima ?? {}),
  };
  return [row, ratio];
}

function listRows(times: Samples): Row[] {
  const what = `list of ${CONTAINERS} containers`;
  const each = [...times].map(([name, list]) => [
    name,
    median(list.map(({ duration }) => duration)) / 1e6 / CONTAINERS,
  ]);
  return [
    timeRow(what, times),
    processorRow(what, times),
    { what: '- for each container', unit: 'ms', values: Object.fromEntries(each) as Row['values'] },
  ];
}

/** Selects the times of one command from those of all, labelled with the runtimes' names. */
function part(times: Samples, command: string): Samples {
  return new Map(
    [...times].flatMap(([label, samples]) => {
      const [of, name = ''] = label.split(':');
      return of === command ? [[name, samples]] : [];
    }),
  );
}

function timesOf({ rounds, floor, bundle }: Host, runtimes: readonly Measured[], at: Surroundings): Samples {
  const lines = [
    ...runtimes.flatMap(({ name, rooted }) => [
      [`run:${name}`, ...rooted, 'run', '--bundle', bundle, 'scale'],
      [`exec:${name}`, ...rooted, 'exec', TARGET, '/bin/true'],
      [`state:${name}`, ...rooted, 'state', TARGET],
      [`list:${name}`, ...rooted, 'list'],
    ]),
    [`run:${FLOOR}`, ...floor],
  ];
  return measure(Math.ceil(rounds / BLOCKS), lines, at);
}

/** With one container of each runtime, for exec. */
function withTargets(host: Host, runtimes: readonly Measured[], measured: () => void): void {
  runtimes.reduceRight((inner, runtime) => () => withContainers(host.place, runtime, 1, inner), measured)();
}

/** With a number of running containers of one runtime. */
function withContainers(place: Place, { name, rooted }: Measured, count: number, measured: () => void): void {
  const ids: string[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const id = `scale-${index}`;
      const bundle = specBundle(place, `scale-${name}-${index}`, SLEEP);
      call([...rooted, 'run', '--detach', '--bundle', bundle, id]);
      ids.push(id);
    }
    measured();
  } finally {
    for (const id of ids) call([...rooted, 'delete', '--force', id]);
  }
}

/** Binds of one tmpfs: only the number of mounts matters. */
const mountMany = `
  mount -t tmpfs rt-bench "$0" && mkdir "$0/first" || exit
  i=0
  while [ $i -lt $1 ]; do mkdir "$0/$i" && mount --bind "$0/first" "$0/$i" || exit; i=$((i + 1)); done
  echo mounted
  exec cat`;

/** With a process that has many mounts in a mount namespace of its own. */
async function withMounts<T>({ dir }: Place, measured: (pid: number) => T): Promise<T> {
  const directory = join(dir, 'mounts');
  mkdirSync(directory);
  const argv = [
    '--mount',
    '--propagation',
    'private',
    '/bin/busybox',
    'sh',
    '-c',
    mountMany,
    directory,
    String(MOUNTS),
  ];
  const process = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(process, 'close');
  try {
    const [text] = (await Promise.race([once(process.stdout, 'data'), ended])) as unknown[];
    if (process.pid === undefined || String(text) !== 'mounted\n') throw new Error('cannot make the mounts');
    return measured(process.pid);
  } finally {
    process.stdin.end();
    await ended;
  }
}
