import type { Config } from '../../schema/generated/config.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf, userSlot } from './user-namespace.ts';

/** `st_dev` and `st_ino` of a namespace file, which name the namespace as long as it lives (ioctl_ns(2)). */
export interface NamespaceIdentity {
  readonly device: number;
  readonly inode: number;
}

/** Where a container began, which its init cannot change: compared by whoever enters it later. */
export interface NamespaceOrigin {
  /** The user namespace that linux.namespaces joins by a path, else that of the runtime. */
  readonly user: NamespaceIdentity;
  /** The owner of a mount namespace that was joined by a path. Any other belongs to the container's user namespace. */
  readonly mountOwner?: NamespaceIdentity;
}

/** Every namespace that is not the runtime's: the kernel refuses to join one's own user namespace. */
function namespaceFlags(config: Config): number {
  let flags = 0;
  for (const { type } of config.linux?.namespaces ?? []) flags |= CLONE_NEW[type];
  return flags >>> 0;
}

/** Gets hold of the user namespace that the container had at create, where it has one; in `userSlot`. */
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
 * Joins those of `flags` that the container has, behind containerUserOps. A mount namespace that another user namespace
 * owns than at create is one that init made for itself: whoever has all rights in it may, for one, make a read-only
 * mount writable, and lay other programs over those of the image.
 *
 * Inode numbers are used again, but not while their namespace lives. The user namespace of create does as long as init:
 * init is in it or below it, since setns(2) and unshare(2) lead down only, and a namespace holds those above it. That
 * init lives is what the pidfd says. The owner of a mount namespace that was joined by a path lives as long as that.
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
