import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation, TestProcess } from './config.ts';
import { answers } from './guest.ts';
import type { Outcome } from './process.ts';
import type { Container, Sandbox } from './sandbox.ts';

/** Exit status of a failed exec; crun uses 1. */
export const failed = 255;

/** A container that waits, and its removal at the end of the case. */
export async function withContainer(
  rt: Sandbox,
  body: (container: Container) => Promise<void>,
  mutate?: Mutation,
): Promise<void> {
  const container = await rt.started(['wait'], mutate);
  try {
    await body(container);
  } finally {
    await container.remove('--force');
  }
}

export function cgroupOf(container: Container): string {
  return container.bundle.config.linux.cgroupsPath;
}

/** `exec --detach` without output: with a pipe, the test would wait for the end of the program. */
export async function detached(rt: Sandbox, ...words: string[]): Promise<Outcome> {
  const nowhere = openSync('/dev/null', 'w');
  try {
    return await rt.commandWith({ stdout: nowhere }, 'exec', '--detach', ...words);
  } finally {
    closeSync(nowhere);
  }
}

/** `exec` of the probe; returns its lines. */
export async function execProbe<Lines extends unknown[]>(
  rt: Sandbox,
  container: Container,
  flags: string[],
  ...words: string[]
): Promise<Lines> {
  const outcome = await rt.command('exec', ...flags, container.id, '/bin/probe', ...words);
  if (outcome.status !== 0) throw new Error(`exec ended with ${outcome.status}: ${outcome.stderr}`);
  return answers(outcome.stdout) as Lines;
}

/** `exec --process`, with a minimal process that `change` completes. */
export async function execFile(
  rt: Sandbox,
  container: Container,
  change: Partial<TestProcess>,
  ...flags: string[]
): Promise<Outcome> {
  const file = join(rt.dir, 'process.json');
  writeFileSync(file, JSON.stringify({ cwd: '/', user: { uid: 0, gid: 0 }, ...change }));
  return rt.command('exec', '--process', file, ...flags, container.id);
}
