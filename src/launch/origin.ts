import type { Config } from '../../schema/generated/config.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import type { NamespaceOrigin } from '../plan/join.ts';

const ownUserNamespace = '/proc/self/ns/user';

/** What is saved of a container's namespaces before it is made; undefined where a path leads to none, as its creation will say. */
export function findOrigin(native: Native, config: Config): NamespaceOrigin | undefined {
  const origin = read(native, config);
  return 'user' in origin ? origin : undefined;
}

/** What was saved; earlier versions of rt saved nothing, so that the paths of today have to be those of create. */
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
  const pathOf = (wanted: string): string | undefined =>
    config.linux?.namespaces?.find(({ type }) => type === wanted)?.path || undefined;
  const path = pathOf('user') ?? ownUserNamespace;
  const status = native.stat(path, 1);
  // A kernel that is built without user namespaces has nothing that could be compared, nor anybody who could make one.
  if (status === -ENOENT && path === ownUserNamespace) return { user: { device: 0, inode: 0 } };
  if (typeof status === 'number') return { path, errno: status };
  const [, , , inode = 0, device = 0] = status;
  const user = { device, inode };
  const mount = pathOf('mount');
  if (mount === undefined) return { user };
  const owner = native.namespaceOwner(mount);
  if (typeof owner === 'number') return { path: mount, errno: owner };
  return { user, mountOwner: { device: owner[0] ?? 0, inode: owner[1] ?? 0 } };
}
