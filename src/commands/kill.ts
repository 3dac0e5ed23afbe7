import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EINVAL, ESRCH } from '../kernel/errno.ts';
import { SIGKILL, SIGRTMAX } from '../kernel/signals.ts';
import { isFrozen, killCgroup, thawForKill } from '../cgroup/control.ts';
import { cgroupProcesses, signalProcesses } from '../cgroup/files.ts';
import { forEachMatch } from '../container/matching.ts';
import { openProcess } from '../container/process.ts';
import { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord } from '../state/store.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { parseSignal } from '../options/signal.ts';

/** Sends a signal to the init of a container, or to all of its processes; with --regex, to several containers. */
export function kill({ native, globals, options, operands }: ContainerContext): Outcome {
  const [id, name = ''] = operands;
  const root = stateRoot(native, globals.root).path;
  // An empty name is what scripts pass on for a signal that nobody has chosen: as with runc, the default.
  const signal = parseSignal(name === '' ? 'TERM' : name);
  const one = (each: string): Outcome => signalContainer(native, root, each, signal, options.all === true);
  return options.regex === true ? forEachMatch(native, root, id, one) : one(id);
}

function signalContainer(native: Native, root: string, id: string, signal: number, all: boolean): Outcome {
  const record = ContainerDirectory.use(native, root, id, requireRecord);
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
      const hint =
        result === -EINVAL ? `${signal} is none: signals are 1 to ${SIGRTMAX}, or names such as TERM` : undefined;
      throw systemFailure('kill.signal', 'unable to signal init', 'pidfd_send_signal', result, hint);
    }
    if (result >= 0) {
      if (signal === SIGKILL) thawForKill(native, record.cgroup);
      return unreached(record, signal, all) ? { warnings: [onlyInit] } : {};
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
  const others = pids.filter((pid) => pid !== record.pid);
  signalProcesses(native, record.cgroup, others, signal);
  return pids.length > 0;
}

/** Without a cgroup, a signal cannot reach the other processes; only in a pid namespace do they die with init. */
function unreached({ cgroup, privatePidNamespace }: ContainerRecord, signal: number, all: boolean): boolean {
  return all && cgroup.hierarchies.length === 0 && !(signal === SIGKILL && privatePidNamespace);
}

const onlyInit: Diagnostic = { code: 'kill.reach', message: 'only init was signalled: the container has no cgroup' };

function notRunning(): Failure {
  return new Failure({ code: 'kill.status', message: 'container not running' });
}
