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
  oomOps,
  processOf,
  programOps,
  rightsOps,
  withEnvironment,
  workingDirectoryOps,
} from './process.ts';
import { enterRootOps, openRootOps, protectOps } from './rootfs.ts';
import { seccompOps } from './seccomp/ops.ts';
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
}

/**
 * Compiles a validated config to the operations that make the container, in the order in which they run.
 * Pure: the same arguments give the same plan. Throws a Failure with every fault that only shows here.
 */
export function plan(config: Config, facts: Facts, options: PlanOptions): Plan {
  const faults: Diagnostic[] = [];
  const process = withEnvironment(processOf(config), options.env ?? []);
  const namespaces = namespacePlan(config);
  const cgroups = cgroupPlan(config, facts, options.id, faults);
  const hasMounts = isSeparate(config, 'mount');
  const mounts = hasMounts ? mountOps(config, facts, options.bundle, cgroups.record, faults) : undefined;
  if (!hasMounts) refuseMounts(config, faults);
  const filter = seccompOps(config, facts, faults);
  const early = process.noNewPrivileges !== true;
  if (faults.length > 0) throw new Failure(faults);

  const init: PlannedOp[] = [
    ...oomOps(process), // through the host's procfs, before the container's namespaces are entered
    ...cgroups.join, // before anything is allocated on the container's behalf
    ...namespaces.join, // before its own are looked at: a joined mount namespace has other paths
    ...namespaces.cgroup, // its root is the cgroup joined above
    ...(options.newKeyring ? keyringOps(options.id) : []),
    ...(isNew(config, 'network') ? [{ op: 'loopback_up', from: 'default' } as const] : []),
    ...openRootOps(config, options.bundle), // propagation first: no mount below may reach the host
    ...(mounts?.mounts ?? []), // in the order of the config: later ones lie in or on earlier ones
    ...(mounts === undefined || mounts.devIsBind ? [] : deviceOps(config, facts)),
    ...terminalOps(process, 1), // from the container's devpts
    ...(mounts === undefined ? [] : consoleOps(process)),
    ...(mounts?.afterwards ?? []), // read-only only after nodes and mount points were made
    ...hostHookOps(config), // the mounts are there for a hook to add to
    ...createContainerOps(config, options),
    ...workingDirectoryOps(process),
    ...nameOps(config),
    ...sysctlOps(config), // through a private procfs, so neither mounts nor masks matter
    ...(mounts === undefined ? [] : protectOps(config)), // over everything that was mounted, hooks' mounts too
    ...enterRootOps(config), // from here on the host's files are out of reach
    ...rightsOps(process),
    ...boundingOps(process, facts), // the bounding set needs CAP_SETPCAP, which is dropped below
    ...(early ? filter : []), // without no_new_privs loading needs CAP_SYS_ADMIN, dropped below
    ...credentialOps(process),
    ...programOps(process), // with the user's rights
    { op: 'await_start', how: options.awaitStart === 'socket' ? 1 : 0, from: 'default' },
    ...startContainerOps(config, options),
    ...(early ? [] : filter), // as late as possible: the profile need not allow our own calls
    ...execOps(process),
  ];
  return {
    host: cgroups.host,
    limits: cgroups.limits,
    init,
    cloneFlags: namespaces.cloneFlags,
    cloneCgroup: cgroups.cloneCgroup,
    pidNamespace: namespaces.pidNamespace,
    cgroup: cgroups.record,
  };
}

/** Without a mount namespace they would change the host. */
function refuseMounts(config: Config, faults: Diagnostic[]): void {
  const hint = 'add {"type": "mount"} to linux.namespaces';
  if ((config.mounts ?? []).length > 0) {
    faults.push({
      code: 'mount.namespace',
      message: 'cannot mount anything without a private mount namespace',
      pointer: '/mounts',
      hint,
    });
  }
  if (config.root?.readonly === true) {
    faults.push({
      code: 'mount.namespace',
      message: 'cannot make the root read-only without a private mount namespace',
      pointer: '/root/readonly',
      hint,
    });
  }
}
