import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, grantCapabilities } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import type { Attempt, Names, Stat } from '../harness/guest.ts';
import { digest } from '../harness/leftovers.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

const DEFAULT_NODES = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

const DEFAULT_LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
] as const;

forEachRuntime('devices: the default nodes exist with mode 0666 and can be opened', async (t, rt) => {
  const stats = await rt.observe<Stat[]>(DEFAULT_NODES.map(([name]) => ['stat', `/dev/${name}`]));
  DEFAULT_NODES.forEach(([name, major, minor], index) => {
    t.match(stats[index], { type: 'char', mode: 0o666, uid: 0, gid: 0, major, minor }, name);
  });
  const opened = await rt.observe<Attempt[]>(
    DEFAULT_NODES.filter(([name]) => name !== 'tty').map(([name]) => ['open', `/dev/${name}`, 'rw']),
  );
  for (const attempt of opened) t.equal(attempt.errno, null);
});

forEachRuntime('devices: the default links exist', async (t, rt) => {
  const stats = await rt.observe<Stat[]>(DEFAULT_LINKS.map(([name]) => ['stat', `/dev/${name}`]));
  DEFAULT_LINKS.forEach(([name, link], index) => t.match(stats[index], { type: 'link', link }, name));
});

forEachRuntime('devices: nothing else is in /dev', async (t, rt) => {
  const [names] = await rt.observe<[Names]>([['list', '/dev']]);
  const known = new Set<string>([
    ...DEFAULT_NODES.map(([name]) => name),
    ...DEFAULT_LINKS.map(([name]) => name),
    'pts',
    'core',
  ]);
  t.strictSame(
    names.names.filter((name) => !known.has(name)),
    [],
  );
});

forEachRuntime(
  'linux.devices: type, number, mode and owner are as given',
  async (t, rt) => {
    const [char, block, fifo, defaults] = await rt.observe<Stat[]>(
      [
        ['stat', '/dev/fuse'],
        ['stat', '/dev/deep/disk'],
        ['stat', '/dev/pipe'],
        ['stat', '/dev/plain'],
      ],
      (config) => {
        config.linux.devices = [
          { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o640, uid: 7, gid: 8 },
          { path: '/dev/deep/disk', type: 'b', major: 8, minor: 0, fileMode: 0o600 },
          { path: '/dev/pipe', type: 'p', fileMode: 0o622 },
          { path: '/dev/plain', type: 'u', major: 1, minor: 3 },
        ];
      },
    );
    t.match(char, { type: 'char', mode: 0o640, uid: 7, gid: 8, major: 10, minor: 229 });
    t.match(block, { type: 'block', mode: 0o600, uid: 0, gid: 0, major: 8, minor: 0 });
    t.match(fifo, { type: 'fifo', mode: 0o622 });
    t.match(defaults, { type: 'char', mode: 0o666, major: 1, minor: 3 });
  },
  { deviates: { crun: '1.8 gives mode 0 by default' } },
);

