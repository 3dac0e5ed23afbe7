import type { Config, NamespaceType } from '../../schema/generated/config.ts';
import { AWAIT_START_HOW } from '../../schema/generated/ops.ts';
import { joinedPath, namespacePointer } from '../bundle/namespaces.ts';
import { isBelow } from '../bundle/path.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { needOfSeparation } from './separation.ts';
import { externalNamespaces, inheritedNamespaces } from './checkpoint.ts';
import type { PlannedMount } from './checkpoint.ts';
import { containerUserOps, joinOp } from './join.ts';
import type { NamespaceOrigin } from './join.ts';
import type { Plan } from './plan.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf, userSlot } from './user-namespace.ts';

export interface RestoreOptions {
  /** Absolute, on the host. */
  readonly rootfs: string;
  /** The directory of the images, on the host. */
  readonly images: string;
  /** The source of a bind mount, without symbolic links; undefined if it is not a directory. */
  readonly directoryAt: (source: string) => string | undefined;
}

export interface RestorePlan {
  readonly ops: readonly PlannedOp[];
  /** Slots that are passed to the program: the joined namespaces, then the images if they are mapped. */
  readonly slots: readonly number[];
  readonly cloneFlags: number;
}

const mountSlot = 1;
/** After those of the namespaces that criu joins. */
const firstHandedOver = inheritedNamespaces.length + 1;
const imagesSlot = firstHandedOver + Object.keys(externalNamespaces).length;

/**
 * Compiles the operations of a process before it executes criu, so that the processes restored by criu are in the
 * container's cgroups from their birth, and the mounts that criu needs are in a mount namespace that ends with it.
 */
export function planRestore(
  config: Config,
  { stage, init, unit }: Plan,
  mounts: readonly PlannedMount[],
  { rootfs, images, directoryAt }: RestoreOptions,
): RestorePlan {
  const external = handedOver(config);
  return {
    ops: [
      ...(unit === undefined ? [] : [{ op: 'await_unit', from: 'default' } as const]), // until it is in its unit
      ...(mapsImages(config) ? mappedImages(stage, images) : []),
      ...init.filter(({ op }) => op === 'cgroup_join'),
      // CRIU makes a cgroup namespace only if it manages cgroups; restored processes are in CRIU's own.
      ...init.filter((op) => op.op === 'unshare' && op.flags === CLONE_NEW.cgroup),
      ...joinInheritedOps(config, (type) => joinedPath(config, type) ?? ''),
      ...external.map((type, index) => openOp(config, type, firstHandedOver + index, joinedPath(config, type) ?? '')),
      // No mount reaches the host, and a mount that was a slave of a host mount can be one again.
      { op: 'set_propagation', type: MS.slave, recursive: 1, from: 'default' },
      ...innerMountPoints(mounts, directoryAt),
      // CRIU needs a root that is a mount and writable until everything is mounted.
      { op: 'hold_root', path: rootfs, from: '/root/path' },
      ...mountPoints(mounts, directoryAt),
    ],
    slots: [...external.map((_, index) => firstHandedOver + index), ...(mapsImages(config) ? [imagesSlot] : [])],
    cloneFlags: mapsImages(config) ? 0 : CLONE_NEW.mount,
  };
}

/** Whether criu reads the images as the root of a new user namespace, to whom they must belong. */
export function mapsImages(config: Config): boolean {
  return userNamespaceOf(config) === 'new';
}

/**
 * Maps the images, which belong to the root of the host, to that of a user namespace with the maps of the container's.
 * criu makes the container's own. What has to be done before that needs the privileges of the host.
 */
function mappedImages(stage: readonly PlannedOp[], path: string): PlannedOp[] {
  const from = '--image-path';
  return [
    ...stage.filter(({ op }) => op === 'raise_limit' || op === 'user_namespace' || op === 'stdio_owner'),
    { op: 'open_tree', slot: imagesSlot, path, flags: 0, propagation: MS.private, from },
    { op: 'idmap_tree', slot: imagesSlot, namespace: userSlot, recursive: 0, from },
    // A mount can be cloned in its own mount namespace only, and the descriptor of the directory is from the runtime's.
    { op: 'unshare', flags: CLONE_NEW.mount, from: 'default' },
  ];
}

/** The joined namespaces that criu gets as descriptors, in this order. */
export function handedOver(config: Config): readonly (keyof typeof externalNamespaces)[] {
  return joinedTypes(config, ['network', 'pid']);
}

/** Those of `types` that the config joins by path, in this order. */
function joinedTypes<Type extends NamespaceType>(config: Config, types: readonly Type[]): readonly Type[] {
  return types.filter((type) => joinedPath(config, type) !== undefined);
}

/**
 * Compiles the operations that enter those namespaces which criu shares with the container, found at `pathOf`. All are
 * opened before one is entered.
 */
