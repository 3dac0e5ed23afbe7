import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MAPPED, addUserNamespace } from '../harness/config.ts';
import type { Mutation, TestMount } from '../harness/config.ts';
import type { Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import type { Mount } from '../harness/mountinfo.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

/** Mounts of a container with one more entry in `mounts`. */
async function mountsWith(rt: Sandbox, entry: TestMount, mutate?: Mutation): Promise<Mount[]> {
  const [info] = await rt.observe<[Text]>([['read', '/proc/self/mountinfo']], (config) => {
    config.mounts.push(entry);
    mutate?.(config);
  });
  return parseMountinfo(info.text);
}

/** Options in mountinfo that a mount option may set or clear. */
const EVERY = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'nosymfollow'];

/** A host mount with another one below it, both with these options, for the duration of `body`. */
async function withSource(rt: Sandbox, options: string, body: (source: string) => Promise<void>): Promise<void> {
  const source = join(rt.dir, 'source');
  mkdirSync(source);
  const mount = (target: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', 'name', target]);
    if (options === '--make-shared') execFileSync('mount', [options, target]);
  };
  mount(source);
  try {
    mkdirSync(join(source, 'sub'));
    mount(join(source, 'sub'));
    for (const target of options.startsWith('--') || options === '' ? [] : [source, join(source, 'sub')]) {
      execFileSync('mount', ['-o', `remount,bind,${options}`, target]);
    }
    await body(source);
  } finally {
    execFileSync('umount', ['--recursive', source]);
  }
}

/**
 * Options for a bind of a source without options, and the ones that mountinfo of the container must and must not show.
 */
type Row = readonly [words: readonly string[], shown: readonly string[], hidden: readonly string[]];

/** Recursive words for a new filesystem, beside others: they count more, as for the top mount of a bind. */
const WORDS_OF_NEW: readonly Row[] = [
  [['ro', 'rrw'], ['rw'], ['ro']],
  [['rw', 'rro'], ['ro'], ['rw']],
  [['nosuid', 'nodev', 'rsuid'], ['nodev'], ['nosuid']],
  [['strictatime', 'rnoatime'], ['noatime'], []],
  [['noatime', 'rrelatime'], ['relatime'], ['noatime']],
];

for (const [words, shown, hidden] of WORDS_OF_NEW) {
  forEachRuntime(
    `mounts: tmpfs with ${words.join()}`,
    async (t, rt) => {
      const mounts = await mountsWith(rt, { destination: '/new', type: 'tmpfs', source: 'tmpfs', options: [...words] });
      const { options = [] } = mountAt(mounts, '/new') ?? {};
      for (const word of shown) t.ok(options.includes(word), word);
      for (const word of hidden) t.notOk(options.includes(word), word);
    },
    { deviates: { runc: '1.1 ignores recursive words there', crun: '1.8 applies some of them' } },
  );
}

forEachRuntime(
  'mounts: tmpfs with rro is read-only once the mount points and nodes in it are made',
  async (t, rt) => {
    const mounts = await mountsWith(
      rt,
      { destination: '/new', type: 'tmpfs', source: 'tmpfs', options: ['rro'] },
      (config) => {
        config.mounts.push({ destination: '/new/sub', type: 'tmpfs', source: 'tmpfs' });
        config.linux.devices = [{ path: '/new/null', type: 'c', major: 1, minor: 3 }];
      },
    );
    t.ok(mountAt(mounts, '/new')?.options.includes('ro'));
    t.ok(mountAt(mounts, '/new/sub')?.options.includes('rw'));
  },
  { deviates: { runc: '1.1 ignores rro there', crun: '1.8 cannot make the mount point' } },
);

const WORDS: readonly Row[] = [
  [['ro'], ['ro'], ['rw']],
  [['nosuid'], ['nosuid'], []],
  [['nodev'], ['nodev'], []],
  [['noexec'], ['noexec'], []],
  [['noatime'], ['noatime'], ['relatime']],
  [['nodiratime'], ['nodiratime'], []],
  [['strictatime'], [], ['relatime', 'noatime']],
  [['nosymfollow'], ['nosymfollow'], []],
];

