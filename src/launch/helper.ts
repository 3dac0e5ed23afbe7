import type { Op } from '../../schema/generated/ops.ts';
import type { Native, Packed } from '../host/native.ts';

/** How the helper is started, and its resources. Anything unset is inherited from the runtime. */
export interface HelperBirth {
  readonly program: Packed;
  /** CLONE_NEW* flags for clone3(2). */
  readonly cloneFlags?: number;
  /** Cgroup v2 directory to start in. */
  readonly cgroup?: string;
  /** Path on which it listens for `start`. */
  readonly listenPath?: string;
  /** Pidfd of the container to enter. */
  readonly target?: number;
  /** Number of descriptors from 3 on that the program inherits. */
  readonly preserved?: number;
  /** A seccomp filter is sent afterwards. */
  readonly filtered?: boolean;
  /** It may continue as another process. */
  readonly forks?: boolean;
}

/** The caller closes the descriptors. */
export interface Helper {
  readonly pid: number;
  readonly control: number;
  /** Socket for the filter; -1 if none follows. */
  readonly filter: number;
}

const none = -1;

/** Whether a program may end in another process than the one in which it begins. */
export function forks(ops: readonly Op[]): boolean {
  return ops.some((op) => op.op === 'clone_init' || op.op === 'fork_init' || (op.op === 'outlive' && op.fork !== 0));
}

/** A helper that could not be started. */
export interface Unborn {
  /** Negative errno. */
  readonly status: number;
  /** The system call that failed. */
  readonly call: string;
}

export function isUnborn(result: Helper | Unborn): result is Unborn {
  return 'status' in result;
}

export function startHelper(native: Native, birth: HelperBirth): Helper | Unborn {
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
  if (typeof result === 'number') return { status: result, call: 'clone3' };
  if (result.length === 2) return { status: result[0], call: result[1] };
  const [pid, control, filter] = result;
  return { pid, control, filter };
}
