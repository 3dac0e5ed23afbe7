import { chownSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation, TestConfig } from '../harness/config.ts';
import { answers } from '../harness/guest.ts';
import type { Attempt, Names, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import type { Mount } from '../harness/mountinfo.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

function runWithout(rt: Sandbox, bundle: Bundle): Promise<{ status: number; stdout: string; stderr: string }> {
  return rt.command('run', '--no-pivot', '--bundle', bundle.dir, rt.nextId());
}

/** Except for those of cases: another file may run at the same time, and leftovers of this one are checked anyway. */
const hostMounts = (): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => !line.includes('/rt-e2e-'));

const kinds: readonly (readonly [string, Mutation])[] = [
  ['as root', () => undefined],
  ['with a user namespace', addUserNamespace],
  ['with rootfsPropagation shared', (config) => (config.linux.rootfsPropagation = 'shared')],
  ['with rootfsPropagation rslave', (config) => (config.linux.rootfsPropagation = 'rslave')],
];

for (const [name, mutate] of kinds) {
  forEachRuntime(`--no-pivot: the container has its own root, and no mount of the host: ${name}`, async (t, rt) => {
    const before = hostMounts();
    const volume = join(rt.dir, 'volume');
    mkdirSync(volume);
    writeFileSync(join(volume, 'file'), 'here');
    const bundle = rt.bundle((config) => {
      config.root.readonly = true;
      config.linux.maskedPaths = ['/proc/kcore'];
      config.mounts.push({ destination: '/volume', type: 'bind', source: volume, options: ['rbind'] });
      mutate(config);
      const verbs = ['list', '/', '--', 'read', '/proc/self/mountinfo', '--', 'read', '/volume/file'];
      config.process.args = ['/bin/probe', ...verbs, '--', 'create', '/x', '--', 'list', '/proc/1/root/../..'];
    });
    for (const dir of [rt.dir, bundle.dir, volume]) chmodSync(dir, 0o755);
    if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
    const outcome = await runWithout(rt, bundle);
    t.equal(outcome.status, 0, outcome.stderr);
    const [top, mounts, file, made, above] = answers(outcome.stdout) as [Names, Text, Text, Attempt, Names];
    t.strictSame(top.names.sort(), above.names.sort(), 'there is nothing above the root');
    t.ok(top.names.includes('volume'));
    t.equal(file.text, 'here');
    t.equal(made.errno, 'EROFS');
    const seen = parseMountinfo(mounts.text);
    t.equal(seen.filter(({ type }) => type === 'proc' || type === 'sysfs').length, 2, 'those of the config');
    t.ok(mountAt(seen, '/')?.options.includes('ro'));
    // Other processes may mount something meanwhile.
    const after = new Set(hostMounts());
    t.strictSame(
      before.filter((line) => !after.has(line)),
      [],
      'the mounts of the host are as they were',
    );
  });
}

const nested = (...words: string[]): string[] => ['/bin/busybox', 'unshare', ...words, '/mnt'];

forEachRuntime('--no-pivot: masks hold in a user namespace that the container makes', async (t, rt) => {
  const attempt = (args: string[], mutate?: Mutation): Promise<{ status: number; stderr: string }> => {
    const bundle = rt.bundle((config) => {
      config.process.args = args;
      // Root would need CAP_SETFCAP to map itself.
      config.process.user = { uid: 1000, gid: 1000 };
      mutate?.(config);
    });
    mkdirSync(join(bundle.rootfs, 'mnt'));
    return runWithout(rt, bundle);
  };
  const proc = nested('-Urmpf', 'mount', '-t', 'proc', 'proc');
  t.equal((await attempt(proc)).status, 0, 'where nothing is masked, a procfs may be mounted');
  const masked = await attempt(proc, (config) => (config.linux.maskedPaths = ['/proc/sys']));
  t.not(masked.status, 0);
  t.match(masked.stderr, /permission denied|not permitted/i);
  const sys = nested('-Urmn', 'mount', '-t', 'sysfs', 'sysfs');
  const writable = (config: TestConfig): void => {
    for (const mount of config.mounts) if (mount.destination === '/sys') mount.options = ['nosuid', 'noexec', 'nodev'];
  };
  t.equal((await attempt(sys, writable)).status, 0, 'and a sysfs');
  const covered = await attempt(sys, (config) => {
    writable(config);
    config.linux.maskedPaths = ['/sys/kernel'];
  });
  t.not(covered.status, 0);
  t.match(covered.stderr, /permission denied|not permitted/i);
});

forEachRuntime('--no-pivot: exec enters the same root, and delete leaves nothing', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
  writeFileSync(join(bundle.rootfs, 'mark'), '');
  const container = await rt.create(bundle, rt.nextId(), '--no-pivot');
  t.equal(container.outcome.status, 0, container.outcome.stderr);
  t.equal((await container.start()).status, 0);
  const outcome = await rt.command('exec', container.id, '/bin/ls', '/', '/..');
  t.equal(outcome.stdout.match(/^mark$/gm)?.length, 2, outcome.stderr);
  t.equal((await container.remove('--force')).status, 0);
});

/** Runs a command in a chroot of a mount namespace of its own: a filesystem on a shared mount, with the host's directories. */
const inChroot = `
  mkdir "$0" && mount -t tmpfs tmpfs "$0" && mount --make-shared "$0" && mkdir "$0/root"
  mount -t tmpfs -o mode=755 tmpfs "$0/root"
  for each in /*; do
    if [ -h "$each" ]; then cp -d "$each" "$0/root"
    elif [ -d "$each" ]; then mkdir "$0/root$each"; mount --rbind "$each" "$0/root$each"
    fi
  done
  exec chroot "$0/root" "$@" >"$0.output" 2>&1`;

