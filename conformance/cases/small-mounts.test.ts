/** Containers whose mount namespace does not begin as a copy of the host's: the same containers, and nothing remains. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { MAPPED, addUserNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation, TestConfig } from '../harness/config.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { pinMountNamespace } from '../harness/pin.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';
import { PATIENCE, until } from '../harness/wait.ts';

const OURS = { oursOnly: 'only rt makes a container beside the mounts of the host' };
const COPIED = /gets a copy of the host's mount namespace: (.*)"/;

type Way = 'small' | 'copy';

/** The environment that chooses a way; an empty variable is none. */
function choosing(rt: Sandbox, way: Way | ''): Record<string, string> {
  return { ...rt.env, RT_MOUNT_NAMESPACE: way };
}

function command(rt: Sandbox, way: Way, ...words: string[]): Promise<Outcome> {
  return rt.commandWith({ env: choosing(rt, way) }, ...words);
}

/** `run`; why it was made with a copy, and what the program printed. */
async function run(t: Test, rt: Sandbox, way: Way, bundle: Bundle): Promise<{ copied: string; stdout: string }> {
  const log = join(rt.dir, `${rt.nextId()}.log`);
  const outcome = await command(rt, way, '--debug', '--log', log, 'run', '--bundle', bundle.dir, rt.nextId());
  t.equal(outcome.status, 0, `${way}: ${outcome.stderr}${outcome.stdout}`);
  return { copied: COPIED.exec(readFileSync(log, 'utf8'))?.[1] ?? '', stdout: outcome.stdout };
}

async function enters(t: Test, rt: Sandbox, way: Way, bundle: Bundle): Promise<boolean> {
  const plan = await command(rt, way, 'plan', '--bundle', bundle.dir);
  t.equal(plan.status, 0, plan.stderr);
  return plan.stdout.includes('enter_mount_namespace');
}

/**
 * The mounts of a container, without what differs between two containers: the directory of the root. An unbindable mount
 * is in a bind of what is above only where the kernel lets a copy forget that it is unbindable.
 */
function shownMounts(text: string): string[] {
  return parseMountinfo(text)
    .filter(({ source }) => source !== 'unbindable')
    .map(({ root, target, options, propagation, type, source, superOptions }) => {
      const from = target === '/' ? '' : root;
      return [target, from, type, source, options.join(), propagation.join(), superOptions.join()].join(' ');
    })
    .sort();
}

/** A root that the container's user namespace can use. */
function giveToMapped(rt: Sandbox, bundle: Bundle): void {
  execFileSync('chown', [`${MAPPED.uid}:${MAPPED.gid}`, bundle.rootfs]);
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) execFileSync('chmod', ['755', dir]);
}

const showMounts: Mutation = (config) => {
  config.process.args = ['/bin/busybox', 'cat', '/proc/self/mountinfo'];
};

/** A tree of mounts of the host, each shared, below the sandbox. */
async function withTree(rt: Sandbox, body: (tree: string) => Promise<void>): Promise<void> {
  const tree = join(rt.dir, 'tree');
  mkdirSync(tree);
  execFileSync('mount', ['-t', 'tmpfs', 'tree', tree]);
  try {
    execFileSync('mount', ['--make-shared', tree]);
    for (const name of ['plain', 'own', 'inner']) mkdirSync(join(tree, name));
    for (const propagation of ['private', 'unbindable', 'slave']) {
      mkdirSync(join(tree, propagation));
      execFileSync('mount', ['-t', 'tmpfs', propagation, join(tree, propagation)]);
      execFileSync('mount', [`--make-${propagation}`, join(tree, propagation)]);
    }
    await body(tree);
  } finally {
    execFileSync('umount', ['--recursive', tree]);
  }
}

