/** A foreground program of a container, followed and ended by its lifeline (src/container/lifeline.ts). */
import { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Stats } from '../cgroup/stats/types.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { LifelineEvent } from '../container/lifeline.ts';
import { collect, ended, kept, start } from './call.ts';
import type { Program } from './call.ts';
import { failureOf } from './records.ts';

/** Where a standard stream of a container leads: a stream of this process, nowhere, or an open descriptor. */
export type Stdio = 'pipe' | 'inherit' | 'ignore' | number;

/** The standard streams of a program. */
export interface StdioOptions {
  /** By default `ignore`: the program reads nothing. */
  readonly stdin?: Stdio;
  /** By default `pipe`. A program waits while its pipe is full, so read it. */
  readonly stdout?: Stdio;
  /** By default `pipe`. A program waits while its pipe is full, so read it. */
  readonly stderr?: Stdio;
}

/** A value as JSON has it: bigints become numbers, which are exact up to 2 ** 53. */
export type Measured<T> = T extends bigint
  ? number
  : T extends object
    ? { readonly [Name in keyof T]: Measured<T[Name]> }
    : T;

/** What a container has used during its life. */
export interface Usage {
  /** As in an event of type stats. */
  readonly stats: Measured<Stats>;
  /** Processes that the kernel has killed for want of memory; missing if it does not tell. */
  readonly oomKills?: number;
}

/** How a program ended. */
export interface End {
  /** Exit code of the program, or 128 plus the number of the signal that ended it. */
  readonly exitCode: number;
  /** Name of the signal that ended it, such as SIGKILL; null if none did. */
  readonly signal: string | null;
  /** Among others, why the kernel or another process ended it: codes that begin with `end.`. */
  readonly warnings: readonly Diagnostic[];
  /** Of the whole container; missing for `exec`, or if the cgroups cannot be read. */
  readonly usage?: Usage;
}

/** A running program of a container. */
export interface ContainerProcess {
  /** Id of the container. */
  readonly id: string;
  /** Pid on the host. */
  readonly pid: number;
  /** Null unless it is a pipe. */
  readonly stdin: Writable | null;
  /** Null unless it is a pipe. */
  readonly stdout: Readable | null;
  /** Null unless it is a pipe. */
  readonly stderr: Readable | null;
  /** What did not prevent the start, such as settings without effect. */
  readonly warnings: readonly Diagnostic[];
  /** How the program ended; by then nothing of its container is left. Rejects with a Failure if rt itself failed. */
  readonly ended: Promise<End>;
  /** Input and output of the program's terminal as one stream; stdin and stdout must be pipes. */
  terminal(): Duplex;
  /** Changes the size of the program's terminal. */
  resize(rows: number, columns: number): void;
  /** Kills the program and what it has started; `ended` tells when that is done. */
  close(): void;
}

/** A container that is made, and whose program waits for `start`. */
export interface HeldContainer {
  /** Id of the container. */
  readonly id: string;
  /** Pid of its init on the host. */
  readonly pid: number;
  /** What did not prevent the creation, such as settings without effect. */
  readonly warnings: readonly Diagnostic[];
  /** Resolves once the program runs. Rejects with a Failure, and nothing is left, if it cannot be run. */
  start(): Promise<ContainerProcess>;
  /** As of ContainerProcess, whether it was started or not; rejects if it was not. */
  readonly ended: Promise<End>;
  /** Removes the container; resolves once nothing is left. */
  close(): Promise<void>;
  /** Lets this process exit although the container waits, which then is removed. */
  unref(): void;
  /** Undoes `unref`. */
  ref(): void;
}

type Told<Type extends LifelineEvent['type']> = Extract<LifelineEvent, { type: Type }>;

/** The child process that runs a foreground command, and what it tells. */
export class Followed {
  readonly child: ChildProcess;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly created: Promise<Told<'created'>>;
  readonly started: Promise<Told<'started'>>;
  readonly ended: Promise<End>;
  readonly #lifeline: Duplex;

  /** `remove`: called if rt was killed, and has left the container. */
  static async begin(
    program: Program,
    words: readonly string[],
    stdio: StdioOptions,
    remove: () => Promise<unknown>,
  ): Promise<Followed> {
    const { stdin = 'ignore', stdout = 'pipe', stderr = 'pipe' } = stdio;
    const globals = [...program.globals, '--log-level', 'error', '--log-format', 'json'];
    const child = await start({ ...program, globals }, words, [stdin, stdout, stderr, 'pipe']);
    return new Followed(child, remove);
  }

