import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guestProgram } from '../harness/guest.ts';
import { faultArguments } from '../harness/calls.ts';
import { PATIENCE } from '../harness/wait.ts';
import type { Point } from './points.ts';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Result of a command with a fault. */
export interface FaultyOutcome extends Outcome {
  /** Whether it reached the call. */
  readonly reached: boolean;
  /** It did not end and was killed. */
  readonly hung: boolean;
  /** Output of fault.c, one line per call. */
  readonly calls: readonly string[];
}

/** Seconds after which a command counts as hanging: longer than any deadline of the runtime. */
const patience = 20 * PATIENCE;
const scratch = '/tmp/scratch';

/** The environment of a cell: a private /run and /tmp, in a new mount and pid namespace. */
export class World {
  /** Path of the bundle. */
  readonly bundle = '/tmp/bundle';
  readonly root = '/run/rt';
  readonly pidFile = '/run/pid';
  readonly consoleSocket = '/tmp/console';
  readonly id = 'c';
  readonly terminal: boolean;
  readonly #runtime: readonly string[];

  constructor(runtime: readonly string[], terminal: boolean) {
    this.#runtime = runtime;
    this.terminal = terminal;
    mkdirSync(scratch);
  }

  argv(words: readonly string[]): string[] {
    return [...this.#runtime, '--root', this.root, ...words];
  }

  /** Runs a command of the runtime. */
  command(...words: readonly string[]): Outcome {
    return runToFiles(this.argv(words));
  }

  /** As `command`, for the preconditions of a point. */
  prepare(...words: readonly string[]): void {
    const { status, stderr } = this.command(...words);
    if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`);
  }

  /** Runs a command with a fault; without a fault only its calls are counted. */
  faulty(
    words: readonly string[],
    fault: Point | undefined,
    attached: number | undefined,
    onTerminal: boolean,
  ): FaultyOutcome {
    const log = join(scratch, 'calls');
    const at = fault === undefined ? [] : faultArguments(fault);
    const attach = attached === undefined ? [] : ['--attach', String(attached)];
    const tracer = [guestProgram('fault'), ...attach, ...at, '--log', log, '--deadline', String(patience), '--'];
    const around = onTerminal ? [guestProgram('peer'), 'pty', '24', '80', '0'] : [];
    const own = runToFiles([...around, ...tracer, ...this.argv(words)]);
    const outcome = onTerminal ? onTerminalOf(own) : own;
    const calls = readFileSync(log, 'utf8').trimEnd().split('\n');
    return {
      ...outcome,
      reached: calls.includes('fault'),
      hung: calls.includes('deadline'),
      calls: calls.filter((line) => line.includes(' ')),
    };
  }

  /** Pids of the cell except for those that existed at its begin. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }

  state(): { status: string; pid: number } | undefined {
    const { status, stdout } = this.command('state', this.id);
    return status === 0 ? (JSON.parse(stdout) as { status: string; pid: number }) : undefined;
  }

  writeConfig(config: unknown): void {
    writeFileSync(join(this.bundle, 'config.json'), JSON.stringify(config));
  }
}

/** Output of the peer for a command on its terminal, which receives both outputs. */
function onTerminalOf({ stdout, stderr, status }: Outcome): Outcome {
  const ended = /^\{"status":(\d+),"signal":(\d+)/m.exec(stderr);
  if (ended === null) return { status, stdout, stderr };
  const text = stdout.replaceAll('\r\n', '\n');
  return {
    status: Number(ended[1]) || (Number(ended[2]) > 0 ? 128 + Number(ended[2]) : 0),
    stdout: text,
    stderr: text,
  };
}

/** The way forced on all commands, if any. */
const { RT_MOUNT_NAMESPACE: way } = process.env;
export const isSmall = way === 'small';
const wayOfMounts: Record<string, string> = way === undefined ? {} : { RT_MOUNT_NAMESPACE: way };

/** Output goes to files, since a container may keep it open. */
function runToFiles([file = '', ...args]: readonly string[]): Outcome {
  const paths = [join(scratch, 'stdout'), join(scratch, 'stderr')] as const;
  const [stdout, stderr] = [openSync(paths[0], 'w'), openSync(paths[1], 'w')];
  try {
    const { status, signal, error } = spawnSync(file, args, {
      stdio: ['ignore', stdout, stderr, 'ignore'],
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...wayOfMounts },
      timeout: (patience + 20) * 1000,
      killSignal: 'SIGKILL',
    });
    if (error !== undefined && status === null && signal === null) throw error;
    return {
      status: status ?? 128 + (signal === 'SIGKILL' ? 9 : 0),
      stdout: readFileSync(paths[0], 'utf8'),
      stderr: readFileSync(paths[1], 'utf8'),
    };
  } finally {
    closeSync(stdout);
    closeSync(stderr);
  }
}

/** Waits for an action of other processes; false if it did not happen. */
export function comesTrue(condition: () => boolean, milliseconds = 3000): boolean {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > milliseconds * PATIENCE) return false;
    Atomics.wait(cell, 0, 0, 5);
  }
  return true;
}