/** An option and the one that cancels it; then the access times are relative again, as for a new mount. */
const OPPOSITES: readonly Row[] = [
  [['ro', 'rw'], ['rw'], ['ro']],
  [['nosuid', 'suid'], [], ['nosuid']],
  [['nodev', 'dev'], [], ['nodev']],
  [['noexec', 'exec'], [], ['noexec']],
  [['noatime', 'atime'], ['relatime'], ['noatime']],
  [['noatime', 'relatime'], ['relatime'], ['noatime']],
  [['strictatime', 'nostrictatime'], ['relatime'], []],
  [['nodiratime', 'diratime'], [], ['nodiratime']],
  [['nosymfollow', 'symfollow'], [], ['nosymfollow']],
  [['noatime', 'strictatime'], [], ['relatime', 'noatime']],
];

const recursive = (row: Row): Row => [row[0].map((word) => `r${word}`), row[1], row[2]];

const CRUN = { crun: '1.8 knows fewer words, and none takes another one back' };

/** runc 1.1 ignores a recursive option that cancels an earlier one, and passes two access-time modes to the kernel. */
function peersLack([first = '', second]: readonly string[], isRecursive: boolean): Record<string, string> {
  const lacks = second !== undefined && (isRecursive || (first === 'noatime' && second === 'relatime'));
  return lacks ? { ...CRUN, runc: '1.1 does not know the words or does not apply them' } : CRUN;
}

for (const row of [...WORDS, ...OPPOSITES, ...[...WORDS, ...OPPOSITES].map(recursive)]) {
  const [words, shown, hidden] = row;
  const isRecursive = words[0]?.startsWith('rr') === true || /^r(no|strict)/.test(words[0] ?? '');
  forEachRuntime(
    `mounts: bind with ${words.join(',')}${isRecursive ? ', for the mounts below too' : ', for the top mount only'}`,
    (t, rt) =>
      withSource(rt, '', async (source) => {
        const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind', ...words] });
        const [top = [], below = []] = ['/data', '/data/sub'].map((path) => mountAt(mounts, path)?.options);
        for (const [options, path] of [
          [top, 'top'],
          [isRecursive ? below : [], 'below'],
        ] as const) {
          if (options.length === 0) continue;
          for (const word of shown) t.ok(options.includes(word), `${path}: ${word} in ${options.join()}`);
          for (const word of hidden) t.notOk(options.includes(word), `${path}: no ${word} in ${options.join()}`);
        }
        if (!isRecursive) t.strictSame(below, ['rw', 'relatime'], 'below');
      }),
    { deviates: peersLack(words, isRecursive) },
  );
}

const DEFAULTS = { runc: 'takes "defaults" for an option of the filesystem' };

/**
 * Any word for a flag removes the flags of the source, except the access times unless the word chooses these: what is
 * left of a source with every flag.
 */
const TIMES = ['noatime', 'nodiratime'];
const KEPT: readonly (readonly [word: string, shown: readonly string[], lacking?: string])[] = [
  ['rw', ['rw', ...TIMES], '1.1'],
  ['ro', ['ro', ...TIMES]],
  ['nosuid', ['rw', 'nosuid', ...TIMES]],
  ['noexec', ['rw', 'noexec', ...TIMES]],
  ['suid', ['rw', ...TIMES], '1.1'],
  ['exec', ['rw', ...TIMES], '1.1'],
  ['noatime', ['rw', 'noatime']],
  ['relatime', ['rw', 'relatime']],
  ['strictatime', ['rw']],
  ['nodiratime', ['rw', 'nodiratime', 'relatime']],
  ['sync', ['rw', ...TIMES]],
  ['silent', ['rw', ...TIMES]],
];
for (const [word, shown, lacking] of KEPT) {
  forEachRuntime(
    `mounts: bind with ${word} of a source with every flag`,
    (t, rt) =>
      withSource(rt, EVERY.join(), async (source) => {
        const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind', word] });
        const [top, below] = ['/data', '/data/sub'].map((path) => mountAt(mounts, path)?.options.sort());
        t.strictSame(top, [...shown].sort(), 'top');
        t.strictSame(below, [...EVERY].sort(), 'below');
      }),
    { deviates: lacking === '1.1' ? { runc: '1.1 does not count words that clear a flag' } : {} },
  );
}

