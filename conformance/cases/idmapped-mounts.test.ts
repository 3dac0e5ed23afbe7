import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MAPPED, addUserNamespace } from '../harness/config.ts';
import type { Mutation, TestMount } from '../harness/config.ts';
import type { Attempt, Stat } from '../harness/guest.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

const OLD = { runc: '1.1 has no idmapped mounts', crun: '1.8 has other messages for the mappings' };

/** A host directory with a file of uid 3 and gid 4, and another filesystem in it. */
function source(rt: Sandbox): string {
  const dir = join(rt.dir, 'source');
  mkdirSync(join(dir, 'sub'), { recursive: true });
  for (const path of [rt.dir, dir]) chmodSync(path, 0o755);
  writeFileSync(join(dir, 'file'), 'x');
  chownSync(join(dir, 'file'), 3, 4);
  return dir;
}

const maps = (first: number): Pick<TestMount, 'uidMappings' | 'gidMappings'> => ({
  uidMappings: [{ containerID: 0, hostID: first, size: 100 }],
  gidMappings: [{ containerID: 0, hostID: first + 10_000, size: 100 }],
});

function mapped(rt: Sandbox, mutate: Mutation): Bundle {
  const bundle = rt.bundle((config) => {
    addUserNamespace(config);
    mutate(config);
  });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  return bundle;
}

for (const options of [['bind', 'idmap'], ['rbind', 'idmap'], ['rbind', 'ridmap'], ['bind']]) {
  forEachRuntime(
    `idmapped mount: ${options.join(',')} with its own mappings shows and stores other owners`,
    async (t, rt) => {
      const dir = source(rt);
      chmodSync(dir, 0o777);
      const [file, made] = await rt.observe<[Stat, Attempt]>(
        [
          ['stat', '/data/file'],
          ['create', '/data/new'],
        ],
        (config) => {
          config.process.user = { uid: 5007, gid: 15_008 };
          config.mounts.push({ destination: '/data', source: dir, options, ...maps(5000) });
        },
      );
      t.match(file, { uid: 5003, gid: 15_004 });
      t.equal(made.errno, null);
      const { uid, gid } = statSync(join(dir, 'new'));
      t.strictSame([uid, gid], [7, 8], 'on disk');
    },
    { deviates: OLD },
  );
}

/** Covers `sub` of a source for the duration of `body`. */
async function withMountBelow(dir: string, words: readonly string[], body: () => Promise<void>): Promise<void> {
  execFileSync('mount', [...words, join(dir, 'sub')]);
  try {
    await body();
  } finally {
    execFileSync('umount', [join(dir, 'sub')]);
  }
}

for (const [word, below] of [
  ['idmap', 0],
  ['ridmap', 5000],
] as const) {
  forEachRuntime(
    `idmapped mount: ${word} ${below === 0 ? 'leaves' : 'maps'} the mounts below`,
    async (t, rt) => {
      const dir = source(rt);
      const other = join(rt.dir, 'other');
      mkdirSync(other);
      writeFileSync(join(other, 'deep'), 'x');
      // On the filesystem that the cases above map: tmpfs cannot be mapped before Linux 6.3.
      await withMountBelow(dir, ['--bind', other], async () => {
        const [top, deep] = await rt.observe<[Stat, Stat]>(
          [
            ['stat', '/data/file'],
            ['stat', '/data/sub/deep'],
          ],
          (config) =>
            config.mounts.push({ destination: '/data', source: dir, options: ['rbind', word], ...maps(5000) }),
        );
        t.equal(top.uid, 5003);
        t.equal(deep.uid, below);
      });
    },
    { deviates: OLD },
  );
}

forEachRuntime(
  'idmapped mount: ridmap over a mount that cannot be mapped is refused, idmap leaves it as it is',
  async (t, rt) => {
    const dir = source(rt);
    await withMountBelow(dir, ['-t', 'sysfs', 'sys'], async () => {
      const attempt = (word: string): Promise<Outcome> =>
        rt.run((config) =>
          config.mounts.push({ destination: '/data', source: dir, options: ['rbind', word], ...maps(5000) }),
        );
      const { status, stderr } = await attempt('ridmap');
      t.equal(status, 1);
      t.match(
        stderr,
        /cannot idmap the mount: its filesystem, \S+, or that of a mount below it, has no idmapped mounts/,
      );
      t.match(stderr, /\/mounts\/4\n.*hint: use idmap instead of ridmap/);
      t.equal((await attempt('idmap')).status, 0);
    });
  },
  { oursOnly: 'the peers have other messages, and no places' },
);

forEachRuntime(
  'idmapped mount: without mappings of its own it takes those of the user namespace',
  async (t, rt) => {
    const dir = source(rt);
    const bundle = mapped(rt, (config) => {
      config.mounts.push({ destination: '/data', source: dir, options: ['rbind', 'idmap'] });
      config.mounts.push({ destination: '/plain', source: dir, options: ['rbind'] });
    });
    const [data, plain] = await rt.observeBundle<[Stat, Stat]>(bundle, [
      ['stat', '/data/file'],
      ['stat', '/plain/file'],
    ]);
    t.match(data, { uid: 3, gid: 4 });
    t.match(plain, { uid: 65_534, gid: 65_534 }, 'nobody, where it is not mapped');
  },
  { deviates: { runc: OLD.runc } },
);

