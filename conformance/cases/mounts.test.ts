import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { MAPPED, addUserNamespace } from '../harness/config.ts';
import type { Mutation, TestConfig, TestMount } from '../harness/config.ts';
import { probePath } from '../harness/guest.ts';
import type { Attempt, Names, Stat, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import type { Mount } from '../harness/mountinfo.ts';
import { isUnified } from '../harness/cgroup.ts';
import { digest } from '../harness/leftovers.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

/** Mounts of a container with one more entry in `mounts`. */
async function mountsWith(rt: Sandbox, ...entries: TestMount[]): Promise<Mount[]> {
  const [info] = await rt.observe<[Text]>([['read', '/proc/self/mountinfo']], (config) =>
    config.mounts.push(...entries),
  );
  return parseMountinfo(info.text);
}

/** A host directory with a file, to be bound. */
function hostDirectory(rt: Sandbox, name = 'source'): string {
  const dir = join(rt.dir, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'file'), 'of the host');
  return dir;
}

for (const [destination, type] of [
  ['/proc', 'proc'],
  ['/sys', 'sysfs'],
  ['/dev', 'tmpfs'],
  ['/dev/pts', 'devpts'],
] as const) {
  forEachRuntime(`mounts: ${type} on ${destination}`, async (t, rt) => {
    t.equal(mountAt(await mountsWith(rt), destination)?.type, type);
  });
}

forEachRuntime('mounts: mqueue', async (t, rt) => {
  const mounts = await mountsWith(rt, {
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: ['nosuid', 'noexec', 'nodev'],
  });
  const mount = mountAt(mounts, '/dev/mqueue');
  t.equal(mount?.type, 'mqueue');
  t.ok(['nosuid', 'noexec', 'nodev'].every((option) => mount?.options.includes(option)));
});

forEachRuntime('mounts: tmpfs accepts its own options', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.mounts.push({
      destination: '/scratch',
      type: 'tmpfs',
      source: 'name',
      options: ['nosuid', 'size=64k', 'mode=1770', 'uid=5', 'gid=6'],
    });
  });
  const [info, stat] = await rt.observeBundle<[Text, Stat]>(bundle, [
    ['read', '/proc/self/mountinfo'],
    ['stat', '/scratch'],
  ]);
  const mount = mountAt(parseMountinfo(info.text), '/scratch');
  t.equal(mount?.source, 'name');
  t.ok(mount?.superOptions.includes('size=64k'));
  t.match(stat, { mode: 0o1770, uid: 5, gid: 6 });
});

forEachRuntime('mounts: tmpfs gets the mode of the directory that it covers', async (t, rt) => {
  const bundle = rt.bundle((config) => config.mounts.push({ destination: '/covered', type: 'tmpfs', source: 'tmpfs' }));
  mkdirSync(join(bundle.rootfs, 'covered'), { mode: 0o711 });
  const [stat] = await rt.observeBundle<[Stat]>(bundle, [['stat', '/covered']]);
  t.equal(stat.mode, 0o711);
});

forEachRuntime('mounts: devpts options give a private instance with its mode and ptmxmode', async (t, rt) => {
  const [ptmx, link] = await rt.observe<[Stat, Stat]>([
    ['stat', '/dev/pts/ptmx'],
    ['stat', '/dev/ptmx'],
  ]);
  t.match(ptmx, { type: 'char', mode: 0o666, major: 5, minor: 2 });
  t.match(link, { type: 'link', link: 'pts/ptmx' });
});

const CGROUP_MOUNT = {
  destination: '/sys/fs/cgroup',
  type: 'cgroup',
  source: 'cgroup',
  options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
};

forEachRuntime('mounts: cgroup shows the cgroup of the container as the root, read-only', async (t, rt) => {
  const [names, write, own] = await rt.observe<[Names, Attempt, Text]>(
    [
      ['list', '/sys/fs/cgroup'],
      ['mkdir', isUnified() ? '/sys/fs/cgroup/evil' : '/sys/fs/cgroup/pids/evil'],
      ['read', isUnified() ? '/sys/fs/cgroup/cgroup.procs' : '/sys/fs/cgroup/pids/cgroup.procs'],
    ],
    (config) => {
      config.linux.namespaces.push({ type: 'cgroup' });
      config.mounts.push(CGROUP_MOUNT);
    },
  );
  const wanted = isUnified()
    ? ['cgroup.controllers', 'cgroup.type', 'cgroup.events']
    : ['cpu', 'cpuacct', 'pids', 'devices', 'freezer'];
  for (const name of wanted) t.ok(names.names.includes(name), name);
  t.equal(write.errno, 'EROFS');
  t.equal(own.text, '1\n', "the hierarchy's root is the container's own cgroup");
});