for (const [name, mutate] of [
  ['', () => undefined],
  [' in a user namespace', (config) => addUserNamespace(config)],
] satisfies [string, Mutation][]) {
  forEachRuntime(
    `small mounts: a container${name} has the same mounts, protections and devices as with a copy`,
    async (t, rt) => {
      await withTree(rt, async (tree) => {
        const file = join(rt.dir, 'file');
        writeFileSync(file, 'of the host');
        const bundle = rt.bundle((config) => {
          showMounts(config);
          mutate(config);
          config.root.readonly = true;
          config.linux.maskedPaths = ['/proc/kcore', '/proc/keys', '/proc/acpi', '/sys/firmware', '/proc/interrupts'];
          config.linux.readonlyPaths = ['/proc/sys', '/proc/bus'];
          config.mounts.push(
            { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
            { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
            { destination: '/file', type: 'bind', source: file, options: ['bind', 'ro'] },
            { destination: '/tree', source: tree, options: ['rbind', 'rro', 'nosuid'] },
            { destination: '/shared', source: tree, options: ['rbind', 'rshared'] },
            { destination: '/private', source: tree, options: ['rbind', 'rprivate'] },
            { destination: '/slave', source: tree, options: ['bind', 'slave', 'noexec'] },
            { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'tmpcopyup'] },
            { destination: '/run/node', source: '/dev/zero', options: ['bind'] },
          );
        });
        mkdirSync(join(bundle.rootfs, 'run'));
        if (bundle.config.linux.uidMappings !== undefined) giveToMapped(rt, bundle);
        t.ok(await enters(t, rt, 'small', bundle));
        t.notOk(await enters(t, rt, 'copy', bundle));
        const small = await run(t, rt, 'small', bundle);
        const copy = await run(t, rt, 'copy', bundle);
        t.equal(small.copied, '');
        t.strictSame(shownMounts(small.stdout), shownMounts(copy.stdout));
      });
    },
    OURS,
  );
}

for (const [name, mutate] of [
  ['by default', undefined],
  ['with rootfsPropagation rslave', (config) => (config.linux.rootfsPropagation = 'rslave')],
] satisfies [string, Mutation | undefined][]) {
  forEachRuntime(
    `small mounts: later mounts of the host reach the container ${name}, those of the container stay inside`,
    async (t, rt) => {
      await withTree(rt, async (tree) => {
        for (const way of ['small', 'copy'] as const) {
          const bundle = rt.bundle((config) => {
            config.process.args = [
              '/bin/busybox',
              'sh',
              '-c',
              'mount -t tmpfs inner /tree/inner; until [ -e /tree/plain/seen ]; do sleep 0.05; done; cat /proc/self/mountinfo',
            ];
            config.process.noNewPrivileges = false;
            for (const set of ['bounding', 'effective', 'permitted']) {
              config.process.capabilities = { ...config.process.capabilities, [set]: ['CAP_SYS_ADMIN'] };
            }
            config.mounts.push({ destination: '/tree', source: tree, options: ['rbind', 'rslave'] });
            mutate?.(config);
          });
          const id = rt.nextId();
          const running = rt.backgroundWith({ env: choosing(rt, way) }, 'run', '--bundle', bundle.dir, id);
          await until('it runs', async () => (await rt.command('state', id)).stdout.includes('"running"'));
          execFileSync('mount', ['-t', 'tmpfs', 'later', join(tree, 'plain')]);
          writeFileSync(join(tree, 'plain', 'seen'), '');
          const outcome = await running.ended;
          execFileSync('umount', [join(tree, 'plain')]);
          t.equal(outcome.status, 0, outcome.stderr);
          const mounts = parseMountinfo(outcome.stdout);
          t.equal(mountAt(mounts, '/tree/plain')?.source, 'later', way);
          t.equal(mountAt(mounts, '/tree/inner')?.source, 'inner', way);
          t.equal(
            mountAt(parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')), join(tree, 'inner')),
            undefined,
          );
        }
      });
    },
    OURS,
  );
}

/** Commands of a shell in a mount namespace of its own, in which `$@` is the command of rt. */
function inShell(rt: Sandbox, way: Way | '', options: readonly string[], script: string): string[] {
  const words = [...options, '--mount', '--propagation=private', 'sh', '-ec', script, 'sh', ...rt.runtime.argv];
  const text = execFileSync('unshare', words, {
    env: choosing(rt, way),
    encoding: 'utf8',
    timeout: 60_000 * PATIENCE,
  });
  return text.trimEnd().split('\n');
}

forEachRuntime(
  'small mounts: by default beside 256 mounts or more, and nothing of it remains',
  async (t, rt) => {
    const bundle = rt.bundle(showMounts);
    const root = join(rt.dir, 'states');
    // Each recursive bind doubles the number.
    const crowd =
      `mount -t tmpfs m ${rt.dir}/m; for i in 1 2 3 4 5 6 7 8 9; do mkdir ${rt.dir}/m/$i; done; ` +
      `for i in 1 2 3 4 5 6 7 8 9; do mount --rbind ${rt.dir}/m ${rt.dir}/m/$i; done; `;
    mkdirSync(join(rt.dir, 'm'));
    const script = `wc -l < /proc/self/mountinfo
      "$@" --root ${root} plan --bundle ${bundle.dir} | grep -c 'enter_mount_namespace' || true
      "$@" --root ${root} run --bundle ${bundle.dir} ${rt.nextId()}
      wc -l < /proc/self/mountinfo
      rm -r ${root}`;
    const [few, many] = [inShell(rt, '', [], script), inShell(rt, '', [], crowd + script)];
    t.equal(few[1], '0');
    t.equal(many[1], '1');
    for (const lines of [few, many]) t.equal(lines.at(-1), lines[0]);
    const inside = (lines: readonly string[]): string[] =>
      shownMounts(lines.filter((line) => / - /.test(line)).join('\n'));
    t.strictSame(inside(many), inside(few));
  },
  OURS,
);

forEachRuntime(
  'small mounts: where the threads of the kernel cannot be seen, a container gets a copy',
  async (t, rt) => {
    const bundle = rt.bundle(showMounts);
    const script = `"$@" plan --bundle ${bundle.dir} | grep -c 'enter_mount_namespace' || true`;
    t.strictSame(inShell(rt, 'small', ['--pid', '--fork', '--mount-proc'], script), ['0']);
    t.strictSame(inShell(rt, 'small', [], script), ['1']);
  },
  OURS,
);

/** A directory with mounts below: `covered` hides a file, `closed` is read-only. */
const guardedTree = (tree: string): string => `mkdir -p ${tree}/covered ${tree}/closed
  echo secret > ${tree}/covered/file; mount --bind ${tree} ${tree}
  mount -t tmpfs cover ${tree}/covered
  mount -t tmpfs -o mode=777 closed ${tree}/closed; mount -o remount,bind,ro,nosuid ${tree}/closed
`;

/** The ids of a runtime that has no others. */
function mapRootOnly({ linux, mounts }: TestConfig): void {
  linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
  linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
  const pts = mounts.find(({ destination }) => destination === '/dev/pts');
  if (pts !== undefined) pts.options = ['nosuid', 'noexec', 'newinstance'];
}

for (const [name, way, options] of [
  ['small', 'small', []],
  ['copy', 'copy', []],
  ['runtime in a user namespace', 'small', ['--user', '--map-root-user']],
] as const) {
  forEachRuntime(
    `small mounts: root of a user namespace can neither change nor uncover mounts of the host (${name})`,
    async (t, rt) => {
      const [tree, volume] = [join(rt.dir, 'tree'), join(rt.dir, 'volume')];
      mkdirSync(volume);
      chmodSync(volume, 0o777);
      const bundle = rt.bundle((config) => {
        addUserNamespace(config);
        if (options.length > 0) {
          mapRootOnly(config);
          config.linux.cgroupsPath = '';
          config.linux.resources = {};
        }
        for (const set of ['bounding', 'effective', 'permitted']) {
          config.process.capabilities = {
            ...config.process.capabilities,
            [set]: ['CAP_SYS_ADMIN', 'CAP_SYS_CHROOT', 'CAP_DAC_OVERRIDE'],
          };
        }
        config.mounts.push(
          { destination: '/tree', source: tree, options: ['rbind', 'rslave'] },
          { destination: '/volume', source: volume, options: ['bind', 'ro'] },
        );
        const attacks = [
          'umount /tree/covered',
          'umount -l /tree/covered',
          'cat /tree/covered/file',
          'mount -o remount,bind,rw,nosuid /tree/closed',
          'touch /tree/closed/file',
          'mount -o remount,bind,rw /volume',
          'touch /volume/file',
          'umount /',
          'umount -l /',
        ];
        const tried = attacks.map((attack) => `${attack} && echo "done: ${attack}"`).join('; ');
        config.process.args = ['/bin/busybox', 'sh', '-c', `${tried}; umount /volume; umount -l /tree && echo end`];
      });
      if (options.length === 0) giveToMapped(rt, bundle);
      const script = `${guardedTree(tree)} "$@" run --bundle ${bundle.dir} ${rt.nextId()} 2>&1`;
      const lines = inShell(rt, way, options, script);
      t.strictSame(
        lines.filter((line) => line.startsWith('done')),
        [],
      );
      t.equal(lines.at(-1), 'end', lines.join('\n'));
    },
    OURS,
  );
}

/** Nodes that a test may change, in the place of the host's. */
const ownNodes = (directory: string): string => `mkdir ${directory}; mount -t tmpfs -o mode=755 nodes ${directory}
  for node in null:3 zero:5; do name=\${node%:*}; mknod -m 666 ${directory}/$name c 1 \${node#*:}
    mount --bind ${directory}/$name /dev/$name; done
`;

for (const way of ['small', 'copy'] as const) {
  forEachRuntime(
    `small mounts: a user namespace with the ids of the host changes neither its cgroups nor its device nodes (${way})`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => {
        addUserNamespace(config);
        mapRootOnly(config);
        grantCapabilities(config, 'CAP_SYS_ADMIN');
        config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] });
        config.linux.devices = [{ path: '/dev/new', type: 'c', major: 1, minor: 5 }];
        config.linux.maskedPaths = ['/proc/interrupts'];
        const tries = `while read -r id parent device root at rest; do case $rest in
            *' - cgroup'*) mount -o remount,bind,rw $at; mkdir $at/made && echo "made: $at"; rmdir $at/made;;
          esac; done < /proc/self/mountinfo
          for node in null zero new; do node=/dev/$node; mount -o remount,bind,rw $node
            chmod 600 $node && echo "chmod: $node"; touch $node && echo "touch: $node"; echo > $node || echo "closed: $node"; done
          mount -o remount,bind,rw /proc/interrupts; chmod 600 /proc/interrupts && echo chmod: /proc/interrupts`;
        config.process.args = [
          '/bin/busybox',
          'sh',
          '-c',
          `{ ${tries}; } 2> /errors; grep -c ' - cgroup' /proc/self/mountinfo`,
        ];
      });
      const script = `${ownNodes(join(rt.dir, 'nodes'))} "$@" run --bundle ${bundle.dir} ${rt.nextId()} 2>&1
        stat -c %a /dev/null /dev/zero`;
      const lines = inShell(rt, way, [], script);
      t.ok(Number(lines[0]) > 0, lines.join('\n'));
      t.strictSame(lines.slice(1), ['666', '666'], readFileSync(join(bundle.rootfs, 'errors'), 'utf8'));
    },
    OURS,
  );
}

