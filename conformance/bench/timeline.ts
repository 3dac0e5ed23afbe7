/**
 * Breaks down the time of one `run`: the system calls of rt, the floor and crun, as traced by strace(1).
 *
 *   timeline [--runtimes rt,crun] [--rounds N] [--longest N] [--json FILE]
 *
 * strace stops a process at each call, which takes longer than most calls do: the number of calls and their order are
 * exact, but only long times are meaningful. FILE is a trace for Perfetto. For rt there is also a table from its own
 * --trace, whose overhead is negligible: the minimum of N runs for each step and each kind of operation.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeRootfs, specBundle } from './bundles.ts';
import type { Place } from './bundles.ts';
import { verifyNothingLeft } from './leftovers.ts';
import { FLOOR, compile } from './measure.ts';
import { usable } from './runtimes.ts';
import { ID } from './single.ts';

const { values: options } = parseArgs({
  options: {
    runtimes: { type: 'string', default: 'rt,crun' },
    rounds: { type: 'string', default: '50' },
    longest: { type: 'string', default: '12' },
    json: { type: 'string' },
  },
});

/** One system call; milliseconds, from the first call of the command. */
interface Call {
  readonly pid: number;
  readonly name: string;
  /** As printed by strace. */
  readonly words: string;
  readonly start: number;
  readonly duration: number;
}

interface Timeline {
  readonly name: string;
  readonly calls: readonly Call[];
}

const place: Place = { dir: mkdtempSync(join(tmpdir(), 'rt-bench-')), prefix: `rt-bench-${process.pid}-` };

function record(name: string, argv: readonly string[]): Timeline {
  const directory = join(place.dir, `strace-${name}`);
  mkdirSync(directory);
  // One file per process, so lines are not split.
  const strace = ['-ff', '-ttt', '-T', '-s', '64', '-o', join(directory, 'calls')];
  execFileSync('strace', [...strace, ...argv], { stdio: ['ignore', 'ignore', 'inherit'] });
  const calls = readdirSync(directory).flatMap((file) => {
    const pid = Number(file.slice(file.lastIndexOf('.') + 1));
    return readFileSync(join(directory, file), 'utf8')
      .split('\n')
      .flatMap((line) => parse(pid, line));
  });
  const first = Math.min(...calls.map(({ start }) => start));
  const ordered = calls.map((call) => ({ ...call, start: call.start - first })).sort((a, b) => a.start - b.start);
  return { name, calls: ordered };
}

/** `1700000000.123456 call(words) = 0 <0.000012>`; lines of signals and exits are not calls. */
function parse(pid: number, line: string): Call[] {
  const match = /^(\d+\.\d+) (\w+)\((.*)\) += .*<(\d+\.\d+)>$/.exec(line);
  if (match === null) return [];
  const [, start, name = '', words = '', duration] = match;
  return [{ pid, name, words, start: Number(start) * 1000, duration: Number(duration) * 1000 }];
}

/** Waiting for another process of the command is not counted as work. */
const WAITS = new Set([
  'wait4',
  'waitid',
  'poll',
  'ppoll',
  'recvmsg',
  'read',
  'epoll_pwait',
  'futex',
  'clone3',
  'vfork',
]);

function summary(timelines: readonly Timeline[]): string {
  const names = [...new Set(timelines.flatMap(({ calls }) => calls.map(({ name }) => name)))];
  const of = ({ calls }: Timeline, name: string): [number, number] => {
    const these = calls.filter((call) => call.name === name);
    return [these.length, these.reduce((sum, { duration }) => sum + duration, 0)];
  };
  const rows = names
    .map((name) => ({ name, numbers: timelines.map((timeline) => of(timeline, name)) }))
    .sort((a, b) => Math.max(...b.numbers.map(([count]) => count)) - Math.max(...a.numbers.map(([count]) => count)))
    .slice(0, Number(options.longest) * 2);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const total = (timeline: Timeline): string => String(timeline.calls.length);
  return [
    line(['calls', ...timelines.map(({ name }) => name)]),
    line(['---', ...timelines.map(() => '---:')]),
    line(['all', ...timelines.map(total)]),
    line(['processes', ...timelines.map(({ calls }) => String(new Set(calls.map(({ pid }) => pid)).size))]),
    ...rows.map(({ name, numbers }) => line([name, ...numbers.map(([count]) => String(count))])),
  ].join('\n');
}

