import type { Config, Process } from '../../schema/generated/config.ts';
import { hasNamespace } from '../bundle/rule.ts';
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
  /** Undefined when the container was made without a session keyring of its own. */
  readonly keyring: string | undefined;
  /** Cgroup v1 files that take the process in. */
  readonly tasks: readonly string[];
}

export interface ExecPlan {
  readonly ops: readonly PlannedOp[];
  /** As in a Plan. */
  readonly filter?: () => Uint8Array;
  /** As in a Plan. */
  readonly uncertainStart: boolean;
  /** As in a Plan. */
  readonly scheduler?: SchedulerOp;
}

/**
 * Compiles what a further process does from its birth to execve. `config` is the container's, as it was at
 * create; `process` is complete. Throws a Failure with every fault that only shows here.
 */
export function planExec(config: Config, process: Process, facts: Facts, options: ExecOptions): ExecPlan {
  const faults: Diagnostic[] = [];
  const early = process.noNewPrivileges !== true;
  const filtered = { kind: 'exec', initPid: options.initPid, noNewPrivileges: !early } as const;
  const { receiver, load, filter, verdict } = seccompPlan(config, facts, options, filtered, faults);
  const labels = labelOps(process, facts, faults);
  const affinity = execAffinityOps(process);
  if (faults.length > 0) throw new Failure(faults);
  const root = rootOps(config, options.initPid);
  const scheduler = schedulerPlan(process, true, facts); // even without a pid namespace, in a cgroup that is full
  const ops: PlannedOp[] = [
    ...affinity.initial, // before the cgroup, whose cpuset may know other CPUs
    ...oomOps(processOf(config), facts), // through the host's procfs, before the container's namespaces are entered
    ...options.tasks.map((file): PlannedOp => ({ op: 'cgroup_join', file, from: 'default' })),
    ...receiver, // by a path of the host
    ...containerUserOps(config, options.initPid, options.origin),
    ...giveStreamsOps(config, process),
    ...root.open,
    joinOp(config, options.origin),
    ...root.enter,
    ...(options.keyring === undefined
      ? []
      : [...keyLabelOps(process, facts), ...keyringOps(options.keyring, userNamespaceOf(config) !== 'runtime')]),
    ...openTerminalOps(config, process),
    ...rightsOps(process),
    ...scheduler.early,
    ...schedulingOps(config, process), // some values need rights that are dropped below
    ...labels, // for the execve to come
    ...boundingOps(process, facts), // the bounding set needs CAP_SETPCAP, which is dropped below
    ...credentialOps(process, early && load.length > 0, groupsRule(config, facts)),
    ...outliveOps(config, process), // nobody in the pid namespace sees the rights that were just dropped
    // Only now the process is sure to be in the cgroup.
    ...(affinity.final.length > 0 ? affinity.final : affinity.initial.length > 0 ? [] : resetAffinityOps()),
    ...scheduler.late, // a deadline is refused for less than all CPUs
    ...programOps(process), // with the user's rights
    ...(early ? filterOps(process, load) : load),
    ...execOps(process),
  ];
  const { fault, uncertain } = checkStart(ops, verdict);
  if (fault !== undefined) throw new Failure(fault);
  return {
    ops,
    uncertainStart: uncertain,
    ...(filter === undefined ? {} : { filter }),
    ...(scheduler.byRuntime === undefined ? {} : { scheduler: scheduler.byRuntime }),
  };
}

/** A pid namespace is entered by children only, and a controlling terminal belongs to the session of the last one. */
function outliveOps(config: Config, process: Process): PlannedOp[] {
  const fork = Number(hasNamespace(config, 'pid'));
  return [{ op: 'outlive', fork, apart: 0, terminal: Number(process.terminal === true), from: 'default' }];
}

/** A mount namespace brings its root along. In one that is shared, the root is that of init, opened by a path of the host. */
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
