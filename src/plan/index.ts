import type { Config } from '../../schema/generated/config.ts';
import { AWAIT_START_HOW } from '../../schema/generated/ops.ts';
import { hasNamespace, isNew } from '../bundle/namespaces.ts';
import { ineffectiveSettings } from '../bundle/rules.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { cgroupPlan, joinedLate } from './cgroup/index.ts';
import { deviceOps } from './devices.ts';
import { createContainerOps, hookLogs, hostHookOps, startContainerOps } from './hooks.ts';
import { keyringOps } from './keyring.ts';
import { mountOps } from './mounts.ts';
import { namespacePlan } from './namespaces.ts';
import {
  boundingOps,
  credentialOps,
  execOps,
  filterOps,
  hardLimitOps,
  oomOps,
  processOf,
  programOps,
  rightsOps,
  withEnvironment,
  workingDirectoryOps,
} from './process.ts';
import { keyLabelOps, labelOps } from './labels.ts';
import { netDeviceOps } from './net-devices.ts';
import { notifyOps, notifyVariable } from './notify.ts';
import { checkPivot, enterRootOps, mountsOnHost, openRootOps, protectOps } from './rootfs.ts';
import { resctrlPlan } from './resctrl.ts';
import { resetAffinityOps, schedulerPlan, schedulingOps } from './scheduling.ts';
import { seccompPlan } from './seccomp/ops.ts';
import { checkStart, exitWarning } from './seccomp/start-calls.ts';
import { waitingSignalOps } from './signals.ts';
import { leaveOps, leavingOf, lockOps, refusePinnedOps } from './small-mounts.ts';
import { makeStage } from './stage.ts';
import { nameOps, sysctlOps } from './sysctl.ts';
import { consoleOps, terminalOps } from './terminal.ts';
import type { Plan, PlanOptions } from './plan.ts';
import type { PlannedOp } from './types.ts';
import {
  checkUserNamespace,
  enterUserOps,
  giveStreamsOps,
  groupsRule,
  openUserOps,
  userNamespaceOf,
} from './user-namespace.ts';

/**
 * Compiles a validated config to the operations that make the container, in the order in which they run.
 * Pure: the same arguments give the same plan. Throws a Failure with every fault that can only be found here.
 */
