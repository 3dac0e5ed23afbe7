import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic, Phase } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { SIGKILL, SIGSYS } from '../kernel/signals.ts';
import type { Watch } from '../launch/watch.ts';
import type { Context, Outcome } from '../options/command.ts';
import { readyMessages } from '../systemd/notify.ts';
import type { NotifyProxy } from '../systemd/notify.ts';
import { causesOfEnd } from './cause.ts';
import type { MadeContainer } from './creation.ts';
import { reportDenied } from './denied.ts';
import { endContainer } from './end.ts';
import { endEvent, usageAtEnd } from './lifeline.ts';
import type { Lifeline } from './lifeline.ts';
import { removePidFile } from './pid-file.ts';
import { runPoststart } from './poststart.ts';
import { awaitReadiness } from './readiness.ts';
import type { Console } from './terminal.ts';

/** Called before the container or program of a foreground command exists: signals are later forwarded to it. */
export function catchSignals(native: Native): void {
  expectDone(native.catchSignals(), 'signals.catch', 'cannot catch signals', 'pipe2');
}

/** As catchSignals, for a container: its orphans become children of this process, unless --no-subreaper is given. */
export function becomeForeground({ native, options }: Context): void {
  if (options['no-subreaper'] !== true) native.becomeSubreaper();
  catchSignals(native);
}

/** In place of a status of waitpid(2): a call waits for its answer. */
const callWaits = 0x7fff_ffff;

/** Of a status of waitpid(2). */
const signalBits = 0x7f;

export interface Ended {
  /** That of the program, or 128 plus the signal that ended it. */
  readonly exitCode: number;
  /** The signal that ended it, 0 for none. */
  readonly signal: number;
  readonly warnings: readonly Diagnostic[];
}

/** Who else is attended to while the program runs. */
interface Attendants {
  readonly notify?: NotifyProxy | undefined;
  readonly lifeline?: Lifeline | undefined;
  readonly watch?: Watch | undefined;
}

/**
 * Waits for the end of the child `pid`, to which signals, terminal and readiness messages are forwarded, while `watch`
 * answers what its filter asks. The end of the lifeline kills it. -errno if that is impossible, so that the caller can
 * clean up before it reports.
 */
export function supervise(
  native: Native,
  pid: number,
  console: Console,
  { notify, lifeline, watch }: Attendants,
): Ended | number {
  const [master, relay] = console.kind === 'relay' ? [console.master, console.console] : [-1, -1];
  const { program = -1, manager = -1 } = notify ?? {};
  const [socket, listener] = [lifeline?.descriptor ?? -1, watch?.listener ?? -1];
  // The service manager started this process, which stays.
  const messages = notify === undefined ? [] : readyMessages(native.processId());
  watch?.attendTo(pid);
  const wait = (): ReturnType<Native['superviseChild']> =>
    native.superviseChild(pid, master, relay, program, manager, messages, socket, listener);
  const ended = phase('wait', () => {
    let result = wait();
    while (watch !== undefined && typeof result !== 'number' && result[0] === callWaits) {
      watch.answer();
      result = wait();
    }
    return result;
  });
  if (typeof ended === 'number') return ended;
  const [raw, direction, errno, call] = ended;
  // The filter would have ended it by SIGSYS; the answer had to be another signal.
  const status = watch?.hasEndedProgram === true && (raw & signalBits) === SIGKILL ? SIGSYS : raw;
  const lost = direction === 0 ? 'input' : 'output';
  return {
    exitCode: exitCode(status),
    signal: status & signalBits,
    warnings:
      errno === undefined || call === undefined
        ? []
        : systemFailure('terminal.lost', `${lost} of the terminal was lost`, call, -errno).diagnostics,
  };
}

/** The exit code from a status of waitpid(2): 128 plus the signal if one ended the process. */
export function exitCode(status: number): number {
  const signal = status & signalBits;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}

/**
 * Runs the poststart hooks of a container whose program runs. Without --detach also waits for its end and, without
 * --keep, deletes it. Failures are named after `action`.
 */
export function attend(context: Context, container: MadeContainer, action: Phase, lifeline?: Lifeline): Outcome {
  const { native, options } = context;
  const { directory, record, console, compiled, notify, watch, recorded } = container;
  try {
    runPoststart(native, directory, record);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    removePidFile(context);
    throw inPhase(compiled.locate(error), action);
  }
  const { warnings } = compiled;
  if (options.detach === true) return { warnings: [...warnings, ...awaitReadiness(native, record, notify)] };
  const denied = watch && reportDenied(context, watch, console, compiled);
  const ended = supervise(native, record.pid, console, { notify, lifeline, watch });
  const told = [...(denied?.() ?? []), ...(recorded?.() ?? [])];
  const explained = typeof ended === 'number' || watch?.hasEndedProgram === true;
  const causes = explained ? told : [...told, ...causesOf(native, container, ended)];
  const usage = lifeline === undefined ? undefined : usageAtEnd(native, record);
  const atEnd = options.keep === true ? [] : phase('delete', () => clean(native, container));
  if (typeof ended === 'number') throw systemFailure('run.wait', 'cannot wait for the container', 'waitpid', ended);
  context.debug(`container ${record.id} ended, exit code ${String(ended.exitCode)}`);
  const warned = [...ended.warnings, ...causes, ...atEnd];
  lifeline?.tell(endEvent(ended, warned, usage));
  return { exitCode: ended.exitCode, warnings: [...warnings, ...warned] };
}

/** Why the program ended, each with its place in the config. */
function causesOf(
  native: Native,
  { record, compiled: { config, locate }, watch }: MadeContainer,
  { exitCode, signal }: Ended,
): readonly Diagnostic[] {
  const unreported = watch === undefined ? config : undefined;
  const causes = causesOfEnd(native, { exitCode, signal, cgroup: record.cgroup, config, unreported });
  return causes.length === 0 ? [] : locate(new Failure(causes)).diagnostics;
}

/** A failed cleanup is only a warning, since the exit code is that of the program. */
function clean(native: Native, { directory, record }: MadeContainer): readonly Diagnostic[] {
  try {
    return endContainer(native, directory, record);
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics;
    throw error;
  }
}
