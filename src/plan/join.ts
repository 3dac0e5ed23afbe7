import type { Config } from '../../schema/generated/config.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf, userSlot } from './user-namespace.ts';

/** `st_dev` and `st_ino` of a namespace file, which identify the namespace as long as it exists (ioctl_ns(2)). */
export interface NamespaceIdentity {
  readonly device: number;
  readonly inode: number;
}

/** The original namespaces of a container, which its init cannot change; later commands compare them. */
export interface NamespaceOrigin {
  /** The user namespace that linux.namespaces joins by path, else that of the runtime. */
  readonly user: NamespaceIdentity;
  /** The owner of a mount namespace that was joined by path. Any other belongs to the container's user namespace. */
  readonly mountOwner?: NamespaceIdentity;
}

/** Every namespace that is not the runtime's: the kernel refuses to join the current user namespace. */
function namespaceFlags(config: Config): number {
  let flags = 0;
  for (const { type } of config.linux?.namespaces ?? []) flags |= CLONE_NEW[type];
  return flags >>> 0;
}

/** Opens the user namespace that the container had at create, if any, in `userSlot`. */
export function containerUserOps(config: Config, initPid: number, { user }: NamespaceOrigin): PlannedOp[] {
  const kind = userNamespaceOf(config);
  if (kind === 'runtime') return [];
  return [
    {
      op: 'container_user_namespace',
      slot: userSlot,
      path: `/proc/${initPid}/ns/user`,
      child: Number(kind === 'new'),
      ...user,
      from: '/linux/namespaces',
    },
  ];
}

/**
 * Joins those of `flags` that the container has, after containerUserOps. A mount namespace whose owner is not the user
 * namespace of create is one that init made itself: a process with all capabilities in it may, for example, make a read-only
 * mount writable, and mount other programs over those of the image.
 *
 * Inode numbers are reused, but not while their namespace exists. The user namespace of create exists as long as init:
 * init is in it or in a descendant, since setns(2) and unshare(2) only lead down, and a namespace keeps its ancestors
 * alive. The pidfd confirms that init is alive. The owner of a mount namespace that was joined by path exists as long
 * as that.
 */
export function joinOp(
  config: Config,
  { user, mountOwner }: NamespaceOrigin,
  flags = namespaceFlags(config),
): PlannedOp {
  const inherits = userNamespaceOf(config) === 'runtime';
  const owner = mountOwner ?? (inherits ? user : { device: 0, inode: 0 });
  return {
    op: 'join_process',
    flags: (flags & ~CLONE_NEW.user) >>> 0,
    user: inherits ? 0 : userSlot,
    ownerDevice: owner.device,
    ownerInode: owner.inode,
    from: '/linux/namespaces',
  };
}
