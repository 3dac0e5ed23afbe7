import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation, TestMount } from '../harness/config.ts';
import { answers, probePath } from '../harness/guest.ts';
import type { Attempt, Names, Stat, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import type { Mount } from '../harness/mountinfo.ts';
import { start } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';

const OURS = { oursOnly: 'runc has no such command, nor has the crun 1.8 of Debian 12' };

/** A host directory with a file. */
function source(rt: Sandbox): string {
  const dir = join(rt.dir, 'source');
  mkdirSync(dir);
  writeFileSync(join(dir, 'file'), 'from the host');
  for (const path of [rt.dir, dir]) chmodSync(path, 0o777);
  return dir;
}

async function change(rt: Sandbox, action: string, id: string, mounts: unknown): Promise<Outcome> {
  const file = join(rt.dir, 'mounts.json');
  writeFileSync(file, typeof mounts === 'string' ? mounts : JSON.stringify(mounts, null, 2));
  return rt.command('mounts', action, id, file);
}

async function inside<Lines extends unknown[]>(
  rt: Sandbox,
  { id }: Container,
  ...verbs: readonly (readonly string[])[]
): Promise<Lines> {
  const words = verbs.flatMap((verb, index) => (index === 0 ? verb : ['--', ...verb]));
  const outcome = await rt.command('exec', id, '/bin/probe', ...words);
  if (outcome.status !== 0) throw new Error(outcome.stderr);
  return answers(outcome.stdout) as Lines;
}

/** The mounts of init. */
async function mountsOf(container: Container): Promise<Mount[]> {
  const { pid } = await container.state();
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

async function withContainer(
  rt: Sandbox,
  body: (container: Container) => Promise<void>,
  mutate?: Mutation,
): Promise<void> {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/probe', 'wait'];
    mutate?.(config);
  });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  const container = await rt.create(bundle);
  if (container.outcome.status !== 0) throw new Error(container.outcome.stderr);
  try {
    const started = await container.start();
    if (started.status !== 0) throw new Error(started.stderr);
    await body(container);
  } finally {
    await container.remove('--force');
  }
}

forEachRuntime(
  'mounts: a directory, a file and a tmpfs are added to a running container, and removed',
  async (t, rt) => {
    const dir = source(rt);
    const mounts: TestMount[] = [
      { destination: '/data', type: 'bind', source: dir, options: ['rbind', 'rw', 'nosuid'] },
      { destination: '/etc/new', type: 'bind', source: join(dir, 'file'), options: ['bind', 'ro'] },
      { destination: '/data/scratch', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'mode=700', 'noexec'] },
    ];
    await withContainer(rt, async (container) => {
      const before = await mountsOf(container);
      const added = await change(rt, 'add', container.id, mounts);
      t.strictSame([added.status, added.stdout, added.stderr], [0, '', '']);
      const [file, ro, made, scratch, refused] = await inside<[Text, Text, Attempt, Stat, Attempt]>(
        rt,
        container,
        ['read', '/data/file'],
        ['read', '/etc/new'],
        ['create', '/data/made'],
        ['stat', '/data/scratch'],
        ['write', '/etc/new', 'x'],
      );
      t.equal(file.text, 'from the host');
      t.equal(ro.text, 'from the host');
      t.equal(made.errno, null);
      t.equal(scratch.mode & 0o777, 0o700);
      t.equal(refused.errno, 'EROFS');
      t.ok(readFileSync(join(dir, 'made')), 'on the host, too');
      const now = await mountsOf(container);
      t.match(mountAt(now, '/data')?.options, /nosuid/);
      t.match(mountAt(now, '/data/scratch'), { type: 'tmpfs', superOptions: /size=64k/ });
      t.match(mountAt(now, '/data/scratch')?.options, /noexec/);
      const removed = await change(rt, 'remove', container.id, mounts);
      t.strictSame([removed.status, removed.stdout, removed.stderr], [0, '', '']);
      t.strictSame(await mountsOf(container), before, 'as it was');
      const [empty] = await inside<[Names]>(rt, container, ['list', '/data']);
      t.strictSame(empty.names, [], 'the mount point stays');
    });
  },
  OURS,
);

