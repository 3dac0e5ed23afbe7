/** Images and volumes with links and other unexpected files. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attack } from '../harness/attack.ts';
import type { TestConfig, TestMount } from '../harness/config.ts';
import { MAPPED, addUserNamespace, grantCapabilities } from '../harness/config.ts';
import { answers } from '../harness/guest.ts';
import type { Attempt, Names, OpenFile, Stat } from '../harness/guest.ts';
import { pinMountNamespace } from '../harness/pin.ts';
import { start } from '../harness/process.ts';
import type { Bundle } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';

function withoutMounts(config: TestConfig, ...prefixes: string[]): void {
  config.mounts = config.mounts.filter(({ destination }) => !prefixes.some((prefix) => destination.startsWith(prefix)));
}

/** Replaces a path of the root filesystem by a link. */
function plant(bundle: Bundle, path: string, target: string): void {
  const place = join(bundle.rootfs, path);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place);
}

/** A chain of `length` links to the target. */
function plantChain(bundle: Bundle, path: string, target: string, length: number): void {
  for (let at = length; at > 1; at--) plant(bundle, `links/${at}`, at === length ? target : `/links/${at + 1}`);
  plant(bundle, path, length === 1 ? target : '/links/2');
}

const MOUNTS: readonly (readonly [string, (config: TestConfig, source: string, file: string) => void])[] = [
  ['directory', ({ mounts }, source) => mounts.push({ destination: '/trap', source, options: ['bind'] })],
  ['below', ({ mounts }, source) => mounts.push({ destination: '/trap/new/one', source, options: ['bind'] })],
  ['file', ({ mounts }, _, source) => mounts.push({ destination: '/trap', source, options: ['bind'] })],
  ['tmpfs', ({ mounts }) => mounts.push({ destination: '/trap', type: 'tmpfs', source: 'tmpfs' })],
  ['device', ({ linux }) => (linux.devices = [{ path: '/trap', type: 'c', major: 1, minor: 3 }])],
  ['directory of a device', ({ linux }) => (linux.devices = [{ path: '/trap/x', type: 'c', major: 1, minor: 3 }])],
];

attack('chains of links at a mount point or a device change nothing on the host', async (t, rt, canary) => {
  const source = join(rt.dir, 'source');
  mkdirSync(source);
  const bundle = rt.bundle();
  const plain = structuredClone(bundle.config);
  for (const [what, change] of MOUNTS) {
    for (const length of [1, 40, 45]) {
      for (const target of [canary.dir, canary.missing, `../../../../../..${canary.devices}`]) {
        if (length > 1 && target !== canary.missing) continue;
        Object.assign(bundle.config, structuredClone(plain));
        change(bundle.config, source, '/bin/busybox');
        bundle.save();
        rmSync(join(bundle.rootfs, 'links'), { recursive: true, force: true });
        plantChain(bundle, 'trap', target, length);
        const { status, stderr } = await rt.runBundle(bundle);
        if (rt.runtime.ours && status !== 0) t.match(stderr, /trap/, `${what} by ${length} links`);
        t.notOk(existsSync(canary.missing), `${what} by ${length} links`);
      }
    }
  }
});

attack('links that a container has planted are harmless when its root is used again', async (t, rt, canary) => {
  const source = join(rt.dir, 'source');
  mkdirSync(source);
  const bundle = rt.bundle((config) => {
    withoutMounts(config, '/dev');
    config.mounts.push({ destination: '/data', source, options: ['bind'] });
    config.process.args = ['/bin/probe', 'nothing'];
  });
  t.equal((await rt.runBundle(bundle)).status, 0);
  for (const path of ['data', 'dev', 'sys']) plant(bundle, path, canary.devices);
  plant(bundle, 'etc/passwd', canary.victim);
  const again = await rt.runBundle(bundle);
  if (rt.runtime.ours) t.match(again.stderr, '/sys');
  rmSync(join(bundle.rootfs, 'sys'));
  mkdirSync(join(bundle.rootfs, 'sys'));
  await rt.runBundle(bundle);
});

