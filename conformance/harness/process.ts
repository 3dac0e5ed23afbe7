import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { PATIENCE } from './wait.ts';

/** Exit status and output of a command. */
export interface Outcome {
  /** Exit status, or 128 + signal number as in a shell. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** The user of the command; supplementary groups are dropped. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Text for standard input; default /dev/null. */
  readonly input?: string;
  /** Open files that become standard output and standard error instead of pipes. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** Standard input is a pipe that stays open: `child.stdin`. */
  readonly interactive?: boolean;
  /** Encoding of standard output, default utf8; latin1 preserves bytes. */
  readonly encoding?: BufferEncoding;
  /** Open files that become descriptors 3, 4, ... of the command; a pipe is `child.stdio`. */
  readonly descriptors?: readonly (number | 'pipe')[];
  /** Milliseconds after which the command is killed and counted as failed. */
  readonly deadline?: number;
}

/** A command that was started and not yet waited for. */
export interface Running {
  readonly child: ChildProcess;
  /** The standard output so far. */
  readonly output: () => string;
  readonly ended: Promise<Outcome>;
}

const DEFAULT_DEADLINE = 60_000;

/**
 * Starts a command. `ended` waits for the end of its output too, so a command that leaves a container behind must
 * write to files, or `ended` would wait for the container.
 */
export function start(argv: readonly string[], options: SpawnOptions = {}): Running {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    ...options.user,
    stdio: [
      options.input === undefined && options.interactive !== true ? 'ignore' : 'pipe',
      options.stdout ?? 'pipe',
      options.stderr ?? 'pipe',
      ...(options.descriptors ?? []),
    ],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding(options.encoding ?? 'utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command may end without reading its input.
  child.stdin?.on('error', () => undefined);
  if (options.interactive !== true) child.stdin?.end(options.input);
  const ended = new Promise<Outcome>((resolve, reject) => {
    const deadline = (options.deadline ?? DEFAULT_DEADLINE) * PATIENCE;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not finished after ${deadline} ms: ${argv.join(' ')}\n${stderr}`));
    }, deadline);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ status: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout, stderr });
    });
  });
  return { child, output: () => stdout, ended };
}

/** Runs a command to its end. */
export function run(argv: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
  return start(argv, options).ended;
}
