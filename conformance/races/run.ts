/**
 * Makes CALLS calls of the runtime on two containers, 16 at a time. Some callers are stopped for a while, some killed.
 * Then it looks for leftovers. SEED repeats the random choices, RT is a command to use instead of build/rt. The script
 * `run` starts this file and chooses the prefix of all names.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, mkdtempSync, existsSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { cgroupsWithPrefix } from '../harness/cgroup.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { until } from '../harness/wait.ts';
import { race } from './callers.ts';
import type { Report } from './callers.ts';
import { makeGround } from './ground.ts';
import type { Ground } from './ground.ts';

const calls = Number(process.env['CALLS'] ?? 60_000);
const seed = Number(process.env['SEED'] ?? randomBytes(4).readUInt32LE());
const rt = process.env['RT'] ?? join(import.meta.dirname, '../../build/rt');
const state = '/run/rt';

function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
}

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

/** Empty if it has ended meanwhile. */
function about(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function show(title: string, counts: ReadonlyMap<string, number>): void {
  console.log(title);
  const rows = [...counts].sort(([, one], [, other]) => other - one);
  for (const [name, value] of rows) console.log(`${String(value).padStart(8)}  ${name}`);
}

/** Waits until a list is empty. Returns its contents at the deadline. */
async function whatStays(list: () => string[] | Promise<string[]>): Promise<string[]> {
  let last: string[] = [];
  await until('nothing is left', async () => (last = await list()).length === 0, 20_000).catch(() => undefined);
  return last;
}

/** Objects that existed before. */
interface Before {
  readonly mounts: readonly string[];
  readonly pids: readonly string[];
  readonly run: readonly string[];
}

/** Leftovers of the race, first with the remaining containers, then without. */
async function aftermath(ground: Ground, before: Before, prefix: string): Promise<string[]> {
  const command = (...words: string[]): Promise<Outcome> => run([...ground.runtime, ...words], { env: {} });
  const orphans = await whatStays(async () => {
    const known = (await command('list', '--quiet')).stdout.split('\n');
    return pids().flatMap((pid) => {
      const cgroup = about(pid, 'cgroup');
      const id = ground.ids.find((name) => cgroup.includes(`/${name}`));
      return id === undefined || known.includes(id) ? [] : [`orphan of ${id}: ${pid} ${about(pid, 'cmdline')}`];
    });
  });
  const faults = [...orphans];
  for (const id of [...ground.ids, ...ground.ids]) {
    const { status, stderr } = await command('delete', '--force', id);
    if (status !== 0 || stderr !== '') faults.push(`delete --force ${id} ended with ${String(status)}: ${stderr}`);
  }
  const left = await whatStays(() => [
    ...pids()
      .filter((pid) => !before.pids.includes(pid) && about(pid, 'stat') !== '')
      .map((pid) => `process ${pid}: ${about(pid, 'stat').slice(0, 60)}`),
    ...cgroupsWithPrefix(prefix).map((path) => `cgroup ${path}`),
    ...mounts()
      .filter((line) => !before.mounts.includes(line))
      .map((line) => `mount ${line}`),
    ...(existsSync(state) ? readdirSync(state) : []).map((name) => `state ${name}`),
    ...readdirSync('/run')
      .filter((name) => name !== 'rt' && !before.run.includes(name))
      .map((name) => `file /run/${name}`),
    ...readdirSync(ground.dir)
      .filter((name) => name.startsWith('.'))
      .map((name) => `file ${name} in ${ground.dir}`),
    ...readFileSync('/proc/keys', 'utf8')
      .split('\n')
      .filter((line) => line.includes(prefix))
      .map((line) => `key ${line}`),
  ]);
  return [...faults, ...left.map((line) => `left behind: ${line}`)];
}

function showReport(report: Report): void {
  const succeeded = [...report.calls].map(([name, all]): [string, number] => {
    return [`${name}, ${String(report.succeeded.get(name) ?? 0)} of them with success`, all];
  });
  show('calls', new Map(succeeded));
  show('callers', report.fates);
  show('messages', report.messages);
}

async function main(): Promise<number> {
  setPriority(5);
  const prefix = process.env['RT_RACES_PREFIX'];
  if (prefix === undefined) throw new Error('start conformance/races/run');
  const ground = makeGround(mkdtempSync('/tmp/rt-races-'), prefix, [rt, '--root', state]);
  console.log(`SEED=${String(seed)}`);
  await run(['/bin/true']);
  const before: Before = { mounts: mounts(), pids: pids(), run: readdirSync('/run') };
  const begin = Date.now();
  const report = await race(ground, { calls, callers: 16, seed }, (done) => {
    if (done % Math.ceil(calls / 10) !== 0) return;
    console.log(`${String(done)} of ${String(calls)}, ${String(Math.round((Date.now() - begin) / 1000))} s`);
  });
  const faults = [...report.faults, ...(await aftermath(ground, before, prefix))];
  showReport(report);
  for (const fault of faults) console.log(`fault: ${fault}`);
  console.log(faults.length === 0 ? 'nothing is left, and every answer was one' : `${String(faults.length)} faults`);
  return faults.length === 0 ? 0 : 1;
}

process.exitCode = await main();