forEachRuntime('mounts: cgroup without a cgroup namespace matches /proc/self/cgroup', async (t, rt) => {
  const bundle = rt.bundle((config) => config.mounts.push(CGROUP_MOUNT));
  // On v1 only the container's cgroup is visible, on v2 the whole tree, as engines that share the namespace expect.
  const own = isUnified() ? `/sys/fs/cgroup${bundle.config.linux.cgroupsPath}` : '/sys/fs/cgroup/pids';
  const [procs, write] = await rt.observeBundle<[Text, Attempt]>(bundle, [
    ['read', `${own}/cgroup.procs`],
    ['mkdir', `${own}/evil`],
  ]);
  // The check for leftovers verifies that the host keeps the options of its own mount.
  t.equal(procs.text, '1\n');
  t.equal(write.errno, 'EROFS');
});

for (const isPrivate of [true, false]) {
  const where = isPrivate ? 'in a cgroup namespace' : 'of the host';
  const withCgroup = (config: TestConfig, ...options: string[]): void => {
    if (isPrivate) config.linux.namespaces.push({ type: 'cgroup' });
    config.mounts.push({ ...CGROUP_MOUNT, options });
  };

  forEachRuntime(
    `mounts: cgroup ${where} with rro and a propagation`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => withCgroup(config, 'rro', 'rshared'));
      const top = '/sys/fs/cgroup';
      const own = isUnified() ? `${top}${isPrivate ? '' : bundle.config.linux.cgroupsPath}` : `${top}/pids`;
      const [write, info] = await rt.observeBundle<[Attempt, Text]>(bundle, [
        ['mkdir', `${own}/evil`],
        ['read', '/proc/self/mountinfo'],
      ]);
      t.equal(write.errno, 'EROFS');
      for (const path of isUnified() ? [top] : [top, `${top}/pids`]) {
        const mount = mountAt(parseMountinfo(info.text), path);
        t.ok(mount?.options.includes('ro'), `${path} ${mount?.options.join() ?? ''}`);
        t.ok(mount?.propagation.includes('shared'), `${path} ${mount?.propagation.join() ?? ''}`);
      }
    },
    { deviates: { runc: '1.1 does not apply rro', crun: '1.8 does not apply them' } },
  );

  forEachRuntime(
    `mounts: cgroup ${where} with an option that it cannot honour is refused with its place`,
    async (t, rt) => {
      for (const [word, words] of [
        ['r0', /cannot use mount option "r0": a mount of type cgroup has no filesystem-specific options/],
        ['sync', /cannot use mount option "sync"/],
        ['size=1k', /cannot use mount option "size=1k"/],
        ['tmpcopyup', /option tmpcopyup is for the type tmpfs/],
        ['idmap', /type cgroup, not a bind mount/],
      ] as const) {
        const outcome = await rt.run((config) => withCgroup(config, 'nosuid', word));
        t.equal(outcome.status, 1, word);
        t.match(outcome.stderr, words);
        t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4/);
      }
    },
    { oursOnly: 'the peers leave it out' },
  );
}

forEachRuntime('mounts: bind shows the directory and writes through', async (t, rt) => {
  const source = hostDirectory(rt);
  const [read, create] = await rt.observe<[Text, Attempt]>(
    [
      ['read', '/data/file'],
      ['create', '/data/new'],
    ],
    (config) => config.mounts.push({ destination: '/data', source, options: ['bind'] }),
  );
  t.equal(read.text, 'of the host');
  t.equal(create.errno, null);
  t.equal(readFileSync(join(source, 'new'), 'utf8'), 'x');
});

forEachRuntime('mounts: type bind means the option bind', async (t, rt) => {
  const source = hostDirectory(rt);
  const [read] = await rt.observe<[Text]>([['read', '/data/file']], (config) => {
    config.mounts.push({ destination: '/data', type: 'bind', source, options: ['rbind', 'rprivate'] });
  });
  t.equal(read.text, 'of the host');
});

