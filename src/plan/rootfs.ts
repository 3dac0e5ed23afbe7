import type { Config } from '../../schema/generated/config.ts';
import { hasNamespace } from '../bundle/namespaces.ts';
import { normalizePath } from '../bundle/path.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { rootPropagation, treePropagation } from './propagation.ts';
import type { Stage } from './stage.ts';
import type { PlannedOp } from './types.ts';

const rootOrigin = '/root/path';

function unresolvedRoot(config: Config, bundle: string): string {
  const path = config.root?.path ?? '';
  return path.startsWith('/') ? path : `${bundle}/${path}`;
}

/** The normalized path of the root filesystem on the host. */
export function hostRoot(config: Config, bundle: string): string {
  return normalizePath(unresolvedRoot(config, bundle));
}

/** Propagation of the whole tree first, so that no mount made below reaches the host, then the root itself. */
export function openRootOps(config: Config, bundle: string, stage: Stage, onHost: boolean): PlannedOp[] {
  const root = unresolvedRoot(config, bundle);
  if (onHost) return [{ op: 'hold_root', path: root, from: rootOrigin }];
  if (!hasNamespace(config, 'mount')) return [{ op: 'open_root_directory', path: root, from: rootOrigin }];
  const propagation = rootPropagation(config)?.type;
  const type = propagation === 'slave' ? MS.slave : MS.private;
  const isolate = Number(propagation === 'shared');
  const tree = stage.openTree(root, { recursive: true, directory: true }, rootOrigin);
  return [...hostPropagation(config), { op: 'open_root', path: root, type, isolate, tree, from: rootOrigin }];
}

/**
 * Without a mount namespace the mounts are in the runtime's own, below the root, and are removed with the container.
 * `more`: the runtime adds some.
 */
export function mountsOnHost(config: Config, more: boolean): boolean {
  return !hasNamespace(config, 'mount') && ((config.mounts ?? []).length > 0 || config.root?.readonly === true || more);
}

function hostPropagation(config: Config): PlannedOp[] {
  const type = treePropagation(config);
  const from = rootPropagation(config) === undefined ? 'default' : '/linux/rootfsPropagation';
  return type === 0 ? [] : [{ op: 'set_propagation', type, recursive: 1, from }];
}

/** The last step below the old root: afterwards nothing is created in the container. */
export function protectOps(config: Config): PlannedOp[] {
  const { readonlyPaths = [], maskedPaths = [] } = config.linux ?? {};
  const ops: PlannedOp[] = [];
  forEachDistinct(readonlyPaths, (path, index) => {
    if (path === '/') return;
    ops.push({ op: 'readonly_path', path, from: `/linux/readonlyPaths/${String(index)}` });
  });
  forEachDistinct(maskedPaths, (path, index) => {
    ops.push({ op: 'mask_path', path, from: `/linux/maskedPaths/${String(index)}` });
  });
  const from = readOnlyRoot(config);
  if (from !== undefined) {
    ops.push({ op: 'mount_attributes', slot: 0, set: MOUNT_ATTR.RDONLY, clear: 0, recursive: 0, from });
  }
  return ops;
}

/** The value that makes the root read-only; undefined if it is writable. A mount on the root would not be seen. */
export function readOnlyRoot({ root, linux }: Config): string | undefined {
  if (root?.readonly === true) return '/root/readonly';
  const index = (linux?.readonlyPaths ?? []).findIndex((path) => normalizePath(path) === '/');
  return index < 0 ? undefined : `/linux/readonlyPaths/${String(index)}`;
}

/** Each path with the index of its first entry: a second mount on it would add nothing. */
function forEachDistinct(paths: readonly string[], visit: (path: string, index: number) => void): void {
  const seen = new Set<string>();
  paths.forEach((path, index) => {
    const plain = normalizePath(path);
    if (seen.has(plain)) return;
    seen.add(plain);
    visit(plain, index);
  });
}

/** `pivot` false: without pivot_root(2), which cannot replace the initial ramfs. */
export function enterRootOps(config: Config, pivot: boolean): PlannedOp[] {
  if (!hasNamespace(config, 'mount')) return [{ op: 'chroot', from: 'default' }];
  const propagation = rootPropagation(config);
  const ops: PlannedOp[] = [
    pivot
      ? { op: 'pivot_root', from: 'default' }
      : {
          op: 'move_root',
          // Detaching from a shared mount would reach the host.
          detach: Number(treePropagation(config) !== 0),
          from: '--no-pivot',
        },
  ];
  if (propagation === undefined) return ops;
  // pivot_root(2) refuses a shared root, so the requested propagation is set only now.
  const { type, recursive } = propagation;
  ops.push({ op: 'set_propagation', type: MS[type], recursive: Number(recursive), from: '/linux/rootfsPropagation' });
  return ops;
}

/** The host's mounts remain in the tree, and in a private tree they stay mounted after the host unmounts them. */
export function checkPivot(config: Config, pivot: boolean, faults: Diagnostic[]): void {
  if (pivot || rootPropagation(config)?.type !== 'private') return;
  faults.push({
    code: 'root.propagation',
    message: 'rootfsPropagation of [r]private is not safe without pivot_root',
    pointer: '/linux/rootfsPropagation',
    hint: 'use slave, which is the default, or drop --no-pivot',
  });
}
