/** Calls of the `rt` program, each a child process. */
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { nativeFile } from '../host/node.ts';
import { failureOf, readRecords } from './records.ts';

/** The program, and the words before the command. */
export interface Program {
  readonly path: string;
  readonly globals: readonly string[];
}

/** The program: `given`, else the value of RT_BINARY, else the one of this package. */
export function findProgram(given: string | undefined): string {
  return (given ?? process.env['RT_BINARY']) || nativeFile('rt');
}

/** Starts the program; rejects if there is none. */
export async function start(program: Program, words: readonly string[], stdio: StdioOptions): Promise<ChildProcess> {
  const child = spawn(program.path, [...program.globals, ...words], { stdio });
  if (child.pid !== undefined) return child;
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve));
  throw new Failure({
    code: 'api.program',
    message: `cannot run "${program.path}": ${error.message}`,
    ...(error.code === undefined ? {} : { errno: error.code }),
    hint: 'give the path of the rt binary as `binary` or in RT_BINARY; in a checkout, make build makes build/rt',
  });
}

export interface Exit {
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
}

/** The end of a child process; with `close`, of its output as well. Removes nothing of the caller's. */
export function ended(child: ChildProcess, event: 'exit' | 'close'): Promise<Exit> {
  return new Promise((resolve) => {
    child.once(event, (code: number | null, signal: NodeJS.Signals | null) => resolve({ code: code ?? 1, signal }));
  });
}

export interface CallOptions {
  /** Ends the call: the program gets SIGTERM, and the promise rejects with the reason once it has ended. */
  readonly signal?: AbortSignal | undefined;
  /** Standard input. */
  readonly input?: string;
  /** Exit codes that are no failures, besides 0. */
  readonly accept?: readonly number[];
}

export interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Calls `stop` when the signal is given, or has been; returns what undoes that. Calls may share a signal: of more than ten
 * listeners Node would warn, as of a leak.
 */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) stop();
  setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

/** Runs a command to its end. Rejects with a Failure if it fails. */
export async function call(program: Program, words: readonly string[], options: CallOptions = {}): Promise<Called> {
  const { signal, input, accept = [] } = options;
  signal?.throwIfAborted();
  const told = { ...program, globals: [...program.globals, '--log-format', 'json'] };
  const child = await start(told, words, [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']);
  const stop = (): void => void child.kill();
  const forget = onAbort(signal, stop);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  // A command may end without reading its input.
  child.stdin?.on('error', () => undefined).end(input);
  const exit = await ended(child, 'close');
  forget();
  if (exit.signal !== null) signal?.throwIfAborted();
  if (exit.signal !== null || (exit.code !== 0 && !accept.includes(exit.code))) {
    throw failureOf(stderr(), exit.code, exit.signal);
  }
  return { code: exit.code, stdout: stdout(), warnings: readRecords(stderr(), 'warning').found };
}

/** Node discards what nobody has read by the end of a child process. */
export function kept(stream: Readable | null): Readable | null {
  return stream === null ? null : stream.pipe(new PassThrough());
}

/** Returns what gives the text so far. */
export function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (part: string) => (text += part));
  return () => text;
}

/**
 * Runs a command whose standard descriptors belong to a container that outlives it. Its records go to a file without a
 * name.
 */
export async function callDetached(
  program: Program,
  words: readonly string[],
  stdio: readonly (number | 'pipe' | 'ignore' | 'inherit')[],
  signal: AbortSignal | undefined,
): Promise<{ stdout: Readable | null; stderr: Readable | null; warnings: readonly Diagnostic[] }> {
  signal?.throwIfAborted();
  const log = await openUnnamed();
  try {
    const globals = [...program.globals, '--log', '/proc/self/fd/3', '--log-format', 'json'];
    const child = await start({ ...program, globals }, words, [...stdio, log.fd]);
    const streams = { stdout: kept(child.stdout), stderr: kept(child.stderr) };
    const stop = (): void => void child.kill();
    const forget = onAbort(signal, stop);
    const exit = await ended(child, 'exit');
    forget();
    const text = await log.readFile({ encoding: 'utf8' });
    if (exit.code === 0 && exit.signal === null) {
      return { ...streams, warnings: readRecords(text, 'warning').found };
    }
    for (const stream of child.stdio) stream?.destroy();
    if (exit.signal !== null) signal?.throwIfAborted();
    throw failureOf(text, exit.code, exit.signal);
  } finally {
    await log.close();
  }
}

async function openUnnamed(): Promise<FileHandle> {
  const path = join(tmpdir(), `rt-${randomUUID()}.log`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}
