import t from 'tap';
import type { Mount } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { config, facts } from '../../test/config.ts';
import { mountsMade, planAddedMounts, planRemovedMounts } from './live-mounts.ts';
import type { PlannedOp } from './types.ts';

const options = {
  bundle: '/bundle',
  initPid: 42,
  cgroup: { manager: 'cgroupfs', version: 1, hierarchies: [] },
  origin: { user: { device: 4, inode: 5 } },
} as const;

const user = config({
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'user' }],
    uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
    gidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
  },
});

function names(ops: readonly PlannedOp[]): string[] {
  return ops.map(({ op }) => op);
}

t.test('planAddedMounts opens every source before the container is entered', async (t) => {
  const mounts: Mount[] = [
    { destination: '/a', source: 'data', options: ['bind', 'ro'] },
    { destination: '/b', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/c', type: 'proc' },
    { destination: '/d', source: '/srv', options: ['rbind', 'idmap'] },
  ];
  const { ops } = planAddedMounts(user, mounts, facts(), options);
  t.strictSame(names(ops), [
    'container_user_namespace',
    'open_tree',
    'mount_attributes',
    'open_tree',
    'idmap_tree',
    'lock_trees',
    'namespace_open',
    'join_process',
    'become_root',
    'open_root_directory',
    'mount_bind',
    'mount_filesystem',
    'mount_filesystem',
    'mount_bind',
    'await_start',
  ]);
  t.match(ops[1], { path: '/bundle/data' });
  for (const op of ops) {
    if (op.op === 'mount_bind') t.ok(op.flags & 4 && op.tree > 0, 'no symbolic links, no path of the host');
    if (op.op === 'mount_filesystem') t.equal(op.flags & 1, 1);
    if (op.op === 'mount_filesystem' && op.type === 'proc') t.ok(op.pidNamespace > 0, "not the runtime's processes");
  }
  const failed = ops.findIndex(({ op }) => op === 'mount_filesystem') + 1;
  t.strictSame(mountsMade(ops, failed), [{ destination: '/a' }, { destination: '/b' }]);
});

t.test('planRemovedMounts begins with the last mount', async (t) => {
  const ops = planRemovedMounts(config(), [{ destination: '/a/' }, { destination: '/a/b' }], facts(), options);
  t.strictSame(names(ops), ['join_process', 'open_root_directory', 'remove_mount', 'remove_mount', 'await_start']);
  t.match(ops.slice(2), [{ destination: '/a/b', from: '/mounts/1/destination' }, { destination: '/a' }]);
});

t.test('planAddedMounts refuses what only create can do', async (t) => {
  const bind: Mount = { destination: '/a', source: '/srv', options: ['bind'] };
  const plan = (mount: Mount, own = config(), host = facts()): unknown => planAddedMounts(own, [mount], host, options);
  t.throws(() => plan({ destination: '/c', type: 'cgroup' }), new Failure([]).constructor);
  t.throws(() => plan(bind, config({ linux: { namespaces: [{ type: 'pid' }] } })), /without its own mount namespace/);
  t.throws(() => plan(bind, user, { ...facts(), user: { uid: 1000, gid: 1000, initial: true } }), /only root/);
});
