import t from 'tap';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { clearedInBind, knownMountOptions, parseMountOptions } from './mount-options.ts';
import type { MountOptions } from './mount-options.ts';

function parse(list: readonly string[], isBind = false): MountOptions & { faults: Diagnostic[] } {
  const faults: Diagnostic[] = [];
  return { ...parseMountOptions(list, isBind, '/mounts/0', faults), faults };
}

t.test('parseMountOptions: the last of two opposite options wins', async (t) => {
  t.match(parse(['ro', 'rw']), { set: 0, clear: MOUNT_ATTR.RDONLY });
  t.match(parse(['rw', 'ro']), { set: MOUNT_ATTR.RDONLY, clear: 0 });
});

t.test('parseMountOptions: access times are one field', async (t) => {
  t.match(parse(['noatime', 'strictatime']), { set: MOUNT_ATTR.STRICTATIME });
  t.match(parse(['strictatime', 'relatime']), { set: 0, clear: MOUNT_ATTR._ATIME });
  t.match(parse(['nodiratime', 'noatime']), { set: MOUNT_ATTR.NODIRATIME | MOUNT_ATTR.NOATIME });
});

t.test('parseMountOptions: recursive options do not change the top mount', async (t) => {
  t.match(parse(['rro', 'rnosuid', 'rdev'], true), {
    set: 0,
    recursiveSet: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID,
    recursiveClear: MOUNT_ATTR.NODEV,
  });
});

t.test('parseMountOptions: propagation keeps the order of the list', async (t) => {
  t.strictSame(parse(['rslave', 'shared']).propagation, [
    { type: MS.slave, recursive: true },
    { type: MS.shared, recursive: false },
  ]);
});

t.test('parseMountOptions: unknown options are for the filesystem', async (t) => {
  t.match(parse(['size=1k', 'nosuid', 'mode=755', 'defaults', 'sync']), {
    data: ['size=1k', 'mode=755'],
    filesystemFlags: ['sync'],
    faults: [],
  });
});

t.test('parseMountOptions: the last of two filesystem options wins', async (t) => {
  t.match(parse(['sync', 'lazytime', 'async']), { filesystemFlags: ['lazytime'] });
  t.match(parse(['async', 'sync', 'sync']), { filesystemFlags: ['sync'] });
  t.strictSame(parse(['bind', 'sync', 'async']).faults, []);
});

t.test('parseMountOptions: empty options are ignored', async (t) => {
  t.match(parse(['', 'nosuid', ',', 'size=1k', '']), { data: ['size=1k'], set: MOUNT_ATTR.NOSUID });
  t.match(parse(['', ',,', 'ro', 'discard'], true).faults, [{ pointer: '/mounts/0/options/3' }]);
});

t.test('parseMountOptions: a bind accepts no filesystem options', async (t) => {
  const { faults } = parse(['rbind', 'ro', 'data=ordered']);
  t.match(faults, [{ pointer: '/mounts/0/options/2', message: /"data=ordered".*filesystem-specific options/ }]);
});

t.test('parseMountOptions: options of a tmpfs have no effect on a bind', async (t) => {
  const { data, warnings, faults } = parse(['mode=755', 'rbind', 'size=1k']);
  t.strictSame({ data, faults }, { data: [], faults: [] });
  t.strictSame(
    warnings.map(({ pointer }) => pointer),
    ['/mounts/0/options/0', '/mounts/0/options/2'],
  );
  t.match(parse(['mode=755', 'nosuid']), { data: ['mode=755'], warnings: [] });
});

t.test(
  'parseMountOptions: flags of a filesystem have no effect on a bind; only those that are set are named',
  async (t) => {
    const { warnings, faults, filesystemFlags } = parse([
      'bind',
      'sync',
      'rsync',
      'mand',
      'nomand',
      'async',
      'dirsync',
    ]);
    t.strictSame({ faults, filesystemFlags }, { faults: [], filesystemFlags: [] });
    t.match(warnings, [{ pointer: '/mounts/0/options/6', message: /"dirsync" has no effect on a bind mount/ }]);
    t.equal(warnings.length, 1);
  },
);

t.test('parseMountOptions: options that mount(8) keeps are not for the filesystem', async (t) => {
  const kept = ['_netdev', 'auto', 'noauto', 'nouser', 'defaults', 'x-systemd.automount', 'X-mount.mkdir', 'comment=a'];
  t.match(parse(['size=1k', ...kept]), { data: ['size=1k'], faults: [], warnings: [], set: 0 });
  t.match(parse(['nofail']), { data: [], warnings: [{ message: /"nofail" has no effect/ }] });
  t.match(parse(['X-mount.subdir=a']).faults, [{ message: /"X-mount.subdir=a" is not supported/ }]);
});

t.test('parseMountOptions: who may mount implies what the mount may not do, as in mount(8)', async (t) => {
  const { NOSUID, NODEV, NOEXEC } = MOUNT_ATTR;
  t.match(parse(['user']), { set: NOSUID | NODEV | NOEXEC });
  t.match(parse(['user', 'exec']), { set: NOSUID | NODEV });
  t.match(parse(['group']), { set: NOSUID | NODEV });
});

t.test(
  'clearedInBind: with a word for a flag, those of the source go; access times, if a word chooses them',
  async (t) => {
    const { RDONLY, NOSUID, NODEV, NOEXEC, NOSYMFOLLOW, NODIRATIME, _ATIME } = MOUNT_ATTR;
    const all = RDONLY | NOSUID | NODEV | NOEXEC | NOSYMFOLLOW;
    const cleared = (...words: string[]): number => clearedInBind(parse(['rbind', ...words]));
    for (const words of [[], ['rprivate'], ['defaults'], ['rro'], ['idmap']])
      t.equal(cleared(...words), 0, words.join());
    for (const words of [['rw'], ['sync'], ['silent'], ['norelatime']]) t.equal(cleared(...words), all, words.join());
    t.equal(cleared('nosuid'), all & ~NOSUID);
    t.equal(cleared('atime'), all | _ATIME);
    t.equal(cleared('relatime'), all | _ATIME | NODIRATIME);
    t.equal(cleared('nodiratime'), all | _ATIME);
    t.equal(cleared('noatime'), all | NODIRATIME, 'the kernel refuses to clear a part of the field');
  },
);

t.test('parseMountOptions: unsupported options are refused by name', async (t) => {
  t.match(parse(['remount']).faults, [{ message: /"remount" is not supported/ }]);
});

t.test('parseMountOptions: idmap and ridmap, and tmpcopyup', async (t) => {
  t.match(parse(['rbind', 'idmap']), { idmap: { recursive: false }, faults: [] });
  t.match(parse(['rbind', 'ridmap']), { idmap: { recursive: true }, faults: [] });
  t.match(parse(['tmpcopyup']), { ofNewFilesystem: [{ type: 'tmpfs' }], idmap: undefined, faults: [] });
  t.match(parse(['bind', 'tmpcopyup']).warnings, [
    { message: 'mount option "tmpcopyup" has no effect on a bind mount' },
  ]);
});

t.test('knownMountOptions: sorted, with the options that engines look for', async (t) => {
  const known = knownMountOptions();
  t.strictSame(known, [...known].sort());
  t.ok(known.includes('rro'));
  for (const word of ['idmap', 'ridmap', 'tmpcopyup']) t.ok(known.includes(word), word);
});
