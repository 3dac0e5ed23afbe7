import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE } from '../harness/wait.ts';
import type { Ground } from './ground.ts';

/** A command line, and its permitted exit codes. */
interface Call {
  readonly words: readonly string[];
  readonly codes: readonly number[];
  /** Standard output of a call that succeeds is JSON. */
  readonly json?: true;
}

/** Disturbance of a caller at a random moment. */
type Fate = 'stopped' | 'killed' | 'killed with all it started';

export interface Report {
  /** Calls by command. */
  readonly calls: Map<string, number>;
  readonly succeeded: Map<string, number>;
  readonly fates: Map<Fate, number>;
  /** First lines of standard error, without names and numbers. */
  readonly messages: Map<string, number>;
  /** Faults found, one line each. */
  readonly faults: string[];
}

const deadline = 60_000;
/** `sleep` as init of a pid namespace, or next to it. */
const killed = [128 + 9, 128 + 15];
const plain = [0, 1];

/** Random numbers from 0 to below 1, reproducible by the seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function callsFor(ground: Ground, id: string, bundle: string): Call[] {
  const call = (...words: string[]): Call => ({ words, codes: plain });
  const enter = (...words: string[]): Call => ({ words: ['exec', ...words], codes: [0, 255, ...killed] });
  return [
    call('create', '--bundle', bundle, id),
    call('create', '--bundle', bundle, '--pid-file', join(ground.dir, `${id}.pid`), id),
    call('start', id),
    call('start', id),
    call('run', '--detach', '--bundle', bundle, id),
    { words: ['run', '--bundle', ground.short, id], codes: [...plain, ...killed] },
    call('kill', id, 'KILL'),
    call('kill', id, 'TERM'),
    call('kill', '--all', id, 'KILL'),
    call('delete', id),
    call('delete', '--force', id),
    { ...call('state', id), json: true },
    { ...call('list', '--format', 'json'), json: true },
    call('list', '--quiet'),
    enter(id, '/bin/true'),
    enter(id, '/bin/busybox', 'sleep', '0.01'),
    enter('--detach', id, '/bin/busybox', 'sleep', '0.01'),
    call('pause', id),
    call('resume', id),
    call('resume', id),
    call('update', '--pids-limit', '50', '--memory', '64M', id),
    { ...call('ps', '--format', 'json', id), json: true },
    { ...call('events', '--stats', id), json: true },
    call('mounts', 'add', id, ground.mounts),
    call('mounts', 'remove', id, ground.mounts),
  ];
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function signal(child: ChildProcess, name: NodeJS.Signals, group: boolean): void {
  const { pid } = child;
  // Not yet reaped, so the pid is still its own.
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(group ? -pid : pid, name);
  } catch {
    // It has ended.
  }
}

/** At a random moment; most calls are not disturbed. */
async function meetFate(child: ChildProcess, random: () => number, report: Report): Promise<Fate | undefined> {
  const dice = random();
  const moment = random() * 12;
  const length = random() * 50;
  const fate: Fate | undefined =
    dice < 0.05 ? 'stopped' : dice < 0.09 ? 'killed' : dice < 0.1 ? 'killed with all it started' : undefined;
  if (fate === undefined) return undefined;
  count(report.fates, fate);
  await pause(moment);
  if (fate === 'stopped') {
    signal(child, 'SIGSTOP', false);
    await pause(length);
    signal(child, 'SIGCONT', false);
  } else signal(child, 'SIGKILL', fate !== 'killed');
  return fate;
}

/** One call of one caller. */
async function make(ground: Ground, call: Call, name: string, random: () => number, report: Report): Promise<void> {
  const [file = '', ...globals] = ground.runtime;
  const paths = { out: join(ground.dir, `${name}.out`), err: join(ground.dir, `${name}.err`) };
  const [out, err] = [openSync(paths.out, 'w'), openSync(paths.err, 'w')];
  // A separate process group, which can be killed at once.
  const child = spawn(file, [...globals, ...call.words], { stdio: ['ignore', out, err], detached: true });
  closeSync(out);
  closeSync(err);
  const shown = call.words.join(' ');
  const timer = setTimeout(() => {
    report.faults.push(`does not end: ${shown}`);
    signal(child, 'SIGKILL', true);
  }, deadline * PATIENCE);
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, ending) => resolve(code ?? ending ?? 'SIGKILL'));
  });
  const [status, fate] = await Promise.all([ended, meetFate(child, random, report)]);
  clearTimeout(timer);
  const command = call.words[0] ?? '';
  count(report.calls, command);
  if (status === 0) count(report.succeeded, command);
  const text = readFileSync(paths.err, 'utf8');
  if (/internal error|Error:|undefined|\bat .*:\d+/.test(text)) report.faults.push(`${shown} says: ${text}`);
  const first = text.split('\n')[0] ?? '';
  if (first !== '') count(report.messages, withoutNames(first, ground));
  // A call that was signalled has no answer of the runtime.
  if (status === 'SIGKILL' && fate !== undefined && fate !== 'stopped') return;
  if (typeof status === 'string' || !call.codes.includes(status)) {
    report.faults.push(`${shown} ended with ${String(status)}: ${text}`);
  }
  if (status !== 0 && first === '' && status === 1) report.faults.push(`${shown} ended with 1 and says nothing`);
  if (status === 0 && call.json === true) checkJson(readFileSync(paths.out, 'utf8'), shown, report);
}

function checkJson(text: string, shown: string, report: Report): void {
  try {
    JSON.parse(text);
  } catch {
    report.faults.push(`${shown} answers ${text}`);
  }
}

function withoutNames(message: string, { ids, dir }: Ground): string {
  const named = ids.reduce((text, id) => text.replaceAll(id, 'ID'), message.replaceAll(dir, 'DIR'));
  return named.replace(/\d+/g, 'N');
}

/** `callers` callers make a total of `calls` calls; each has its own random numbers. */
export async function race(
  ground: Ground,
  { calls, callers, seed }: { calls: number; callers: number; seed: number },
  each: (done: number) => void = () => undefined,
): Promise<Report> {
  const report: Report = { calls: new Map(), succeeded: new Map(), fates: new Map(), messages: new Map(), faults: [] };
  let [begun, done, left] = [0, 0, callers];
  const work = async (caller: number): Promise<void> => {
    const random = randomOf(seed + caller);
    const choose = <Value>(list: readonly Value[]): Value => list[Math.floor(random() * list.length)] as Value;
    try {
      while (begun++ < calls) {
        const call = choose(callsFor(ground, choose(ground.ids), choose(ground.bundles)));
        await make(ground, call, `caller-${String(caller)}`, random, report);
        each(++done);
      }
    } finally {
      left -= 1;
    }
  };
  const working = Promise.all(Array.from({ length: callers }, (_, caller) => work(caller)));
  // Finally releases callers that still wait for a container, since nothing else would end it.
  const release = async (): Promise<void> => {
    while (begun < calls) await pause(100);
    while (left > 0) {
      for (const id of ground.ids) {
        await make(ground, { words: ['delete', '--force', id], codes: plain }, 'release', () => 1, report);
      }
      await pause(50);
    }
  };
  await Promise.all([working, release()]);
  return report;
}