for (const [what, prepare] of [
  ['a link', (bundle: Bundle): void => plant(bundle, 'proc', '/elsewhere')],
  ['a link into a volume', (bundle: Bundle): void => plant(bundle, 'proc', '/volume/proc')],
  [
    'a file',
    (bundle: Bundle): void => {
      rmSync(join(bundle.rootfs, 'proc'), { recursive: true });
      writeFileSync(join(bundle.rootfs, 'proc'), '');
    },
  ],
] as const) {
  attack(`/proc that is ${what} gets no procfs, in any spelling`, async (t, rt) => {
    const volume = join(rt.dir, 'volume');
    mkdirSync(join(volume, 'proc'), { recursive: true });
    const spellings = what === 'a link' ? ['/proc', '/proc/', '//proc', '/etc/../proc', 'proc'] : ['/proc'];
    for (const destination of spellings) {
      const bundle = rt.bundle((config) => {
        withoutMounts(config, '/proc');
        config.mounts.unshift(
          { destination: '/volume', source: volume, options: ['bind'] },
          { destination, type: 'proc', source: 'proc' },
        );
        config.linux.maskedPaths = ['/proc/interrupts'];
      });
      mkdirSync(join(bundle.rootfs, 'elsewhere'));
      prepare(bundle);
      const { status, stderr } = await rt.runBundle(bundle);
      t.not(status, 0, destination);
      if (rt.runtime.ours) t.match(stderr, /"\/?\/?(etc\/\.\.\/)?proc\/?"/);
    }
  });
}

attack('a subtree of procfs, or a tree that looks like it, is not accepted as /proc', async (t, rt) => {
  const fake = join(rt.dir, 'fake');
  mkdirSync(join(fake, 'self/attr'), { recursive: true });
  writeFileSync(join(fake, 'self/attr/exec'), '');
  mkdirSync(join(fake, 'self/fd'));
  for (const source of [fake, '/proc/self', '/proc/sys', '/proc/1']) {
    const { status, stderr } = await rt.run((config) => {
      withoutMounts(config, '/proc');
      config.mounts.push({ destination: '/proc', source, options: ['rbind'] });
    });
    t.not(status, 0, source);
    if (rt.runtime.ours) t.match(stderr, '/proc');
  }
});

attack(
  'a null device that is a link to a file of the host does not become a standard stream',
  async (t, rt, canary) => {
    for (const options of [['bind', 'ro'], ['bind']]) {
      const bundle = rt.bundle((config) => {
        withoutMounts(config, '/dev');
        config.mounts.push({ destination: '/mnt/file', source: canary.victim, options });
        config.process.user = { uid: 1000, gid: 1000 };
        config.process.args = ['/bin/probe', 'fds'];
      });
      plant(bundle, 'dev/null', '/mnt/file');
      const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
      const { status, stdout } = await start(words, { env: rt.env, input: '' }).ended;
      if (status !== 0) continue;
      for (const { fd, target } of (answers(stdout)[0] ?? []) as OpenFile[])
        if (fd < 3) t.match(target, /^(pipe|socket):/, `descriptor ${fd}`);
    }
  },
);