forEachRuntime(
  'linux.devices: an existing node gets mode and owner, also on a kernel without fchmodat2; a mounted one keeps its own',
  async (t, rt) => {
    const [volume, bound] = [join(rt.dir, 'volume'), join(rt.dir, 'bound')];
    mkdirSync(volume);
    execFileSync('mknod', ['-m', '600', bound, 'c', '1', '3']);
    for (const prefix of [[], [guestProgram('deny'), 'fchmodat2']]) {
      execFileSync('mknod', ['-m', '600', join(volume, 'node'), 'c', '1', '3']);
      const bundle = rt.bundle((config) => {
        config.mounts.push(
          { destination: '/volume', type: 'bind', source: volume, options: ['rbind'] },
          { destination: '/bound', type: 'bind', source: bound, options: ['bind'] },
        );
        config.linux.devices = [
          { path: '/volume/node', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 7, gid: 8 },
          { path: '/bound', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 7, gid: 8 },
        ];
      });
      const outcome = await rt.commandThrough(prefix, 'run', '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 0, outcome.stderr);
      const node = statSync(join(volume, 'node'));
      t.strictSame([node.mode & 0o7777, node.uid, node.gid], [0o640, 7, 8], prefix.join(' '));
      const mounted = statSync(bound);
      t.strictSame([mounted.mode & 0o7777, mounted.uid, mounted.gid], [0o600, 0, 0], 'the node of the host');
      rmSync(join(volume, 'node'));
    }
  },
  { deviates: { runc: 'leaves a node that is there as it is', crun: 'leaves a node that is there as it is' } },
);

for (const [where, mutate] of [
  ['', (): void => undefined],
  [', in a user namespace', addUserNamespace],
] as const) {
  forEachRuntime(
    `devices: a mount at the path of a node, by default or of linux.devices, is kept${where}`,
    async (t, rt) => {
      const volume = join(rt.dir, 'volume');
      mkdirSync(volume);
      const file = join(volume, 'file');
      writeFileSync(file, 'text');
      const bundle = rt.bundle((config) => {
        mutate(config);
        config.mounts.push(
          { destination: '/dev/random', type: 'bind', source: '/dev/urandom', options: ['bind'] },
          { destination: '/dev/full', type: 'bind', source: file, options: ['bind', 'ro'] },
          { destination: '/dev/zero', type: 'bind', source: volume, options: ['bind', 'ro'] },
          { destination: '/dev/other', type: 'bind', source: '/dev/zero', options: ['bind'] },
        );
        config.linux.devices = [{ path: '/dev/other', type: 'c', major: 1, minor: 3 }];
      });
      for (const dir of [rt.dir, bundle.dir]) chmodSync(dir, 0o755);
      chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
      const paths = ['/dev/random', '/dev/full', '/dev/zero/file', '/dev/other'];
      const [random, full, inZero, other] = await rt.observeBundle<Stat[]>(
        bundle,
        paths.map((path) => ['stat', path]),
      );
      t.match(random, { type: 'char', major: 1, minor: 9 });
      t.match(full, { type: 'file' });
      t.match(inZero, { type: 'file' });
      t.match(other, { type: 'char', major: 1, minor: 5 });
    },
    where === '' ? {} : { deviates: { runc: 'covers the mount', crun: 'covers the mount' } },
  );
}

forEachRuntime('linux.devices: an entry replaces a default node of the same path', async (t, rt) => {
  const [node] = await rt.observe<[Stat]>([['stat', '/dev/tty']], (config) => {
    config.linux.devices = [{ path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o600, uid: 3, gid: 4 }];
  });
  t.match(node, { type: 'char', mode: 0o600, uid: 3, gid: 4 });
});

forEachRuntime('devices: links of the image are kept, and /dev/ptmx is that of the container', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev');
    config.linux.devices = [{ path: '/dev/ptmx', type: 'c', major: 5, minor: 2 }];
  });
  mkdirSync(join(bundle.rootfs, 'dev/pts'));
  symlinkSync('/proc/self/fd/9', join(bundle.rootfs, 'dev/stdin'));
  const [stdin, ptmx] = await rt.observeBundle<Stat[]>(bundle, [
    ['stat', '/dev/stdin'],
    ['stat', '/dev/ptmx'],
  ]);
  t.match(stdin, { type: 'link', link: '/proc/self/fd/9' });
  t.match(ptmx, { type: 'link', link: 'pts/ptmx' });
});

forEachRuntime(
  'devices: nothing is made in a /dev of the host, but nodes of the config elsewhere are',
  async (t, rt) => {
    // Not the host's /dev, where udev may make a node at any time.
    const dev = join(rt.dir, 'dev');
    mkdirSync(dev);
    for (const name of ['null', 'other']) writeFileSync(join(dev, name), '');
    const [names, node] = await rt.observe<[Names, Stat]>(
      [
        ['list', '/dev'],
        ['stat', '/nodes/null'],
      ],
      (config) => {
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
        config.mounts.push({ destination: '/dev', source: dev, options: ['rbind'] });
        config.linux.devices = [
          { path: '/dev/rt-made', type: 'c', major: 1, minor: 3 },
          { path: '/nodes/null', type: 'c', major: 1, minor: 3, fileMode: 0o640 },
        ];
      },
    );
    t.strictSame(names.names.sort(), ['null', 'other']);
    t.match(node, { type: 'char', major: 1, minor: 3, mode: 0o640 });
    t.strictSame(readdirSync(dev).sort(), ['null', 'other']);
  },
  { deviates: { runc: '1.1 makes none at all', crun: '1.8 makes those of /dev, too' } },
);