forEachRuntime(
  'small mounts: a host without /sys makes a container with a user namespace without it',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      config.linux.cgroupsPath = '';
      config.linux.resources = {};
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
      config.process.args = ['/bin/busybox', 'echo', 'ran'];
    });
    giveToMapped(rt, bundle);
    const host = join(rt.dir, 'host');
    const script = `mkdir ${host}; mount -t tmpfs host ${host}; cd ${host}; for name in /*; do
        [ $name = /sys ] || [ ! -d $name ] || { mkdir -p .$name; [ -L $name ] || mount --rbind $name .$name; }
        [ ! -L $name ] || { rmdir .$name 2> /dev/null; ln -s "$(readlink $name)" .$name; }
      done; mkdir old; pivot_root . old; umount -l old; cd /
      "$@" --cgroup-manager disabled run --bundle ${bundle.dir} ${rt.nextId()} 2>&1`;
    t.strictSame(inShell(rt, 'small', [], script), ['ran']);
  },
  OURS,
);

forEachRuntime(
  'small mounts: a user namespace sees no more of procfs and sysfs than the runtime',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      config.process.args = ['/bin/true'];
    });
    giveToMapped(rt, bundle);
    for (const cover of ['/proc/tty', '/sys/kernel/mm']) {
      for (const way of ['small', 'copy'] as const) {
        const run = `"$@" run --bundle ${bundle.dir} ${rt.nextId()} 2>&1`;
        const lines = inShell(rt, way, [], `mount -t tmpfs -o ro cover ${cover}; ${run} || true`);
        t.match(lines[0], /cannot mount (proc|sysfs) on "[/a-z]+": .*not permitted/, `${way} ${cover}`);
        t.not(inShell(rt, way, [], run).join(), lines.join());
      }
    }
  },
  OURS,
);

