import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './config.ts';
import { CRIU_PATH } from './criu.ts';
import { start as startCommand } from './process.ts';
import type { Outcome, Running } from './process.ts';
import type { Bundle, Sandbox, State } from './sandbox.ts';
import { until } from './wait.ts';

/**
 * Counts in a variable that exists only in memory; /tmp/count is a link to the number. A file that is open at that
 * moment might be a different one when the images are used.
 */
const COUNTER = [
  '/bin/sh',
  '-c',
  'i=0; while :; do i=$((i+1)); ln -sf $i /tmp/next; mv /tmp/next /tmp/count; sleep 0.05; done',
];

/** A bundle whose program counts. */
export function counter(rt: Sandbox, mutate?: Mutation): Bundle {
  const bundle = rt.bundle((config) => {
    config.process.args = [...COUNTER];
    mutate?.(config);
  });
  chmodSync(join(bundle.rootfs, 'tmp'), 0o777);
  for (const applet of ['ln', 'mv']) symlinkSync('busybox', join(bundle.rootfs, 'bin', applet));
  return bundle;
}

export function count({ rootfs }: Bundle): number {
  try {
    return Number(readlinkSync(join(rootfs, 'tmp', 'count')));
  } catch {
    return 0;
  }
}

export async function countsBeyond(bundle: Bundle, value: number): Promise<number> {
  await until(`it counts beyond ${value}`, () => count(bundle) > value);
  return count(bundle);
}

/** A command without the caller's pipes, which could not be passed in again. */
export async function quiet(rt: Sandbox, ...words: string[]): Promise<Outcome> {
  const nowhere = openSync('/dev/null', 'w');
  const path = join(rt.dir, 'stderr');
  const stderr = openSync(path, 'w');
  try {
    const outcome = await rt.commandWith({ env: { ...rt.env, PATH: CRIU_PATH }, stdout: nowhere, stderr }, ...words);
    return { ...outcome, stderr: readFileSync(path, 'utf8') };
  } finally {
    closeSync(nowhere);
    closeSync(stderr);
  }
}

/** The container's standard error must not be the file of `quiet`. */
export async function start(rt: Sandbox, bundle: Bundle, id: string): Promise<void> {
  const nowhere = openSync('/dev/null', 'w');
  try {
    const words = ['run', '--detach', '--bundle', bundle.dir, id];
    const { status } = await rt.commandWith({ stdout: nowhere, stderr: nowhere }, ...words);
    if (status !== 0) throw new Error(`run ended with ${status}`);
  } finally {
    closeSync(nowhere);
  }
}

export async function restore(rt: Sandbox, bundle: Bundle, id: string, ...words: string[]): Promise<Outcome> {
  return restoreBy(rt, CRIU_PATH, bundle, id, ...words);
}

/** As `restore`, with the criu that is found in `path`. */
export async function restoreBy(
  rt: Sandbox,
  path: string,
  bundle: Bundle,
  id: string,
  ...words: string[]
): Promise<Outcome> {
  const nowhere = openSync('/dev/null', 'w');
  const log = join(rt.dir, 'restore-log');
  try {
    const all = ['--log', log, 'restore', '--detach', '--bundle', bundle.dir, ...images(rt), ...words, id];
    const env = { ...rt.env, PATH: path };
    const outcome = await rt.commandWith({ env, stdout: nowhere, stderr: nowhere }, ...all);
    return { ...outcome, stderr: existsSync(log) ? readFileSync(log, 'utf8') : '' };
  } finally {
    closeSync(nowhere);
  }
}

export function images(rt: Sandbox): string[] {
  return ['--image-path', join(rt.dir, 'images'), '--work-path', join(rt.dir, 'work')];
}

export async function checkpoint(rt: Sandbox, id: string, ...words: string[]): Promise<Outcome> {
  mkdirSync(join(rt.dir, 'work'), { recursive: true });
  return quiet(rt, 'checkpoint', ...images(rt), ...words, id);
}

/** A command whose standard output is a real pipe; Node's "pipe" is a socket. */
export function piped(rt: Sandbox, ...words: string[]): Running {
  const line = '"$@" 2>/dev/null | cat';
  const env = { ...rt.env, PATH: CRIU_PATH };
  return startCommand(['bash', '-o', 'pipefail', '-c', line, 'bash', ...rt.argv(...words)], { env });
}

export async function stateOf(rt: Sandbox, id: string): Promise<State> {
  return JSON.parse((await rt.command('state', id)).stdout) as State;
}
