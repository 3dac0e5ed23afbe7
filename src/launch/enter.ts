import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import type { ExecPlan } from '../plan/exec.ts';
import type { PlannedOp } from '../plan/types.ts';
import { encodeProgram } from './encode.ts';
import { requireExecuted } from './ending.ts';
import { startHelper } from './helper.ts';
import type { Helper } from './helper.ts';
import type { HelperRecord } from './records.ts';
import { failureOf, receive, sendFilter, tell } from './control.ts';

const SIGKILL = 9;
const ENOENT = 2;
const EBUSY = 16;
const EINVAL = 22;
const EOPNOTSUPP = 95;

export interface EnterOptions {
  /** Pidfd of the container's init. */
  readonly target: number;
  /** Cgroup v2 directories to be born in: the first that takes a process. '' is the runtime's own. */
  readonly cgroups: readonly string[];
  /** Descriptors from 3 on that the program gets. */
  readonly preserved: number;
  /** Takes the master of the process's terminal. */
  readonly onTerminal: (master: number) => void;
  /** Called with the pid of the child that will run the program, before it does or soon after. */
  readonly onStarted: (pid: number) => void;
}

/** Starts a process in a container and returns its pid when it runs its program. On failure it is gone. */
export function enter(native: Native, { ops, filter, uncertainStart }: ExecPlan, options: EnterOptions): number {
  const first = cloneInto(native, ops, filter !== undefined, options);
  let { pid } = first;
  try {
    if (filter !== undefined) sendFilter(native, first.filter, filter);
    let failed: HelperRecord | undefined;
    for (;;) {
      const record = receive(native, first.control);
      // Nobody holds the other end any more: the program runs, or nothing does.
      if (record.kind === 'end') break;
      if (record.kind === 'terminal') {
        options.onTerminal(record.master);
        tell(native, first.control);
      } else if (record.kind === 'forked') {
        native.waitChild(pid);
        pid = record.pid;
      } else failed = record;
    }
    if (failed?.kind === 'failed' || failed?.kind === 'hook_failed') throw failureOf(failed, ops);
    if (uncertainStart) requireExecuted(native, pid);
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

/** Where init has moved to a cgroup below, the kernel lets no process into the one above it (cgroups(7)). */
function isRefusal(errno: number): boolean {
  return errno === EBUSY || errno === EOPNOTSUPP || errno === EINVAL || errno === ENOENT;
}

function cloneInto(
  native: Native,
  ops: readonly PlannedOp[],
  filtered: boolean,
  { target, cgroups, preserved }: EnterOptions,
): Helper {
  const program = encodeProgram(ops);
  let result: Helper | number = -EINVAL;
  for (const cgroup of cgroups) {
    result = startHelper(native, { program, cgroup, target, preserved, filtered });
    if (typeof result !== 'number') return result;
    if (!isRefusal(-result)) break;
  }
  const where = cgroups[0] === '' ? '' : ` in cgroup "${cgroups[0] ?? ''}"`;
  throw systemFailure('exec.clone', `cannot start a process${where}`, 'clone3', result);
}
