/**
 * Sandboxes of the Node package: from the call to the first byte of output, beside `docker run` with runc, `crun run` and a
 * child process of Node, whose programs do the same; and what sandboxes that wait cost.
 * RT_BENCH_SCRIPT=sandbox.ts conformance/bench/run [ROUNDS [WAITING]]
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sandbox, SandboxPool } from '../../src/index.ts';
import type { SandboxProcess } from '../../src/index.ts';
import { Docker } from '../harness/docker.ts';
import { Sandbox as TestDirectory } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';
import { makeRootfs, specBundle } from './bundles.ts';

const [rounds = 100, waiting = 200] = process.argv.slice(2).map(Number);
const place = { dir: mkdtempSync(join(tmpdir(), 'rt-bench-')), prefix: `rt-bench-${process.pid}-` };
const rootfs = makeRootfs(place);
mkdirSync(join(rootfs, 'tmp'));
const args = ['/bin/busybox', 'echo', 'x'];
const options = { rootfs, args, name: 'rt-bench', runtime: { root: join(place.dir, 'state') } };
const bundle = specBundle(place, 'crun', args);
const pool = Sandbox.pool({ ...options, size: 1 });
/** Bytes, less than an engine holds. */
const smallest = 128 * 1024;
const rested = Sandbox.pool({ ...options, size: 1 });
const ofDocker = new TestDirectory({ name: 'runc', argv: ['runc'], ours: false });
const docker = await Docker.start(ofDocker, { keepConfig: false });
const words = ['run', '--rm', '--runtime', 'runc', '--network', 'none', '--log-driver', 'none', 'tiny', ...args];

/** Milliseconds until the first byte, and until nothing is left. */
type Times = readonly [first: number, end: number];

async function timed(
  start: () => Promise<Pick<SandboxProcess, 'stdout'> & { ended: Promise<unknown> }>,
): Promise<Times> {
  const begun = performance.now();
  const { stdout, ended } = await start();
  await new Promise((resolve) => stdout.once('data', resolve));
  const first = performance.now() - begun;
  stdout.resume();
  await ended;
  return [first, performance.now() - begun];
}

function child(file: string, words: readonly string[]) {
  const { stdout, ...process } = spawnPiped(file, words);
  return Promise.resolve({ stdout, ended: process.ended });
}

function spawnPiped(file: string, words: readonly string[]) {
  const one = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  return { stdout: one.stdout, ended: new Promise((resolve) => one.once('close', resolve)) };
}

const ways: Readonly<Record<string, () => Promise<Times>>> = {
  'child process': () => timed(() => child('/bin/busybox', ['echo', 'x'])),
  'sandbox, cold': () => timed(() => new Sandbox(options).spawn()),
  'sandbox, pool': async () => {
    await pool.ready();
    return timed(() => pool.spawn());
  },
  'pool, waited': async () => {
    await rested.ready();
    await until('it holds little', holdLittle);
    return timed(() => rested.spawn());
  },
  'crun run': () => timed(() => child('crun', ['--root', options.runtime.root, 'run', '--bundle', bundle, 'rt-bench'])),
  'docker run': () => timed(() => child('docker', docker.argv(...words).slice(1))),
};

const found = new Map(Object.keys(ways).map((name) => [name, [] as Times[]]));
try {
  for (let round = -3; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const times = await way();
      if (round >= 0) found.get(name)?.push(times);
    }
  }
} finally {
  await docker.stop();
  ofDocker.remove();
}
await pool.close();
await rested.close();
for (const [name, times] of found) {
  const [first, end] = [0, 1].map((index) => times.map((pair) => pair[index] ?? 0).sort((one, other) => one - other));
  const shown = [first, end].map((list = []) => `median ${at(list, 0.5)}, slowest ${at(list, 1)}`);
  console.log(`${name.padEnd(15)} first byte: ${shown[0] ?? ''} ms; end: ${shown[1] ?? ''} ms`);
}

function at(sorted: readonly number[], part: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(2);
}

const sixteen = new SandboxPool({ ...options, size: 16 });
await sixteen.ready();
for (const [name, runs] of [
  ['cold', () => new Sandbox(options).run()],
  ['pool of 16', () => sixteen.run()],
] as const) {
  const begun = performance.now();
  let left = 10 * 16;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await runs();
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  console.log(`16 at once, ${name}: ${((160 * 1000) / (performance.now() - begun)).toFixed(0)} per second`);
}

await sixteen.close();

const begun = performance.now();
const many = new SandboxPool({ ...options, size: waiting });
await many.ready();
const made = performance.now() - begun;
await until('all hold little', holdLittle);
const held = { rt: 0, init: 0 };
for (const [whose, , bytes] of processes()) held[whose] += bytes / waiting / 1024;
console.log(
  `${waiting} waiting: made in ${made.toFixed(0)} ms; Pss of each: rt ${held.rt.toFixed(0)} KiB, init ${held.init.toFixed(0)} KiB`,
);
await many.close();
await until('nothing is left', () => processes().length === 0);
rmSync(place.dir, { recursive: true });

/** Whether each rt that waits has given its engine back. */
function holdLittle(): boolean {
  return processes().every(([whose, bytes]) => whose === 'init' || bytes < smallest);
}

/** Those of sandboxes: the bytes that no other process shares, and the proportional set size. */
function processes(): ['rt' | 'init', alone: number, proportional: number][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const isRuntime = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(options.runtime.root);
        if (!isRuntime && !readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes('/rt-bench-')) return [];
        const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
        const bytes = (name: string): number =>
          1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
        return [[isRuntime ? 'rt' : 'init', bytes('Private_Dirty'), bytes('Pss')]];
      } catch {
        // It has ended.
        return [];
      }
    });
}
