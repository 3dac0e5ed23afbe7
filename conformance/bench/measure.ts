import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { compiled } from '../harness/compiler.ts';
import type { Target } from '../harness/compiler.ts';

export interface Sample {
  /** Nanoseconds, wall clock. */
  readonly duration: number;
  /** Peak resident memory of the command or of any process that it waited for, KiB. */
  readonly memory: number;
  /** Processor time of the same, nanoseconds. */
  readonly processor: number;
  /** Bytes that they read from a disk. */
  readonly read: number;
}

export interface Row {
  readonly what: string;
  readonly unit: 'ms' | 's' | 'count' | 'KiB' | 'MiB' | '1/s' | 'x';
  /** One number for each column, absent if the runtime does not support it. */
  readonly values: Readonly<Record<string, number>>;
  /** The best of each column, if the number is a time. */
  readonly minima?: Readonly<Record<string, number>>;
}

/** Column of the kernel's cost. */
export const FLOOR = 'floor';
/** Label of a command that is not measured. */
export const UNCOUNTED = '-';

const HERE = import.meta.dirname;
export const REPOSITORY = join(HERE, '..', '..');
const TOOLS = join(REPOSITORY, 'build', 'conformance');
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** Compiles a program of this directory and returns its path. */
export function compile(name: string, target: Target = 'own'): string {
  return compiled(name, [join(HERE, `${name}.c`)], target, '-O2');
}

export interface Surroundings {
  /** Directory of a cgroup for a program and its children. */
  readonly cgroup?: string;
  /** A process whose mount namespace it enters. */
  readonly mountsOf?: number | undefined;
}

/**
 * Output of a program of this directory, its lines split into words; `lines` are its input, words separated by tabs.
 *
 * @throws if it fails
 */
export function drive(
  name: string,
  words: readonly string[],
  lines: readonly (readonly string[])[],
  { cgroup, mountsOf }: Surroundings = {},
): string[][] {
  const inside = mountsOf === undefined ? [] : ['nsenter', `--mount=/proc/${mountsOf}/ns/mnt`];
  const program = [...inside, join(TOOLS, name), ...words];
  const argv =
    cgroup === undefined
      ? program
      : ['/bin/sh', '-c', 'echo $$ >"$0" && exec "$@"', join(cgroup, 'cgroup.procs'), ...program];
  const input = `${lines.map((line) => line.join('\t')).join('\n')}\n`;
  const [file = '', ...rest] = argv;
  // Containers that stay inherit the error output, so a pipe would keep this process waiting for them.
  const stdio = ['pipe', 'pipe', 'inherit'] as const;
  const outcome = spawnSync(file, rest, {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: ENVIRONMENT,
    stdio: [...stdio],
  });
  if (outcome.status !== 0) throw new Error(`${name} ended with ${outcome.status}`);
  return outcome.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
}

/** By label, in the order of rounds. */
export type Samples = Map<string, Sample[]>;

/** Adds samples of the same labels. */
export function addSamples(to: Samples, more: Samples): void {
  for (const [label, list] of more) to.set(label, [...(to.get(label) ?? []), ...list]);
}

/** Runs a list of commands many rounds; see spawn.c for labels that have a meaning. `at`: see `drive`. */
export function measure(rounds: number, lines: readonly (readonly string[])[], at: Surroundings = {}): Samples {
  const samples: Samples = new Map();
  for (const [label = '', ...words] of drive('spawn', [String(rounds)], lines, at)) {
    const [duration = Number.NaN, memory = Number.NaN, processor = Number.NaN, read = Number.NaN] = words.map(Number);
    const list = samples.get(label) ?? [];
    list.push({ duration, memory, processor, read });
    samples.set(label, list);
  }
  return samples;
}

/** Runs a command whose output is ignored; throws if it fails. */
export function call(argv: readonly string[]): void {
  const [file = '', ...words] = argv;
  const { status } = spawnSync(file, words, { stdio: ['ignore', 'ignore', 'inherit'], env: ENVIRONMENT });
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}`);
}

/** As `call`, but returns whether it succeeded. */
export function succeeds(argv: readonly string[]): boolean {
  const [file = '', ...words] = argv;
  return spawnSync(file, words, { stdio: 'ignore', env: ENVIRONMENT }).status === 0;
}

export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

/** The row of times of the samples labelled with the runtimes' names. */
export function timeRow(what: string, samples: ReadonlyMap<string, readonly Sample[]>): Row {
  return millisecondRow(what, samples, ({ duration }) => duration);
}

/** The row of their processor time. */
export function processorRow(what: string, samples: ReadonlyMap<string, readonly Sample[]>): Row {
  return millisecondRow(`${what}: processor time`, samples, ({ processor }) => processor);
}

function millisecondRow(
  what: string,
  samples: ReadonlyMap<string, readonly Sample[]>,
  of: (sample: Sample) => number,
): Row {
  const collect = (from: (numbers: readonly number[]) => number): Record<string, number> =>
    Object.fromEntries([...samples].map(([label, list]) => [label, from(list.map((sample) => of(sample) / 1e6))]));
  return { what, unit: 'ms', values: collect(median), minima: collect((numbers) => Math.min(...numbers)) };
}

/** The row of their peak memory. */
export function memoryRow(what: string, samples: ReadonlyMap<string, readonly Sample[]>): Row {
  const peak = (list: readonly Sample[]): number => Math.max(...list.map(({ memory }) => memory)) / 1024;
  return {
    what: `${what}: peak memory`,
    unit: 'MiB',
    values: Object.fromEntries([...samples].map(([label, list]) => [label, peak(list)])),
  };
}

/** As Markdown, with the ratios of the medians and of the best times of rt and the columns `over`. */
export function table(rows: readonly Row[], columns: readonly string[], over: readonly string[]): string {
  const ratio = (values: Row['minima'], name: string): string => {
    const [own, other] = [values?.['rt'], values?.[name]];
    return own === undefined || other === undefined ? '' : (own / other).toFixed(2);
  };
  const ratios = [...over.map((name) => `rt/${name}`), ...over.map((name) => `rt/${name} (best)`)];
  const head = ['what', ...columns, ...ratios];
  const body = rows.map((row) => [
    `${row.what}, ${row.unit}`,
    ...columns.map((column) => row.values[column]?.toFixed(row.unit === 'KiB' ? 0 : 2) ?? ''),
    ...over.map((name) => ratio(row.values, name)),
    ...over.map((name) => ratio(row.minima, name)),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}
