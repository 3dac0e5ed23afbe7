import type { Op } from '../../schema/generated/ops.ts';
import type { Native, Packed } from '../host/native.ts';

/** How the helper is started, and its resources. Anything unset is inherited from the runtime. */
export interface HelperBirth {
  readonly program: Packed;
  /** CLONE_NEW* flags of the clone3(2). */
  readonly cloneFlags?: number;
  /** Cgroup v2 directory to be born in. */
  readonly cgroup?: string;
  /** Where it listens for `start`. */
  readonly listenPath?: string;
  /** Pidfd of the container that it enters. */
  readonly target?: number;
  /** Descriptors from 3 on that the program gets. */
  readonly preserved?: number;
  /** A seccomp filter follows. */
  readonly filtered?: boolean;
  /** It may go on as another process. */
  readonly forks?: boolean;
}

/** Descriptors are the caller's to close. */
export interface Helper {
  readonly pid: number;
  readonly control: number;
  /** Takes the filter; -1 when none follows. */
  readonly filter: number;
}

const none = -1;

/** Whether the process that a program begins in may not be the one that it ends in. */
export function forks(ops: readonly Op[]): boolean {
  return ops.some((op) => op.op === 'clone_init' || op.op === 'fork_init' || (op.op === 'outlive' && op.fork !== 0));
}

/** Starts the helper: a negative errno of clone3(2) or execveat(2) when that fails. */
export function startHelper(native: Native, birth: HelperBirth): Helper | number {
  const result = native.launch(
    birth.program,
    birth.cloneFlags ?? 0,
    birth.cgroup ?? '',
    birth.listenPath ?? '',
    birth.target ?? none,
    birth.preserved ?? 0,
    Number(birth.filtered === true),
    Number(birth.forks === true),
  );
  if (typeof result === 'number') return result;
  const [pid = 0, control = none, filter = none] = result;
  return { pid, control, filter };
}