forEachRuntime(
  'devices: default nodes in what is mounted on /dev of the root keep mode and owner',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    });
    const dev = join(rt.dir, 'dev');
    mkdirSync(dev);
    for (const [name, major, minor] of DEFAULT_NODES) {
      execFileSync('mknod', ['-m', '622', join(dev, name), 'c', String(major), String(minor)]);
      chownSync(join(dev, name), 0, 5);
    }
    mkdirSync(join(bundle.rootfs, 'dev'), { recursive: true });
    execFileSync('mount', ['--bind', dev, join(bundle.rootfs, 'dev')]);
    try {
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 0, outcome.stderr);
      for (const [name] of DEFAULT_NODES) {
        const { mode, gid } = statSync(join(dev, name));
        t.strictSame([mode & 0o7777, gid], [0o622, 5], name);
      }
    } finally {
      execFileSync('umount', [join(bundle.rootfs, 'dev')]);
    }
  },
  { deviates: { crun: 'changes the owner of the null device that it opens' } },
);

forEachRuntime(
  'devices: with the root of the host, nothing is made or changed in its /dev',
  async (t, rt) => {
    // A /dev of its own, which the case may lose.
    const script = `set -e
      mount -t tmpfs dev /dev; mkdir /dev/pts /dev/shm; mount -t tmpfs shm /dev/shm
      for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
        set -- $node "$@"; mknod -m 622 /dev/$1 c $2 $3; chgrp 5 /dev/$1; shift 3
      done
      chmod 666 /dev/null; before=$(ls -ln /dev)
      "$@"
      test "$before" = "$(ls -ln /dev)"`;
    const bundle = rt.bundle((config) => {
      config.root.path = '/';
      config.mounts = [];
      config.linux.devices = [
        { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o640, uid: 7 },
        { path: '/dev/rt-made', type: 'c', major: 1, minor: 3 },
      ];
      config.process.args = ['/bin/true'];
    });
    const prefix = ['unshare', '--mount', '--propagation=private', 'sh', '-c', script, 'sh'];
    const outcome = await rt.commandThrough(prefix, 'run', '--bundle', bundle.dir, rt.nextId());
    t.strictSame([outcome.status, outcome.stderr], [0, '']);
  },
  { oursOnly: 'the peers of Debian 12 cannot use the root of the host' },
);

forEachRuntime('resources.devices: a device that is not allowed cannot be made or opened', async (t, rt) => {
  const [memory, disk, fuse, allowed, opened, denied] = await rt.observe<Attempt[]>(
    [
      ['open', '/dev/one', 'r'],
      ['open', '/dev/two', 'r'],
      ['open', '/dev/fuse', 'r'],
      ['mknod', '/tmp/null', 'c', '1', '3'],
      ['open', '/tmp/null', 'w'],
      ['mknod', '/tmp/any', 'b', '8', '0'],
    ],
    (config) => {
      grantCapabilities(config, 'CAP_MKNOD', 'CAP_DAC_OVERRIDE');
      config.linux.devices = [
        { path: '/dev/one', type: 'c', major: 1, minor: 1, fileMode: 0o666 },
        { path: '/dev/two', type: 'b', major: 254, minor: 0, fileMode: 0o666 },
        { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666 },
      ];
    },
  );
  t.equal(memory?.errno, 'EPERM', 'c 1:1');
  t.equal(disk?.errno, 'EPERM', 'the disk of the host');
  t.equal(fuse?.errno, 'EPERM', 'an entry of linux.devices grants no access');
  t.equal(allowed?.errno, null);
  t.equal(opened?.errno, null);
  t.equal(denied?.errno, null, 'making nodes is allowed by default, opening them is not');
});