for (const word of ['rprivate', 'defaults', 'rro']) {
  forEachRuntime(
    `mounts: bind with ${word} keeps the flags of its source`,
    (t, rt) =>
      withSource(rt, EVERY.join(), async (source) => {
        const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind', word] });
        for (const path of ['/data', '/data/sub'])
          t.strictSame(mountAt(mounts, path)?.options.sort(), [...EVERY].sort());
      }),
    { deviates: { crun: '1.8 removes them from the top mount' } },
  );
}

forEachRuntime(
  'mounts: bind in a user namespace keeps the flags of its source that no word clears',
  (t, rt) =>
    withSource(rt, EVERY.join(), async (source) => {
      const bundle = rt.bundle((config) => {
        addUserNamespace(config);
        config.mounts.push({ destination: '/data', source, options: ['rbind', 'ro'] });
      });
      for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
      chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
      const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
      t.strictSame(mountAt(parseMountinfo(info.text), '/data')?.options.sort(), [...EVERY].sort());
    }),
  { oursOnly: 'older peers fail' },
);

/** Options that remove one of the source even where it would stay. */
for (const [word, shown] of [
  ['atime', ['rw', 'nodiratime', 'relatime']],
  ['nostrictatime', ['rw', 'nodiratime', 'relatime']],
  ['diratime', ['rw', 'noatime']],
] as const) {
  forEachRuntime(
    `mounts: bind with ${word} of a source with every flag`,
    (t, rt) =>
      withSource(rt, EVERY.join(), async (source) => {
        const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind', word] });
        t.strictSame(mountAt(mounts, '/data')?.options.sort(), [...shown].sort());
      }),
    { oursOnly: 'the peers leave the access times of the source' },
  );
}

/** Recursive options clear the flag of each mount that they name. */
for (const [word, hidden, shown] of [
  ['rw', 'ro', 'rw'],
  ['suid', 'nosuid', ''],
  ['dev', 'nodev', ''],
  ['exec', 'noexec', ''],
  ['atime', 'noatime', 'relatime'],
  ['relatime', 'noatime', 'relatime'],
  ['strictatime', 'noatime', ''],
  ['diratime', 'nodiratime', ''],
  ['symfollow', 'nosymfollow', ''],
] as const) {
  forEachRuntime(
    `mounts: bind with r${word} of a source with ${hidden}`,
    (t, rt) =>
      withSource(rt, EVERY.join(), async (source) => {
        const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind', `r${word}`] });
        const left = EVERY.filter((name) => name !== hidden);
        const changed = [...left, ...(shown === '' ? [] : [shown])].sort();
        for (const path of ['/data', '/data/sub']) {
          const options = (mountAt(mounts, path)?.options ?? []).filter((name) => name !== 'rw' || hidden === 'ro');
          t.strictSame(options.sort(), changed, path);
        }
      }),
    { oursOnly: 'older peers leave what the source has' },
  );
}

forEachRuntime('mounts: rro with rw is read-only for the top mount too', (t, rt) =>
  withSource(rt, '', async (source) => {
    for (const options of [
      ['rbind', 'rw', 'rro'],
      ['rbind', 'rro', 'rw'],
    ]) {
      const mounts = await mountsWith(rt, { destination: '/data', source, options });
      for (const path of ['/data', '/data/sub']) t.ok(mountAt(mounts, path)?.options.includes('ro'), options.join());
    }
  }),
);

forEachRuntime(
  'mounts: bind without options has those of its source',
  (t, rt) =>
    withSource(rt, EVERY.join(), async (source) => {
      const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind'] });
      for (const path of ['/data', '/data/sub']) t.strictSame(mountAt(mounts, path)?.options.sort(), [...EVERY].sort());
    }),
  { deviates: { crun: '1.8 makes the top mount writable' } },
);

