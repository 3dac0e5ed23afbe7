import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { callNumber } from '../harness/calls.ts';
import { MAPPED, addUserNamespace, changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { Attempt, Ids, Names, Stat, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

type Namespaces = Record<string, string>;

const SETHOSTNAME = String(callNumber('sethostname'));

const own = (name: string): string => readlinkSync(`/proc/self/ns/${name}`);
const words = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

/** Whether the block device of this number has a node below /dev. */
function isBlockAt(number: string): boolean {
  const name = /^DEVNAME=(.+)$/m.exec(readFileSync(`/sys/dev/block/${number}/uevent`, 'utf8'))?.[1];
  return name !== undefined && existsSync(`/dev/${name}`);
}

/** A bundle with a user namespace, whose root owns the root filesystem and can reach its path. */
function mapped(rt: Sandbox, mutate?: Mutation): Bundle {
  const bundle = rt.bundle((config) => {
    addUserNamespace(config);
    mutate?.(config);
  });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  return bundle;
}

forEachRuntime(
  'user namespace: a container with more mounts than can be open at once is refused, not made without it',
  async (t, rt) => {
    const bundle = mapped(rt);
    writeFileSync(join(rt.dir, 'file'), '');
    const initial = bundle.config.mounts;
    bundle.config.process.args = ['/bin/busybox', 'cat', '/proc/self/uid_map'];
    for (const [count, runs] of [
      [980, true],
      ...Array.from({ length: 12 }, (_, more) => [989 + more, undefined] as const),
      [1100, false],
    ] as const) {
      const files = Array.from({ length: count }, (_, at) => ({
        destination: `/files/${at}`,
        source: join(rt.dir, 'file'),
        options: ['bind', 'ro'],
      }));
      bundle.config.mounts = [...initial, ...files];
      bundle.save();
      const outcome = await rt.runBundle(bundle);
      if (runs !== undefined) t.equal(outcome.status === 0, runs, outcome.stderr);
      if (outcome.status === 0)
        t.match(outcome.stdout, new RegExp(`^ *0 +${MAPPED.uid} +${MAPPED.size}\n$`), `${count}`);
      else t.match(outcome.stderr, /more than 999 mounts open at once/, `${count}`);
    }
  },
  { oursOnly: 'peers open them one after the other' },
);

forEachRuntime('user namespace: several lines of mappings are in the maps', async (t, rt) => {
  const bundle = mapped(rt, ({ linux }) => {
    linux.uidMappings = [
      { containerID: 0, hostID: 100_000, size: 1 },
      { containerID: 1, hostID: 300_000, size: 99 },
      { containerID: 5000, hostID: 400_000, size: 10 },
    ];
    linux.gidMappings = [
      { containerID: 0, hostID: 200_000, size: 6 },
      { containerID: 100, hostID: 500_000, size: 1 },
    ];
  });
  const [uids, gids] = await rt.observeBundle<[Text, Text]>(bundle, [
    ['read', '/proc/self/uid_map'],
    ['read', '/proc/self/gid_map'],
  ]);
  t.strictSame(words(uids.text), [
    ['0', '100000', '1'],
    ['1', '300000', '99'],
    ['5000', '400000', '10'],
  ]);
  t.strictSame(words(gids.text), [
    ['0', '200000', '6'],
    ['100', '500000', '1'],
  ]);
});

forEachRuntime('user namespace: made by a runtime that may not inspect other processes', async (t, rt) => {
  const bundle = mapped(rt, ({ process }) => {
    process.args = ['/bin/probe', 'ids'];
  });
  const withoutPtrace = ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace', '--ambient-caps=-all'];
  const argv = [...withoutPtrace, ...rt.argv('run', '--bundle', bundle.dir, rt.nextId())];
  const outcome = await run(argv, { env: rt.env, input: '' });
  t.equal(outcome.status, 0, outcome.stderr);
  t.equal((JSON.parse(outcome.stdout) as Ids).uid[0], 0);
});

forEachRuntime(
  'user namespace: it owns the other namespaces of the container: its root has rights in them',
  async (t, rt) => {
    const bundle = mapped(rt, (config) => grantCapabilities(config, 'CAP_SYS_ADMIN', 'CAP_NET_ADMIN'));
    mkdirSync(join(bundle.rootfs, 'mnt'));
    const [ids, mount, uts] = await rt.observeBundle<[Ids, Attempt, Attempt]>(bundle, [
      ['ids'],
      ['mount', 'none', '/mnt', 'tmpfs', '0'],
      ['syscall', SETHOSTNAME, '0', '0'],
    ]);
    t.strictSame([ids.uid, ids.gid, ids.pid], [[0, 0, 0], [0, 0, 0], 1]);
    t.equal(mount.errno, null, 'mounts a filesystem');
    t.equal(uts.errno, null, 'sets the host name');
  },
);

forEachRuntime('user namespace: the process is that of a mapped user on the host', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.process.user = { uid: 7, gid: 8, additionalGids: [5, 9] };
    config.process.args = ['/bin/probe', 'wait'];
  });
  const container = await rt.create(bundle);
  t.equal(container.outcome.status, 0, container.outcome.stderr);
  t.equal((await container.start()).status, 0);
  const { pid } = await container.state();
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  t.match(status, new RegExp(`^Uid:\\s+${MAPPED.uid + 7}\\s`, 'm'));
  t.match(status, new RegExp(`^Gid:\\s+${MAPPED.gid + 8}\\s`, 'm'));
  t.match(status, new RegExp(`^Groups:\\s+${MAPPED.gid + 5} ${MAPPED.gid + 9}\\s*$`, 'm'));
  t.not(readlinkSync(`/proc/${pid}/ns/user`), own('user'));
  t.equal((await container.remove('--force')).status, 0);
});