/** What an idmapped mount maps, and who the container runs as. */
const EVERYBODY = { containerID: 0, hostID: 0, size: 2000 };
const KINDS: readonly (readonly [string, Mutation, Partial<TestMount>])[] = [
  ['', (): void => undefined, {}],
  [', in a user namespace', addUserNamespace, {}],
  [', idmapped', (): void => undefined, { uidMappings: [EVERYBODY], gidMappings: [EVERYBODY] }],
];
for (const [kind, mutate, more] of KINDS) {
  forEachRuntime(
    `mounts: bind of a path that an earlier mount has in the root filesystem${kind}`,
    async (t, rt) => {
      const source = hostDirectory(rt);
      mkdirSync(join(source, 'sub'));
      writeFileSync(join(source, 'sub', 'file'), 'below');
      const bundle = rt.bundle(mutate);
      for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
      if (kind.includes('user')) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
      bundle.config.mounts.push(
        { destination: '/first', source, options: ['rbind', 'nosuid'] },
        { destination: '/second', source: join(bundle.rootfs, 'first/sub'), options: ['rbind'], ...more },
        { destination: '/third', source: join(bundle.rootfs, 'first'), options: ['bind'], ...more },
      );
      const [second, third, info] = await rt.observeBundle<Text[]>(bundle, [
        ['read', '/second/file'],
        ['read', '/third/file'],
        ['read', '/proc/self/mountinfo'],
      ]);
      t.equal(second?.text, 'below');
      t.equal(third?.text, 'of the host');
      const mount = mountAt(parseMountinfo(info?.text ?? ''), '/second');
      t.ok(mount?.options.includes('nosuid'), 'it has the options of the earlier mount');
    },
    { oursOnly: 'older peers lack idmapped mounts' },
  );
}

forEachRuntime(
  'mounts: an idmapped bind of a path in an earlier mount, in a user namespace, is refused with the reason',
  async (t, rt) => {
    const source = hostDirectory(rt);
    const bundle = rt.bundle(addUserNamespace);
    bundle.config.mounts.push(
      { destination: '/first', source, options: ['rbind'] },
      { destination: '/second', source: join(bundle.rootfs, 'first'), options: ['rbind', 'idmap'] },
    );
    bundle.save();
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot idmap the mount on "\/second": its source is in an earlier mount/);
    t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/5\/source\n {2}hint: give the path below the source/);
  },
  { oursOnly: 'the peers have other messages' },
);

forEachRuntime('mounts: bind of a file makes a file as mount point, of a directory a directory', async (t, rt) => {
  const source = hostDirectory(rt);
  const bundle = rt.bundle((config) => {
    config.mounts.push({ destination: '/made/dir', source, options: ['bind'] });
    config.mounts.push({ destination: '/made/file', source: join(source, 'file'), options: ['bind'] });
  });
  const [dir, file, text] = await rt.observeBundle<[Stat, Stat, Text]>(bundle, [
    ['stat', '/made/dir'],
    ['stat', '/made/file'],
    ['read', '/made/file'],
  ]);
  t.equal(dir.type, 'directory');
  t.equal(file.type, 'file');
  t.equal(text.text, 'of the host');
  t.ok(statSync(join(bundle.rootfs, 'made/file')).isFile());
  t.equal(statSync(join(bundle.rootfs, 'made/dir')).mode & 0o777, 0o755);
});

forEachRuntime('mounts: a relative bind source is relative to the bundle', async (t, rt) => {
  const bundle = rt.bundle((config) => config.mounts.push({ destination: '/data', source: 'data', options: ['bind'] }));
  mkdirSync(join(bundle.dir, 'data'));
  writeFileSync(join(bundle.dir, 'data/file'), 'of the bundle');
  const [read] = await rt.observeBundle<[Text]>(bundle, [['read', '/data/file']]);
  t.equal(read.text, 'of the bundle');
});

forEachRuntime('mounts: bind omits mounts below the source, rbind includes them', async (t, rt) => {
  const source = hostDirectory(rt);
  mkdirSync(join(source, 'sub'));
  execFileSync('mount', ['-t', 'tmpfs', 'sub', join(source, 'sub')]);
  try {
    writeFileSync(join(source, 'sub/deep'), 'deep');
    const [bound, recursive] = await rt.observe<[Attempt, Text]>(
      [
        ['read', '/bind/sub/deep'],
        ['read', '/rbind/sub/deep'],
      ],
      (config) => {
        config.mounts.push({ destination: '/bind', source, options: ['bind'] });
        config.mounts.push({ destination: '/rbind', source, options: ['rbind'] });
      },
    );
    t.equal(bound.errno, 'ENOENT');
    t.equal(recursive.text, 'deep');
  } finally {
    execFileSync('umount', [join(source, 'sub')]);
  }
});