forEachRuntime(
  'idmapped mount: mappings of its own count in a user namespace too',
  async (t, rt) => {
    const dir = source(rt);
    const bundle = mapped(rt, (config) => {
      config.mounts.push({
        destination: '/data',
        source: dir,
        options: ['bind', 'idmap'],
        uidMappings: [{ containerID: 0, hostID: MAPPED.uid + 50, size: 10 }],
        gidMappings: [{ containerID: 0, hostID: MAPPED.gid + 60, size: 10 }],
      });
    });
    const [data] = await rt.observeBundle<[Stat]>(bundle, [['stat', '/data/file']]);
    t.match(data, { uid: 53, gid: 64 });
  },
  { deviates: OLD },
);

forEachRuntime(
  'idmapped mount: several with the same and with other mappings in one container',
  async (t, rt) => {
    const dir = source(rt);
    const stats = await rt.observe<Stat[]>(
      [
        ['stat', '/a/file'],
        ['stat', '/b/file'],
        ['stat', '/c/file'],
      ],
      (config) => {
        config.mounts.push({
          destination: '/a',
          source: dir,
          options: ['bind', 'idmap', 'ro', 'rprivate'],
          ...maps(5000),
        });
        config.mounts.push({ destination: '/b', source: dir, options: ['bind', 'idmap'], ...maps(7000) });
        config.mounts.push({ destination: '/c', source: dir, options: ['bind', 'idmap'], ...maps(5000) });
      },
    );
    t.strictSame(
      stats.map(({ uid }) => uid),
      [5003, 7003, 5003],
    );
  },
  { deviates: OLD },
);

/** Refused configs, with the place and the message. */
const REFUSED: readonly (readonly [what: string, mount: TestMount, pointer: string, words: RegExp])[] = [
  [
    'a new filesystem',
    { destination: '/t', type: 'tmpfs', source: 't', options: ['idmap'] },
    '/mounts/4',
    /type tmpfs, not a bind mount/,
  ],
  [
    'no mappings at all',
    { destination: '/t', source: '/etc', options: ['bind', 'idmap'] },
    '/mounts/4',
    /neither the mount nor the container has/,
  ],
  [
    'only one kind of mappings',
    { destination: '/t', source: '/etc', options: ['bind'], uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] },
    '/mounts/4',
    /needs both/,
  ],
  [
    'a filesystem that cannot',
    { destination: '/t', source: '/sys/kernel', options: ['bind', 'idmap'], ...maps(5000) },
    '/mounts/4',
    /its filesystem, sysfs, has no idmapped mounts/,
  ],
  [
    'a missing source',
    { destination: '/t', source: '/nonexistent', options: ['bind', 'idmap'], ...maps(5000) },
    '/mounts/4/source',
    /"\/nonexistent".*no such file/,
  ],
];

for (const [what, mount, pointer, words] of REFUSED) {
  forEachRuntime(
    `idmapped mount: ${what} is refused with its place`,
    async (t, rt) => {
      const outcome = await rt.run((config) => config.mounts.push(mount));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.ok(outcome.stderr.includes(pointer), outcome.stderr);
    },
    { oursOnly: 'the peers have other messages, and no places' },
  );
}

for (const [option, uid, gid] of [
  // The container's ids begin at MAPPED; the file belongs to 3 and 4.
  ['idmap=uids=0-100000-10;gids=0-200000-10', 3, 4],
  ['idmap=uids=0-100007-2#3-100050-5;gids=4-200100-1', 50, 100],
  ['ridmap=uids=@0-20-10;gids=@0-30-10', 23, 34],
] as const) {
  forEachRuntime(
    `idmapped mount: the option ${option} has the mappings`,
    async (t, rt) => {
      const dir = source(rt);
      const bundle = mapped(rt, (config) => {
        config.mounts.push({ destination: '/data', source: dir, options: ['bind', option] });
      });
      const [file] = await rt.observeBundle<[Stat]>(bundle, [['stat', '/data/file']]);
      t.match(file, { uid, gid });
    },
    { deviates: { runc: OLD.runc, ...(option.startsWith('r') ? { crun: 'has no ridmap with mappings' } : {}) } },
  );
}

forEachRuntime(
  'idmapped mount: an option with invalid mappings is refused with its place',
  async (t, rt) => {
    const dir = source(rt);
    const read = /cannot read the mappings of mount option/;
    const cases: [string, RegExp][] = [
      ['idmap=', read],
      ['idmap=uids', read],
      ['idmap=uids=', read],
      ['idmap=uids=0-1', read],
      ['idmap=uids=0-1-0;gids=0-1-1', read],
      ['idmap=uids=0-1-1;uids=0-1-1', read],
      ['idmap=uids=0-1-1;pids=0-1-1', read],
      ['idmap=uids=0-4294967295-1;gids=0-1-1', read],
      ['idmap=uids=-1-1-1;gids=0-1-1', read],
      ['idmap=uids=0-1-1', /it needs both uidMappings and gidMappings/],
      ['idmap=uids=@0-995-10;gids=0-1-1', /ids 995 to 1004 after "@" are not all mapped in the container/],
    ];
    for (const [option, words] of cases) {
      const bundle = mapped(rt, (config) => {
        config.mounts.push({ destination: '/data', source: dir, options: ['bind', option] });
      });
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1, option);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4/);
    }
    const both = await rt.runBundle(
      mapped(rt, (config) => {
        const options = ['bind', 'idmap=uids=0-1-1;gids=0-1-1'];
        config.mounts.push({ destination: '/data', source: dir, options, ...maps(5000) });
      }),
    );
    t.match(both.stderr, /both an option and the mount itself have mappings/);
  },
  { oursOnly: 'the messages are specific to rt' },
);
