import type { Config, Mount } from '../../schema/generated/config.ts';
import { AWAIT_START_HOW, MOUNT_BIND_FLAGS, MOUNT_FILESYSTEM_FLAGS } from '../../schema/generated/ops.ts';
import { hasNamespace } from '../bundle/namespaces.ts';
import { normalizePath } from '../bundle/path.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { containerUserOps, joinOp } from './join.ts';
import type { NamespaceOrigin } from './join.ts';
import { mountOps } from './mounts.ts';
import { makeStage } from './stage.ts';
import type { Stage } from './stage.ts';
import type { CgroupRecord } from './cgroup/record.ts';
import type { PlannedOp } from './types.ts';
import { checkUserNamespace, groupsRule, userNamespaceOf, userSlot } from './user-namespace.ts';

export interface LiveMountOptions {
  /** Absolute; the base of relative sources. */
  readonly bundle: string;
  /** The container's first process. */
  readonly initPid: number;
  readonly cgroup: CgroupRecord;
  readonly origin: NamespaceOrigin;
}

export interface LiveMountPlan {
  readonly ops: readonly PlannedOp[];
  /** Mount settings that have no effect. */
  readonly warnings: readonly Diagnostic[];
}

const pidSlot = userSlot + 1;

/**
 * Compiles the mounts to add to a running container. `config` is that of the container as of create. All sources are
 * opened on the host before the first one is mounted. A process in the container may replace directories by links
 * meanwhile, so a destination must be reached without symbolic links, unlike at create.
 */
export function planAddedMounts(
  config: Config,
  mounts: readonly Mount[],
  facts: Facts,
  { bundle, initPid, cgroup, origin }: LiveMountOptions,
): LiveMountPlan {
  const faults: Diagnostic[] = [];
  const container: Config = { ...config, mounts: [...mounts] };
  const hasUser = userNamespaceOf(config) !== 'runtime';
  const stage = makeStage(container, facts, { live: true, locks: hasUser });
  const showsProcesses = mounts.some(({ type }) => type === 'proc') && hasNamespace(config, 'pid');
  checkNamespace(config, faults);
  mounts.forEach((mount, index) => check(mount, `/mounts/${String(index)}`, facts, faults));
  checkUserNamespace(container, facts, faults);
  const planned = mountOps(container, facts, bundle, cgroup, stage, showsProcesses ? pidSlot : 0, faults);
  // The rest of the config was checked at create.
  const found = faults.filter(({ pointer }) => pointer === undefined || pointer.startsWith('/mounts'));
  if (found.length > 0) throw new Failure(found);
  return {
    ops: [
      ...containerUserOps(config, initPid, origin), // the idmapped mounts below may use it
      ...stage.ops, // by host paths
      ...lockTreesOps(stage),
      ...(showsProcesses ? [openPidNamespace(initPid)] : []),
      ...enter(config, facts, origin),
      ...[...planned.mounts, ...planned.afterwards].map(withPlainDestination),
      { op: 'await_start', how: AWAIT_START_HOW.control, from: 'default' },
    ],
    warnings: planned.warnings,
  };
}

/** Compiles the removal of mounts from a running container, last one first, since it may be on an earlier one. */
export function planRemovedMounts(
  config: Config,
  mounts: readonly Mount[],
  facts: Facts,
  { initPid, origin }: Pick<LiveMountOptions, 'initPid' | 'origin'>,
): readonly PlannedOp[] {
  const faults: Diagnostic[] = [];
  checkNamespace(config, faults);
  if (faults.length > 0) throw new Failure(faults);
  const removals = mounts.map(({ destination }, index): PlannedOp => {
    const from = `/mounts/${String(index)}/destination`;
    return { op: 'remove_mount', destination: normalizePath(destination), from };
  });
  return [
    ...containerUserOps(config, initPid, origin),
    ...enter(config, facts, origin),
    ...removals.reverse(),
    { op: 'await_start', how: AWAIT_START_HOW.control, from: 'default' },
  ];
}

/** The mounts made by the ops before the failed one. */
export function mountsMade(ops: readonly PlannedOp[], failed: number): Mount[] {
  return ops.slice(0, failed).flatMap((op): Mount[] => {
    return op.op === 'mount_bind' || op.op === 'mount_filesystem' ? [{ destination: op.destination }] : [];
  });
}

/** So that root of the container can neither change their flags nor uncover what they cover. */
function lockTreesOps({ locked = [] }: Stage): PlannedOp[] {
  return locked.length === 0 ? [] : [{ op: 'lock_trees', user: userSlot, trees: locked, from: 'default' }];
}

/** join_process later confirms that the process is alive, so its pid has not been reused. */
function openPidNamespace(pid: number): PlannedOp {
  return {
    op: 'namespace_open',
    slot: pidSlot,
    path: `/proc/${pid}/ns/pid`,
    type: CLONE_NEW.pid,
    need: '',
    from: '/linux/namespaces',
  };
}

/** From here on paths are those of the container; new files belong to its root. */
function enter(config: Config, facts: Facts, origin: NamespaceOrigin): PlannedOp[] {
  const from = '/linux/namespaces';
  const becomeRoot: PlannedOp = { op: 'become_root', groups: groupsRule(config, facts), from };
  return [
    joinOp(config, origin),
    ...(userNamespaceOf(config) === 'runtime' ? [] : [becomeRoot]),
    { op: 'open_root_directory', path: '/', from: 'default' },
  ];
}

function withPlainDestination(op: PlannedOp): PlannedOp {
  if (op.op === 'mount_bind') return { ...op, flags: op.flags | MOUNT_BIND_FLAGS.plainDestination };
  return op.op === 'mount_filesystem' ? { ...op, flags: op.flags | MOUNT_FILESYSTEM_FLAGS.plainDirectory } : op;
}

function checkNamespace(config: Config, faults: Diagnostic[]): void {
  if (hasNamespace(config, 'mount')) return;
  faults.push({
    code: 'mounts.namespace',
    message: 'cannot change the mounts of a container without its own mount namespace',
    hint: 'add {"type": "mount"} to linux.namespaces',
  });
}

function check({ type, destination, options = [] }: Mount, pointer: string, facts: Facts, faults: Diagnostic[]): void {
  if (type === 'cgroup') {
    faults.push({
      code: 'mounts.cgroup',
      message: `cannot add the mount on "${destination}": cgroups can only be mounted when a container is created`,
      pointer,
    });
  }
  const links = options.findIndex((word) => /^(copy-symlink|(src|dest)-nofollow)$/.test(word));
  if (links >= 0) {
    faults.push({
      code: 'mounts.links',
      message: `cannot add the mount on "${destination}": option "${options[links] ?? ''}" is for mounts of config.json`,
      pointer: `${pointer}/options/${String(links)}`,
      hint: 'a container that runs may exchange links at any moment',
    });
  }
  const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind');
  if (isBind && facts.user.uid !== 0) {
    faults.push({
      code: 'mounts.rootless',
      message: `cannot add the mount on "${destination}": only root may mount a host directory into a running container`,
      pointer,
      hint: 'list it in config.json, to mount it when the container is created',
    });
  }
}