forEachRuntime('mounts: ro, rro and their effect on mounts below the source', async (t, rt) => {
  const source = hostDirectory(rt);
  mkdirSync(join(source, 'sub'));
  execFileSync('mount', ['-t', 'tmpfs', 'sub', join(source, 'sub')]);
  try {
    const [ro, roBelow, rro, rroBelow] = await rt.observe<Attempt[]>(
      [
        ['create', '/ro/x'],
        ['create', '/ro/sub/x'],
        ['create', '/rro/x'],
        ['create', '/rro/sub/y'],
      ],
      (config) => {
        config.mounts.push({ destination: '/ro', source, options: ['rbind', 'ro'] });
        config.mounts.push({ destination: '/rro', source, options: ['rbind', 'rro'] });
      },
    );
    t.equal(ro?.errno, 'EROFS');
    t.equal(roBelow?.errno, null, 'ro is for the top mount only');
    t.equal(rro?.errno, 'EROFS');
    t.equal(rroBelow?.errno, 'EROFS');
  } finally {
    execFileSync('umount', [join(source, 'sub')]);
  }
});

forEachRuntime('mounts: noexec keeps programs from running', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.mounts.push({ destination: '/data', source: 'programs', options: ['bind', 'noexec'] });
    config.mounts.push({ destination: '/free', source: 'programs', options: ['bind'] });
  });
  mkdirSync(join(bundle.dir, 'programs'));
  execFileSync('cp', [join(bundle.rootfs, 'bin/probe'), join(bundle.dir, 'programs/probe')]);
  const [forbidden, allowed] = await rt.observeBundle<Attempt[]>(bundle, [
    ['exec', '/data/probe'],
    ['exec', '/free/probe'],
  ]);
  t.equal(forbidden?.errno, 'EACCES');
  t.equal(allowed?.errno, null);
});

forEachRuntime(
  'mounts: a relative destination starts at the root',
  async (t, rt) => {
    t.ok(mountAt(await mountsWith(rt, { destination: 'some/where', type: 'tmpfs', source: 'tmpfs' }), '/some/where'));
  },
  { deviates: { runc: '1.1 refuses it' } },
);

forEachRuntime(
  'mounts: a destination is a path of the container, also if it begins like that of the root filesystem',
  async (t, rt) => {
    const bundle = rt.bundle();
    const destination = join(bundle.rootfs, 'inside');
    bundle.config.mounts.push({ destination, type: 'tmpfs', source: 't' });
    const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
    t.equal(mountAt(parseMountinfo(info.text), destination)?.type, 'tmpfs');
  },
  { deviates: { runc: 'takes it for a path of the host' } },
);

forEachRuntime('mounts: a later mount covers an earlier one, in the order of the list', async (t, rt) => {
  const [names, below] = await rt.observe<[Names, Stat]>(
    [
      ['list', '/a'],
      ['stat', '/a/b'],
    ],
    (config) => {
      config.mounts.push({ destination: '/a', type: 'tmpfs', source: 'one' });
      config.mounts.push({ destination: '/a/b', type: 'tmpfs', source: 'two', options: ['mode=700'] });
    },
  );
  t.strictSame(names.names, ['b']);
  t.equal(below.mode, 0o700);
});

for (const [what, link, landing] of [
  ['absolute', '/real', 'real'],
  ['climbing', '../../../../../../real', 'real'],
  ['chained', 'second', 'real'],
] as const) {
  forEachRuntime(`mounts: a destination through an ${what} link stays in the rootfs`, async (t, rt) => {
    const bundle = rt.bundle((config) =>
      config.mounts.push({ destination: '/link/sub', type: 'tmpfs', source: 'tmpfs' }),
    );
    symlinkSync(link, join(bundle.rootfs, 'link'));
    symlinkSync('/real', join(bundle.rootfs, 'second'));
    mkdirSync(join(bundle.rootfs, 'real'));
    const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
    t.ok(mountAt(parseMountinfo(info.text), `/${landing}/sub`));
  });
}

