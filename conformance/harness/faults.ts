import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** A fault in a system call of the process that runs the command and, optionally, of its children. */
export interface Fault {
  /** Name of the call, as in strace(1). */
  readonly call: string;
  /** An error such as EIO as the result, or a signal that arrives at the call. */
  readonly error?: string;
  readonly signal?: string;
  /** Only calls with this path, or a descriptor of it. */
  readonly path?: string;
  readonly children?: boolean;
  /** Index among these calls, from 1; default all. */
  readonly nth?: number;
}

let logs = 0;

/** Calls that arm64 lacks, and those that musl makes there instead. */
const REPLACED: Readonly<Record<string, string>> = { mkdir: 'mkdirat', rename: 'renameat', rmdir: 'unlinkat' };

function ownCall(name: string): string {
  return process.arch === 'arm64' ? (REPLACED[name] ?? name) : name;
}

/** Prefix of a command line that injects the fault, and the file with the result. */
export function faulty(
  rt: Sandbox,
  { call: name, error, signal, path, nth, children }: Fault,
): { prefix: string[]; log: string } {
  const call = ownCall(name);
  const log = join(rt.dir, `strace-${logs++}`);
  const injected = [
    `inject=${call}`,
    ...(error === undefined ? [] : [`error=${error}`]),
    ...(signal === undefined ? [] : [`signal=${signal}`]),
    ...(nth === undefined ? [] : [`when=${nth}`]),
  ];
  const only = path === undefined ? [] : ['-P', path];
  return {
    prefix: [
      'strace',
      ...(children === true ? ['-f'] : []),
      '-o',
      log,
      ...only,
      '-e',
      `trace=${call}`,
      '-e',
      injected.join(':'),
    ],
    log,
  };
}

/** Runs a command of the runtime with the fault. Throws if it never made the call. */
export async function commandWithFault(rt: Sandbox, fault: Fault, ...words: string[]): Promise<Outcome> {
  const { prefix, log } = faulty(rt, fault);
  const outcome = await rt.commandThrough(prefix, ...words);
  if (!readFileSync(log, 'utf8').includes('(INJECTED)')) {
    throw new Error(`${words.join(' ')} made no call of ${fault.call} with ${fault.path ?? 'any path'}`);
  }
  return outcome;
}

/** A command that is paused midway. */
export interface Stopped {
  readonly ended: Promise<Outcome>;
  goOn(): void;
}

/** Starts a command of the runtime and waits until it is paused after the call; `goOn` resumes it. */
export async function stoppedAt(
  rt: Sandbox,
  fault: Omit<Fault, 'error' | 'signal'>,
  ...words: string[]
): Promise<Stopped> {
  const { prefix, log } = faulty(rt, { ...fault, signal: 'SIGSTOP' });
  const { child, ended } = rt.backgroundThrough(prefix, ...words);
  await until(`${words.join(' ')} stands still`, () => {
    if (child.exitCode !== null) throw new Error(`${words.join(' ')} ended without ${fault.call}`);
    return existsSync(log) && readFileSync(log, 'utf8').includes('--- stopped by SIGSTOP ---');
  });
  return {
    ended,
    goOn: () => {
      for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, 'SIGCONT');
    },
  };
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}