forEachRuntime(
  'mounts: root of a user namespace can neither change nor uncover mounts of the host that were added',
  async (t, rt) => {
    const dir = source(rt);
    for (const name of ['covered', 'closed']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'covered', 'file'), 'secret');
    execFileSync('mount', ['-t', 'tmpfs', 'cover', join(dir, 'covered')]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,nosuid', 'closed', join(dir, 'closed')]);
    try {
      await withContainer(
        rt,
        async (container) => {
          const added = await change(rt, 'add', container.id, [
            { destination: '/tree', source: dir, options: ['rbind'] },
            { destination: '/volume', source: dir, options: ['bind', 'ro'] },
            { destination: '/file', source: join(dir, 'file'), options: ['bind', 'ro'] },
          ]);
          t.strictSame(added, { status: 0, stdout: '', stderr: '' });
          const attacks = [
            'umount /tree/covered',
            'umount -l /tree/covered',
            'cat /tree/covered/file',
            'mount -o remount,bind,rw,nosuid /tree/closed',
            'mount -o remount,bind,rw /volume',
            'touch /volume/new',
            'mount -o remount,bind,rw /file',
          ];
          const tried = attacks.map((attack) => `${attack} && echo "done: ${attack}"`).join('; ');
          const words = ['/bin/busybox', 'sh', '-c', `{ ${tried}; } 2> /dev/null; umount -l /tree && echo end`];
          const outcome = await rt.command('exec', container.id, ...words);
          t.match(outcome, { status: 0, stdout: 'end\n' });
        },
        (config) => {
          addUserNamespace(config);
          grantCapabilities(config, 'CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE');
        },
      );
    } finally {
      for (const name of ['covered', 'closed']) execFileSync('umount', [join(dir, name)]);
    }
  },
  OURS,
);

forEachRuntime(
  'mounts: destinations suffice to remove, and a list may come from standard input',
  async (t, rt) => {
    const dir = source(rt);
    await withContainer(rt, async ({ id }) => {
      const list = JSON.stringify([{ destination: '/data', type: 'bind', source: dir }]);
      t.match(await rt.commandWith({ input: list }, 'mounts', 'add', id, '-'), { status: 0, stderr: '' });
      t.match(await change(rt, 'remove', id, [{ destination: '/data' }]), { status: 0, stderr: '' });
      const again = await change(rt, 'remove', id, [{ destination: '/data' }]);
      t.equal(again.status, 1);
      t.match(again.stderr, /cannot remove the mount on "\/data": nothing is mounted there/);
      t.match(again.stderr, /mounts\.json:1:\d+ {2}\/0\/destination|mounts\.json:3:\d+ {2}\/0\/destination/);
    });
  },
  OURS,
);

forEachRuntime(
  'mounts: possible with a created or paused container, not with a stopped one',
  async (t, rt) => {
    const mounts = [{ destination: '/data', type: 'tmpfs', source: 'tmpfs' }];
    const container = await rt.created((config) => (config.process.args = ['/bin/probe', 'wait']));
    t.match(await change(rt, 'add', container.id, mounts), { status: 0, stderr: '' });
    t.equal((await container.start()).status, 0);
    t.match(mountAt(await mountsOf(container), '/data'), { type: 'tmpfs' }, 'there when the program starts');
    t.equal((await rt.command('pause', container.id)).status, 0);
    t.match(await change(rt, 'remove', container.id, mounts), { status: 0, stderr: '' });
    t.match(await change(rt, 'add', container.id, mounts), { status: 0, stderr: '' });
    t.equal((await container.state()).status, 'paused', 'it stays so');
    t.equal((await rt.command('resume', container.id)).status, 0);
    t.equal((await container.kill('KILL')).status, 0);
    t.match(await change(rt, 'add', container.id, mounts), { status: 1, stderr: /container not running/ });
    await container.remove('--force');
    t.match(await change(rt, 'add', container.id, mounts), { status: 1, stderr: /container does not exist/ });
  },
  OURS,
);

forEachRuntime(
  'mounts: in a user namespace files have the mapped owners',
  async (t, rt) => {
    const dir = source(rt);
    chownSync(join(dir, 'file'), 3, 4);
    await withContainer(
      rt,
      async (container) => {
        const mounts: TestMount[] = [
          { destination: '/mapped', source: dir, options: ['rbind', 'idmap'] },
          { destination: '/plain', source: dir, options: ['rbind'] },
          { destination: '/scratch', type: 'tmpfs', source: 'tmpfs' },
        ];
        t.match(await change(rt, 'add', container.id, mounts), { status: 0, stderr: '' });
        const [mapped, plain, scratch, point] = await inside<[Stat, Stat, Stat, Stat]>(
          rt,
          container,
          ['stat', '/mapped/file'],
          ['stat', '/plain/file'],
          ['stat', '/scratch'],
          ['stat', '/'],
        );
        t.match(mapped, { uid: 3, gid: 4 });
        t.match(plain, { uid: 65_534, gid: 65_534 });
        t.match(scratch, { uid: 0, gid: 0 });
        t.match(point, { uid: 0, gid: 0 });
        t.match(await change(rt, 'remove', container.id, mounts), { status: 0, stderr: '' });
        t.equal(mountAt(await mountsOf(container), '/mapped'), undefined);
      },
      addUserNamespace,
    );
  },
  OURS,
);