forEachRuntime('mounts: destinations through links to the host touch nothing outside the rootfs', async (t, rt) => {
  const canary = hostDirectory(rt, 'canary');
  const before = digest(canary);
  const entries: readonly [string, TestMount][] = [
    [canary, { destination: '/trap', type: 'tmpfs', source: 'tmpfs' }],
    [canary, { destination: '/trap/new', type: 'tmpfs', source: 'tmpfs' }],
    [join(canary, 'newfile'), { destination: '/trap', source: '/etc/passwd', options: ['bind'] }],
    [join(canary, 'newdir'), { destination: '/trap/a/b', source: '/etc', options: ['bind', 'ro'] }],
    [`../../../../../../../..${canary}`, { destination: '/trap/c', type: 'tmpfs', source: 'tmpfs' }],
  ];
  for (const [target, mount] of entries) {
    const bundle = rt.bundle((config) => config.mounts.push(mount));
    symlinkSync(target, join(bundle.rootfs, 'trap'));
    await rt.runBundle(bundle);
    t.equal(digest(canary), before, `${mount.destination} by ${target}`);
  }
});

for (const path of ['/proc', '/sys']) {
  forEachRuntime(
    `mounts: ${path} as a link is refused`,
    async (t, rt) => {
      const bundle = rt.bundle();
      execFileSync('rmdir', [join(bundle.rootfs, path)]);
      mkdirSync(join(bundle.rootfs, 'elsewhere'));
      symlinkSync('/elsewhere', join(bundle.rootfs, path));
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, path);
    },
    { deviates: { crun: '1.8 follows it' } },
  );
}

for (const destination of ['/proc/self/attr', '/proc/sys', '/proc/net/dev', '/proc/1']) {
  forEachRuntime(
    `mounts: ${destination} cannot be covered`,
    async (t, rt) => {
      const source = hostDirectory(rt);
      const outcome = await rt.run((config) => config.mounts.push({ destination, source, options: ['bind'] }));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, destination.replace('/self/attr', ''));
      t.match(outcome.stderr, /inside \/proc/);
    },
    { deviates: { crun: '1.8 allows it' } },
  );
}

forEachRuntime(
  'mounts: a directory bound over /proc itself is refused',
  async (t, rt) => {
    const source = hostDirectory(rt);
    const outcome = await rt.run((config) => config.mounts.push({ destination: '/proc', source, options: ['bind'] }));
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, '/proc');
  },
  { deviates: { crun: '1.8 allows it' } },
);

for (const [words, link, destination] of [
  ['a link to /proc', '/proc', '/p'],
  ['a link in a parent, and dots', '/', '/p/x/../proc/sys'],
  ['a link to a file of /proc', '/proc/sys/kernel/core_pattern', '/p'],
  ['a link to a directory of /proc', '../../proc/sys', '/p/kernel'],
] as const) {
  forEachRuntime(
    `mounts: ${words} does not let a mount cover it`,
    async (t, rt) => {
      const source = hostDirectory(rt);
      const isFile = link.endsWith('core_pattern');
      const mounts: TestMount[] = [
        { destination, source: isFile ? join(source, 'file') : source, options: ['bind'] },
        ...(isFile ? [] : [{ destination, type: 'tmpfs', source: 'tmpfs' }]),
      ];
      for (const mount of mounts) {
        const bundle = rt.bundle((config) => config.mounts.push(mount));
        symlinkSync(link, join(bundle.rootfs, 'p'));
        const outcome = await rt.runBundle(bundle);
        t.equal(outcome.status, 1);
        t.match(outcome.stderr, /cannot be mounted because it is inside \/proc/);
        t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/mounts\/4/);
      }
    },
    { oursOnly: 'the peers have other messages' },
  );
}

for (const source of ['/proc/sys', '/proc/self']) {
  forEachRuntime(
    `mounts: ${source} is no /proc`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
        config.mounts.push({ destination: '/proc', source, options: ['rbind'] });
      });
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, `cannot bind "${source}" on "/proc": the source is not the root of a procfs`);
    },
    { oursOnly: 'the peers take it' },
  );
}

forEachRuntime('mounts: /proc/meminfo and its like may be covered, as lxcfs does', async (t, rt) => {
  const source = join(hostDirectory(rt), 'file');
  const [text] = await rt.observe<[Text]>([['read', '/proc/meminfo']], (config) => {
    config.mounts.push({ destination: '/proc/meminfo', source, options: ['bind'] });
  });
  t.equal(text.text, 'of the host');
});

