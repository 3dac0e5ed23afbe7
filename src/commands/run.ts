import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { leaveNetDevices, returnNetDevices } from '../launch/net-devices.ts';
import { readyMessages } from '../systemd/notify.ts';
import { release } from '../launch/start.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { handedDescriptors } from '../container/descriptors.ts';
import { endContainer } from '../container/end.ts';
import { catchSignals, supervise } from '../container/foreground.ts';
import { makeContainer, removePidFile } from '../container/make.ts';
import { runPoststart } from '../container/poststart.ts';
import { awaitReadiness } from '../container/readiness.ts';

/** `create` and `start` in one; in the foreground also waits for the end, and deletes the container. */
export function run(context: ContainerContext): Outcome {
  const { native, options } = context;
  const foreground = options.detach !== true;
  const handed = handedDescriptors(native, options['preserve-fds'], true);
  if (foreground && options['no-subreaper'] !== true) native.becomeSubreaper();
  // Signals that arrive during the creation are meant for the program, too.
  if (foreground) catchSignals(native);
  const made = makeContainer(context, 'control', !foreground, handed);
  const { directory, record, control, master, console, plan, moved, notify, locate, warnings } = made;
  // From here on other commands can kill and remove it while this process continues.
  directory.unlock();
  try {
    phase('start program', () => release(native, control, { kind: 'plan', plan }, record.pid, plan.uncertainStart));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    returnNetDevices(native, moved);
    removePidFile(context);
    const leftovers = endContainer(native, directory, record);
    throw inPhase(locate(new Failure([...error.diagnostics, ...leftovers])), 'run failed');
  }
  leaveNetDevices(native, moved);
  try {
    runPoststart(native, directory, record);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    removePidFile(context);
    throw inPhase(locate(error), 'run failed');
  }
  if (!foreground) return { warnings: [...warnings, ...awaitReadiness(native, record, notify)] };
  const ended = supervise(native, {
    pid: record.pid,
    master,
    console,
    // The manager started this process, which stays.
    ...(notify === undefined ? {} : { readiness: { ...notify, messages: readyMessages(native.processId()) } }),
  });
  const atEnd = options.keep === true ? [] : phase('delete', () => clean(native, directory, record));
  if (typeof ended === 'number') throw systemFailure('run.wait', 'cannot wait for the container', 'waitpid', ended);
  context.debug(`container ${record.id} ended, exit code ${String(ended.exitCode)}`);
  return { exitCode: ended.exitCode, warnings: [...warnings, ...ended.warnings, ...atEnd] };
}

/** A failed cleanup is only a warning, since the exit code is that of the program. */
export function clean(native: Native, directory: ContainerDirectory, record: ContainerRecord): readonly Diagnostic[] {
  try {
    return endContainer(native, directory, record);
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics;
    throw error;
  }
}