for (const shared of [false, true]) {
  forEachRuntime(
    `mounts: a new procfs shows only processes of the container${shared ? ', in a user namespace too' : ''}`,
    async (t, rt) => {
      await withContainer(
        rt,
        async (container) => {
          const mounts = [{ destination: '/proc2', type: 'proc', source: 'proc' }];
          t.match(await change(rt, 'add', container.id, mounts), { status: 0, stderr: '' });
          const [entries] = await inside<[Names]>(rt, container, ['list', '/proc2']);
          const pids = entries.names.filter((name) => /^\d+$/.test(name));
          t.strictSame(pids.length, 2, 'init and the probe');
          t.ok(pids.includes('1'));
          t.match(await change(rt, 'remove', container.id, mounts), { status: 0, stderr: '' });
        },
        shared ? addUserNamespace : undefined,
      );
    },
    OURS,
  );
}

forEachRuntime(
  'mounts: if one cannot be added none is, and the fault has its place',
  async (t, rt) => {
    const dir = source(rt);
    await withContainer(rt, async (container) => {
      const before = await mountsOf(container);
      const first = { destination: '/first', source: dir, options: ['bind'] };
      const second = { destination: '/second', type: 'tmpfs', source: 'tmpfs' };
      for (const [wrong, words, pointer] of [
        [{ destination: '/x', source: '/nonexistent', options: ['bind'] }, /no such file or directory/, '/2/source'],
        [{ destination: '/x', type: 'tmpfs', source: 't', options: ['size=nonsense'] }, /size/, '/2'],
        [{ destination: '/bin/probe', source: dir, options: ['bind'] }, /not a directory/, '/2'],
        [{ destination: '/x', type: 'cgroup', source: 'c' }, /only be mounted when a container is created/, '/2'],
        [{ destination: '/proc/self', source: dir, options: ['bind'] }, /it is inside \/proc/, '/2/destination'],
        [{ destination: '/x', source: dir, options: ['bind', 'sise=3'] }, /sise=3/, '/2/options/1'],
        [
          { destination: '/x', source: dir, options: ['bind', 'copy-symlink'] },
          /is for mounts of config/,
          '/2/options/1',
        ],
        [{ destination: 7 }, /must be a string/, '/2/destination'],
      ] as const) {
        const outcome = await change(rt, 'add', container.id, [first, second, wrong]);
        t.equal(outcome.status, 1);
        t.match(outcome.stderr, words);
        t.match(outcome.stderr, new RegExp(`mounts\\.json:\\d+:\\d+ {2}${pointer}$`, 'm'), outcome.stderr);
        t.strictSame(await mountsOf(container), before, 'as it was');
      }
      t.match(await change(rt, 'add', container.id, '{}'), { status: 1, stderr: /must be an array/ });
      t.match(await change(rt, 'add', container.id, '[{]'), { status: 1, stderr: /mounts\.json:1:3/ });
      t.match(await rt.command('mounts', 'move', container.id, 'x'), { status: 1, stderr: /unknown mounts command/ });
      t.match(await rt.command('mounts', 'add', container.id, join(rt.dir, 'none')), {
        status: 1,
        stderr: /no such file/,
      });
    });
  },
  OURS,
);

forEachRuntime(
  'mounts: a symbolic link of the container leads no mount astray',
  async (t, rt) => {
    const dir = source(rt);
    await withContainer(
      rt,
      async (container) => {
        const { rootfs } = container.bundle;
        // Objects that a running container could make.
        symlinkSync('/proc/sys', join(rootfs, 'link'));
        symlinkSync('/nowhere/new', join(rootfs, 'dangling'));
        const before = await mountsOf(container);
        for (const destination of ['/link', '/link/kernel', '/dangling', '/dangling/below']) {
          for (const mount of [
            { destination, source: dir, options: ['bind'] },
            { destination, type: 'tmpfs', source: 'tmpfs' },
          ]) {
            const outcome = await change(rt, 'add', container.id, [mount]);
            t.match(outcome, { status: 1, stderr: /symbolic links/ }, destination);
          }
          t.match(await change(rt, 'remove', container.id, [{ destination }]), { status: 1, stderr: /symbolic links/ });
        }
        t.strictSame(await mountsOf(container), before);
        // A mask must not be removed under another name.
        const add = [{ destination: '/a/keys', source: join(dir, 'file'), options: ['bind'] }];
        t.match(await change(rt, 'add', container.id, add), { status: 0, stderr: '' });
        renameSync(join(rootfs, 'a'), join(rootfs, 'b'));
        symlinkSync('/proc', join(rootfs, 'a'));
        t.match(await change(rt, 'remove', container.id, add), { status: 1, stderr: /symbolic links/ });
        t.ok(mountAt(await mountsOf(container), '/proc/keys'), 'still masked');
      },
      (config) => (config.linux.maskedPaths = ['/proc/keys']),
    );
  },
  OURS,
);

