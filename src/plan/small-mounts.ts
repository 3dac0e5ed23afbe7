import type { Config, Hook } from '../../schema/generated/config.ts';
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

/** When the mount namespace of a container begins without the host's mounts, where that makes no difference. */
export type SmallMounts = 'always' | 'beside-many';

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
export function allowsSmallMounts(config: Config, facts: Facts, bundle: string, pivot: boolean): boolean {
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
    facts.user.initial &&
    isIndependent(config, bundle, (path) => path)
  );
}

/** That of dockerd, which only opens the network namespace. Others may enter the mount namespace, to mount host files. */
function isOfNetwork({ args = [] }: Hook): boolean {
  return args[0] === 'libnetwork-setkey';
}

/**
 * Whether no symbolic link leads a source of a bind mount to what `allowsSmallMounts` excludes. Apart from that because it
 * takes time.
 */
export function hasSeparateSources(config: Config, { realPath }: Facts, bundle: string): boolean {
  return isIndependent(config, bundle, realPath);
}

function isIndependent(config: Config, bundle: string, realPath: (path: string) => string): boolean {
  const root = realPath(hostRoot(config, bundle));
  let binds = 0;
  for (const { type = '', source = '', options = [] } of config.mounts ?? []) {
    if (type !== 'bind' && !options.includes('bind') && !options.includes('rbind')) {
      if (!selfContained.includes(type)) return false;
      continue;
    }
    const path = normalizePath(realPath(source.startsWith('/') ? source : `${bundle}/${source}`));
    if (path === root || isBelow(path, root) || isBelow(root, path)) return false;
    binds++;
  }
  return binds <= mostBinds;
}

/** Once everything of the host is open. `thread` is the fact of that name. */
export function enterSmallMountsOps(thread: string): PlannedOp[] {
  return [
    { op: 'enter_mount_namespace', thread, from: smallMountsOrigin },
    { op: 'unshare', flags: CLONE_NEW.mount, from: '/linux/namespaces' },
  ];
}

/**
 * The same for a container with a user namespace, which gets a copy of the copy: the kernel judges by that whether a procfs
 * or sysfs may be mounted, so both are in there as the host shows them.
 */
export function enterVisibleMountsOps(thread: string, stage: Stage): PlannedOp[] {
  const [proc, sys] = [stage.nextSlot(), stage.nextSlot()];
  const open = { op: 'open_tree', flags: OPEN_TREE_FLAGS.recursive, propagation: MS.private } as const;
  return [
    { ...open, slot: proc, path: '/proc', from: smallMountsOrigin },
    { ...open, slot: sys, path: '/sys', from: smallMountsOrigin },
    ...enterSmallMountsOps(thread),
    { op: 'mount_visible', proc, sys, from: smallMountsOrigin },
  ];
}

/** Once all mounts are made: trees cloned from the host may contain what a copy would lack. */
export function refusePinnedOps(): PlannedOp[] {
  return [{ op: 'refuse_pinned', from: smallMountsOrigin }];
}

/** The variable that forces one way; by default the number of the host's mounts decides. */
export const smallMountsOrigin = 'RT_MOUNT_NAMESPACE';
