import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** A system call that goes wrong: of the process that runs the command, and of its children if they are meant. */
export interface Fault {
  /** Name of the call, as strace(1) has it. */
  readonly call: string;
  /** A name such as EIO in place of the result, or a signal that arrives when the call is made. */
  readonly error?: string;
  readonly signal?: string;
  /** Only of calls with this path, or a descriptor of it. */
  readonly path?: string;
  readonly children?: boolean;
  /** Which of these calls, from 1; all without it. */
  readonly nth?: number;
}

let logs = 0;

/** First words of a command line whose process meets the fault, and where to read what became of it. */
export function faulty(
  rt: Sandbox,
  { call, error, signal, path, nth, children }: Fault,
): { prefix: string[]; log: string } {
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

/** Runs a command of the runtime that meets the fault. Throws when it never made the call. */
export async function commandWithFault(rt: Sandbox, fault: Fault, ...words: string[]): Promise<Outcome> {
  const { prefix, log } = faulty(rt, fault);
  const outcome = await rt.commandThrough(prefix, ...words);
  if (!readFileSync(log, 'utf8').includes('(INJECTED)')) {
    throw new Error(`${words.join(' ')} made no call of ${fault.call} with ${fault.path ?? 'any path'}`);
  }
  return outcome;
}

/** A command that stands still in the middle. */
export interface Stopped {
  readonly ended: Promise<Outcome>;
  goOn(): void;
}

/** Starts a command of the runtime and waits until it stands still, the call made; `goOn` lets it continue. */
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