forEachRuntime('resources.devices: an allow rule opens the device, only with the given access', async (t, rt) => {
  const [read, write] = await rt.observe<Attempt[]>(
    [
      ['open', '/dev/kmsg', 'r'],
      ['open', '/dev/kmsg', 'w'],
    ],
    (config) => {
      // Without it, kernel.dmesg_restrict also forbids reading.
      grantCapabilities(config, 'CAP_SYSLOG', 'CAP_DAC_OVERRIDE');
      config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 }];
      config.linux.resources.devices = [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 11, access: 'w' },
      ];
    },
  );
  t.equal(read?.errno, 'EPERM');
  t.equal(write?.errno, null);
});

/** Rules after a first one that denies all, and whether c 1:11 can then be read. */
const READING: readonly (readonly [rules: readonly Record<string, unknown>[], errno: string | null])[] = [
  [[{ allow: true, type: 'c', major: 1, minor: 11, access: 'r' }], null],
  [[{ allow: true, type: 'b', major: 1, minor: 11, access: 'rwm' }], 'EPERM'],
  [[{ allow: true, type: 'c', major: 1, minor: 12, access: 'rwm' }], 'EPERM'],
  [[{ allow: true, type: 'c', major: 2, minor: 11, access: 'rwm' }], 'EPERM'],
  [[{ allow: true, type: 'c', major: 1, minor: 11, access: 'wm' }], 'EPERM'],
  [[{ allow: true, type: 'c', major: 1, access: 'r' }], null],
  [[{ allow: true, type: 'c', major: -1, minor: 11, access: 'r' }], null],
  [[{ allow: true, type: 'c', access: 'r' }], null],
  [[{ allow: true, type: 'a', access: 'rwm' }], null],
  [[{ allow: true, access: 'rwm' }], null],
  [
    [
      { allow: true, access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 11, access: 'rw' },
    ],
    'EPERM',
  ],
];

for (const [rules, errno] of READING) {
  forEachRuntime(
    `resources.devices: after ${JSON.stringify(rules)} reading c 1:11 is ${errno ?? 'allowed'}`,
    async (t, rt) => {
      const [kmsg] = await rt.observe<Attempt[]>([['open', '/dev/kmsg', 'r']], (config) => {
        grantCapabilities(config, 'CAP_SYSLOG', 'CAP_DAC_OVERRIDE');
        config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 }];
        Object.assign(config.linux.resources, { devices: [{ allow: false, access: 'rwm' }, ...rules] });
      });
      t.equal(kmsg?.errno, errno);
    },
    { deviates: rules[0]?.['major'] === -1 ? { crun: '1.8 takes -1 for a number' } : {} },
  );
}

forEachRuntime(
  'resources.devices: a single allow rule without a leading deny is still an allow-list',
  async (t, rt) => {
    const [memory] = await rt.observe<Attempt[]>([['open', '/dev/one', 'r']], (config) => {
      config.linux.devices = [{ path: '/dev/one', type: 'c', major: 1, minor: 1, fileMode: 0o666 }];
      config.linux.resources.devices = [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }];
    });
    t.equal(memory?.errno, 'EPERM');
  },
);

forEachRuntime('resources.devices: a device bound from the host stays closed', async (t, rt) => {
  const [kmsg] = await rt.observe<Attempt[]>([['open', '/bound', 'w']], (config) => {
    config.mounts.push({ destination: '/bound', source: '/dev/kmsg', options: ['bind'] });
  });
  t.equal(kmsg?.errno, 'EPERM');
});

forEachRuntime(
  'devices: /dev of the rootfs as a link to the host touches nothing there',
  async (t, rt) => {
    const canary = join(rt.dir, 'canary');
    mkdirSync(canary);
    execFileSync('touch', [join(canary, 'ptmx')]);
    const before = digest(canary);
    for (const readonly of [false, true]) {
      for (const target of [canary, `../../../../../../../..${canary}`]) {
        const bundle = rt.bundle((config) => {
          config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
          config.root.readonly = readonly;
        });
        execFileSync('rmdir', [join(bundle.rootfs, 'dev')]);
        symlinkSync(target, join(bundle.rootfs, 'dev'));
        await rt.runBundle(bundle);
        t.equal(digest(canary), before, `${target}, readonly ${readonly}`);
        t.strictSame(readdirSync(canary), ['ptmx']);
      }
    }
  },
  { deviates: { runc: '1.1.5 has CVE-2026-41579', crun: '1.8.1 has CVE-2026-47766' } },
);