forEachRuntime(
  'user namespace: devices are those of the host, and can be opened',
  async (t, rt) => {
    const bundle = mapped(rt, (config) => {
      config.linux.devices = [{ path: '/dev/pipe', type: 'p', fileMode: 0o622, uid: 3, gid: 4 }];
    });
    const [nullNode, urandom, fifo, write, tty] = await rt.observeBundle<[Stat, Stat, Stat, Attempt, Stat]>(bundle, [
      ['stat', '/dev/null'],
      ['stat', '/dev/urandom'],
      ['stat', '/dev/pipe'],
      ['open', '/dev/null', 'w'],
      ['stat', '/dev/tty'],
    ]);
    t.match(nullNode, { type: 'char', major: 1, minor: 3 });
    t.match(urandom, { type: 'char', major: 1, minor: 9 });
    t.match(tty, { type: 'char', major: 5, minor: 0 });
    t.match(fifo, { type: 'fifo', mode: 0o622, uid: 3, gid: 4 });
    t.equal(write.errno, null);
  },
  { deviates: { runc: '1.1 wants the fifo on the host', crun: '1.8 gives the fifo another mode' } },
);

forEachRuntime('user namespace: a device of the config is bound from the host', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 11 }];
  });
  const [node] = await rt.observeBundle<[Stat]>(bundle, [['stat', '/dev/kmsg']]);
  t.match(node, { type: 'char', major: 1, minor: 11 });
});

forEachRuntime(
  'user namespace: a device is found by its number if the host has it at another path',
  async (t, rt) => {
    const block = readdirSync('/sys/dev/block').find((one) => isBlockAt(one));
    const [major = 0, minor = 0] = (block ?? '').split(':').map(Number);
    const bundle = mapped(rt, (config) => {
      config.linux.devices = [
        { path: '/dev/new/name', type: 'c', major: 1, minor: 11 },
        { path: '/dev/zero', type: 'c', major: 1, minor: 3 },
        ...(block === undefined ? [] : [{ path: '/dev/xvda', type: 'b', major, minor }]),
      ];
    });
    const [kmsg, zero, disk] = await rt.observeBundle<[Stat, Stat, Stat]>(bundle, [
      ['stat', '/dev/new/name'],
      ['stat', '/dev/zero'],
      ['stat', '/dev/xvda'],
    ]);
    t.match(kmsg, { type: 'char', major: 1, minor: 11 });
    t.match(zero, { type: 'char', major: 1, minor: 3 });
    if (block !== undefined) t.match(disk, { type: 'block', major, minor });
  },
  { oursOnly: 'the peers need it at the same path' },
);

