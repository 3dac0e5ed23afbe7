import type { Diagnostic } from '../diag/diagnostic.ts';
import type { CgroupRecord } from './cgroup/record.ts';
import type { UnitPlan, UserManager } from './cgroup/unit.ts';
import type { ResctrlPlan } from './resctrl.ts';
import type { WatchMode, Watched } from './seccomp/watched.ts';
import type { SmallMounts } from './small-mounts.ts';
import type { PlannedOp, Rootless, SchedulerOp } from './types.ts';

export type CgroupManager = 'cgroupfs' | 'systemd' | 'disabled';

/** The inputs of a plan besides the config and the host. */
export interface PlanOptions {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly rootless: Rootless;
  /** The name of the container's new session keyring, if it gets one. */
  readonly keyring: string | undefined;
  /** False: enter the root without pivot_root(2). */
  readonly pivot?: boolean;
  /** Variables that the runtime adds to the environment. */
  readonly env?: readonly string[];
  /** Host directory of the notify socket, whose messages rt forwards to its service manager. */
  readonly notify?: string | undefined;
  /** How init receives the start request: on a socket that `start` connects to, or on the control socket of `run`. */
  readonly awaitStart: 'socket' | 'control';
  /** Who makes the cgroups. With systemd, `linux.cgroupsPath` is `slice:prefix:name`. Default: cgroupfs. */
  readonly cgroupManager?: CgroupManager;
  /** The caller's systemd, if it is not that of the host which makes the cgroups. */
  readonly userManager?: UserManager | undefined;
  /** Calls about which the filter asks the runtime; undefined: none. */
  readonly watch?: WatchMode | undefined;
  /** Undefined: the container keeps the host's mounts until it enters its root. */
  readonly smallMounts?: SmallMounts | undefined;
}

/** Everything `launch` does for one container. The same config, facts and options give the same plan. */
export interface Plan {
  /** Run by the runtime before the clone: makes cgroups; of a hybrid layout only the one that init starts in. */
  readonly host: readonly PlannedOp[];
  /** Run by the runtime while init makes its namespaces: makes the v1 cgroups that init then joins. */
  readonly awaited: readonly PlannedOp[];
  /**
   * Run by the helper before it becomes init, with the privileges of the runtime: steps that init cannot do in a user
   * namespace. The last one makes init. Empty: the helper is init from the beginning.
   */
  readonly stage: readonly PlannedOp[];
  /** Run by the runtime during the setup of init: limits. */
  readonly limits: readonly PlannedOp[];
  /** Whether init waits for them during its setup. */
  readonly limitsAwaited: boolean;
  /** Called during that setup: compiles the seccomp filter (struct sock_filter) for which an op of init waits. */
  readonly filter?: () => Uint8Array;
  /** Answers what that filter asks, if it asks the runtime. */
  readonly watched?: Watched;
  /** Whether arguments, a receiver or a tracer decide if init can start its program under the filter. */
  readonly uncertainStart: boolean;
  /** Run by the container's init, the helper, until its execve. */
  readonly init: readonly PlannedOp[];
  /**
   * Run by the runtime before the hooks of the runtime namespace, once init is in its own namespaces: `namespace` is
   * filled in then.
   */
  readonly netDevices: readonly (PlannedOp & { op: 'net_device' })[];
  /** Run by the runtime when init, or the process that replaced it, waits for it. */
  readonly scheduler?: SchedulerOp;
  readonly resctrl: ResctrlPlan;
  /** CLONE_NEW* flags of the clone3(2) that starts the helper: namespaces that it does not make itself. */
  readonly cloneFlags: number;
  /** Cgroup v2 directory in which the helper starts; '' on v1. */
  readonly cloneCgroup: string;
  readonly cgroup: CgroupRecord;
  /** With the systemd driver: the unit for init, which waits in its first op. */
  readonly unit?: UnitPlan;
  /** If the container's mount namespace does not begin as a copy of the host's: the ops that may fail for that reason. */
  readonly smallMounts?: readonly PlannedOp[];
  /** Settings that have no effect here. */
  readonly warnings: readonly Diagnostic[];
}

/** The ops of the helper in execution order; its records refer to their indices. */
export function helperOps({ stage, init }: Pick<Plan, 'stage' | 'init'>): readonly PlannedOp[] {
  return stage.length === 0 ? init : [...stage, ...init];
}
