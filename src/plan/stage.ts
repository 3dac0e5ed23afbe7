import type { Config, IdMapping } from '../../schema/generated/config.ts';
import { OPEN_TREE_FLAGS } from '../../schema/generated/ops.ts';
import { hasNamespace, isNew } from '../bundle/namespaces.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { MS } from '../kernel/mounts.ts';
import { treePropagation } from './propagation.ts';
import type { PlannedOp } from './types.ts';
import { makeUserNamespace, mapText, userNamespaceOf, userSlot } from './user-namespace.ts';

/**
 * Mounts opened with the privileges of the runtime, which init in a user namespace could not reach or change. Slots of
 * mounts are also allocated here, so that they are unique.
 */
export interface Stage {
  /** Allocates a slot for a mount that is needed again. */
  readonly nextSlot: () => number;
  /** Clones the mount at a host path; 0 if init opens it itself. */
  readonly openTree: (path: string, options: TreeOptions, from: string) => number;
  /**
   * The same for a path of the container, by init itself: earlier mounts of the config may hold it. Undefined where
   * paths of the container are not for the plan to resolve.
   */
  readonly openInRoot: ((path: string, options: TreeOptions, from: string) => TreeInRoot) | undefined;
  /** Makes the filesystem of a block device. */
  readonly openFilesystem: (filesystem: NewFilesystem, from: string) => number;
  /** Everything opened so far. */
  readonly ops: PlannedOp[];
  /**
   * The slots of trees that a copy of the mount namespace locks for the container's user namespace: with their flags and
   * what they cover. Undefined: none are.
   */
  readonly locked: number[] | undefined;
}

export interface NewFilesystem {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  readonly attributes: number;
}

export interface TreeInRoot {
  readonly slot: number;
  readonly ops: readonly PlannedOp[];
}

export interface TreeOptions {
  readonly recursive: boolean;
  readonly directory?: boolean;
  /** A symbolic link is opened itself. */
  readonly nofollow?: boolean;
  /** The mappings of its file owners. */
  readonly idmap?: IdmapOptions | undefined;
  /** The stage sets them, if it locks the tree. */
  readonly attributes?: Attributes;
}

export interface Attributes {
  readonly set: number;
  readonly clear: number;
  readonly recursiveSet: number;
  readonly recursiveClear: number;
}

export interface IdmapOptions {
  readonly recursive: boolean;
  /** Undefined: the container's user namespace. */
  readonly maps?: { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] } | undefined;
}

export const noAttributes: Attributes = { set: 0, clear: 0, recursiveSet: 0, recursiveClear: 0 };

/**
 * `live`: for mounts that are added to a container that runs, and may change what its paths mean at any time. `leaves`:
 * init enters a mount namespace without the host's mounts. `locks`: a user namespace gets the trees.
 */
export function makeStage(config: Config, facts: Facts, { live = false, leaves = false, locks = false } = {}): Stage {
  const opensAll = live || leaves || opensForInit(config, facts);
  const ops: PlannedOp[] = [];
  const locked: number[] = [];
  const namespaces = new Map<string, number>();
  const nextSlot = slotsBelow(userSlot);

  const namespaceFor = ({ maps }: IdmapOptions, from: string): number => {
    if (maps === undefined) return userSlot;
    const key = `${mapText(maps.uids)}${mapText(maps.gids)}`;
    let made = namespaces.get(key);
    if (made === undefined) {
      made = nextSlot();
      namespaces.set(key, made);
      ops.push(makeUserNamespace(made, maps.uids, maps.gids, facts, from));
    }
    return made;
  };

  const idmapOps = (slot: number, idmap: IdmapOptions | undefined, from: string): PlannedOp[] =>
    idmap === undefined
      ? []
      : [{ op: 'idmap_tree', slot, namespace: namespaceFor(idmap, from), recursive: Number(idmap.recursive), from }];

  const openTree = (path: string, how: TreeOptions, from: string): number => {
    const { recursive, directory, nofollow, idmap, attributes = noAttributes } = how;
    if (!opensAll && idmap === undefined) return 0;
    const slot = nextSlot();
    const flags =
      (recursive ? OPEN_TREE_FLAGS.recursive : 0) |
      (directory === true ? OPEN_TREE_FLAGS.plainDirectory : 0) |
      (nofollow === true ? OPEN_TREE_FLAGS.nofollow : 0);
    ops.push({ op: 'open_tree', slot, path, flags, propagation: clonePropagation(config), from });
    ops.push(...idmapOps(slot, idmap, from));
    if (locks) {
      ops.push(...attributeOps(slot, attributes, from));
      locked.push(slot);
    }
    return slot;
  };
  const openInRoot = (path: string, { recursive, idmap }: TreeOptions, from: string): TreeInRoot => {
    const slot = nextSlot();
    const flags = OPEN_TREE_FLAGS.inRoot | (recursive ? OPEN_TREE_FLAGS.recursive : 0);
    const open: PlannedOp = { op: 'open_tree', slot, path, flags, propagation: 0, from };
    return { slot, ops: [open, ...idmapOps(slot, idmap, from)] };
  };
  const openFilesystem = ({ type, source, options, attributes }: NewFilesystem, from: string): number => {
    const slot = nextSlot();
    ops.push({ op: 'open_filesystem', slot, type, source, options: [...options], attributes, from });
    return slot;
  };
  // In a mount namespace that is joined, a source is a path in there.
  const resolves = !live && (isNew(config, 'mount') || !hasNamespace(config, 'mount'));
  return {
    nextSlot,
    openTree,
    openInRoot: resolves ? openInRoot : undefined,
    openFilesystem,
    ops,
    locked: locks ? locked : undefined,
  };
}

/** Those of a mount that the stage has not set. */
export function attributesLeft({ locked = [] }: Stage, tree: number, attributes: Attributes): Attributes {
  return locked.includes(tree) ? noAttributes : attributes;
}

/** From 1 on; the last ones are those of namespaces. */
function slotsBelow(end: number): () => number {
  let next = 1;
  return () => {
    if (next < end) return next++;
    throw new Failure([
      {
        code: 'mount.count',
        message: `cannot keep more than ${end - 1} mounts open at once, device nodes of the host included`,
        pointer: '/mounts',
        hint: 'bind a directory that contains several of them',
      },
    ]);
  };
}

/** The recursive ones last, since they are for the top mount, too. */
function attributeOps(slot: number, attributes: Attributes, from: string): PlannedOp[] {
  const { set, clear, recursiveSet, recursiveClear } = attributes;
  return (
    [
      [set, clear, 0],
      [recursiveSet, recursiveClear, 1],
    ] as const
  ).flatMap(([set, clear, recursive]) =>
    set === 0 && clear === 0 ? [] : [{ op: 'mount_attributes' as const, slot, set, clear, recursive, from }],
  );
}

/**
 * For a container with a user namespace, root opens the sources, which that container may not reach. If a mount
 * namespace is joined, paths are resolved in there; and opening first does not help an unprivileged user.
 */
function opensForInit(config: Config, facts: Facts): boolean {
  return userNamespaceOf(config) !== 'runtime' && isNew(config, 'mount') && facts.user.uid === 0;
}

/** A clone is a peer of its source: mounts made in the container must not reach the host. */
function clonePropagation(config: Config): number {
  const type = treePropagation(config);
  return type === 0 && userNamespaceOf(config) !== 'runtime' ? MS.slave : type;
}
