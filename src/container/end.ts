import type { Hook } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { attempt } from '../diag/failure.ts';
import { expectDone, isAbsent } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import { isFrozen, killCgroup, removeCgroups, thawAboveHint, withoutUnit } from '../cgroup/control.ts';
import { cgroupProcesses } from '../cgroup/files.ts';
import { removeResctrl } from '../launch/resctrl.ts';
import { runHook } from '../hooks/run.ts';
import { releaseRoot } from '../launch/root.ts';
import type { Native } from '../host/native.ts';
import { milliseconds } from '../host/poll.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import { isDying, openProcess } from './process.ts';
import type { ContainerRecord } from '../state/record.ts';
import { hookSurroundings } from './report.ts';

/** How long a killed container may take to end, as in runc. */
const killTimeoutMs = 10_000;
const pollMs = 10;
/** A process that is not frozen has usually ended by then. */
const ordinaryEndMs = 200;

/**
 * Kills a container and waits until its processes are gone. Init is signalled by pidfd; the rest dies with it in a
 * private pid namespace, otherwise it is killed through the cgroup.
 */
export function killContainer(native: Native, record: ContainerRecord): void {
  phase('kill', () => killAll(native, record));
}

/**
 * True if init has ended, or ends now after an earlier kill. `kill ID KILL` returns once the signal is sent, and the
 * process may take time to end, so the `delete` after it waits.
 */
export function awaitKilled(native: Native, record: ContainerRecord): boolean {
  if (record.pid === 0) return false;
  const pidfd = openProcess(native, record.pid, record.startTime);
  if (pidfd === undefined) return true;
  const ended = isDying(native, record.pid) && native.pidfdWait(pidfd, killTimeoutMs) === 1;
  native.close(pidfd);
  return ended;
}

function killAll(native: Native, record: ContainerRecord): void {
  const deadline = milliseconds(native) + killTimeoutMs;
  const pidfd = record.pid === 0 ? undefined : openProcess(native, record.pid, record.startTime);
  if (pidfd !== undefined) {
    let ended = 0;
    try {
      const sent = native.pidfdSignal(pidfd, SIGKILL);
      if (!isAbsent(sent)) expectDone(sent, 'kill.signal', 'unable to signal init', 'pidfd_send_signal');
      // A frozen process takes the signal only when killCgroup thaws it. A freeze in a cgroup that the container has
      // made itself cannot be seen.
      const isSlow = isFrozen(native, record.cgroup) || native.pidfdWait(pidfd, ordinaryEndMs) !== 1;
      if (isSlow) killCgroup(native, record.cgroup);
      ended = native.pidfdWait(pidfd, killTimeoutMs);
    } finally {
      native.close(pidfd);
    }
    if (ended !== 1) {
      const hint = thawAboveHint(native, record.cgroup);
      const message = 'container init still running';
      throw new Failure({ code: 'kill.timeout', message, ...(hint === undefined ? {} : { hint }) });
    }
  }
  if (!record.privatePidNamespace) killProcesses(native, record, deadline);
}

function killProcesses(native: Native, record: ContainerRecord, deadline: number): void {
  // Before init has a pid, the cgroup may still turn out to be someone else's, with processes in it.
  if (record.pid === 0) return;
  for (;;) {
    const pids = cgroupProcesses(native, record.cgroup);
    const first = pids[0];
    if (first === undefined) return;
    if (milliseconds(native) > deadline) {
      throw new Failure({
        code: 'kill.timeout',
        message: `processes of the container still running: ${pids.join(', ')}`,
      });
    }
    killCgroup(native, record.cgroup);
    const pidfd = native.pidfdOpen(first);
    if (isAbsent(pidfd)) continue;
    expectDone(pidfd, 'kill.wait', `cannot wait for process ${first}`, 'pidfd_open');
    native.pidfdWait(pidfd, pollMs);
    native.close(pidfd);
  }
}

/**
 * Removes the remains of a container whose processes have ended and whose directory is locked: cgroups, mounts, then
 * state; then poststop hooks run. Returns failed hooks, which are warnings by the specification.
 */
export function destroyContainer(native: Native, directory: ContainerDirectory, record: ContainerRecord): Diagnostic[] {
  // A killed create had not started its unit, or systemd has stopped it after the end of init.
  phase('remove cgroups', () => removeCgroups(native, record.pid === 0 ? withoutUnit(record.cgroup) : record.cgroup));
  releaseRoot(native, record.rootfs, record.rootMount);
  removeResctrl(native, record.resctrl);
  // The lock goes with the directory, so those who wait for it need not wait for the hooks.
  const removed = phase('remove state', () => directory.remove());
  return removed ? runPoststop(native, record) : [];
}

/** Kills and removes a new container, unless another command has done so. */
export function endContainer(native: Native, directory: ContainerDirectory, record: ContainerRecord): Diagnostic[] {
  if (!directory.lock()) return [];
  killContainer(native, record);
  return destroyContainer(native, directory, record);
}

/** Runs every hook, even if the one before it failed. */
export function runPoststop(native: Native, record: ContainerRecord): Diagnostic[] {
  const hooks: readonly Hook[] = record.hooks.poststop ?? [];
  const surroundings = hookSurroundings(record, 'stopped');
  return hooks.flatMap((hook, index) => attempt(() => runHook(native, 'poststop', hook, index, surroundings)));
}