forEachRuntime(
  'user namespace: devices of the host are bound with ro, nosuid and noexec',
  async (t, rt) => {
    const bundle = mapped(rt, (config) => {
      config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 11 }];
    });
    const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
    for (const name of ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'kmsg']) {
      const options = mountAt(parseMountinfo(info.text), `/dev/${name}`)?.options ?? [];
      t.ok(
        ['ro', 'nosuid', 'noexec'].every((word) => options.includes(word)),
        `${name}: ${options.join()}`,
      );
      t.notOk(options.includes('nodev'), `${name}: ${options.join()}`);
    }
  },
  { oursOnly: 'older peers leave them as they are' },
);

forEachRuntime(
  'user namespace: a device whose node on the host is a different one is refused',
  async (t, rt) => {
    const bundle = mapped(rt, (config) => {
      config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 200 }];
    });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /\/dev\/kmsg.*not character device 1:200/);
    t.match(outcome.stderr, '/linux/devices/0');
  },
  { oursOnly: 'the peers bind whatever is there' },
);

forEachRuntime(
  'user namespace: a device that the host lacks is refused with the reason',
  async (t, rt) => {
    const outcome = await rt.runBundle(
      mapped(rt, (config) => (config.linux.devices = [{ path: '/dev/rt-nosuch', type: 'c', major: 1, minor: 200 }])),
    );
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot open "\/dev\/rt-nosuch": no such file or directory/);
    t.match(outcome.stderr, /\/linux\/devices\/0\n.*hint: device nodes cannot be made in a user namespace/s);
  },
  { oursOnly: 'the peers have other messages' },
);

forEachRuntime(
  'user namespace: the root filesystem may be in a directory that its root cannot access',
  async (t, rt) => {
    const bundle = mapped(rt);
    writeFileSync(join(bundle.rootfs, 'file'), 'there');
    chmodSync(bundle.dir, 0o700);
    chmodSync(rt.dir, 0o700);
    const [text] = await rt.observeBundle<[Text]>(bundle, [['read', '/file']]);
    t.equal(text.text, 'there');
  },
  { deviates: { runc: '1.1 cannot', crun: '1.8 looks for it with the rights of that root' } },
);

forEachRuntime('user namespace: a bind source may be in a directory that its root cannot access', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.mounts.push({ destination: '/data', source: join(rt.dir, 'secret/data'), options: ['rbind', 'ro'] });
  });
  mkdirSync(join(rt.dir, 'secret/data'), { recursive: true });
  writeFileSync(join(rt.dir, 'secret/data/file'), 'there');
  chmodSync(join(rt.dir, 'secret'), 0o700);
  const [text, write] = await rt.observeBundle<[Text, Attempt]>(bundle, [
    ['read', '/data/file'],
    ['create', '/data/new'],
  ]);
  t.equal(text.text, 'there');
  t.equal(write.errno, 'EROFS');
});

forEachRuntime('user namespace: proc, sysfs, devpts and mqueue are its own', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.mounts.push({ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue' });
  });
  const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
  const mounts = parseMountinfo(info.text);
  for (const [target, type] of [
    ['/proc', 'proc'],
    ['/sys', 'sysfs'],
    ['/dev/pts', 'devpts'],
    ['/dev/mqueue', 'mqueue'],
  ] as const) {
    t.equal(mountAt(mounts, target)?.type, type, target);
  }
});