forEachRuntime(
  'mounts: options that are the default change nothing',
  (t, rt) =>
    withSource(rt, 'noatime', async (source) => {
      const words = ['defaults', 'silent', 'loud', 'norelatime', 'rnorelatime', 'async', 'nomand', 'noiversion'];
      const options = ['rbind', ...words, 'nolazytime'];
      const mounts = await mountsWith(rt, { destination: '/data', source, options });
      for (const path of ['/data', '/data/sub']) t.strictSame(mountAt(mounts, path)?.options, ['rw', 'noatime']);
    }),
  { deviates: DEFAULTS },
);

/** Options of the filesystem, not of the mount. */
for (const [words, shown, hidden] of [
  [['sync'], ['sync'], []],
  [['sync', 'async'], [], ['sync']],
  [['dirsync'], ['dirsync'], []],
  [['lazytime'], ['lazytime'], []],
  [['lazytime', 'nolazytime'], [], ['lazytime']],
  [['mand'], ['mand'], []],
  [['mand', 'nomand'], [], ['mand']],
  [['iversion'], [], []],
  [['iversion', 'noiversion'], [], []],
  [['defaults'], ['rw'], []],
] as const) {
  forEachRuntime(
    `mounts: tmpfs with ${words.join(',')}`,
    async (t, rt) => {
      const entry = { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: [...words] };
      const mount = mountAt(await mountsWith(rt, entry), '/scratch');
      t.equal(mount?.type, 'tmpfs');
      const options: readonly string[] = mount?.superOptions ?? [];
      for (const word of shown) t.ok(options.includes(word), `${word} in ${options.join()}`);
      for (const word of hidden) t.notOk(options.includes(word), `no ${word} in ${options.join()}`);
    },
    { deviates: { ...CRUN, ...(words[0] === 'defaults' ? DEFAULTS : {}) } },
  );
}

for (const [words, shown, hidden] of [...WORDS, ...OPPOSITES]) {
  forEachRuntime(
    `mounts: tmpfs with ${words.join(',')}`,
    async (t, rt) => {
      const entry = { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: [...words] };
      const options = mountAt(await mountsWith(rt, entry), '/scratch')?.options ?? [];
      for (const word of shown) t.ok(options.includes(word), `${word} in ${options.join()}`);
      for (const word of hidden) t.notOk(options.includes(word), `no ${word} in ${options.join()}`);
    },
    { deviates: peersLack(words, false) },
  );
}

/** Tags of a bind of a shared mount, which by default is a slave of it. */
for (const [word, shown] of [
  ['private', []],
  ['slave', ['master']],
  ['shared', ['master', 'shared']],
  ['unbindable', ['unbindable']],
] as const) {
  for (const prefix of ['', 'r']) {
    forEachRuntime(
      `mounts: propagation ${prefix}${word}`,
      (t, rt) =>
        withSource(rt, '--make-shared', async (source) => {
          // So that slave is not already the mount's default.
          const isShared = word === 'slave';
          const entry = { destination: '/data', source, options: ['rbind', prefix + word] };
          const mounts = await mountsWith(rt, entry, ({ linux }) => {
            if (isShared) linux.rootfsPropagation = 'shared';
          });
          const tags = (path: string): string[] | undefined => mountAt(mounts, path)?.propagation.sort();
          t.strictSame(tags('/data'), [...shown]);
          t.strictSame(tags('/data/sub'), prefix === 'r' ? [...shown] : [isShared ? 'shared' : 'master'], 'below');
        }),
      { deviates: { crun: '1.8 has mounts of its own propagation' } },
    );
  }
}

forEachRuntime('mounts: empty options, and empty parts between commas, are ignored', async (t, rt) => {
  const tmpfs = { destination: '/words', type: 'tmpfs', source: 'tmpfs', options: ['', 'nosuid', 'size=64k', ','] };
  const mounts = await mountsWith(rt, tmpfs, (config) => {
    config.mounts.push(
      { destination: '/parts', type: 'tmpfs', source: 'tmpfs', options: [',size=64k,,mode=711,'] },
      { destination: '/bind', type: 'bind', source: '/etc', options: ['', 'rbind', ',', 'ro'] },
    );
  });
  const words = mountAt(mounts, '/words');
  t.ok(words?.options.includes('nosuid') && words.superOptions.includes('size=64k'));
  const parts = mountAt(mounts, '/parts')?.superOptions ?? [];
  t.ok(parts.includes('size=64k') && parts.includes('mode=711'), parts.join());
  t.ok(mountAt(mounts, '/bind')?.options.includes('ro'));
});

