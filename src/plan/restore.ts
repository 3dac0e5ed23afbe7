import type { Config } from '../../schema/generated/config.ts';
import type { PlannedMount } from './checkpoint.ts';
import { CLONE_NEW, MOUNT_ATTR, MS } from './constants.ts';
import type { Plan, PlannedOp } from './types.ts';

export interface RestoreOptions {
  /** Absolute, on the host. */
  readonly rootfs: string;
  /** Whether what a mount brings from the host is a directory. */
  readonly isDirectory: (source: string) => boolean;
}

export interface RestorePlan {
  readonly ops: readonly PlannedOp[];
  /** Slots that the program gets. */
  readonly slots: readonly number[];
  readonly cloneFlags: number;
}

const networkSlot = 1;

/**
 * Compiles what a process does before it becomes criu, so that what criu makes is in the container's cgroups from its
 * birth, and so that the mounts it needs are in a mount namespace which ends with it.
 */
export function planRestore(
  config: Config,
  { init, unit }: Plan,
  mounts: readonly PlannedMount[],
  { rootfs, isDirectory }: RestoreOptions,
): RestorePlan {
  const namespaces = config.linux?.namespaces ?? [];
  const index = namespaces.findIndex(({ type, path }) => type === 'network' && Boolean(path));
  const network = namespaces[index]?.path;
  const from = `/linux/namespaces/${String(index)}`;
  return {
    ops: [
      ...(unit === undefined ? [] : [{ op: 'host_hooks', from: 'default' } as const]), // until it is in its unit
      ...init.filter(({ op }) => op === 'cgroup_join'),
      ...(network === undefined
        ? []
        : [{ op: 'namespace_open', slot: networkSlot, path: network, type: CLONE_NEW.network, from } as const]),
      // Nothing reaches the host, and a mount that was a slave of one of the host can be so again.
      { op: 'set_propagation', type: MS.slave, recursive: 1, from: 'default' },
      // CRIU wants a mount for a root.
      { op: 'hold_root', path: rootfs, from: '/root/path' },
      ...mountPoints(mounts, isDirectory),
      ...(config.root?.readonly === true ? [readOnlyRoot] : []),
    ],
    slots: network === undefined ? [] : [networkSlot],
    cloneFlags: CLONE_NEW.mount,
  };
}

const readOnlyRoot: PlannedOp = {
  op: 'mount_attributes',
  slot: 0,
  set: MOUNT_ATTR.RDONLY,
  clear: 0,
  recursive: 0,
  from: '/root/readonly',
};

/** Those in the root itself: those in another mount are part of the images. */
function mountPoints(mounts: readonly PlannedMount[], isDirectory: (source: string) => boolean): PlannedOp[] {
  const above = mounts.filter(({ kind }) => kind === 'filesystem' || kind === 'bind').map(({ path }) => `${path}/`);
  return mounts.flatMap(({ path, kind, external }): PlannedOp[] => {
    if (kind !== 'filesystem' && kind !== 'bind') return [];
    if (above.some((other) => path.startsWith(other))) return [];
    const directory = Number(external === undefined || isDirectory(external.source));
    return [{ op: 'make_mount_point', path, directory, from: '/mounts' }];
  });
}