forEachRuntime('user namespace: masks, read-only paths, a read-only root and sysctl work in it', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.root.readonly = true;
    config.linux.maskedPaths = ['/secret', '/hidden'];
    config.linux.readonlyPaths = ['/proc/sys'];
    config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
  });
  mkdirSync(join(bundle.rootfs, 'hidden/x'), { recursive: true });
  writeFileSync(join(bundle.rootfs, 'secret'), 'x');
  const [hidden, secret, root, forward, info] = await rt.observeBundle<[Names, Stat, Attempt, Text, Text]>(bundle, [
    ['list', '/hidden'],
    ['stat', '/secret'],
    ['create', '/new'],
    ['read', '/proc/sys/net/ipv4/ip_forward'],
    ['read', '/proc/self/mountinfo'],
  ]);
  t.strictSame(hidden.names, []);
  t.match(secret, { type: 'char', major: 1, minor: 3 });
  t.equal(root.errno, 'EROFS');
  t.equal(forward.text, '1\n');
  t.ok(mountAt(parseMountinfo(info.text), '/proc/sys')?.options.includes('ro'));
});

forEachRuntime('user namespace: cgroup and oom_score_adj are set with the rights of the host', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.process.oomScoreAdj = 200;
    config.process.args = ['/bin/probe', 'wait'];
    config.linux.resources['pids'] = { limit: 50 };
  });
  const container = await rt.create(bundle);
  t.equal(container.outcome.status, 0, container.outcome.stderr);
  await container.start();
  const { pid } = await container.state();
  t.equal(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim(), '200');
  t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `:${bundle.config.linux.cgroupsPath}\n`);
  t.equal((await container.remove('--force')).status, 0);
});

forEachRuntime('user namespace: cgroup mounts are its own in a cgroup namespace', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.linux.namespaces.push({ type: 'cgroup' });
    config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] });
  });
  const [cgroup, info] = await rt.observeBundle<[Text, Text]>(bundle, [
    ['read', '/proc/self/cgroup'],
    ['read', '/proc/self/mountinfo'],
  ]);
  for (const line of cgroup.text.trim().split('\n')) t.match(line, /:\/$/);
  const found = parseMountinfo(info.text).filter(({ type }) => type.startsWith('cgroup'));
  t.ok(found.length > 0);
  for (const mount of found) t.equal(mount.root, '/', mount.target);
});

forEachRuntime('user namespace: without a cgroup namespace the cgroups of the host are bound', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] });
  });
  const [info] = await rt.observeBundle<[Text]>(bundle, [['read', '/proc/self/mountinfo']]);
  const found = parseMountinfo(info.text).filter(({ type }) => type.startsWith('cgroup'));
  t.ok(found.length > 0);
  for (const mount of found) t.ok(mount.options.includes('ro'), mount.target);
});

forEachRuntime(
  'user namespace: by path it is the given one, with all others of a pod',
  async (t, rt) => {
    const first = mapped(rt, (config) => {
      config.process.args = ['/bin/probe', 'wait'];
    });
    const pod = await rt.create(first);
    t.equal(pod.outcome.status, 0, pod.outcome.stderr);
    await pod.start();
    const { pid } = await pod.state();
    // In an order that no kernel would accept.
    const bundle = mapped(rt, (config) => {
      delete config.hostname;
      delete config.linux.uidMappings;
      delete config.linux.gidMappings;
      for (const type of ['pid', 'network', 'ipc', 'uts', 'user']) {
        changeNamespace(config, type, `/proc/${pid}/ns/${type === 'network' ? 'net' : type}`);
      }
    });
    const [ns, ids, one] = await rt.observeBundle<[Namespaces, Ids, Text]>(bundle, [
      ['ns'],
      ['ids'],
      ['read', '/proc/1/cmdline'],
    ]);
    for (const name of ['pid', 'net', 'ipc', 'uts', 'user']) {
      t.equal(ns[name], readlinkSync(`/proc/${pid}/ns/${name}`), name);
    }
    t.strictSame(ids.uid, [0, 0, 0]);
    t.equal(one.text, '/bin/probe', 'procfs shows the pid namespace of the pod');
    t.equal((await pod.remove('--force')).status, 0);
  },
  { deviates: { runc: '1.1 asks for mappings', crun: '1.8 lacks it' } },
);

/** The maximum of the kernel (user_namespaces(7)): its map files then have several pages. */
const manyMappings = (): Record<string, number>[] =>
  Array.from({ length: 340 }, (_, index) => ({ containerID: index, hostID: 1000 + 2 * index, size: 1 }));

