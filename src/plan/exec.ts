import type { Config, Process } from '../../schema/generated/config.ts';
import { hasNamespace } from '../bundle/namespaces.ts';
import { ineffectiveSettings } from '../bundle/rules.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { containerUserOps, joinOp } from './join.ts';
import type { NamespaceOrigin } from './join.ts';
import { boundingOps, credentialOps, execOps, filterOps, oomOps, processOf, programOps, rightsOps } from './process.ts';
import { keyringOps } from './keyring.ts';
import { keyLabelOps, labelOps } from './labels.ts';
import { execAffinityOps, resetAffinityOps, schedulerPlan, schedulingOps } from './scheduling.ts';
import { seccompPlan } from './seccomp/ops.ts';
import { checkStart } from './seccomp/start-calls.ts';
import type { WatchMode, Watched } from './seccomp/watched.ts';
import { terminalOps } from './terminal.ts';
import type { PlannedOp, SchedulerOp } from './types.ts';
import { giveStreamsOps, groupsRule, userNamespaceOf } from './user-namespace.ts';

export interface ExecOptions {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  /** The container's first process. */
  readonly initPid: number;
  readonly origin: NamespaceOrigin;
  /** Undefined if the container was made without a new session keyring. */
  readonly keyring: string | undefined;
  /** Cgroup v1 `tasks` files to join. */
  readonly tasks: readonly string[];
  /** As in PlanOptions. */
  readonly watch?: WatchMode | undefined;
}

export interface ExecPlan {
  readonly ops: readonly PlannedOp[];
  /** As in a Plan. */
  readonly filter?: () => Uint8Array;
  /** As in a Plan. */
  readonly watched?: Watched;
  /** As in a Plan. */
  readonly uncertainStart: boolean;
  /** As in a Plan. */
  readonly scheduler?: SchedulerOp;
  /** Settings of the process that have no effect. */
  readonly warnings: readonly Diagnostic[];
}

/**
 * Compiles the operations of an additional process, from its birth to execve. `config` is that of the container as of
 * create; `process` is complete. Throws a Failure with every fault that can only be found here.
 */
export function planExec(config: Config, process: Process, facts: Facts, options: ExecOptions): ExecPlan {
  const faults: Diagnostic[] = [];
  const early = process.noNewPrivileges !== true;
  const { initPid, watch } = options;
  const filtered = { kind: 'exec', initPid, noNewPrivileges: !early, watch } as const;
  const { receiver, load, filter, verdict, watched } = seccompPlan(config, facts, options, filtered, faults);
  const labels = labelOps(process, facts, faults);
  const affinity = execAffinityOps(process);
  if (faults.length > 0) throw new Failure(faults);
  const root = rootOps(config, options.initPid);
  const scheduler = schedulerPlan(process, true, facts); // it may fork even without a pid namespace, if the cgroup is full
  const ops: PlannedOp[] = [
    ...affinity.initial, // before the cgroup, whose cpuset may have other CPUs
    ...oomOps(processOf(config), facts), // through the host's procfs, before the container's namespaces are entered
    ...options.tasks.map((file): PlannedOp => ({ op: 'cgroup_join', file, from: 'default' })),
    ...receiver, // by a host path
    // They take effect at execve and later. The user namespace of the container owns no procfs that shows this process.
    ...(options.keyring === undefined ? [] : keyLabelOps(process, facts)),
    ...labels,
    ...containerUserOps(config, options.initPid, options.origin),
    ...giveStreamsOps(config, process),
    ...root.open,
    joinOp(config, options.origin),
    ...root.enter,
    ...(options.keyring === undefined ? [] : keyringOps(options.keyring, userNamespaceOf(config) !== 'runtime')),
    ...openTerminalOps(config, process),
    ...rightsOps(process),
    ...scheduler.early,
    ...schedulingOps(config, process), // some values need capabilities that are dropped below
    ...boundingOps(process, facts), // the bounding set needs CAP_SETPCAP, which is dropped below
    ...credentialOps(process, early && load.length > 0, groupsRule(config, facts)),
    ...outliveOps(config, process), // no capabilities are left that others in the pid namespace could take over
    // Only now is the process certain to be in the cgroup.
    ...(affinity.final.length > 0 ? affinity.final : affinity.initial.length > 0 ? [] : resetAffinityOps()),
    ...scheduler.late, // SCHED_DEADLINE is refused for a subset of the CPUs
    ...programOps(process), // with the credentials of process.user
    ...(early ? filterOps(process, load) : load),
    ...execOps(process),
  ];
  const { fault, uncertain } = checkStart(ops, verdict);
  if (fault !== undefined) throw new Failure(fault);
  return {
    ops,
    uncertainStart: uncertain,
    warnings: ineffectiveSettings({ ociVersion: config.ociVersion, process }),
    ...(filter === undefined ? {} : { filter }),
    ...(watched === undefined ? {} : { watched }),
    ...(scheduler.byRuntime === undefined ? {} : { scheduler: scheduler.byRuntime }),
  };
}

/** Only children enter a pid namespace, and the controlling terminal belongs to the last child's session. */
function outliveOps(config: Config, process: Process): PlannedOp[] {
  const fork = Number(hasNamespace(config, 'pid'));
  return [{ op: 'outlive', fork, apart: 0, terminal: Number(process.terminal === true), from: 'default' }];
}

/**
 * Joining a mount namespace also changes the root. If it is shared with the host, the root is that of init, opened by a
 * host path.
 */
function rootOps(config: Config, initPid: number): { open: PlannedOp[]; enter: PlannedOp[] } {
  if (hasNamespace(config, 'mount')) return { open: [], enter: [] };
  return {
    open: [{ op: 'open_process_root', path: `/proc/${initPid}/root`, from: 'default' }],
    enter: [{ op: 'chroot', from: 'default' }],
  };
}

function openTerminalOps(config: Config, process: Process): PlannedOp[] {
  const ops = terminalOps(process, 0);
  return ops.length === 0 || !hasNamespace(config, 'mount')
    ? ops
    : [{ op: 'open_root_directory', path: '/', from: 'default' }, ...ops];
}