/** The longest calls, in chronological order. */
function longest({ name, calls }: Timeline): string {
  const first = calls[0]?.pid;
  const most = calls
    .filter((call) => !WAITS.has(call.name))
    .sort((a, b) => b.duration - a.duration)
    .slice(0, Number(options.longest))
    .sort((a, b) => a.start - b.start);
  const end = Math.max(...calls.map(({ start, duration }) => start + duration));
  return [
    `${name}: ${end.toFixed(1)} ms under strace`,
    ...most.map(({ pid, name: call, words, start, duration }) => {
      const who = pid === first ? 'runtime' : 'init';
      return `  ${start.toFixed(2).padStart(7)}  ${duration.toFixed(2).padStart(5)} ms  ${who.padEnd(7)}  ${call}(${words.slice(0, 60)})`;
    }),
  ].join('\n');
}

interface Event {
  readonly name: string;
  readonly cat?: string;
  readonly dur: number;
}

/** Time of each step of the runtime, and of all operations of each name, from rt's own traces. */
function ownTimes(argv: readonly string[]): string {
  const file = join(place.dir, 'trace.json');
  const least = new Map<string, number>();
  for (let round = 0; round < Number(options.rounds); round++) {
    const [program = '', ...words] = argv;
    execFileSync(program, ['--trace', file, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] };
    const times = new Map<string, number>();
    for (const { name, cat, dur } of traceEvents)
      if (cat !== undefined) times.set(`${cat} ${name}`, (times.get(`${cat} ${name}`) ?? 0) + dur / 1000);
    for (const [name, time] of times) least.set(name, Math.min(least.get(name) ?? time, time));
  }
  const rows = (category: string): string[] =>
    [...least]
      .filter(([name]) => name.startsWith(category))
      .sort(([, a], [, b]) => b - a)
      .slice(0, 2 * Number(options.longest))
      .map(([name, time]) => `| ${name.slice(category.length + 1)} | ${time.toFixed(3)} |`);
  return [
    '| step of rt | ms |',
    '| --- | ---: |',
    ...rows('phase'),
    '',
    '| operations | ms |',
    '| --- | ---: |',
    ...rows('op'),
  ].join('\n');
}

/** Chrome trace events: a process for each runtime, a thread for each of its processes. */
function perfetto(timelines: readonly Timeline[]): string {
  const events = timelines.flatMap(({ name, calls }, index) => [
    { name: 'process_name', ph: 'M', pid: index + 1, args: { name } },
    ...calls.map(({ pid, name: call, words, start, duration }) => ({
      name: call,
      cat: 'syscall',
      ph: 'X',
      ts: start * 1000,
      dur: duration * 1000,
      pid: index + 1,
      tid: pid,
      args: { words },
    })),
  ]);
  return JSON.stringify({ displayTimeUnit: 'ms', traceEvents: events });
}

async function main(): Promise<void> {
  const state = process.env['RT_BENCH_STATE'] ?? join(place.dir, 'state');
  mkdirSync(state, { recursive: true });
  const rootfs = makeRootfs(place);
  const bundle = specBundle(place, 'spec', ['/bin/true']);
  const floor = [compile(FLOOR), 'spec', rootfs, `${place.prefix}floor`];
  const runtimes = usable(options.runtimes.split(','), state, [bundle]);
  const timelines = [
    ...runtimes.map(({ name, rooted }) => record(name, [...rooted, 'run', '--bundle', bundle, ID])),
    record(FLOOR, floor),
  ];
  console.log(`${summary(timelines)}\n\n${timelines.map(longest).join('\n\n')}`);
  const own = runtimes.find(({ name }) => name === 'rt');
  if (own !== undefined) console.log(`\n${ownTimes([...own.rooted, 'run', '--bundle', bundle, ID])}`);
  if (options.json !== undefined) writeFileSync(options.json, perfetto(timelines));
  await verifyNothingLeft(place, state);
}

try {
  await main();
} finally {
  rmSync(place.dir, { recursive: true, force: true });
}
