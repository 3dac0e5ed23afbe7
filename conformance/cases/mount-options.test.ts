import { mkdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
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

/** Options that remove those of the source, and the ones then hidden. */
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
  for (const prefix of ['', 'r']) {
    forEachRuntime(
      `mounts: bind with ${prefix}${word} of a source with ${hidden}`,
      (t, rt) =>
        withSource(rt, EVERY.join(), async (source) => {
          const mounts = await mountsWith(rt, { destination: '/data', source, options: ['rbind', prefix + word] });
          const [top, below] = ['/data', '/data/sub'].map((path) => mountAt(mounts, path)?.options ?? []);
          const left = EVERY.filter((name) => name !== hidden);
          const changed = [...left, ...(shown === '' ? [] : [shown])].sort();
          const ours = (options: string[] | undefined): string[] =>
            (options ?? []).filter((name) => name !== 'rw' || hidden === 'ro').sort();
          t.strictSame(ours(top), changed, 'top');
          t.strictSame(ours(below), prefix === 'r' ? changed : [...EVERY].sort(), 'below');
        }),
      { oursOnly: 'older peers leave what the source has' },
    );
  }
}

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
