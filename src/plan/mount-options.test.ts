import t from 'tap';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { knownMountOptions, parseMountOptions } from './mount-options.ts';
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
  t.match(parse(['', ',,', 'ro', 'dirsync'], true).faults, [{ pointer: '/mounts/0/options/3' }]);
});

t.test('parseMountOptions: a bind accepts no filesystem options', async (t) => {
  const { faults } = parse(['rbind', 'ro', 'data=ordered']);
  t.match(faults, [{ pointer: '/mounts/0/options/2', message: /"data=ordered".*filesystem-specific options/ }]);
  t.match(parse(['bind', 'dirsync']).faults, [{ pointer: '/mounts/0/options/1' }]);
});

t.test('parseMountOptions: options of a tmpfs have no effect on a bind', async (t) => {
  t.match(parse(['mode=755', 'rbind', 'size=1k']), { data: [], withoutEffect: [0, 2], faults: [] });
  t.match(parse(['mode=755', 'nosuid']), { data: ['mode=755'], withoutEffect: [] });
});

t.test('parseMountOptions: unsupported options are refused by name', async (t) => {
  t.match(parse(['remount']).faults, [{ message: /"remount" is not supported/ }]);
});

t.test('parseMountOptions: idmap and ridmap, and tmpcopyup', async (t) => {
  t.match(parse(['rbind', 'idmap']), { idmap: { recursive: false }, faults: [] });
  t.match(parse(['rbind', 'ridmap']), { idmap: { recursive: true }, faults: [] });
  t.match(parse(['tmpcopyup']), { copyUp: true, idmap: undefined, faults: [] });
});

t.test('knownMountOptions: sorted, with the options that engines look for', async (t) => {
  const known = knownMountOptions();
  t.strictSame(known, [...known].sort());
  t.ok(known.includes('rro'));
  for (const word of ['idmap', 'ridmap', 'tmpcopyup']) t.ok(known.includes(word), word);
});