forEachRuntime('mounts: a missing bind source is an error that names it and the cause', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.mounts.push({ destination: '/data', source: '/nonexistent/source', options: ['bind'] });
  });
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, '/nonexistent/source');
  t.match(outcome.stderr.toLowerCase(), 'no such file or directory');
});

forEachRuntime('mounts: an unknown option of a filesystem is refused with its name', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.mounts.push({ destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['nosuchoption'] });
  });
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, /\/scratch|invalid argument/i);
});

forEachRuntime(
  'mounts: a mount over the root itself is refused',
  async (t, rt) => {
    const outcome = await rt.run((config) => config.mounts.push({ destination: '/', type: 'tmpfs', source: 'tmpfs' }));
    t.equal(outcome.status, 1);
    t.not(outcome.stderr, '');
  },
  { deviates: { crun: '1.8 allows it' } },
);

forEachRuntime('mounts: twenty mounts of one container are all made', async (t, rt) => {
  const mounts = await mountsWith(
    rt,
    ...Array.from({ length: 20 }, (_, i) => ({ destination: `/many/${i}`, type: 'tmpfs', source: `n${i}` })),
  );
  t.equal(mounts.filter(({ target }) => target.startsWith('/many/')).length, 20);
});

forEachRuntime('options of a tmpfs on a bind mount have no effect, and rt warns about them', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/cat', '/mnt/file'];
    config.mounts.push({
      destination: '/mnt',
      source: rt.dir,
      options: ['rbind', 'nosuid', 'mode=700', 'size=1k'],
    });
  });
  writeFileSync(join(rt.dir, 'file'), 'content');
  const outcome = await rt.runBundle(bundle);
  t.equal(outcome.stdout, 'content');
  if (rt.runtime.ours) t.match(outcome.stderr, /"mode=700" has no effect on a bind mount\n\s+config\.json:\d+:\d+/);
});

forEachRuntime('mounts: bind of a fifo and of a socket keeps their types', async (t, rt) => {
  const fifo = join(rt.dir, 'fifo');
  const path = join(rt.dir, 'socket');
  execFileSync('mkfifo', [fifo]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    const stats = await rt.observe<Stat[]>(
      [
        ['stat', '/a/fifo'],
        ['stat', '/a/socket'],
      ],
      (config) => {
        config.mounts.push({ destination: '/a/fifo', source: fifo, options: ['bind'] });
        config.mounts.push({ destination: '/a/socket', source: path, options: ['bind', 'ro'] });
      },
    );
    t.strictSame(
      stats.map(({ type }) => type),
      ['fifo', 'socket'],
    );
  } finally {
    server.close();
  }
});

forEachRuntime('mounts: bind of a device node is that device', async (t, rt) => {
  const [stat, open] = await rt.observe<[Stat, Attempt]>(
    [
      ['stat', '/a/zero'],
      ['open', '/a/zero', 'r'],
    ],
    (config) => config.mounts.push({ destination: '/a/zero', source: '/dev/zero', options: ['bind'] }),
  );
  t.match(stat, { type: 'char', major: 1, minor: 5 });
  t.equal(open.errno, null);
});

forEachRuntime(
  'mounts: mountLabel on a kernel without SELinux is refused with its place',
  async (t, rt) => {
    if (existsSync('/sys/fs/selinux/enforce')) {
      t.pass('this kernel has SELinux');
      return;
    }
    const outcome = await rt.run((config) => (config.linux.mountLabel = 'system_u:object_r:container_file_t:s0'));
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /selinux is disabled or not supported/);
    t.match(outcome.stderr, '/linux/mountLabel');
  },
  { oursOnly: 'the peers have other messages, or mount without' },
);

for (const [call, words] of [
  ['mount_setattr', /mount_setattr/],
  ['open_tree', /cannot open/],
  ['fsopen', /fsopen/],
] as const) {
  forEachRuntime(
    `mounts: a kernel without ${call} is an error that names it`,
    async (t, rt) => {
      const bundle = rt.bundle((config) =>
        config.mounts.push({ destination: '/t', source: '/etc', options: ['rbind', 'rro'] }),
      );
      const refuse = [probePath(), 'refuse', call, '-', 'ENOSYS'];
      const outcome = await rt.commandThrough(refuse, 'run', '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /function not implemented/);
    },
    { oursOnly: 'the peers fall back to older calls' },
  );
}