const copied: readonly [string, Mutation][] = [
  ['a prestart hook', (config) => (config.hooks = { prestart: [{ path: '/bin/true' }] })],
  ['a createRuntime hook', (config) => (config.hooks = { createRuntime: [{ path: '/bin/true' }] })],
  ['a createContainer hook', (config) => (config.hooks = { createContainer: [{ path: '/bin/true' }] })],
  ['rootfsPropagation shared', (config) => (config.linux.rootfsPropagation = 'shared')],
  ['rootfsPropagation private', (config) => (config.linux.rootfsPropagation = 'private')],
  ['rootfsPropagation unbindable', (config) => (config.linux.rootfsPropagation = 'unbindable')],
  [
    'a user namespace and a time namespace',
    (config) => {
      addUserNamespace(config);
      config.linux.namespaces.push({ type: 'time' });
    },
  ],
  ['all of the host', ({ mounts }) => mounts.push({ destination: '/host', source: '/', options: ['rbind', 'ro'] })],
  ['the root itself', ({ mounts }) => mounts.push({ destination: '/again', source: 'rootfs', options: ['bind'] })],
];

forEachRuntime(
  'small mounts: the hook of dockerd needs no copy',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.hooks = { prestart: [{ path: '/bin/true', args: ['libnetwork-setkey', '-exec-root=/run/docker', 'id'] }] };
    });
    t.ok(await enters(t, rt, 'small', bundle));
    t.equal((await run(t, rt, 'small', bundle)).copied, '');
  },
  OURS,
);