forEachRuntime(
  'user namespace: 340 mappings, of a new one and of one given by path',
  async (t, rt) => {
    const many = (mutate: Mutation): Bundle =>
      mapped(rt, (config) => {
        config.linux.uidMappings = manyMappings();
        config.linux.gidMappings = manyMappings();
        config.process.user = { uid: 339, gid: 339 };
        config.process.args = ['/bin/probe', 'wait'];
        mutate(config);
      });
    const pod = await rt.create(many(() => undefined));
    t.equal(pod.outcome.status, 0, pod.outcome.stderr);
    const { pid } = await pod.state();
    const same = many((config) => changeNamespace(config, 'user', `/proc/${pid}/ns/user`));
    const [ids, map] = await rt.observeBundle<[Ids, Text]>(same, [['ids'], ['read', '/proc/self/uid_map']]);
    t.strictSame(ids.uid, [339, 339, 339]);
    t.equal(map.text.trim().split('\n').length, 340);
    const other = many((config) => {
      changeNamespace(config, 'user', `/proc/${pid}/ns/user`);
      config.linux.gidMappings?.splice(339, 1, { containerID: 339, hostID: 5000, size: 1 });
    });
    const refused = await rt.runBundle(other);
    t.equal(refused.status, 1);
    t.match(refused.stderr, 'not those of the joined user namespace');
    t.equal((await pod.remove('--force')).status, 0);
  },
  { deviates: { runc: '1.1 refuses mappings beside a path', crun: '1.8 does not compare' } },
);

for (const [what, change, status] of [
  ['the same mappings', 0, 0],
  ['other mappings', 1, 1],
] as const) {
  forEachRuntime(
    `user namespace: by path with ${what}`,
    async (t, rt) => {
      const pod = await rt.create(mapped(rt, (config) => (config.process.args = ['/bin/probe', 'wait'])));
      t.equal(pod.outcome.status, 0, pod.outcome.stderr);
      const { pid } = await pod.state();
      const bundle = mapped(rt, (config) => {
        changeNamespace(config, 'user', `/proc/${pid}/ns/user`);
        config.linux.uidMappings = [{ containerID: 0, hostID: MAPPED.uid + change, size: MAPPED.size }];
      });
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, status, outcome.stderr);
      if (status !== 0) t.match(outcome.stderr, /uidMappings.*not those of the joined user namespace/);
      t.equal((await pod.remove('--force')).status, 0);
    },
    { deviates: { runc: '1.1 refuses both', crun: '1.8 does not compare' } },
  );
}

forEachRuntime(
  'user namespace: a pid namespace of the host joined into it',
  async (t, rt) => {
    const other = await rt.started(['wait']);
    const { pid } = await other.state();
    const bundle = mapped(rt, (config) => {
      changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
      config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
      config.mounts.push({ destination: '/proc', source: '/proc', options: ['rbind'] });
      config.process.args = ['/bin/probe', 'wait'];
    });
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    t.equal((await container.start()).status, 0);
    const state = await container.state();
    t.equal(readlinkSync(`/proc/${state.pid}/ns/pid`), readlinkSync(`/proc/${pid}/ns/pid`));
    t.not(readlinkSync(`/proc/${state.pid}/ns/user`), own('user'));
    t.equal((await container.remove('--force')).status, 0);
    t.equal((await other.remove('--force')).status, 0);
  },
  { deviates: { crun: '1.8 lacks it' } },
);

