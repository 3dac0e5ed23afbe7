import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ESRCH } from '../kernel/errno.ts';
import { SIGKILL } from '../kernel/signals.ts';
import { isFrozen, killCgroup, thawForKill } from '../cgroup/control.ts';
import { cgroupProcesses } from '../cgroup/files.ts';
import { openProcess } from '../container/process.ts';
import { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord } from '../state/store.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { parseSignal } from '../options/signal.ts';

/** Sends a signal to the init of a container, or to all of its processes. */
export function kill(context: ContainerContext): Outcome {
  const { native } = context;
  const [id, name = 'TERM'] = context.operands;
  const root = stateRoot(native, context.globals.root).path;
  const signal = parseSignal(name);
  const record = ContainerDirectory.use(native, root, id, requireRecord);
  const all = context.options.all === true;
  const pidfd = record.pid === 0 ? undefined : openProcess(native, record.pid, record.startTime);
  // In a shared pid namespace the others do not die with init, so each of them needs a SIGKILL. A frozen init takes a
  // SIGKILL only when its cgroup is killed.
  const thorough = signal === SIGKILL && (!record.privatePidNamespace || isFrozen(native, record.cgroup));
  const others = record.pid !== 0 && (all || thorough);
  const reached = others && signalCgroup(native, record, signal);
  if (pidfd !== undefined) {
    const result = native.pidfdSignal(pidfd, signal);
    native.close(pidfd);
    if (result < 0 && result !== -ESRCH) {
      throw systemFailure('kill.signal', 'unable to signal init', 'pidfd_send_signal', result);
    }
    if (result >= 0) {
      if (signal === SIGKILL) thawForKill(native, record.cgroup);
      return {};
    }
  }
  if (!reached && !all) throw notRunning();
  return {};
}

/** True if there was a process to signal. Init, if alive, gets the signal by its pidfd only. */
function signalCgroup(native: Native, record: ContainerRecord, signal: number): boolean {
  const pids = cgroupProcesses(native, record.cgroup);
  if (signal === SIGKILL && pids.length > 0) {
    killCgroup(native, record.cgroup);
    return true;
  }
  for (const pid of pids) {
    if (pid !== record.pid) native.signalProcess(pid, signal);
  }
  return pids.length > 0;
}

function notRunning(): Failure {
  return new Failure({ code: 'kill.status', message: 'container not running' });
}
