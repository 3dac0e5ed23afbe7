import type { Config, Hook, Mount } from '../../schema/generated/config.ts';
import { OPEN_TREE_FLAGS } from '../../schema/generated/ops.ts';
import { seccompReceiver } from '../bundle/annotations.ts';
import { hasNamespace, isNew } from '../bundle/namespaces.ts';
import { isBelow, normalizePath } from '../bundle/path.ts';
import type { Facts } from '../facts/facts.ts';
import { MS } from '../kernel/mounts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { rootPropagation } from './propagation.ts';
import { hostRoot } from './rootfs.ts';
import type { Stage } from './stage.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf } from './user-namespace.ts';

/** When the mount namespace of a container begins as that of a kernel thread, where that makes no difference. */
export type SmallMounts = 'always' | 'beside-many' | 'never';

/** How a container leaves the host's mounts before its own are made. */
export interface Leaving {
  /** The kernel thread whose mount namespace is copied; undefined: the host's is. */
  readonly thread: string | undefined;
}

/** Filesystems whose options name no path of the host. */
const selfContained: readonly string[] = [
  'binfmt_misc',
  'bpf',
  'cgroup',
  'cgroup2',
  'configfs',
  'debugfs',
  'devpts',
  'hugetlbfs',
  'mqueue',
  'proc',
  'ramfs',
  'securityfs',
  'sysfs',
  'tmpfs',
  'tracefs',
];

/** Their sources are all open at once. */
const mostBinds = 128;

/**
 * Whether the container comes out the same if its mount namespace does not begin as a copy of the host's. It must not
 * need the host's mounts after they were cloned: for hooks, filesystems made of host files, or sources that show mounts
 * of the container. A private tree would differ, too: it has no unbindable mounts, which are not cloned. With a user
 * namespace the stage leaves them, but sets the clocks and connects to a receiver later.
 */
function allowsSmallMounts(config: Config, facts: Facts, pivot: boolean): boolean {
  const { prestart = [], createRuntime = [], createContainer = [] } = config.hooks ?? {};
  const propagation = rootPropagation(config)?.type ?? 'slave';
  return (
    pivot &&
    propagation === 'slave' &&
    hasNamespace(config, 'mount') &&
    isNew(config, 'mount') &&
    (userNamespaceOf(config) === 'runtime' || !(isNew(config, 'time') || seccompReceiver(config).path !== '')) &&
    createContainer.length === 0 &&
    [...prestart, ...createRuntime].every(isOfNetwork) &&
    facts.user.uid === 0 &&
    (facts.user.initial || userNamespaceOf(config) !== 'runtime') &&
    (config.mounts ?? []).every((mount) => isBind(mount) || selfContained.includes(mount.type ?? ''))
  );
}

/** That of dockerd, which only opens the network namespace. Others may enter the mount namespace, to mount host files. */
function isOfNetwork({ args = [] }: Hook): boolean {
  return args[0] === 'libnetwork-setkey';
}

function isBind({ type, options = [] }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

/** Whether init may clone the sources before it has made any mount. The stage of a user namespace does so in any case. */
function isIndependent(config: Config, bundle: string, realPath: (path: string) => string): boolean {
  const root = realPath(hostRoot(config, bundle));
  let binds = 0;
  for (const mount of config.mounts ?? []) {
    if (!isBind(mount)) continue;
    const { source = '' } = mount;
    const path = normalizePath(realPath(source.startsWith('/') ? source : `${bundle}/${source}`));
    if (path === root || isBelow(path, root) || isBelow(root, path)) return false;
    binds++;
  }
  return binds <= mostBinds;
}

/**
 * Undefined if the container's mount namespace has the host's mounts until its root is entered. `wish` undefined: it must.
 * With a user namespace they are left in any case, so that the kernel locks what is taken along.
 */
export function leavingOf(
  config: Config,
  facts: Facts,
  bundle: string,
  pivot: boolean,
  wish: SmallMounts | undefined,
): Leaving | undefined {
  if (wish === undefined || !allowsSmallMounts(config, facts, pivot)) return undefined;
  const small = wish === 'always' || (wish === 'beside-many' && facts.hasManyMounts);
  const hasUser = userNamespaceOf(config) !== 'runtime';
  // Root of the host owns that of the thread.
  if (hasUser) return { thread: small && facts.user.initial ? facts.deviceThread : undefined };
  // Links are followed last, because that takes time.
  if (!small || !isIndependent(config, bundle, (path) => path) || !isIndependent(config, bundle, facts.realPath)) {
    return undefined;
  }
  const thread = facts.deviceThread;
  return thread === undefined ? undefined : { thread };
}

/** Once everything of the host is open. */
export function leaveOps({ thread }: Leaving): PlannedOp[] {
  const unshare: PlannedOp = { op: 'unshare', flags: CLONE_NEW.mount, from: '/linux/namespaces' };
  return thread === undefined ? [unshare] : [{ op: 'enter_mount_namespace', thread, from: smallMountsOrigin }, unshare];
}

/**
 * The same for a container with a user namespace, which gets a copy of the copy. The kernel locks the trees in there: the
 * container can neither change flags that the host or the config has given them, nor uncover what the host has covered. And
 * it judges by that copy whether a procfs or sysfs may be mounted, so both are in there as the host shows them.
 */
export function lockOps(leaving: Leaving, stage: Stage, trees: readonly number[]): PlannedOp[] {
  const [proc, sys] = [stage.nextSlot(), stage.nextSlot()];
  const flags = OPEN_TREE_FLAGS.recursive | OPEN_TREE_FLAGS.optional;
  const open = { op: 'open_tree', flags, propagation: MS.private } as const;
  return [
    { ...open, slot: proc, path: '/proc', from: 'default' },
    { ...open, slot: sys, path: '/sys', from: 'default' },
    ...leaveOps(leaving),
    { op: 'mount_locked', proc, sys, trees: [...trees], from: 'default' },
  ];
}

/** Once all mounts are made: trees cloned from the host may contain what a copy would lack. */
export function refusePinnedOps(): PlannedOp[] {
  return [{ op: 'refuse_pinned', from: smallMountsOrigin }];
}

/** The variable that forces one way; by default the number of the host's mounts decides. */
export const smallMountsOrigin = 'RT_MOUNT_NAMESPACE';