forEachRuntime(
  'mounts: a mount in use is removed too, and the container keeps its open files',
  async (t, rt) => {
    const dir = source(rt);
    await withContainer(
      rt,
      async (container) => {
        const mounts = [{ destination: '/data', source: dir, options: ['bind'] }];
        t.equal((await change(rt, 'add', container.id, mounts)).status, 0);
        const user = rt.background(
          'exec',
          '--cwd',
          '/data',
          container.id,
          '/bin/sh',
          '-c',
          'echo in; read x; cat file',
        );
        await new Promise((resolve) => user.child.stdout?.once('data', resolve));
        t.match(await change(rt, 'remove', container.id, mounts), { status: 0, stderr: '' });
        t.equal(mountAt(await mountsOf(container), '/data'), undefined);
        t.match(await user.ended, { status: 0, stdout: 'in\nfrom the host' });
      },
      (config) => grantCapabilities(config, 'CAP_KILL'),
    );
  },
  OURS,
);

forEachRuntime(
  'mounts: a container that shares a mount namespace is refused',
  async (t, rt) => {
    await withContainer(
      rt,
      async ({ id }) => {
        const mounts = [{ destination: '/data', type: 'tmpfs', source: 'tmpfs' }];
        for (const action of ['add', 'remove']) {
          t.match(await change(rt, action, id, mounts), { status: 1, stderr: /without its own mount namespace/ });
        }
      },
      (config) => {
        changeNamespace(config, 'mount');
        config.mounts = [];
      },
    );
  },
  OURS,
);

const TRACE = ['strace', '-f', '-e', 'trace=openat,openat2,statx', '-e', 'inject=statx:delay_exit=3000'];

/** From strace: the number of stat calls on a character device, and the calls that opened one for use. */
function nodesIn(trace: string): { met: number; opened: string[] } {
  const opened: string[] = [];
  const forUse = new Map<string, string>();
  let met = 0;
  for (const line of trace.split('\n')) {
    const [, descriptor] = /openat2?\(.*\) += (\d+)$/.exec(line) ?? [];
    if (descriptor !== undefined) {
      if (line.includes('O_PATH')) forUse.delete(descriptor);
      else forUse.set(descriptor, line);
    }
    const [, looked, name] = /statx\((\d+), "(file|node|)",.*S_IFCHR/.exec(line) ?? [];
    if (looked === undefined) continue;
    met += 1;
    const call = name === '' ? forUse.get(looked) : undefined;
    if (call?.includes('"file"') === true || call?.includes('"node"') === true) opened.push(call);
  }
  return { met, opened };
}

forEachRuntime(
  'mounts add: tmpcopyup opens no device node that the container puts in place of a file',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const directory = join(container.bundle.rootfs, 'data');
      mkdirSync(directory);
      execFileSync('mknod', [join(directory, 'node'), 'c', '1', '7']);
      writeFileSync(join(directory, 'file'), '');
      const accomplice = start([probePath(), 'exchange', join(directory, 'node'), join(directory, 'file')], {
        deadline: 600_000,
      });
      const mounts = [{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] }];
      const list = join(rt.dir, 'list.json');
      writeFileSync(list, JSON.stringify(mounts));
      let seen = 0;
      try {
        for (let round = 0; round < 12; round++) {
          const log = join(rt.dir, `trace-${round}`);
          const added = await rt.commandThrough([...TRACE, '-o', log], 'mounts', 'add', container.id, list);
          if (added.status === 0) await change(rt, 'remove', container.id, mounts);
          const { met, opened } = nodesIn(readFileSync(log, 'utf8'));
          seen += met;
          t.strictSame(opened, [], 'the node is not opened');
        }
      } finally {
        accomplice.child.kill('SIGKILL');
        await accomplice.ended;
      }
      t.not(seen, 0, 'the node was in the way');
    });
  },
  OURS,
);