/** Configs that a user namespace rules out, and the message and the place. */
const REFUSED: readonly (readonly [what: string, pointer: string, words: RegExp, mutate: Mutation])[] = [
  [
    'an unmapped uid',
    '/process/user/uid',
    /cannot setuid to unmapped uid 1000 in user namespace/,
    (c) => (c.process.user.uid = 1000),
  ],
  [
    'an unmapped gid',
    '/process/user/gid',
    /cannot setgid to unmapped gid 1000 in user namespace/,
    (c) => (c.process.user.gid = 1000),
  ],
  [
    'an unmapped additional gid',
    '/process/user/additionalGids/1',
    /unmapped gid 2000/,
    (c) => (c.process.user.additionalGids = [5, 2000]),
  ],
  [
    'a device of an unmapped uid',
    '/linux/devices/0/uid',
    /unmapped uid 5000/,
    (c) => (c.linux.devices = [{ path: '/dev/x', type: 'p', uid: 5000 }]),
  ],
  [
    'a device of an unmapped gid',
    '/linux/devices/0/gid',
    /unmapped gid 5001/,
    (c) => (c.linux.devices = [{ path: '/dev/x', type: 'p', gid: 5001 }]),
  ],
  [
    'a tmpfs of an unmapped uid',
    '/mounts/4/options/0',
    /uid 4000 is unmapped/,
    (c) => c.mounts.push({ destination: '/t', type: 'tmpfs', source: 't', options: ['uid=4000'] }),
  ],
  [
    'a devpts of an unmapped gid',
    '/mounts/2/options/5',
    /gid 5 is unmapped/,
    (c) => (c.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 1 }]),
  ],
  [
    'no root',
    '/linux/uidMappings',
    /maps no id to 0/,
    (c) => (c.linux.uidMappings = [{ containerID: 1, hostID: 100_000, size: 10 }]),
  ],
  [
    'sysfs without a network namespace',
    '/mounts/3',
    /network namespace does not belong/,
    (c) => changeNamespace(c, 'network'),
  ],
  ['proc without a pid namespace', '/mounts/0', /pid namespace does not belong/, (c) => changeNamespace(c, 'pid')],
  [
    'mappings without a namespace',
    '/linux/uidMappings',
    /user namespace isn't enabled/,
    (c) => changeNamespace(c, 'user'),
  ],
  ['no mappings', '/linux/namespaces', /nor mappings to apply/, (c) => delete c.linux.gidMappings],
  [
    'a mapping of size 0',
    '/linux/uidMappings/0/size',
    /at least 1/,
    (c) => (c.linux.uidMappings = [{ containerID: 0, hostID: 1, size: 0 }]),
  ],
  [
    'overlapping mappings',
    '/linux/uidMappings/1',
    /overlaps/,
    (c) => c.linux.uidMappings?.push({ containerID: 5, hostID: 9, size: 1 }),
  ],
  [
    'a mapping out of range',
    '/linux/uidMappings/0',
    /beyond the highest id/,
    (c) => (c.linux.uidMappings = [{ containerID: 0, hostID: 4294967000, size: 1000 }]),
  ],
  [
    'a path to another type',
    '/linux/namespaces/5/path',
    /not a namespace of type user/,
    (c) => changeNamespace(c, 'user', '/proc/self/ns/net'),
  ],
  [
    'a path that is no namespace',
    '/linux/namespaces/5/path',
    /namespace/,
    (c) => changeNamespace(c, 'user', '/etc/passwd'),
  ],
  [
    'a path to nothing',
    '/linux/namespaces/5/path',
    /no such file or directory/,
    (c) => changeNamespace(c, 'user', '/nonexistent/ns'),
  ],
  ['two of them', '/linux/namespaces/6', /duplicated ns/, (c) => c.linux.namespaces.push({ type: 'user' })],
];

for (const [what, pointer, message, mutate] of REFUSED) {
  forEachRuntime(
    `user namespace: ${what} is refused with its place`,
    async (t, rt) => {
      const outcome = await rt.runBundle(mapped(rt, (config) => mutate(config)));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, message);
      t.ok(outcome.stderr.includes(pointer), `${pointer} in ${outcome.stderr}`);
    },
    { oursOnly: 'the peers have other messages, and no places' },
  );
}

forEachRuntime('user namespace: /dev as a link in the image touches nothing of the host', async (t, rt) => {
  const bundle = mapped(rt, (config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
  });
  const canary = join(rt.dir, 'canary');
  mkdirSync(canary);
  const { rmdirSync, readdirSync } = await import('node:fs');
  rmdirSync(join(bundle.rootfs, 'dev'));
  symlinkSync(canary, join(bundle.rootfs, 'dev'));
  await rt.runBundle(bundle);
  t.strictSame(readdirSync(canary), []);
});