for (const [what, mutate] of copied) {
  forEachRuntime(
    `small mounts: a container with ${what} gets a copy`,
    async (t, rt) => {
      const bundle = rt.bundle(mutate);
      if (bundle.config.linux.uidMappings !== undefined) giveToMapped(rt, bundle);
      t.notOk(await enters(t, rt, 'small', bundle));
      t.equal((await run(t, rt, 'small', bundle)).copied, '');
    },
    OURS,
  );
}

forEachRuntime(
  'small mounts: a bind source with a pinned mount namespace is bound without it, as with a copy',
  async (t, rt) => {
    const source = join(rt.dir, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'pin'), '');
    execFileSync('mount', ['--bind', '--make-private', source, source]);
    try {
      // A namespace older than those of containers.
      pinMountNamespace(join(source, 'pin'));
      const bundle = rt.bundle((config) => {
        config.process.args = ['/bin/busybox', 'ls', '/source'];
        config.mounts.push({ destination: '/source', source, options: ['rbind'] });
      });
      const small = await run(t, rt, 'small', bundle);
      t.match(small.copied, /too many levels of symbolic links/);
      t.equal(small.stdout, 'pin\n');
      t.equal((await run(t, rt, 'copy', bundle)).stdout, small.stdout);
    } finally {
      execFileSync('umount', ['--recursive', source]);
    }
  },
  OURS,
);