export function plan(config: Config, facts: Facts, options: PlanOptions): Plan {
  const faults: Diagnostic[] = [];
  const { env = [], notify, pivot = true } = options;
  const hasUser = userNamespaceOf(config) !== 'runtime';
  const leaving = leavingOf(config, facts, options.bundle, pivot, options.smallMounts);
  // Init itself leaves the host's mounts; in a user namespace it may not, so the stage does.
  const initLeaves = leaving !== undefined && !hasUser;
  const process = withEnvironment(processOf(config), notify === undefined ? env : [...env, notifyVariable]);
  const namespaces = namespacePlan(config, initLeaves);
  const located = cgroupPlan(config, facts, options, faults);
  const stage = makeStage(config, facts, { leaves: initLeaves, locks: leaving !== undefined && hasUser });
  const onHost = mountsOnHost(config, notify !== undefined);
  const root = openRootOps(config, options.bundle, stage, onHost);
  const hasMounts = hasNamespace(config, 'mount') || onHost;
  const mounts = hasMounts
    ? mountOps(config, facts, options.bundle, located.record, stage, namespaces.pidSlot, faults)
    : undefined;
  const notifyMount = notifyOps(notify, stage);
  const devices = mounts === undefined ? [] : deviceOps(config, facts, mounts.devIsOfHost, stage);
  const logs = hookLogs(config, options.bundle, stage);
  checkUserNamespace(config, facts, faults);
  checkPivot(config, pivot, faults);
  const early = process.noNewPrivileges !== true;
  const filtered = { kind: 'init', noNewPrivileges: !early, watch: options.watch } as const;
  const { receiver, load, filter, verdict, watched } = seccompPlan(config, facts, options, filtered, faults);
  const resctrl = resctrlPlan(config, facts, options.id, faults);
  const netDevices = netDeviceOps(config, faults);
  const labels = labelOps(process, facts, faults);
  const scheduler = schedulerPlan(process, namespaces.forkIntoPid.length > 0, facts);
  // Of a user to whom no cgroup is delegated, the host has the controllers nevertheless.
  const undelegated = faults.some(({ code }) => code === 'rootless.cgroup');
  // Those ops need the runtime's pid namespace.
  if (initLeaves && stage.ops.some(({ op }) => op !== 'open_tree')) {
    return plan(config, facts, { ...options, smallMounts: undefined });
  }
  if (faults.length > 0) throw new Failure(faults.filter(({ code }) => !undelegated || code !== 'cgroup.controller'));

  // The device rules of the cgroup would also hold for the block devices of `mounts`.
  const opensDevices = stage.ops.some(({ op }) => op === 'open_filesystem');
  const cgroups = opensDevices ? joinedLate(located) : located;
  const { keyring } = options;
  const first: PlannedOp[] = [
    ...oomOps(process, facts), // through the host's procfs, before the container's namespaces are entered
    ...(hasUser ? [] : cgroups.awaitUnit), // else init waits: the process of the stage may end at the fork
    ...cgroups.join, // before anything is allocated on the container's behalf
    ...resctrl.join,
  ];
  const { locked } = stage;
  const left = leaving === undefined || locked === undefined ? [] : lockOps(leaving, stage, locked);
  // Everything that needs privileges on the host precedes entering the container's user namespace. So does executing the
  // process, so that nobody with capabilities in or over the user namespace has access to the process's memory.
  const staged: PlannedOp[] = !hasUser
    ? stage.ops.length === 0 || initLeaves
      ? []
      : [...stage.ops, ...namespaces.beInit]
    : [
        ...first,
        ...hardLimitOps(process),
        ...namespaces.open, // before any is joined, which changes the meaning of paths
        ...namespaces.openTime,
        ...openUserOps(config, facts), // the idmapped mounts below may use it
        ...stage.ops,
        ...logs.open,
        ...giveStreamsOps(config, process),
        ...namespaces.joinFromHost, // needs capabilities in the user namespaces that own them
        ...left,
        ...enterUserOps(config, facts),
        ...namespaces.time, // through the host's procfs
        ...namespaces.join,
        ...namespaces.beInit,
      ];
  // `create` sends the listener of the filter: whoever receives it waits for that, not for `start`.
  const loadsAtCreate = early || (receiver.length > 0 && options.awaitStart === 'socket');
  // The fork precedes the filter if a receiver gets the pid of the container, if the runtime answers for the filter, or if the scheduler is set after the
  // fork, so that the filter need not allow that.
  const forkFirst = loadsAtCreate && (receiver.length > 0 || watched !== undefined || scheduler.late.length > 0);
  // While init makes its namespaces, the runtime makes its cgroups.
  const awaits = staged.length === 0 && cgroups.awaited.length > 0;
  const unshared = awaits ? namespaces.unshare : [];
  const cloned: readonly PlannedOp[] =
    locked === undefined ? [] : [{ op: 'clone_locked', trees: locked, from: 'default' }];
  const held: readonly PlannedOp[] = [
    ...(initLeaves ? [...stage.ops, ...leaveOps(leaving)] : []), // from here on no path leads to the host
    ...root, // propagation first: no later mount may reach the host
    ...(mounts?.mounts ?? []), // in the order of the config: later ones may be in or on earlier ones
    ...notifyMount, // covers mounts of the config at the same place
    ...(initLeaves ? refusePinnedOps() : []), // with a user namespace, trees are cloned from the host in any case
  ];
  const init: PlannedOp[] = [
    ...unshared,
    ...receiver, // by a host path
    ...(awaits ? [{ op: 'await_cgroups', from: 'default' } as const] : []),
    ...(hasUser
      ? cgroups.awaitUnit
      : [...logs.open, ...first, ...namespaces.open, ...namespaces.time, ...namespaces.join]), // as above
    ...namespaces.joinPid, // affects its children, and the procfs mounted below
    ...namespaces.cgroup, // its root is the cgroup joined above
    ...resetAffinityOps(), // after the cpuset, which then decides
    ...(keyring === undefined ? [] : [...keyLabelOps(process, facts), ...keyringOps(keyring, hasUser)]),
    ...(isNew(config, 'network') ? [{ op: 'loopback_up', from: 'default' } as const] : []),
    ...cloned,
    ...held,
    ...devices,
    // Before any other op that waits: the runtime sends this go-ahead unasked, before all others.
    ...(cgroups.limitsAwaited ? [{ op: 'await_limits', from: 'default' } as const] : []),
    ...terminalOps(process, 1), // from the container's devpts
    ...(hasNamespace(config, 'mount') ? consoleOps(process) : []),
    ...(mounts?.afterwards ?? []), // read-only only after nodes and mount points are made
    ...hostHookOps(config), // hooks can add to the mounts
    ...createContainerOps(config, options, logs),
    ...workingDirectoryOps(process),
    ...nameOps(config),
    ...sysctlOps(config), // through a private procfs, so neither mounts nor masks matter
    ...(mounts === undefined ? [] : protectOps(config)), // covers all mounts, including those of hooks
    ...enterRootOps(config, pivot), // from here on the host's files are unreachable
    ...rightsOps(process),
    ...scheduler.early,
    ...schedulingOps(config, process), // some values need capabilities that are dropped below
    ...labels, // takes effect at execve; a profile that is not loaded is refused now
    ...boundingOps(process, facts), // the bounding set needs CAP_SETPCAP, which is dropped below
    ...credentialOps(process, early && load.length > 0, groupsRule(config, facts)),
    ...(forkFirst ? [...namespaces.forkIntoPid, ...scheduler.late] : []),
    ...programOps(process), // with the credentials of process.user
    ...(options.awaitStart === 'socket' ? waitingSignalOps() : []), // the filter need not allow it
    ...(early ? filterOps(process, load) : loadsAtCreate ? load : []), // create can still report that it cannot be loaded
    ...(forkFirst ? [] : [...namespaces.forkIntoPid, ...scheduler.late]), // no capabilities are left that others in a shared pid namespace could take over
    {
      op: 'await_start',
      how: AWAIT_START_HOW[options.awaitStart === 'socket' ? 'listener' : 'control'],
      from: 'default',
    },
    ...(loadsAtCreate ? [] : load),
    ...startContainerOps(config, options, logs), // programs of the image, so the filter applies
    ...execOps(process),
  ];
  const { fault, uncertain } = checkStart(init, verdict);
  if (fault !== undefined) throw new Failure(fault);
  const warning = exitWarning(verdict);
  return {
    host: awaits ? cgroups.host : [...cgroups.host, ...cgroups.awaited],
    awaited: awaits ? cgroups.awaited : [],
    limits: cgroups.limits,
    limitsAwaited: cgroups.limitsAwaited,
    ...(filter === undefined ? {} : { filter }),
    ...(watched === undefined ? {} : { watched }),
    uncertainStart: uncertain,
    netDevices,
    ...(scheduler.byRuntime === undefined ? {} : { scheduler: scheduler.byRuntime }),
    resctrl,
    stage: staged,
    init,
    cloneFlags:
      staged.length > 0 ? 0 : unshared.length === 0 ? namespaces.cloneFlags : namespaces.cloneFlags & CLONE_NEW.pid,
    cloneCgroup: cgroups.cloneCgroup,
    cgroup: cgroups.record,
    // With a user namespace only the entry: the copy of the host's is locked, too.
    ...(leaving?.thread === undefined ? {} : { smallMounts: initLeaves ? held : left.filter(entersThread) }),
    ...(cgroups.unit === undefined ? {} : { unit: cgroups.unit }),
    warnings: [
      ...ineffectiveSettings(config),
      ...(mounts?.warnings ?? []),
      ...cgroups.warnings,
      ...(warning === undefined ? [] : [warning]),
    ],
  };
}

function entersThread({ op }: PlannedOp): boolean {
  return op === 'enter_mount_namespace';
}