export function joinInheritedOps(config: Config, pathOf: (type: NamespaceType) => string): readonly PlannedOp[] {
  const types = joinedTypes(config, inheritedNamespaces);
  return [
    ...types.map((type, index) => openOp(config, type, index + 1, pathOf(type))),
    ...types.map((type, index): PlannedOp => {
      const from = namespacePointer(config, type);
      return { op: 'namespace_join', slot: index + 1, type: CLONE_NEW[type], user: 0, keep: 0, from };
    }),
  ];
}

function openOp(config: Config, type: NamespaceType, slot: number, path: string): PlannedOp {
  const from = namespacePointer(config, type);
  return { op: 'namespace_open', slot, path, type: CLONE_NEW[type], need: needOfSeparation(config, type), from };
}

/**
 * Compiles the operations of a process that enters a restored container before it resumes: adds `flags` to the mounts.
 */
export function planProtection(
  config: Config,
  mounts: readonly PlannedMount[],
  initPid: number,
  origin: NamespaceOrigin,
): readonly PlannedOp[] {
  return [
    ...containerUserOps(config, initPid, origin),
    joinOp(config, origin, CLONE_NEW.mount),
    { op: 'open_root_directory', path: '/', from: 'default' },
    ...mounts.flatMap(({ path, kind, flags }): PlannedOp[] => {
      const from = originOf[kind];
      const attributes = { op: 'mount_attributes', set: flags, clear: 0, recursive: 0, from } as const;
      if (path === '/') return [{ ...attributes, slot: 0 }];
      return [
        { op: 'open_mount', slot: mountSlot, destination: path, from },
        { ...attributes, slot: mountSlot },
      ];
    }),
    { op: 'await_start', how: AWAIT_START_HOW.control, from: 'default' },
  ];
}

/**
 * A warning if root of the restored container can undo what protects mounts of the host. criu makes the mounts inside of
 * the user namespace, so they are not locked as those of `create` are.
 */
export function unlockedMounts(config: Config, mounts: readonly PlannedMount[]): readonly Diagnostic[] {
  const mayMount = config.process?.capabilities?.bounding?.includes('CAP_SYS_ADMIN') === true;
  const places = mounts.filter(({ external }) => external !== undefined).map(({ path }) => `"${path}"`);
  if (userNamespaceOf(config) !== 'new' || !mayMount || places.length === 0) return [];
  return [
    {
      code: 'restore.unlocked',
      message: `root of the restored container can change the options of its mounts of the host, and unmount them: ${places.join(', ')}`,
      pointer: '/process/capabilities/bounding',
      hint: 'drop CAP_SYS_ADMIN, or create the container anew',
    },
  ];
}

/** Places in the config of mounts of a kind. */
const originOf: Readonly<Record<PlannedMount['kind'], string>> = {
  root: '/root/readonly',
  filesystem: '/mounts',
  bind: '/mounts',
  device: '/linux/devices',
  mask: '/linux/maskedPaths',
  readonly: '/linux/readonlyPaths',
  console: '/process/terminal',
};

/** Those in the root itself; those in a new filesystem are part of the images. */
function mountPoints(mounts: readonly PlannedMount[], directoryAt: RestoreOptions['directoryAt']): PlannedOp[] {
  return mounts.flatMap((mount): PlannedOp[] => {
    if (!isMade(mount) || holderOf(mounts, mount) !== undefined) return [];
    return [mountPoint(mount.path, mount, directoryAt)];
  });
}

/** Those in the sources of other bind mounts, if they may be made there. */
function innerMountPoints(mounts: readonly PlannedMount[], directoryAt: RestoreOptions['directoryAt']): PlannedOp[] {
  return mounts.flatMap((mount): PlannedOp[] => {
    const holder = isMade(mount) ? holderOf(mounts, mount) : undefined;
    if (holder?.external === undefined || (holder.flags & MOUNT_ATTR.RDONLY) !== 0) return [];
    const path = directoryAt(holder.external.source);
    if (path === undefined) return [];
    return [
      { op: 'open_root_directory', path, from: '/mounts' },
      mountPoint(mount.path.slice(holder.path.length), mount, directoryAt),
    ];
  });
}

function isMade({ kind }: PlannedMount): boolean {
  return kind === 'filesystem' || kind === 'bind' || kind === 'device';
}

/** The innermost earlier mount that contains its mount point, undefined for the root. */
function holderOf(mounts: readonly PlannedMount[], mount: PlannedMount): PlannedMount | undefined {
  let holder: PlannedMount | undefined;
  for (const other of mounts.slice(0, mounts.indexOf(mount))) {
    if (!isMade(other) || !isBelow(mount.path, other.path)) continue;
    if (holder === undefined || other.path.length >= holder.path.length) holder = other;
  }
  return holder;
}

function mountPoint(
  path: string,
  { external }: PlannedMount,
  directoryAt: RestoreOptions['directoryAt'],
): PlannedOp & { op: 'make_mount_point' } {
  const directory = Number(external === undefined || directoryAt(external.source) !== undefined);
  return { op: 'make_mount_point', path, directory, from: '/mounts' };
}
