import type { Writable } from 'node:stream';
import { guestProgram } from './guest.ts';
import { start } from './process.ts';
import type { Outcome, Running } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** What the verb `tty` of the probe prints. */
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

/** How a command in a terminal ended. */
export interface Ending {
  status: number;
  signal: number;
  /** The mode of the terminal is what it was before. */
  restored: boolean;
}

export interface TerminalOptions {
  readonly rows?: number;
  readonly columns?: number;
  /** Microseconds before each read of at most 512 bytes. */
  readonly delay?: number;
  /** Of the command, the sandbox's without it. */
  readonly env?: Record<string, string>;
}

/** A command that runs in a terminal of its own. */
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

  /** What the terminal shows so far. */
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

/** What a receiver got over a socket. */
export interface Delivery {
  data: string;
  messages: number;
  fds: number;
  more: boolean;
  kind: string;
  pid?: number;
}

/** An engine's socket, on which a descriptor is to arrive. Nothing is accepted before `receive`. */
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

  /** What came out of the received terminal so far. */
  terminal(): string {
    return this.running.output().split('\n').slice(2).join('\n');
  }

  type(text: string): void {
    this.running.child.stdin?.write(text);
  }
}

/** What the verb `tty` printed among other things. */
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
