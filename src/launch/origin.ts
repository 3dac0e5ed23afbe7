import type { Config } from '../../schema/generated/config.ts';
import { joinedPath } from '../bundle/namespaces.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import type { NamespaceOrigin } from '../plan/join.ts';

const ownUserNamespace = '/proc/self/ns/user';

/** The identity of a container's namespaces, to be saved; undefined if a path is bad, as its creation reports. */
export function findOrigin(native: Native, config: Config): NamespaceOrigin | undefined {
  const origin = read(native, config);
  return 'user' in origin ? origin : undefined;
}

/** The saved origin. Earlier versions of rt saved none, so then the current paths have to be those of create. */
export function requireOrigin(native: Native, config: Config, saved: NamespaceOrigin | undefined): NamespaceOrigin {
  const origin = saved ?? read(native, config);
  if ('user' in origin) return origin;
  const action = `cannot tell whether the container is still in the namespaces that it was created in: "${origin.path}"`;
  throw systemFailure('namespace.origin', action, 'stat', origin.errno, 'make the container again');
}

interface Unreadable {
  readonly path: string;
  /** Negative. */
  readonly errno: number;
}

function read(native: Native, config: Config): NamespaceOrigin | Unreadable {
  const path = joinedPath(config, 'user') ?? ownUserNamespace;
  const status = native.stat(path, 1);
  // A kernel without user namespaces has none to compare, and nobody can make one.
  if (status === -ENOENT && path === ownUserNamespace) return { user: { device: 0, inode: 0 } };
  if (typeof status === 'number') return { path, errno: status };
  const [, , , inode = 0, device = 0] = status;
  const user = { device, inode };
  const mount = joinedPath(config, 'mount');
  if (mount === undefined) return { user };
  const owner = native.namespaceOwner(mount);
  if (typeof owner === 'number') return { path: mount, errno: owner };
  return { user, mountOwner: { device: owner[0] ?? 0, inode: owner[1] ?? 0 } };
}