forEachRuntime(
  'small mounts: a source that is in the root by a symbolic link is that of a copy',
  async (t, rt) => {
    const link = join(rt.dir, 'link');
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/busybox', 'ls', '/again'];
      config.mounts.push(
        { destination: '/data', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/again', source: join(link, 'data'), options: ['rbind'] },
      );
    });
    mkdirSync(join(bundle.rootfs, 'data'));
    writeFileSync(join(bundle.rootfs, 'data', 'covered'), '');
    symlinkSync(bundle.rootfs, link);
    const outputs = [await run(t, rt, 'small', bundle), await run(t, rt, 'copy', bundle)];
    t.strictSame(
      outputs.map(({ stdout }) => stdout),
      ['', ''],
    );
  },
  OURS,
);

forEachRuntime(
  'small mounts: failures are those of a copy, word for word',
  async (t, rt) => {
    const faults: Mutation[] = [
      ({ mounts }) => mounts.push({ destination: '/data', source: '/nowhere', options: ['rbind'] }),
      (config) => (config.root.path = 'missing'),
      ({ mounts }) => mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['colour=red'] }),
      (config) => (config.process.args = ['/bin/missing']),
    ];
    for (const mutate of faults) {
      const bundle = rt.bundle(mutate);
      const id = rt.nextId();
      const [small, copy] = [
        await command(rt, 'small', 'run', '--bundle', bundle.dir, id),
        await command(rt, 'copy', 'run', '--bundle', bundle.dir, id),
      ];
      t.strictSame(small, copy);
      t.equal(copy.status, 1);
    }
    t.strictSame(readdirSync(rt.root), []);
  },
  OURS,
);

forEachRuntime(
  'small mounts: a program in the place of the kernel thread is not followed into its mount namespace',
  async (t, rt) => {
    const bundle = rt.bundle(showMounts);
    const [place, log] = [join(rt.dir, 'place'), join(rt.dir, 'log')];
    mkdirSync(place);
    const lines = inShell(
      rt,
      'small',
      [],
      `thread=$("$@" plan --bundle ${bundle.dir} | sed -n 's/.*enter_mount_namespace thread="\\([^"]*\\)".*/\\1/p')
      unshare --mount --propagation=private sh -ec 'mount -t devtmpfs d ${place} && cd ${place} && pivot_root . pts
        ./pts/bin/busybox umount -l pts; kill -STOP $$' &
      until [ "$(wc -l < /proc/$!/mountinfo)" = 1 ]; do sleep 0.05; done
      mount --bind /proc/$! $thread
      "$@" --debug --log ${log} run --bundle ${bundle.dir} ${rt.nextId()}
      kill -KILL $!`,
    );
    t.match(COPIED.exec(readFileSync(log, 'utf8'))?.[1], /kernel thread .*: stale file handle/);
    t.strictSame(shownMounts(lines.join('\n')), shownMounts((await run(t, rt, 'copy', bundle)).stdout));
  },
  OURS,
);

forEachRuntime(
  'small mounts: callers at the same time do not disturb each other',
  async (t, rt) => {
    const bundles = Array.from({ length: 12 }, () => rt.bundle(showMounts));
    const outcomes = await Promise.all(
      bundles.map((bundle) => command(rt, 'small', 'run', '--bundle', bundle.dir, rt.nextId())),
    );
    const [first, ...others] = outcomes;
    for (const outcome of outcomes) t.equal(outcome.status, 0, outcome.stderr);
    for (const { stdout } of others) t.strictSame(shownMounts(stdout), shownMounts(first?.stdout ?? ''));
    t.strictSame(readdirSync(rt.root), []);
  },
  OURS,
);

forEachRuntime(
  'small mounts: another value of RT_MOUNT_NAMESPACE is refused',
  async (t, rt) => {
    const env = { ...rt.env, RT_MOUNT_NAMESPACE: 'large' };
    const outcome = await rt.commandWith({ env }, 'run', '--bundle', rt.bundle().dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /invalid value "large" of the variable RT_MOUNT_NAMESPACE/);
  },
  OURS,
);
