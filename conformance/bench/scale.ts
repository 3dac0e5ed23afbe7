/** The cost of commands on a host that already has many containers or mounts. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { FLOOR, call, measure, median, timeRow } from './measure.ts';
import type { Row, Sample } from './measure.ts';
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

type Times = Map<string, Sample[]>;

/**
 * For each command: its time on the empty host, and with 5,000 mounts or 1,000 containers present, as ratios. Each
 * runtime has its own containers; `list` lists them all, so its cost is given per container.
 */
export function scaleRows(host: Host, runtimes: readonly Measured[]): Row[] {
  const empty = withTargets(host, runtimes, () => timesOf(host, runtimes));
  const mounted = withMounts(host.place, () => withTargets(host, runtimes, () => timesOf(host, runtimes)));
  const crowded: Times = new Map();
  for (const runtime of runtimes) {
    const times = withContainers(host.place, runtime, CONTAINERS, () => timesOf(host, [runtime]));
    for (const [label, samples] of times) crowded.set(label, [...(crowded.get(label) ?? []), ...samples]);
  }
  return [
    ...COMMANDS.map((command) => timeRow(`${command}, empty host`, part(empty, command))),
    ...COMMANDS.flatMap((command) =>
      compared(`${command}, ${MOUNTS} mounts`, part(empty, command), part(mounted, command)),
    ),
    ...COMMANDS.filter((command) => command !== 'list').flatMap((command) =>
      compared(`${command}, ${CONTAINERS} containers`, part(empty, command), part(crowded, command)),
    ),
    ...listRows(part(crowded, 'list')),
  ];
}

function compared(what: string, before: Times, after: Times): Row[] {
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

function listRows(times: Times): Row[] {
  const row = timeRow(`list of ${CONTAINERS} containers`, times);
  const each = [...times].map(([name, list]) => [
    name,
    median(list.map(({ duration }) => duration)) / 1e6 / CONTAINERS,
  ]);
  return [row, { what: '- for each container', unit: 'ms', values: Object.fromEntries(each) as Row['values'] }];
}

/** Selects the times of one command from those of all, labelled with the runtimes' names. */
function part(times: Times, command: string): Times {
  return new Map(
    [...times].flatMap(([label, samples]) => {
      const [of, name = ''] = label.split(':');
      return of === command ? [[name, samples]] : [];
    }),
  );
}

function timesOf({ rounds, floor, bundle }: Host, runtimes: readonly Measured[]): Times {
  return measure(rounds, [
    ...runtimes.flatMap(({ name, rooted }) => [
      [`run:${name}`, ...rooted, 'run', '--bundle', bundle, 'scale'],
      [`exec:${name}`, ...rooted, 'exec', TARGET, '/bin/true'],
      [`state:${name}`, ...rooted, 'state', TARGET],
      [`list:${name}`, ...rooted, 'list'],
    ]),
    [`run:${FLOOR}`, ...floor],
  ]);
}

/** With one container of each runtime, for exec. */
function withTargets(host: Host, runtimes: readonly Measured[], measured: () => Times): Times {
  return runtimes.reduceRight((inner, runtime) => () => withContainers(host.place, runtime, 1, inner), measured)();
}

/** With a number of running containers of one runtime. */
function withContainers(place: Place, { name, rooted }: Measured, count: number, measured: () => Times): Times {
  const ids: string[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const id = `scale-${index}`;
      const bundle = specBundle(place, `scale-${name}-${index}`, SLEEP);
      call([...rooted, 'run', '--detach', '--bundle', bundle, id]);
      ids.push(id);
    }
    return measured();
  } finally {
    for (const id of ids) call([...rooted, 'delete', '--force', id]);
  }
}

/** With many mounts in the mount namespace of the runtimes, which is not the host's. */
function withMounts({ dir }: Place, measured: () => Times): Times {
  const directory = join(dir, 'mounts');
  mkdirSync(directory);
  const targets = Array.from({ length: MOUNTS }, (_, index) => join(directory, String(index)));
  // Binds of one tmpfs: only the number of mounts matters.
  execFileSync('mount', ['-t', 'tmpfs', 'rt-bench', directory]);
  try {
    for (const target of targets) mkdirSync(target);
    const script = 'first=$1; for target do mount --bind "$first" "$target"; done';
    execFileSync('/bin/busybox', ['sh', '-c', script, 'sh', ...targets]);
    return measured();
  } finally {
    execFileSync('umount', ['--recursive', '--lazy', directory]);
  }
}
