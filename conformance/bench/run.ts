/**
 * Measures runtimes side by side: one round runs each of them once, so that a slow minute of the machine hits all.
 *
 *   run [--rounds N] [--runtimes rt,node,crun,runc] [--json FILE]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dockerConfig, specConfig } from './configs.ts';
import { seccompFilter } from './filter.ts';

interface Sample {
  /** Nanoseconds, wall clock. */
  readonly duration: number;
  /** Largest resident memory of the command or anything it waited for, KiB. */
  readonly memory: number;
}

interface Row {
  readonly what: string;
  readonly unit: string;
  /** One median for each column, absent when that runtime cannot do it. */
  readonly values: Readonly<Record<string, number>>;
}

const HERE = import.meta.dirname;
const REPOSITORY = join(HERE, '..', '..');
const FLOOR = 'floor';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    runtimes: { type: 'string', default: 'rt,node,crun,runc' },
    json: { type: 'string' },
  },
});

const dir = mkdtempSync(join(tmpdir(), 'rt-bench-'));
const tools = join(REPOSITORY, 'build', 'conformance');

/** Words that call a runtime, or undefined when it is not there. */
function commandOf(name: string): string[] | undefined {
  if (name === 'rt') return existsSync(join(REPOSITORY, 'build/rt')) ? [join(REPOSITORY, 'build/rt')] : undefined;
  const script = join(REPOSITORY, 'build/node/rt.js');
  if (name === 'node') return existsSync(script) ? [process.execPath, script] : undefined;
  const found = spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
  return found === '' ? undefined : [found];
}

function compile(name: string): string {
  mkdirSync(tools, { recursive: true });
  const output = join(tools, name);
  execFileSync('gcc', ['-std=c11', '-Wall', '-Wextra', '-static', '-O2', '-s', '-o', output, join(HERE, `${name}.c`)]);
  return output;
}

