import { memoryKills, readStats } from '../cgroup/control.ts';
import type { Stats } from '../cgroup/stats/types.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { exactJson } from '../diag/exact-json.ts';
import { attempt } from '../diag/failure.ts';
import type { Native } from '../host/native.ts';
import { waitList } from '../host/poll.ts';
import { ETIMEDOUT } from '../kernel/errno.ts';
import { POLLIN } from '../kernel/sockets.ts';
import type { Context } from '../options/command.ts';
import type { ContainerRecord } from '../state/record.ts';
import { openProcess } from './process.ts';

/** What the holder of a lifeline is told, one JSON object per line. */
export type LifelineEvent =
  /** The container waits for the line that starts it. */
  | { readonly type: 'created'; readonly id: string; readonly pid: number; readonly warnings: readonly Diagnostic[] }
  | { readonly type: 'started'; readonly pid: number; readonly warnings: readonly Diagnostic[] }
  /** Nothing is left of it, unless --keep was given. */
  | EndEvent
  /** Nothing is left of it; the command ends with this failure. */
  | { readonly type: 'failed'; readonly exitCode: number; readonly diagnostics: readonly Diagnostic[] };

export interface EndEvent {
  readonly type: 'ended';
  /** That of the program, or 128 plus the signal that ended it. */
  readonly exitCode: number;
  /** The signal that ended it, 0 for none. */
  readonly signal: number;
  /** Among others, why the kernel or another process ended it. */
  readonly warnings: readonly Diagnostic[];
  readonly usage?: Usage | undefined;
}

/** What the container has used, from its cgroups. */
export interface Usage {
  readonly stats: Stats;
  /** Processes killed for want of memory. */
  readonly oomKills?: number | undefined;
}

/**
 * A stream socket by which another program follows a foreground command and ends it: its end of file, however it came
 * about, kills the container's program.
 */
export interface Lifeline {
  readonly descriptor: number;
  tell(event: LifelineEvent): void;
  /** Runs a command; its failure is told. */
  witness<T>(command: () => T): T;
  /**
   * Waits for a line; false if the other end was closed instead. Returns as well if init has ended. `leave` is called
   * with a pidfd of init once nothing has come for a while.
   */
  awaitStart(record: ContainerRecord, leave: (pidfd: number) => void): boolean;
}

const mostDescriptor = 0x7fff_ffff;
/** Milliseconds: who reads nothing for longer is told nothing more, and must not keep the container unattended. */
const patience = 10_000;

/** Undefined without --lifeline. `preserved`: the number of descriptors from 3 on that the program gets. */
export function openLifeline({ native, options }: Context): Lifeline | undefined {
  const { lifeline: descriptor, detach, 'preserve-fds': preserved = 0 } = options;
  if (descriptor === undefined) return undefined;
  const isPossible = descriptor >= 3 + preserved && descriptor <= mostDescriptor;
  if (detach === true || !isPossible || native.isStream(descriptor) !== 1) {
    throw new Failure({
      code: 'lifeline',
      message: `cannot use descriptor ${descriptor} as a lifeline`,
      hint: 'give a connected stream socket that is not passed on to the program, without --detach',
    });
  }
  let isHeard = true;
  const tell = (event: LifelineEvent): void => {
    // Of a line that was cut off nothing more can follow.
    if (isHeard) isHeard = native.sendText(descriptor, `${exactJson(event)}\n`, patience) === 0;
  };
  return {
    descriptor,
    tell,
    witness: (command) => {
      try {
        return command();
      } catch (error) {
        if (error instanceof Failure) {
          tell({ type: 'failed', exitCode: error.exitCode, diagnostics: error.diagnostics });
        }
        throw error;
      }
    },
    awaitStart: (record, leave) => awaitLine(native, descriptor, record, leave),
  };
}

const newline = 10;
/** Milliseconds: a caller that is at work starts a container sooner. */
const shortWait = 250;

function awaitLine(
  native: Native,
  descriptor: number,
  { pid, startTime }: ContainerRecord,
  leave: (pidfd: number) => void,
): boolean {
  const pidfd = openProcess(native, pid, startTime);
  if (pidfd === undefined) return true;
  const wanted = waitList([
    [descriptor, POLLIN],
    [pidfd, POLLIN],
  ]);
  try {
    for (let limit = shortWait; ;) {
      const ready = native.poll(wanted, limit);
      if (ready === 1) return true;
      if (ready === -ETIMEDOUT) {
        leave(pidfd);
        limit = -1;
      }
      // A signal for the program, which it gets once it runs.
      if (ready !== 0) continue;
      const received = native.receiveStream(descriptor, 1, 0);
      if (typeof received === 'number' || received.byteLength === 0) return false;
      if (new Uint8Array(received)[0] === newline) return true;
    }
  } finally {
    native.close(pidfd);
  }
}

export function lifelineClosed(): Failure {
  return new Failure({ code: 'lifeline.closed', message: 'the lifeline was closed before the program started' });
}

export function endEvent(
  { exitCode, signal }: Pick<EndEvent, 'exitCode' | 'signal'>,
  warnings: readonly Diagnostic[],
  usage?: Usage,
): EndEvent {
  return { type: 'ended', exitCode, signal, warnings, usage };
}

/** To be called while its cgroups exist; undefined if they cannot be read. */
export function usageAtEnd(native: Native, { cgroup }: ContainerRecord): Usage | undefined {
  let usage: Usage | undefined;
  attempt(() => {
    usage = { stats: readStats(native, cgroup), oomKills: memoryKills(native, cgroup) };
  });
  return usage;
}
