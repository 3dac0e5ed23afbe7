import t from 'tap';
import type { Config, Mount } from '../../schema/generated/config.ts';
import type { Facts } from '../facts/facts.ts';
import { config, facts, options } from '../../test/config.ts';
import { plan } from './index.ts';

const few: Facts = { ...facts(), deviceThread: '/proc/25' };
const many: Facts = { ...few, hasManyMounts: true };

function enters(change: Partial<Config>, host = many, always = false, pivot = true): boolean {
  const made = plan(config(change), host, { ...options, pivot, smallMounts: always ? 'always' : 'beside-many' });
  const ops = [...made.stage, ...made.init].map(({ op }) => op);
  t.equal(ops.includes('enter_mount_namespace'), made.smallMounts !== undefined);
  return made.smallMounts !== undefined;
}

function withMounts(...mounts: Mount[]): Partial<Config> {
  return { mounts };
}

t.test('small mounts: if the host has many mounts, or always', async (t) => {
  t.ok(enters({}));
  t.notOk(enters({}, few));
  t.ok(enters({}, few, true));
  t.notOk(enters({}, { ...many, deviceThread: undefined }, true), 'it has none without the mounts of the host');
  t.equal(plan(config({}), many, options).smallMounts, undefined);
});

t.test('small mounts: not if the container needs the mounts of the host', async (t) => {
  const hook = { path: '/bin/hook' };
  const dockerd = { path: '/proc/1/exe', args: ['libnetwork-setkey', 'id'] };
  for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
    t.notOk(enters({ hooks: { [kind]: [hook] } }), kind);
    t.equal(enters({ hooks: { [kind]: [dockerd] } }), kind !== 'createContainer', kind);
    t.notOk(enters({ hooks: { [kind]: [dockerd, hook] } }), kind);
  }
  for (const kind of ['startContainer', 'poststart', 'poststop'] as const) t.ok(enters({ hooks: { [kind]: [hook] } }));
  t.notOk(enters({}, many, true, false), 'no pivot_root');
  const linux = (change: NonNullable<Config['linux']>): Partial<Config> => ({ linux: change });
  for (const type of ['shared', 'rshared', 'private', 'rprivate', 'unbindable', 'runbindable'] as const) {
    t.notOk(enters(linux({ rootfsPropagation: type })), type);
  }
  for (const type of ['slave', 'rslave'] as const) t.ok(enters(linux({ rootfsPropagation: type })), type);
  t.notOk(enters(linux({ namespaces: [{ type: 'pid' }] })));
  t.notOk(enters(linux({ namespaces: [{ type: 'mount', path: '/proc/7/ns/mnt' }] })));
  const uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const user = (...more: { type: 'time'; path?: string }[]): Partial<Config> =>
    linux({
      namespaces: [{ type: 'mount' }, { type: 'user' }, ...more],
      uidMappings,
      gidMappings: uidMappings,
    });
  t.ok(enters(user()));
  t.notOk(enters(user({ type: 'time' })), 'the clocks are set later');
  t.ok(enters(user({ type: 'time', path: '/proc/7/ns/time' })));
  t.notOk(enters({ linux: { ...user().linux, seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/agent' } } }));
  const nested = { ...many, user: { uid: 0, gid: 0, initial: false } };
  t.notOk(enters({}, nested));
  t.notOk(enters(user(), nested), "root of the host's user namespace owns that of the thread");
  const { stage } = plan(config(user()), nested, { ...options, smallMounts: 'always' });
  t.ok(
    stage.some(({ op }) => op === 'mount_locked'),
    'it locks nevertheless',
  );
});

t.test('small mounts: not with mounts that need those of the host', async (t) => {
  const bind = (source: string, more: Partial<Mount> = {}): Mount => ({
    destination: '/data',
    type: 'bind',
    source,
    options: ['rbind'],
    ...more,
  });
  t.ok(enters(withMounts(bind('/srv'), { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' })));
  t.notOk(enters(withMounts(bind('/'))), 'all of the host');
  t.notOk(enters(withMounts(bind('/bundle'))), 'above the root');
  t.notOk(enters(withMounts(bind('/bundle/rootfs'))), 'the root');
  t.notOk(enters(withMounts(bind('rootfs/etc'))), 'in the root');
  t.notOk(enters(withMounts(bind('/srv/bundle/rootfs/etc'))), 'in the root, by a link');
  t.ok(enters(withMounts(bind('rootfs-of-another'))));
  t.notOk(enters(withMounts({ destination: '/o', type: 'overlay', source: 'overlay', options: ['lowerdir=/a:/b'] })));
  t.notOk(enters(withMounts({ destination: '/disk', type: 'ext4', source: '/dev/sdb1' })));
  const idmapped = bind('/srv', { options: ['bind', 'idmap'], uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] });
  t.notOk(enters(withMounts({ ...idmapped, gidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })));
  const several = (count: number): Mount[] => Array.from({ length: count }, (_, at) => bind(`/srv/${String(at)}`));
  t.ok(enters(withMounts(...several(128))));
  t.notOk(enters(withMounts(...several(129))), 'all sources would be open at once');
});

t.test('mounts that do not fit beside the namespaces are refused', async (t) => {
  const uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const linux = { namespaces: [{ type: 'mount' }, { type: 'user' }], uidMappings, gidMappings: uidMappings } as const;
  const binds = (count: number): Partial<Config> => ({
    linux: { ...linux, namespaces: [...linux.namespaces] },
    mounts: Array.from({ length: count }, (_, at) => ({ destination: `/${at}`, source: '/srv', options: ['bind'] })),
  });
  t.ok(enters(binds(980)));
  t.throws(() => enters(binds(991)), /more than 999 mounts open at once/);
  t.throws(() => enters(binds(1100)), /more than 999 mounts open at once/);
});
