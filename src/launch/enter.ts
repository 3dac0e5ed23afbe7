import { Failure } from '../diag/diagnostic.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import { lookInto } from '../diag/look.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EAGAIN, EBUSY, EINVAL, ENOENT, EOPNOTSUPP } from '../kernel/errno.ts';
import { O_WRONLY } from '../kernel/open-flags.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { ExecPlan } from '../plan/exec.ts';
import type { PlannedOp } from '../plan/types.ts';
import { encodeProgram } from './encode.ts';
import { requireExecuted } from './ending.ts';
import { setScheduler } from './host-ops.ts';
import { forks, isUnborn, startHelper } from './helper.ts';
import type { Helper, Unborn } from './helper.ts';
import { claimsOf, failureOf, forgedFailure, receiveFrom, sendFilter, sendGoAhead, shortfallOf } from './control.ts';
import type { OnShortfall } from './control.ts';
import type { Watch } from './watch.ts';

export interface EnterOptions {
  /** Pidfd of the container's init. */
  readonly target: number;
  /** Cgroup v2 directories to start in: the first that accepts a process is used. '' is the runtime's own. */
  readonly cgroups: readonly string[];
  /** The cgroup that counts the processes of the container. */
  readonly places: Places;
  /** Number of descriptors from 3 on that the program inherits. */
  readonly preserved: number;
  /** Receives the master of the process's terminal. */
  readonly onTerminal: (master: number) => void;
  /** An op could not do all that the process asks for; it is started nevertheless. */
  readonly onShortfall: OnShortfall;
  /** Answers what the filter of the process asks; undefined if it does not ask the runtime. */
  readonly watch?: Watch | undefined;
  /** Called with the pid of the child once it has executed the program. */
  readonly onStarted: (pid: number) => void;
}

/**
 * The cgroup whose pids limit may be reached. The limit applies to fork(2), not to a move (cgroups(7)). Until it is
 * moved, a process of the container is outside of the cgroup, so no process in there may be able to trace it.
 */
export interface Places {
  /** Cgroup v1 file that moves a process in; undefined if the cgroup is the v2 one to start in. */
  readonly file: string | undefined;
  /** The same file of the runtime's own cgroup. */
  readonly own: () => string;
  /** Whether a process in the cgroup has the privileges to trace another. */
  readonly mayBeTraced: () => boolean;
}

/** Starts a process in a container and returns its pid once it runs its program. On failure it is gone. */
export function enter(native: Native, plan: ExecPlan, options: EnterOptions): number {
  const { ops, filter, scheduler, uncertainStart } = plan;
  const first = cloneInto(native, ops, filter !== undefined, options);
  const claim = claimsOf(first.waits ? apart(ops) : ops);
  const forking = first.waits || forks(ops);
  let { pid } = first;
  let { waits } = first;
  try {
    if (filter !== undefined) sendFilter(native, first.filter, filter);
    for (;;) {
      const record = receiveFrom(native, first.control, pid, options.watch);
      // The other end is closed everywhere: the program runs, or the process has ended.
      if (record.kind === 'end') break;
      if (record.kind === 'terminal') {
        claim('terminal');
        options.onTerminal(record.master);
        sendGoAhead(native, first.control, 'terminal');
      } else if (record.kind === 'forked' || record.kind === 'forked_outside') {
        claim('forked');
        const isOutside = record.kind === 'forked_outside';
        if (record.pid === pid || isOutside !== waits) throw forgedFailure();
        native.waitChild(pid);
        pid = record.pid;
        if (!isOutside) continue;
        move(native, pid, first.place);
        sendGoAhead(native, first.control, 'entry');
      } else if (record.kind === 'waiting') {
        claim(record.wait);
        if (record.wait === 'place') {
          // A forked process would already be in the container.
          if (pid !== first.pid) throw forgedFailure();
          if (options.places.mayBeTraced()) throw fullFailure();
          move(native, pid, options.places.own());
          waits = true;
        } else if (record.wait === 'scheduler') setScheduler(native, scheduler, pid);
        else throw forgedFailure();
        sendGoAhead(native, first.control, record.wait);
      } else if (record.kind === 'incomplete') {
        claim('incomplete');
        options.onShortfall(shortfallOf(record, ops));
      } else if (record.kind === 'forged') throw forgedFailure();
      // The process waits until the socket is closed.
      else if (record.kind !== 'ready') throw failureOf(record, ops, lookInto(native, pid));
    }
    if (forking && pid === first.pid) {
      throw new Failure({ code: 'exec.died', message: 'the process that should enter the container ended' });
    }
    requireExecuted(native, pid, uncertainStart);
    options.onStarted(pid);
    return pid;
  } catch (error) {
    native.signalProcess(pid, SIGKILL);
    native.waitChild(pid);
    throw error;
  } finally {
    native.close(first.control);
  }
}

/** If init has moved to a descendant cgroup, the kernel refuses processes in the parent (cgroups(7)). */
function isRefusal(errno: number): boolean {
  return errno === EBUSY || errno === EOPNOTSUPP || errno === EINVAL || errno === ENOENT;
}

interface Entered extends Helper {
  /** File that moves the last process of the helper in. */
  readonly place: string;
  /** Whether that process waits to be moved. */
  readonly waits: boolean;
}

/** The ops for a process that does not start in the cgroup. */
function apart(ops: readonly PlannedOp[]): PlannedOp[] {
  return ops.map((op) => (op.op === 'outlive' ? { ...op, fork: 1, apart: 1 } : op));
}

function fullFailure(): Failure {
  return new Failure({
    code: 'exec.full',
    message: 'the container has reached linux.resources.pids.limit',
    hint: 'raise it with rt update --pids-limit: exec into a container with CAP_SYS_PTRACE cannot exceed it',
  });
}

function move(native: Native, pid: number, file: string): void {
  const action = `cannot move process ${String(pid)} by "${file}"`;
  expectDone(native.writeText(file, String(pid), O_WRONLY, 0), 'exec.cgroup', action, 'write');
}

function cloneInto(
  native: Native,
  ops: readonly PlannedOp[],
  filtered: boolean,
  { target, cgroups, preserved, places }: EnterOptions,
): Entered {
  const program = encodeProgram(ops);
  const birth = { program, target, preserved, filtered, forks: forks(ops) };
  let failed: Unborn = { status: -EINVAL, call: 'clone3' };
  for (const cgroup of cgroups) {
    const members = `${cgroup}/cgroup.procs`;
    const result = startHelper(native, { ...birth, cgroup });
    if (!isUnborn(result)) return { ...result, place: places.file ?? members, waits: false };
    failed = result;
    if (failed.status === -EAGAIN && cgroup !== '') {
      if (places.mayBeTraced()) throw fullFailure();
      // Only if needed: a move between v2 cgroups takes a grace period of RCU.
      const outside = startHelper(native, { ...birth, program: encodeProgram(apart(ops)), forks: true });
      if (!isUnborn(outside)) return { ...outside, place: members, waits: true };
      failed = outside;
    }
    if (!isRefusal(-failed.status)) break;
  }
  const where = cgroups[0] === '' ? '' : ` in cgroup "${cgroups[0] ?? ''}"`;
  const hint = where !== '' && failed.status === -EACCES ? undelegated : undefined;
  throw systemFailure('exec.clone', `cannot start a process${where}`, failed.call, failed.status, hint);
}

/** cgroups(7), "Cgroups v2 delegation: containment rules". */
const undelegated =
  'rt itself must be in a cgroup that is delegated to the same user, such as by: systemd-run --user --scope rt exec ...';
