import t from 'tap';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { config } from '../../test/config.ts';
import { containerUserOps, joinOp } from './join.ts';

const origin = { user: { device: 4, inode: 5 } };

t.test('without a user namespace the mount namespace belongs to that of the runtime', async (t) => {
  const shared = config({ linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] } });
  t.strictSame(containerUserOps(shared, 40, origin), []);
  t.match(joinOp(shared, origin), { flags: CLONE_NEW.mount | CLONE_NEW.pid, user: 0, ownerDevice: 4, ownerInode: 5 });
});

t.test('with one it belongs to that, which is a child of that of the runtime or is identified itself', async (t) => {
  for (const [path, child] of [
    [undefined, 1],
    ['/run/user', 0],
  ] as const) {
    const own = config({
      linux: { namespaces: [{ type: 'mount' }, { type: 'user', ...(path === undefined ? {} : { path }) }] },
    });
    const [open] = containerUserOps(own, 40, origin);
    t.match(open, { op: 'container_user_namespace', path: '/proc/40/ns/user', child, device: 4, inode: 5 });
    t.match(joinOp(own, origin), { flags: CLONE_NEW.mount, user: 1000, ownerInode: 0 });
  }
});

t.test('a mount namespace that was joined by path keeps its owner', async (t) => {
  const joined = config({ linux: { namespaces: [{ type: 'mount', path: '/run/mnt' }, { type: 'user' }] } });
  const owned = { ...origin, mountOwner: { device: 4, inode: 9 } };
  t.match(joinOp(joined, owned), { ownerDevice: 4, ownerInode: 9 });
});
