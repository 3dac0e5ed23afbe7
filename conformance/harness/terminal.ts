import type { Writable } from 'node:stream';
import { guestProgram } from './guest.ts';
import { start } from './process.ts';
import type { Outcome, Running } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** The output of the probe's verb `tty`. */
export interface Tty {
  tty: [number, number, number];
  name: string;
  rows: number;
  columns: number;
  pid: number;
  session: number;
  foreground: number;
  controlling: boolean;
  uid: number;
  gid: number;
  mode: number;
  major: number;
  console: boolean;
}

/** Result of a command in a terminal. */
export interface Ending {
  status: number;
  signal: number;
  /** Whether the mode of the terminal was restored. */
  restored: boolean;
}

export interface TerminalOptions {
  readonly rows?: number;
  readonly columns?: number;
  /** Microseconds before each read of at most 512 bytes. */
  readonly delay?: number;
  /** Environment of the command, default the sandbox's. */
  readonly env?: Record<string, string>;
}

/** A command that runs in a new terminal. */
export class TerminalSession {
  readonly running: Running;

  /** `argv` runs in the terminal. */
  constructor(sandbox: Sandbox, argv: readonly string[], options: TerminalOptions = {}) {
    const { rows = 24, columns = 80, delay = 0, env = sandbox.env } = options;
    const words = ['pty', String(rows), String(columns), String(delay), ...argv];
    this.running = start([guestProgram('peer'), ...words], {
      env,
      interactive: true,
      encoding: 'latin1',
      descriptors: ['pipe'],
    });
  }

  /** The output in the terminal so far. */
  output(): string {
    return this.running.output();
  }

  type(text: string): void {
    this.running.child.stdin?.write(text, 'latin1');
  }

  resize(rows: number, columns: number): void {
    (this.running.child.stdio[3] as Writable).write(`${rows} ${columns}\n`);
  }

  /** Waits until the terminal shows the text. */
  async shows(text: string): Promise<void> {
    await until(`the terminal shows ${text}`, () => this.output().includes(text));
  }

  async end(): Promise<Ending & { outcome: Outcome }> {
    const outcome = await this.running.ended;
    const line = outcome.stderr.trimEnd().split('\n').at(-1) ?? '';
    return { ...(JSON.parse(line) as Ending), outcome };
  }
}

/** Message received on a socket. */
export interface Delivery {
  data: string;
  messages: number;
  fds: number;
  more: boolean;
  kind: string;
  pid?: number;
}

/** An engine's socket, on which a descriptor is expected. It accepts nothing before `receive`. */
export class Receiver {
  readonly running: Running;

  private constructor(running: Running) {
    this.running = running;
  }

  static async listen(sandbox: Sandbox, path: string): Promise<Receiver> {
    const receiver = new Receiver(
      start([guestProgram('peer'), 'socket', path], { env: sandbox.env, interactive: true }),
    );
    await until('the socket listens', () => receiver.running.output().includes('listening'));
    return receiver;
  }

  async receive(): Promise<Delivery> {
    this.running.child.stdin?.write('\n');
    const line = await until('something arrives', () => {
      const lines = this.running.output().split('\n');
      return lines.length > 2 ? lines[1] : undefined;
    });
    return JSON.parse(line) as Delivery;
  }

  /** The output of the received terminal so far. */
  terminal(): string {
    return this.running.output().split('\n').slice(2).join('\n');
  }

  type(text: string): void {
    this.running.child.stdin?.write(text);
  }
}

/** The output of the verb `tty`, found among other output. */
export function ttyLine(output: string): Tty {
  const line = output.split(/\r?\n/).find((each) => each.startsWith('{')) ?? output;
  return JSON.parse(line) as Tty;
}

/** The bytes that the verbs `emit` and `absorb` of the probe expect, one character each. */
export function pattern(seed: number, count: number): string {
  const bytes = Buffer.alloc(count);
  let state = seed >>> 0;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes.toString('latin1');
}