  private constructor(child: ChildProcess, remove: () => Promise<unknown>) {
    this.child = child;
    this.stdout = kept(child.stdout);
    this.stderr = kept(child.stderr);
    const lifeline = child.stdio[3];
    if (!(lifeline instanceof Duplex)) throw new TypeError('the child process has no lifeline');
    this.#lifeline = lifeline;
    lifeline.on('error', () => undefined);
    child.stdin?.on('error', () => undefined);
    const created = deferred<Told<'created'>>();
    const begun = deferred<Told<'started'>>();
    let last: Told<'ended'> | Told<'failed'> | undefined;
    const lines = createInterface({ input: lifeline });
    // It repeats those of its input.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const event = JSON.parse(line) as LifelineEvent;
      switch (event.type) {
        case 'created':
          return created.resolve(event);
        case 'started':
          return begun.resolve(event);
        case 'failed':
        case 'ended':
          last = event;
      }
    });
    this.created = created.promise;
    this.started = begun.promise;
    const over = Promise.all([ended(child, 'exit'), new Promise((resolve) => lifeline.once('close', resolve))]);
    this.ended = over.then(async ([exit]) => {
      if (last !== undefined) return endOf(last);
      if (exit.signal !== null) await remove();
      throw failureOf(await textOf(this.stderr), exit.code, exit.signal);
    });
    // Nobody need wait for each of them.
    const fail = (error: unknown): void => {
      created.reject(error);
      begun.reject(error);
    };
    this.ended.then(() => fail(new Failure({ code: 'api.ended', message: 'rt ended' })), fail);
    for (const promise of [this.created, this.started]) promise.catch(() => undefined);
  }

  /** Lets the program run, or resizes its terminal. */
  send(line: string): void {
    if (this.#lifeline.writable) this.#lifeline.write(`${line}\n`);
  }

  /** Kills it. */
  close(): void {
    this.#lifeline.end();
  }

  /** Whether this process stays until the child has ended. */
  keep(stays: boolean): void {
    const { child } = this;
    for (const one of [child, ...child.stdio]) {
      if (!(one instanceof ChildProcess || one instanceof Socket)) continue;
      if (stays) one.ref();
      else one.unref();
    }
  }

  process(id: string, { pid, warnings }: { pid: number; warnings: readonly Diagnostic[] }): ContainerProcess {
    const { stdout, stderr } = this;
    const { stdin } = this.child;
    return {
      id,
      pid,
      stdin,
      stdout,
      stderr,
      warnings,
      ended: this.ended,
      terminal: () => {
        if (stdin === null || stdout === null) throw new TypeError('stdin and stdout must be pipes');
        return terminalOf(stdin, stdout);
      },
      resize: (rows, columns) => {
        for (const [name, value] of Object.entries({ rows, columns })) {
          if (Number.isInteger(value) && value > 0 && value < 65536) continue;
          throw new TypeError(`${name} must be an integer from 1 to 65535, not ${String(value)}`);
        }
        this.send(`${rows} ${columns}`);
      },
      close: () => this.close(),
    };
  }
}

/** Node closes the standard input of a child process that has ended, which is no error here. */
function terminalOf(stdin: Writable, stdout: Readable): Duplex {
  const terminal = new Duplex({
    read: () => void stdout.resume(),
    write: (part: Buffer, _encoding, done) => {
      if (stdin.writable) stdin.write(part, () => done());
      else done();
    },
    final: (done) => {
      stdin.end();
      done();
    },
  });
  stdout.on('data', (part: Buffer) => {
    if (!terminal.push(part)) stdout.pause();
  });
  stdout.once('end', () => terminal.push(null));
  return terminal;
}

async function textOf(stream: Readable | null): Promise<string> {
  if (stream === null) return '';
  const text = collect(stream);
  await finished(stream).catch(() => undefined);
  return text();
}

function endOf(last: Told<'ended'> | Told<'failed'>): End {
  if (last.type === 'failed') throw new Failure(last.diagnostics, last.exitCode);
  const { exitCode, signal, warnings, usage } = last;
  return {
    exitCode,
    signal: signal === 0 ? null : signalName(signal),
    warnings,
    ...(usage === undefined ? {} : { usage: usage as Usage }),
  };
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIGRT${number}`;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