/** A bundle with the root file system all runtimes share the shape of: busybox and /bin/true. */
function makeBundle(name: string, config: Record<string, unknown>): string {
  const bundle = join(dir, name);
  for (const sub of ['bin', 'etc', 'dev', 'proc', 'sys']) mkdirSync(join(bundle, 'rootfs', sub), { recursive: true });
  copyFileSync('/bin/busybox', join(bundle, 'rootfs/bin/busybox'));
  symlinkSync('busybox', join(bundle, 'rootfs/bin/true'));
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

/** Runs a list of lines in the timing driver and groups the samples by label, in the order of rounds. */
function measure(rounds: number, lines: readonly (readonly string[])[]): Map<string, Sample[]> {
  const input = `${lines.map((words) => words.join('\t')).join('\n')}\n`;
  const outcome = spawnSync(join(tools, 'spawn'), [String(rounds)], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  if (outcome.status !== 0) throw new Error(`spawn: ${outcome.stderr}`);
  const samples = new Map<string, Sample[]>();
  for (const line of outcome.stdout.trimEnd().split('\n')) {
    const [label = '', duration, memory, status] = line.split(' ');
    if (status !== '0') throw new Error(`${label} ended with ${status}: ${outcome.stderr}`);
    const list = samples.get(label) ?? [];
    list.push({ duration: Number(duration), memory: Number(memory) });
    samples.set(label, list);
  }
  return samples;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

const milliseconds = (samples: readonly Sample[]): number => median(samples.map(({ duration }) => duration)) / 1e6;
const mebibytes = (samples: readonly Sample[]): number => Math.max(...samples.map(({ memory }) => memory)) / 1024;

/** The runtimes that are installed and run all bundles. The others are named with the reason. */
function usable(names: readonly string[], bundles: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const command = commandOf(name);
    if (command === undefined) {
      console.error(`${name}: not there, left out`);
      continue;
    }
    const argv = [...command, '--root', join(process.env['RT_BENCH_STATE'] ?? dir, `root-${name}`)];
    const [file = '', ...words] = argv;
    const failed = bundles
      .map((bundle) => spawnSync(file, [...words, 'run', '--bundle', bundle, 'bench'], { encoding: 'utf8' }))
      .find(({ status }) => status !== 0);
    if (failed === undefined) found.set(name, argv);
    else console.error(`${name}: left out, run ended with ${failed.status}: ${failed.stderr.trim()}`);
  }
  return found;
}

/** Resident and proportional memory, KiB, of a container that waits for `start`. */
function createdMemory(argv: readonly string[], bundle: string, id: string): { rss: number; pss: number } {
  const [file = '', ...words] = argv;
  const pidFile = join(dir, 'pid');
  execFileSync(file, [...words, 'create', '--pid-file', pidFile, '--bundle', bundle, id], { stdio: 'ignore' });
  const rollup = readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/smaps_rollup`, 'utf8');
  execFileSync(file, [...words, 'delete', '--force', id], { stdio: 'ignore' });
  const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(rollup)?.[1]);
  return { rss: field('Rss'), pss: field('Pss') };
}

function table(rows: readonly Row[], columns: readonly string[]): string {
  const ratio = (row: Row, over: string): string => {
    const [own, other] = [row.values['rt'], row.values[over]];
    return own === undefined || other === undefined ? '' : (own / other).toFixed(2);
  };
  const head = ['what', ...columns, 'rt/crun', 'rt/floor'];
  const body = rows.map((row) => [
    `${row.what}, ${row.unit}`,
    ...columns.map((column) => row.values[column]?.toFixed(row.unit === 'KiB' ? 0 : 2) ?? ''),
    ratio(row, 'crun'),
    ratio(row, FLOOR),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

function main(): void {
  const rounds = Number(options.rounds);
  compile('spawn');
  const floor = compile(FLOOR);
  const files = join(dir, 'files');
  mkdirSync(files);
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(files, name), '');
  const cgroup = `rt-bench-${process.pid}`;
  const spec = makeBundle('spec', specConfig(`/${cgroup}`));
  const docker = makeBundle('docker', dockerConfig(`/${cgroup}`, files));
  const filter = join(dir, 'filter.bpf');
  writeFileSync(filter, seccompFilter());
  const runtimes = usable(options.runtimes.split(','), [spec, docker]);
  const names = [...runtimes.keys()];
  const rows: Row[] = [];
  const add = (what: string, unit: string, values: Record<string, number>): void =>
    void rows.push({ what, unit, values });
  const collect = (samples: Map<string, Sample[]>, from: (list: readonly Sample[]) => number): Record<string, number> =>
    Object.fromEntries([...samples].map(([label, list]) => [label, from(list)]));

  for (const [what, bundle, floorArguments] of [
    ['run, spec config', spec, ['spec', join(spec, 'rootfs'), cgroup]],
    ['run, docker config', docker, ['docker', join(docker, 'rootfs'), cgroup, filter]],
  ] as const) {
    const lines = names.map((name) => [name, ...(runtimes.get(name) ?? []), 'run', '--bundle', bundle, 'bench']);
    const samples = measure(rounds, [...lines, [FLOOR, floor, ...floorArguments]]);
    add(what, 'ms', collect(samples, milliseconds));
    add(`${what}: peak memory`, 'MiB', collect(samples, mebibytes));
  }

  const steps = names.flatMap((name) => {
    const argv = runtimes.get(name) ?? [];
    return [
      [`${name}:create`, ...argv, 'create', '--bundle', spec, 'bench'],
      [`${name}:start`, ...argv, 'start', 'bench'],
      ['wait'],
      [`${name}:delete`, ...argv, 'delete', 'bench'],
    ];
  });
  const stepSamples = measure(rounds, steps);
  const stepValues = (step: string): Record<string, number> =>
    Object.fromEntries(names.map((name) => [name, milliseconds(stepSamples.get(`${name}:${step}`) ?? [])]));
  const sums = Object.fromEntries(
    names.map((name) => {
      const lists = ['create', 'start', 'delete'].map((step) => stepSamples.get(`${name}:${step}`) ?? []);
      return [
        name,
        median((lists[0] ?? []).map((_, i) => lists.reduce((sum, list) => sum + (list[i]?.duration ?? 0), 0))) / 1e6,
      ];
    }),
  );
  add('create + start + delete', 'ms', sums);
  for (const step of ['create', 'start', 'delete']) add(`- ${step}`, 'ms', stepValues(step));

  const withContainer = names.flatMap((name) => {
    const argv = runtimes.get(name) ?? [];
    return [
      ['-', ...argv, 'create', '--bundle', spec, 'bench'],
      [name, ...argv, 'state', 'bench'],
      ['-', ...argv, 'delete', '--force', 'bench'],
    ];
  });
  const states = measure(Math.ceil(rounds / 2), withContainer);
  add('state', 'ms', collect(states, milliseconds));
  add('state: peak memory', 'MiB', collect(states, mebibytes));
  const versions = measure(
    rounds,
    names.map((name) => [name, ...(commandOf(name) ?? []), '--version']),
  );
  add('--version', 'ms', collect(versions, milliseconds));

  const created = names.map((name) => [name, createdMemory(runtimes.get(name) ?? [], spec, 'bench')] as const);
  add('created and waiting: Rss', 'KiB', Object.fromEntries(created.map(([name, { rss }]) => [name, rss])));
  add('created and waiting: Pss', 'KiB', Object.fromEntries(created.map(([name, { pss }]) => [name, pss])));

  console.log(table(rows, [...names, FLOOR]));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ rounds, rows }, null, 2)}\n`);
}

try {
  main();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
