import type { Diagnostic } from '../diag/diagnostic.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import type { Console } from './terminal.ts';

/** Called before the container or program of a foreground command exists: signals are later forwarded to it. */
export function catchSignals(native: Native): void {
  expectDone(native.catchSignals(), 'signals.catch', 'cannot catch signals', 'pipe2');
}

export interface Supervised {
  readonly pid: number;
  /** Master of its terminal, -1 for none. */
  readonly master: number;
  readonly console: Console;
  /** Sockets of a service manager's readiness protocol, and what to send once the program is ready. */
  readonly readiness?: { readonly program: number; readonly manager: number; readonly messages: readonly string[] };
}

export interface Ended {
  /** That of the program, or 128 plus the signal that ended it. */
  readonly exitCode: number;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Waits for the end of a process that runs in the foreground. -errno if that is impossible, so that the caller can
 * clean up before it reports.
 */
export function supervise(native: Native, { pid, master, console, readiness }: Supervised): Ended | number {
  const relay = console.kind === 'relay' ? console.console : -1;
  const { program = -1, manager = -1, messages = [] } = readiness ?? {};
  const ended = phase('wait', () => native.superviseChild(pid, master, relay, program, manager, messages));
  if (typeof ended === 'number') return ended;
  const [status, direction, errno, call] = ended;
  const lost = direction === 0 ? 'input' : 'output';
  return {
    exitCode: exitCode(status),
    warnings:
      errno === undefined || call === undefined
        ? []
        : systemFailure('terminal.lost', `${lost} of the terminal was lost`, call, -errno).diagnostics,
  };
}

/** The exit code from a status of waitpid(2): 128 plus the signal if one ended the process. */
export function exitCode(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}