attack('descriptors of a false /proc lead no read-only mount astray', async (t, rt) => {
  const source = join(rt.dir, 'source');
  mkdirSync(source);
  const bundle = rt.bundle((config) => {
    withoutMounts(config, '/proc');
    config.root.readonly = true;
    config.mounts.push(
      { destination: '/data', source, options: ['bind', 'ro'] },
      { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
      { destination: '/work', type: 'tmpfs', source: 'tmpfs' },
    );
    config.linux.readonlyPaths = ['/work'];
    config.linux.maskedPaths = [];
  });
  mkdirSync(join(bundle.rootfs, 'decoy'));
  for (let fd = 0; fd < 64; fd++) plant(bundle, `proc/self/fd/${fd}`, '/decoy');
  plant(bundle, 'proc/thread-self', '/proc/self');
  const places = ['/new', '/data/new', '/scratch/new', '/work/new', '/decoy/new'];
  const outcome = await rt.runBundle(withArgs(bundle, ...places.map((place) => ['create', place])));
  if (rt.runtime.ours) t.equal(outcome.status, 0, outcome.stderr);
  if (outcome.status !== 0) return;
  answers(outcome.stdout).forEach((line, index) => t.equal((line as Attempt).errno, 'EROFS', places[index] ?? ''));
});

function withArgs(bundle: Bundle, ...verbs: string[][]): Bundle {
  bundle.config.process.args = [
    '/bin/probe',
    ...verbs.flatMap((verb, index) => (index === 0 ? verb : ['--', ...verb])),
  ];
  bundle.save();
  return bundle;
}

for (const readonly of [false, true]) {
  attack(
    `/dev of the image that leads to the host gets no node, link or file there, root.readonly ${readonly}`,
    async (t, rt, canary) => {
      const places = [
        ['dev', canary.devices],
        ['dev', `../../../../../../..${canary.devices}`],
        ['dev/pts', canary.devices],
        ['dev/shm', canary.devices],
        ['dev/mqueue', canary.devices],
        ['dev/null', canary.missing],
        ['dev/ptmx', join(canary.devices, 'ptmx')],
        ['dev/fd', canary.devices],
        ['dev/stdin', canary.missing],
      ] as const;
      for (const [path, target] of readonly ? places.slice(0, 3) : places) {
        const bundle = rt.bundle((config) => {
          withoutMounts(config, '/dev');
          config.root.readonly = readonly;
        });
        plant(bundle, path, target);
        await rt.runBundle(bundle);
        t.strictSame(
          execFileSync('ls', ['-A', canary.devices], { encoding: 'utf8' }),
          'ptmx\n',
          `${path} -> ${target}`,
        );
        t.notOk(existsSync(canary.missing), `${path} -> ${target}`);
      }
    },
  );
  attack(
    `/dev/console of the image that leads to the host is not made there, root.readonly ${readonly}`,
    async (t, rt, canary) => {
      for (const target of [canary.missing, canary.victim, canary.devices]) {
        const bundle = rt.bundle((config) => {
          withoutMounts(config, '/dev');
          config.mounts.push({ destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance'] });
          config.root.readonly = readonly;
          config.process.terminal = true;
        });
        mkdirSync(join(bundle.rootfs, 'dev/pts'));
        plant(bundle, 'dev/console', target);
        const session = new TerminalSession(rt, rt.argv('run', '--bundle', bundle.dir, rt.nextId()));
        await session.end();
        t.notOk(existsSync(canary.missing));
      }
    },
  );
}

for (const [what, make] of [
  // In the container's own uts namespace, since peers write to it. The attack uses one of the host.
  ['a link to a setting', (path: string): void => symlinkSync('/proc/sys/kernel/domainname', path)],
  ['a file', (path: string): void => writeFileSync(path, '')],
  ['another device', (path: string): unknown => execFileSync('mknod', [path, 'c', '1', '5'])],
  ['a fifo', (path: string): unknown => execFileSync('mkfifo', [path])],
  ['missing', (): void => undefined],
] as const) {
  attack(`masked paths are empty, or the start is refused, if /dev/null is ${what}`, async (t, rt) => {
    const devices = join(rt.dir, 'devices');
    mkdirSync(join(devices, 'pts'), { recursive: true });
    make(join(devices, 'null'));
    const bundle = rt.bundle((config) => {
      withoutMounts(config, '/dev');
      config.mounts.push({ destination: '/dev', source: devices, options: ['bind', 'ro'] });
      config.linux.maskedPaths = ['/secret', '/proc/interrupts', '/hidden'];
    });
    writeFileSync(join(bundle.rootfs, 'secret'), 'secret');
    mkdirSync(join(bundle.rootfs, 'hidden'));
    writeFileSync(join(bundle.rootfs, 'hidden/inside'), 'secret');
    withArgs(bundle, ['stat', '/secret'], ['stat', '/proc/interrupts'], ['list', '/hidden']);
    const outcome = await rt.runBundle(bundle);
    if (outcome.status !== 0) return;
    const [secret, interrupts, hidden] = answers(outcome.stdout) as [Stat?, Stat?, Names?];
    for (const mask of [secret, interrupts]) t.match(mask, { type: 'char', major: 1, minor: 3 });
    t.strictSame(hidden?.names, []);
  });
}

attack('mount points are not made in the source of a read-only bind mount', async (t, rt, canary) => {
  const mounts: TestMount[] = [
    { destination: '/data/new', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/data/file', source: '/bin/busybox', options: ['bind'] },
  ];
  for (const mount of mounts) {
    const { status } = await rt.run((config) => {
      config.mounts.push({ destination: '/data', source: canary.dir, options: ['bind', 'ro'] }, mount);
    });
    t.not(status, 0, mount.destination);
  }
});

attack(
  'a mount namespace that is pinned below the source of a bind mount does not change the mount',
  async (t, rt, canary) => {
    const source = join(rt.dir, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'of-the-source'), '');
    const pin = join(source, 'pin');
    writeFileSync(pin, '');
    // The kernel can pin a mount namespace only on a private mount.
    execFileSync('mount', ['--bind', '--make-private', source, source]);
    try {
      pinMountNamespace(pin);
      const bundle = rt.bundle((config) => {
        config.mounts.push({ destination: '/host', source, options: ['rbind'] });
      });
      const outcome = await rt.runBundle(withArgs(bundle, ['list', '/host'], ['list', canary.dir]));
      if (outcome.status !== 0) return;
      const [names, outside] = answers(outcome.stdout) as [Names, Names];
      t.strictSame([...names.names].sort(), ['of-the-source', 'pin']);
      t.equal(outside.errno, 'ENOENT');
    } finally {
      execFileSync('umount', ['--recursive', source]);
    }
  },
);

attack('an image cannot make rt write to the host through its configuration files', async (t, rt, canary) => {
  const bundle = rt.bundle((config) => {
    config.annotations = { 'run.oci.handler': 'krun' };
  });
  const files = ['.krun_config.json', 'etc/hosts', 'etc/resolv.conf', 'etc/hostname', 'etc/mtab', 'run/notify'];
  for (const file of files) plant(bundle, file, canary.missing);
  await rt.runBundle(bundle);
  t.notOk(existsSync(canary.missing));
});

attack('a container sets no program that the kernel runs when a cgroup becomes empty', async (t, rt) => {
  // Writes the current value, in case it succeeds.
  const script = [
    'for file in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent; do',
    '[ -e $file ] && echo "$(cat $file)" >$file && echo "$file"',
    'done 2>/dev/null; true',
  ];
  for (const namespace of [false, true]) {
    const bundle = rt.bundle((config) => {
      grantCapabilities(config, 'CAP_DAC_OVERRIDE', 'CAP_CHOWN', 'CAP_MKNOD', 'CAP_SYS_CHROOT');
      if (namespace) config.linux.namespaces.push({ type: 'cgroup' });
      config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] });
      config.process.args = ['/bin/sh', '-c', script.join('\n')];
    });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal(outcome.stdout, '', 'the files that could be written');
  }
});