const surroundings = (rt: Sandbox, name: string): string[] => {
  return ['unshare', '--mount', '--propagation=private', 'sh', '-c', inChroot, join(rt.dir, name)];
};

for (const flags of [[], ['--no-pivot']]) {
  forEachRuntime(
    `a runtime in a chroot: the container sees its own root, and exec enters that: ${flags[0] ?? 'by pivot_root'}`,
    async (t, rt) => {
      const listing = rt.bundle((config) => (config.process.args = ['/bin/probe', 'list', '/', '--', 'list', '/..']));
      const done = await rt.commandThrough(
        surroundings(rt, 'run'),
        'run',
        '--bundle',
        listing.dir,
        ...flags,
        rt.nextId(),
      );
      const output = readFileSync(join(rt.dir, 'run.output'), 'utf8');
      t.equal(done.status, 0, output);
      const [top, above] = answers(output) as [Names, Names];
      t.strictSame(top.names.sort(), above.names.sort());
      t.ok(top.names.includes('bin'));

      const waiting = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
      writeFileSync(join(waiting.rootfs, 'mark'), '');
      const id = rt.nextId();
      const made = await rt.commandThrough(surroundings(rt, 'create'), 'create', '--bundle', waiting.dir, ...flags, id);
      t.equal(made.status, 0, readFileSync(join(rt.dir, 'create.output'), 'utf8'));
      const inside = await rt.command('exec', id, '/bin/probe', 'list', '/');
      t.equal(inside.status, 0, inside.stderr);
      t.ok((answers(inside.stdout) as [Names])[0].names.includes('mark'), inside.stdout);
      t.equal((await rt.command('delete', '--force', id)).status, 0);
    },
    { deviates: { runc: 'exec enters the root of the host', crun: 'exec enters the root of the host' } },
  );
}

forEachRuntime(
  'a runtime in a chroot: a container in an existing user namespace has its own root',
  async (t, rt) => {
    const holder = await rt.created(addUserNamespace);
    const { pid } = await holder.state();
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      changeNamespace(config, 'user', `/proc/${pid}/ns/user`);
      config.process.args = ['/bin/probe', 'list', '/'];
    });
    for (const dir of [rt.dir, bundle.dir]) chmodSync(dir, 0o755);
    chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
    writeFileSync(join(bundle.rootfs, 'mark'), '');
    for (const [name, ...flags] of [['pivot'], ['moved', '--no-pivot']] as const) {
      const words = ['run', ...flags, '--bundle', bundle.dir, rt.nextId()];
      const done = await rt.commandThrough(surroundings(rt, name), ...words);
      const output = readFileSync(join(rt.dir, `${name}.output`), 'utf8');
      t.equal(done.status, 0, output);
      t.ok((answers(output) as [Names])[0].names.includes('mark'), name);
    }
    await holder.remove('--force');
  },
  { oursOnly: 'exec would enter the root of the host' },
);

forEachRuntime(
  'without CAP_SYS_CHROOT, by which a chroot of the runtime is left, no container is made',
  async (t, rt) => {
    const without = ['setpriv', '--bounding-set', '-sys_chroot', '--inh-caps', '-sys_chroot'];
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/true']));
    const outcome = await rt.commandThrough(without, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot pivot root: operation not permitted \(setns\)\n.*hint: rt needs CAP_SYS_CHROOT/);
  },
  { oursOnly: 'the peers make it' },
);

forEachRuntime('--no-pivot: on a host whose mounts are shared, they do not change', async (t, rt) => {
  for (const propagation of [undefined, 'shared', 'slave']) {
    const bundle = rt.bundle((config) => {
      if (propagation !== undefined) config.linux.rootfsPropagation = propagation;
    });
    const script = 'mount --make-rshared / && cat /proc/self/mountinfo && "$@" && echo && cat /proc/self/mountinfo';
    const shared = ['unshare', '--mount', '--propagation=private', 'sh', '-c', script, 'sh'];
    const outcome = await rt.commandThrough(shared, 'run', '--no-pivot', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 0, outcome.stderr);
    const [before = [], after = []] = outcome.stdout.split('\n\n').map((text) => parseMountinfo(text));
    const shown = (mounts: Mount[]): string[] =>
      mounts.map(({ id, target, options, propagation }) => [id, target, ...options, ...propagation].join(' '));
    // A mount of another case disappears from this namespace, too, when its directory is removed.
    const kept = before.filter(({ id, target }) => after.some((mount) => mount.id === id) || existsSync(target));
    t.ok(kept.some(({ target, propagation: tags }) => target === '/' && tags.includes('shared')));
    t.strictSame(shown(after), shown(kept), propagation ?? 'default');
  }
});

forEachRuntime('--no-pivot: rootfsPropagation private is refused', async (t, rt) => {
  for (const propagation of ['private', 'rprivate']) {
    const outcome = await runWithout(
      rt,
      rt.bundle((config) => (config.linux.rootfsPropagation = propagation)),
    );
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /rootfsPropagation of \[r\]private is not safe without pivot_root/);
    if (rt.runtime.ours) t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/linux\/rootfsPropagation/);
  }
});
