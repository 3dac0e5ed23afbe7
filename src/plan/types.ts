import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Op } from '../../schema/generated/ops.ts';
import type { UnitPlan } from './cgroup/unit.ts';
import type { ResctrlPlan } from './resctrl.ts';

/** Where the op came from: a JSON pointer (`/mounts/3`), a flag (`--no-new-keyring`) or `default`. */
export type From = string;

/** An operation and what asked for it. */
export type PlannedOp = Op & {
  readonly from: From;
  /** What asked for each part of an op that writes several files. */
  readonly items?: readonly From[];
};

/** `pid` is filled in when it is known. */
export type SchedulerOp = PlannedOp & { readonly op: 'scheduler' };

/** Everything `launch` does for one container. Same config, facts and options: same plan. */
export interface Plan {
  /** Done by the runtime before the clone: cgroups are made, of a hybrid's the one that init is born in. */
  readonly host: readonly PlannedOp[];
  /** Done by the runtime while init makes its namespaces: the cgroups that init then joins, where that is on v1. */
  readonly awaited: readonly PlannedOp[];
  /**
   * Done by the helper before it becomes init, with the rights of the runtime: what init can no longer do in a user
   * namespace. The last of them makes init. Empty: the helper is init from its birth.
   */
  readonly stage: readonly PlannedOp[];
  /** Done by the runtime while init sets itself up: limits. */
  readonly limits: readonly PlannedOp[];
  /** Init waits for them in the middle of its work. */
  readonly limitsAwaited: boolean;
  /** Then: compiles the seccomp filter (struct sock_filter) that an op of init waits for. */
  readonly filter?: () => Uint8Array;
  /** Whether it depends on arguments, a receiver or a tracer if the filter lets init get to its program. */
  readonly uncertainStart: boolean;
  /** Done by the container's init, the helper, until its execve. */
  readonly init: readonly PlannedOp[];
  /** Done by the runtime before the hooks of its namespace, when init is in its own: `namespace` is filled in then. */
  readonly netDevices: readonly (PlannedOp & { op: 'net_device' })[];
  /** Done by the runtime when init, or the process that took its place, waits for it. */
  readonly scheduler?: SchedulerOp;
  readonly resctrl: ResctrlPlan;
  /** CLONE_NEW* flags of the clone3(2) of the helper: namespaces that it does not make itself. */
  readonly cloneFlags: number;
  /** Cgroup v2 directory to be born in; '' on v1. */
  readonly cloneCgroup: string;
  readonly cgroup: CgroupRecord;
  /** With the systemd driver: the unit that init is put into while it waits in its first op. */
  readonly unit?: UnitPlan;
  /** What the config asks for in vain. */
  readonly warnings: readonly Diagnostic[];
}

/** The ops of the helper, in the order in which it runs them; its records count them. */
export function helperOps({ stage, init }: Pick<Plan, 'stage' | 'init'>): readonly PlannedOp[] {
  return stage.length === 0 ? init : [...stage, ...init];
}

/** The container's cgroups, saved at create: later commands come without the options that chose them. */
export interface CgroupRecord {
  readonly manager: 'cgroupfs' | 'systemd';
  /** The unit that systemd keeps for the container. */
  readonly unit?: string;
  readonly version: 1 | 2;
  /** Absolute directories made for the container, one for each hierarchy. */
  readonly directories: readonly string[];
  /** The one below the first of them that has the processes, where an annotation asks for one. */
  readonly inside?: string;
}