for (const [kind, mutate] of [
  ['', (): void => undefined],
  [', in a user namespace', addUserNamespace],
] as const) {
  attack(
    `a link in an earlier mount does not open a protected mount of the container to a later one${kind}`,
    async (t, rt) => {
      const [volume, other] = [join(rt.dir, 'volume'), join(rt.dir, 'other')];
      mkdirSync(volume);
      mkdirSync(other);
      symlinkSync('/proc/sys', join(volume, 'settings'));
      symlinkSync('/other', join(volume, 'files'));
      for (const [name, source, path] of [
        ['setting', 'settings/kernel', '/trap/core_pattern'],
        ['file', 'files', '/trap/new'],
      ] as const) {
        const bundle = rt.bundle(mutate);
        for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
        if (kind !== '') for (const dir of [bundle.rootfs, volume, other]) chownSync(dir, MAPPED.uid, MAPPED.gid);
        bundle.config.mounts.push(
          { destination: '/volume', source: volume, options: ['rbind'] },
          { destination: '/other', source: other, options: ['rbind', 'ro'] },
          { destination: '/trap', source: join(bundle.rootfs, 'volume', source), options: ['rbind', 'rw'] },
        );
        bundle.config.linux.readonlyPaths = ['/proc/sys'];
        // Opened only: the host is to stay as it is.
        const verb = name === 'file' ? 'create' : 'open';
        bundle.config.process.args = ['/bin/probe', verb, path, ...(verb === 'open' ? ['w'] : [])];
        bundle.save();
        const outcome = await rt.runBundle(bundle);
        const [made] = outcome.status === 0 ? (answers(outcome.stdout) as Attempt[]) : [];
        t.not(made?.errno, null, `${name}: ${outcome.stdout}${outcome.stderr}`);
        if (rt.runtime.ours) t.match(outcome.stderr, /\/mounts\/\d+\/source\n {2}hint: .*link/, outcome.stdout);
      }
    },
  );
}
