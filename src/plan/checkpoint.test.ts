import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import { MOUNT_ATTR } from '../kernel/mounts.ts';
import { checkpointFaults } from './checkpoint.ts';
import type { PlannedMount } from './checkpoint.ts';
import { planRestore } from './restore.ts';
import type { Plan } from './plan.ts';

function refused(change: Partial<Config>, linux: Partial<NonNullable<Config['linux']>>): (string | undefined)[] {
  const namespaces = [{ type: 'pid' }, { type: 'mount' }] as const;
  const config = { ociVersion: '1.3.0', ...change, linux: { namespaces: [...namespaces], ...linux } };
  return checkpointFaults(config).map(({ pointer }) => pointer);
}

t.test('checkpointFaults: notified system calls, by the property or by the annotation', async (t) => {
  const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' } as const;
  const annotations = { 'run.oci.seccomp.receiver': '/s' };
  t.strictSame(refused({}, { seccomp }), []);
  t.strictSame(refused({}, { seccomp: { ...seccomp, listenerPath: '/s' } }), ['/linux/seccomp/listenerPath']);
  t.strictSame(refused({ annotations }, { seccomp }), ['/annotations/run.oci.seccomp.receiver']);
  t.strictSame(refused({ annotations }, {}), [], 'there is no filter to watch by');
});

t.test('checkpointFaults: joined namespaces, and devices in one of them', async (t) => {
  const own = [{ type: 'pid' }, { type: 'mount' }] as const;
  const path = '/proc/7/ns/any';
  for (const type of ['network', 'ipc', 'uts'] as const) {
    t.strictSame(refused({}, { namespaces: [...own, { type, path }] }), [], type);
  }
  t.strictSame(refused({}, { namespaces: [{ type: 'pid', path }, { type: 'mount' }] }), []);
  for (const type of ['cgroup', 'time'] as const) {
    t.strictSame(refused({}, { namespaces: [...own, { type, path }] }), ['/linux/namespaces/2/path'], type);
  }
  t.strictSame(refused({}, { namespaces: [...own, { type: 'user', path }] }), ['/linux/namespaces/2/path']);
  const netDevices = { eth0: {} };
  t.strictSame(refused({}, { namespaces: [...own, { type: 'network' }], netDevices }), []);
  t.strictSame(refused({}, { namespaces: [...own, { type: 'network', path }], netDevices }), ['/linux/netDevices']);
});

t.test(
  'planRestore: criu enters joined ipc and uts namespaces, and gets the network and the pid namespace',
  async (t) => {
    const types = ['uts', 'pid', 'network', 'ipc'] as const;
    const namespaces = types.map((type) => ({ type, path: `/pod/${type}` }));
    const config = {
      ociVersion: '1.3.0',
      hostname: 'pod',
      linux: { namespaces: [...namespaces, { type: 'mount' as const }] },
    };
    const plan = { stage: [], init: [], unit: undefined } as unknown as Plan;
    const { ops, slots } = planRestore(config, plan, [], { rootfs: '/r', images: '/i', directoryAt: () => undefined });
    const shown = ops.flatMap((op): unknown[] =>
      op.op === 'namespace_open' ? [[op.slot, op.path, op.need !== '']] : op.op === 'namespace_join' ? [op.slot] : [],
    );
    t.strictSame(shown, [
      [1, '/pod/ipc', false],
      [2, '/pod/uts', true],
      1,
      2,
      [3, '/pod/network', false],
      [4, '/pod/pid', false],
    ]);
    t.strictSame(slots, [3, 4], 'in the order of handedOver');
  },
);

t.test('planRestore: mount points in the root, and in writable sources of other mounts', async (t) => {
  const bind = (path: string, source: string, flags = 0): PlannedMount => ({
    path,
    kind: 'bind',
    external: { key: source, source },
    flags,
  });
  const mounts: PlannedMount[] = [
    { path: '/', kind: 'root', flags: MOUNT_ATTR.RDONLY },
    bind('/t', '/link'),
    bind('/t/a/b', '/file'),
    bind('/fixed', '/ro', MOUNT_ATTR.RDONLY),
    bind('/fixed/x', '/directory'),
    { path: '/tmp', kind: 'filesystem', type: 'tmpfs', flags: 0 },
    bind('/tmp/x', '/directory'),
  ];
  const plan = { stage: [], init: [], unit: undefined } as unknown as Plan;
  const config = { ociVersion: '1.3.0', root: { path: 'rootfs', readonly: true } };
  const directoryAt = (source: string): string | undefined =>
    source === '/file' ? undefined : source === '/link' ? '/target' : source;
  const { ops } = planRestore(config, plan, mounts, { rootfs: '/r', images: '/i', directoryAt });
  const of = (path: string, directory: number) => ({ op: 'make_mount_point', path, directory, from: '/mounts' });
  t.strictSame(ops.slice(1), [
    { op: 'open_root_directory', path: '/target', from: '/mounts' },
    of('/a/b', 0),
    { op: 'hold_root', path: '/r', from: '/root/path' },
    of('/t', 1),
    of('/fixed', 1),
    of('/tmp', 1),
  ]);
});
