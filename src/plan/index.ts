import type { Config } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { cgroupPlan } from './cgroup/index.ts';
import { deviceOps } from './devices.ts';
import { createContainerOps, hostHookOps, startContainerOps } from './hooks.ts';
import { keyringOps } from './keyring.ts';
import { mountOps } from './mounts.ts';
import { isNew, isSeparate, namespacePlan } from './namespaces.ts';
import {
  boundingOps,
  credentialOps,
  execOps,
  filterOps,
  oomOps,
  processOf,
  programOps,
  rightsOps,
  withEnvironment,
  workingDirectoryOps,
} from './process.ts';
import { keyLabelOps, labelOps } from './labels.ts';
import { netDeviceOps } from './net-devices.ts';
import { enterRootOps, mountsOnHost, openRootOps, protectOps } from './rootfs.ts';
import { resctrlPlan } from './resctrl.ts';
import { resetAffinityOps, schedulingOps } from './scheduling.ts';
import { seccompPlan } from './seccomp/ops.ts';
import { nameOps, sysctlOps } from './sysctl.ts';
import { consoleOps, terminalOps } from './terminal.ts';
import type { Plan, PlannedOp } from './types.ts';

export interface PlanOptions {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  /** A session keyring of the container's own. */
  readonly newKeyring: boolean;
  /** Variables that the runtime adds to the environment. */
  readonly env?: readonly string[];
  /** Where init is told to start: a socket that `start` connects to, or the control socket of `run`. */
  readonly awaitStart: 'socket' | 'control';
  /** Cgroups are made by systemd: `linux.cgroupsPath` is `slice:prefix:name`. */
  readonly systemd?: boolean;
}

/**
 * Compiles a validated config to the operations that make the container, in the order in which they run.
 * Pure: the same arguments give the same plan. Throws a Failure with every fault that only shows here.
 */
export function plan(config: Config, facts: Facts, options: PlanOptions): Plan {
  const faults: Diagnostic[] = [];
  const process = withEnvironment(processOf(config), options.env ?? []);
  const namespaces = namespacePlan(config);
  const cgroups = cgroupPlan(config, facts, options, faults);
  const hasMounts = isSeparate(config, 'mount') || mountsOnHost(config);
  const mounts = hasMounts ? mountOps(config, facts, options.bundle, cgroups.record, faults) : undefined;
  const { receiver, filter } = seccompPlan(config, facts, options, { kind: 'init' }, faults);
  const resctrl = resctrlPlan(config, facts, options.id, faults);
  const netDevices = netDeviceOps(config, faults);
  const labels = labelOps(process, facts, faults);
  const early = process.noNewPrivileges !== true;
  if (faults.length > 0) throw new Failure(faults);

  const init: PlannedOp[] = [
    ...oomOps(process), // through the host's procfs, before the container's namespaces are entered
    ...receiver, // by a path of the host
    ...cgroups.join, // before anything is allocated on the container's behalf
    ...resctrl.join,
    ...namespaces.join, // before its own are looked at: a joined mount namespace has other paths
    ...namespaces.cgroup, // its root is the cgroup joined above
    ...resetAffinityOps(), // after the cpuset, which then decides
    ...(options.newKeyring ? keyLabelOps(process, facts) : []),
    ...(options.newKeyring ? keyringOps(options.id) : []),
    ...(isNew(config, 'network') ? [{ op: 'loopback_up', from: 'default' } as const] : []),
    ...openRootOps(config, options.bundle), // propagation first: no mount below may reach the host
    ...(mounts?.mounts ?? []), // in the order of the config: later ones lie in or on earlier ones
    ...(mounts === undefined || mounts.devIsBind ? [] : deviceOps(config, facts)),
    ...terminalOps(process, 1), // from the container's devpts
    ...(isSeparate(config, 'mount') ? consoleOps(process) : []),
    ...(mounts?.afterwards ?? []), // read-only only after nodes and mount points were made
    ...hostHookOps(config), // the mounts are there for a hook to add to
    ...createContainerOps(config, options),
    ...workingDirectoryOps(process),
    ...nameOps(config),
    ...sysctlOps(config), // through a private procfs, so neither mounts nor masks matter
    ...(mounts === undefined ? [] : protectOps(config)), // over everything that was mounted, hooks' mounts too
    ...enterRootOps(config), // from here on the host's files are out of reach
    ...rightsOps(process),
    ...schedulingOps(config, process), // some values need rights that are dropped below
    ...labels, // for the execve to come; a profile that is not loaded is refused now
    ...boundingOps(process, facts), // the bounding set needs CAP_SETPCAP, which is dropped below
    ...credentialOps(process, early && filter.length > 0),
    ...programOps(process), // with the user's rights
    ...(early ? filterOps(process, filter) : []), // create can still say that it cannot be loaded
    { op: 'await_start', how: options.awaitStart === 'socket' ? 1 : 0, from: 'default' },
    ...startContainerOps(config, options),
    ...(early ? [] : filter), // as late as possible: the profile need not allow our own calls
    ...execOps(process),
  ];
  return {
    host: cgroups.host,
    limits: cgroups.limits,
    netDevices,
    resctrl,
    init,
    cloneFlags: namespaces.cloneFlags,
    cloneCgroup: cgroups.cloneCgroup,
    pidNamespace: namespaces.pidNamespace,
    cgroup: cgroups.record,
    ...(cgroups.unit === undefined ? {} : { unit: cgroups.unit }),
    warnings: mounts?.warnings ?? [],
  };
}