forEachRuntime(
  'mounts: flags of the filesystem are accepted on a bind, and a warning names those without effect',
  async (t, rt) => {
    const words = ['sync', 'dirsync', 'mand', 'lazytime', 'iversion'];
    const cleared = ['async', 'nomand', 'nolazytime', 'noiversion', 'silent', 'loud'];
    const recursive = ['rasync', 'rnomand'];
    const outcome = await rt.run((config) =>
      config.mounts.push(
        { destination: '/set', source: '/etc', options: ['rbind', ...words, 'rsync', 'rdirsync', 'rmand'] },
        { destination: '/cleared', source: '/etc', options: ['rbind', ...words, ...cleared, ...recursive] },
      ),
    );
    t.equal(outcome.status, 0);
    const named = [...outcome.stderr.matchAll(/mount option "(\w+)" has no effect on a bind mount/g)];
    t.strictSame(
      named.map(([, word]) => word),
      [...words, 'rsync', 'rdirsync', 'rmand', 'dirsync'],
    );
  },
  { oursOnly: 'the peers accept them without a word' },
);

/** Words of mount(8) that are not for the kernel, and the options that they imply. */
for (const [word, shown] of [
  ['_netdev', []],
  ['auto', []],
  ['noauto', []],
  ['nouser', []],
  ['nofail', []],
  ['x-systemd.automount', []],
  ['X-mount.mkdir', []],
  ['comment=a note', []],
  ['uhelper=udisks2', []],
  ['user', ['nosuid', 'nodev', 'noexec']],
  ['users', ['nosuid', 'nodev', 'noexec']],
  ['owner', ['nosuid', 'nodev']],
  ['group', ['nosuid', 'nodev']],
  ['user,exec', ['nosuid', 'nodev']],
] as const) {
  forEachRuntime(
    `mounts: ${word} is for mount(8)`,
    async (t, rt) => {
      const options = word.split(',');
      const mounts = await mountsWith(rt, { destination: '/t', type: 'tmpfs', source: 't', options }, (config) => {
        config.mounts.push({ destination: '/b', source: '/etc', options: ['rbind', ...options] });
      });
      for (const path of ['/t', '/b']) {
        const found = mountAt(mounts, path)?.options.filter((name) => /^no(suid|dev|exec)$/.test(name));
        t.strictSame(found?.sort(), [...shown].sort(), path);
      }
    },
    { oursOnly: 'the peers give it to the kernel, which refuses it' },
  );
}

forEachRuntime(
  'mounts: an option of mount(8) that would change what is mounted is refused; nofail is named by a warning',
  async (t, rt) => {
    const entry = { destination: '/t', type: 'tmpfs', source: 't' };
    const refused = await rt.run((config) => config.mounts.push({ ...entry, options: ['X-mount.subdir=a'] }));
    t.equal(refused.status, 1);
    t.match(refused.stderr, /mount option "X-mount\.subdir=a" is not supported/);
    t.match(refused.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4\/options\/0\n/);
    const warned = await rt.run((config) => config.mounts.push({ ...entry, options: ['nofail'] }));
    t.equal(warned.status, 0);
    t.match(warned.stderr, /mount option "nofail" has no effect: a mount that fails is an error/);
  },
  { oursOnly: 'the peers have other messages' },
);

forEachRuntime(
  'mounts: remount is refused, since it would change a filesystem that others use',
  async (t, rt) => {
    for (const options of [['remount', 'ro'], ['bind', 'remount', 'ro'], ['remount']]) {
      const entry = { destination: '/sys', type: 'sysfs', source: '/sys', options };
      const outcome = await rt.run((config) => config.mounts.push(entry));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /mount option "remount" is not supported/);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4\/options\/\d\n.*hint: set the options where/);
    }
  },
  { oursOnly: 'the peers remount' },
);
