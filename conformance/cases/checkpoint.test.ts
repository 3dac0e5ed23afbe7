import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  checkpoint,
  count,
  counter,
  countsBeyond,
  images,
  piped,
  quiet,
  restore,
  start,
  stateOf,
} from '../harness/checkpoint.ts';
import { changeNamespace } from '../harness/config.ts';
import type { Mutation, TestConfig } from '../harness/config.ts';
import { CRIU_PATH, criuLacking } from '../harness/criu.ts';
import { hierarchies } from '../harness/cgroup.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { start as startCommand } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';
import { Receiver } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

const lacking = criuLacking();
const CRUN = { crun: 'the crun of Debian 12 is built without criu' };
const CONTROLLED = { lacking, deviates: CRUN };
const TRACKED = { ...CONTROLLED, lacking: criuLacking('mem_dirty_track') };
const OURS = { lacking, oursOnly: 'runc takes from the images what they say' };

const FILTER = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['kcmp', 'ptrace'], action: 'SCMP_ACT_ERRNO' }],
};

forEachRuntime(
  'checkpoint: a container continues where it stopped, with its mounts, masks, rights and cgroup',
  async (t, rt) => {
    const data = join(rt.dir, 'data');
    mkdirSync(data);
    // Later mounts there on the host must propagate to the container.
    execFileSync('mount', ['--bind', data, data]);
    execFileSync('mount', ['--make-shared', data]);
    writeFileSync(join(data, 'file'), 'from the host');
    const bundle = counter(rt, (config) => {
      config.mounts.push({ destination: '/data', type: 'bind', source: data, options: ['bind', 'ro'] });
      config.linux.maskedPaths = ['/proc/keys', '/sys/firmware'];
      config.linux.readonlyPaths = ['/proc/sys'];
      config.linux.seccomp = FILTER;
      config.linux.resources = { ...config.linux.resources, pids: { limit: 17 } };
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const last = count(bundle);
    t.equal((await rt.command('state', id)).status, 1, 'it is gone');
    const pidFile = join(rt.dir, 'pid');
    t.match(await restore(rt, bundle, id, '--pid-file', pidFile), { status: 0 });
    const next = await countsBeyond(bundle, last);
    t.ok(next < last + 50, 'it did not begin again');
    const { status, pid } = await stateOf(rt, id);
    t.equal(status, 'running');
    t.equal(readFileSync(pidFile, 'utf8'), String(pid));
    const mounts = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
    t.ok(mountAt(mounts, '/data')?.options.includes('ro'));
    t.strictSame(mountAt(mounts, '/data')?.propagation, ['master']);
    t.ok(mountAt(mounts, '/proc/sys')?.options.includes('ro'));
    t.ok(mountAt(mounts, '/proc/keys'));
    t.ok(mountAt(mounts, '/sys/firmware')?.options.includes('ro'));
    const read = await rt.command('exec', id, '/bin/cat', '/data/file', '/proc/keys');
    t.equal(read.stdout, 'from the host');
    const self = readFileSync(`/proc/${pid}/status`, 'utf8');
    t.match(self, /NoNewPrivs:\t1/);
    t.match(self, /CapBnd:\t0000000020000420/);
    t.match(self, /Seccomp:\t2/);
    const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    t.ok(cgroup.includes(`${bundle.config.linux.cgroupsPath}\n`), cgroup);
    const limits = hierarchies().map((mount) => join(mount, bundle.config.linux.cgroupsPath, 'pids.max'));
    t.ok(limits.some((file) => existsSync(file) && readFileSync(file, 'utf8') === '17\n'));
    t.equal((await rt.command('kill', id, 'KILL')).status, 0);
    await until('it has stopped', async () => (await stateOf(rt, id)).status === 'stopped');
    t.equal((await rt.command('delete', id)).status, 0);
    execFileSync('umount', [data]);
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: --leave-running keeps it running, and a second container is made from the images',
  async (t, rt) => {
    const bundle = counter(rt);
    const first = rt.nextId();
    await start(rt, bundle, first);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, first, '--leave-running'), { status: 0, stderr: '' });
    await countsBeyond(bundle, count(bundle));
    t.equal((await rt.command('delete', '--force', first)).status, 0);
    const second = rt.nextId();
    t.match(await restore(rt, bundle, second), { status: 0 });
    const { status } = await stateOf(rt, second);
    t.equal(status, 'running');
    t.equal((await rt.command('delete', '--force', second)).status, 0);
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: the states in which it is possible',
  async (t, rt) => {
    const bundle = counter(rt);
    const container = await rt.create(bundle);
    const { id } = container;
    const created = await checkpoint(rt, id);
    t.equal(created.status, 1);
    t.match(created.stderr, /Container cannot be checkpointed in created state/);
    await container.remove('--force');
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.equal((await rt.command('pause', id)).status, 0);
    t.match(await checkpoint(rt, id), { status: 0 }, 'a paused one');
    t.match(await restore(rt, bundle, id), { status: 0 });
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /container with given ID already exists/ });
    t.equal((await rt.command('kill', id, 'KILL')).status, 0);
    await until('it has stopped', async () => (await stateOf(rt, id)).status === 'stopped');
    t.equal((await checkpoint(rt, id)).status, 1);
    await rt.command('delete', id);
    t.match(await checkpoint(rt, id), { status: 1, stderr: /container does not exist/ });
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: a process that has ended and is not reaped yet',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      // The program that replaces the shell does not know its child, and continues waiting after CRIU has interrupted
      // it, which busybox's sleep of Debian 13 does not.
      config.process.args = ['/bin/sh', '-c', 'busybox true & exec /bin/probe wait'];
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    const children = async (): Promise<string> => {
      const { pid } = await stateOf(rt, id);
      const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
      return child === '' ? '' : readFileSync(`/proc/${child}/stat`, 'utf8');
    };
    await until('its child is a zombie', async () => / Z /.test(await children()));
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
    t.match(await children(), / Z /);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: memory written before by --pre-dump is not written again',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    const before = join(rt.dir, 'before');
    mkdirSync(join(rt.dir, 'work'));
    const words = ['--image-path', before, '--work-path', join(rt.dir, 'work'), '--pre-dump'];
    t.match(await quiet(rt, 'checkpoint', ...words, id), { status: 0, stderr: '' });
    await countsBeyond(bundle, count(bundle));
    t.match(await checkpoint(rt, id, '--parent-path', '../before'), { status: 0, stderr: '' });
    t.ok(existsSync(join(rt.dir, 'images', 'parent')));
    const last = count(bundle);
    t.match(await restore(rt, bundle, id), { status: 0 });
    await countsBeyond(bundle, last);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  TRACKED,
);

forEachRuntime(
  'checkpoint: a pipe for standard output is replaced by that of the caller of restore',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      config.process.args = ['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'];
    });
    const id = rt.nextId();
    const first = piped(rt, 'run', '--bundle', bundle.dir, id);
    await until('it counts', () => first.output().includes('5\n'));
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    await first.ended;
    const second = piped(rt, 'restore', '--bundle', bundle.dir, ...images(rt), id);
    await until('it counts on', () => second.output().split('\n').length > 5);
    t.ok(Number(second.output().split('\n')[0]) >= 5, 'from where it was');
    t.equal((await rt.command('kill', id, 'KILL')).status, 0);
    t.equal((await second.ended).status, 137, 'in the foreground the status is that of the program');
    t.equal((await rt.command('state', id)).status, 1, 'and it is deleted');
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: a host file for standard output is replaced by that of the caller of restore',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      config.process.args = ['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done'];
    });
    const container = await rt.runDetached(bundle);
    await until('it counts', () => container.stdout().includes('3\n'));
    t.match(await checkpoint(rt, container.id), { status: 0, stderr: '' });
    const last = container.stdout().trimEnd().split('\n').length;
    const stdout = openSync(join(rt.dir, `${container.id}.stdout`), 'a');
    const stderr = openSync(join(rt.dir, `${container.id}.stderr`), 'a');
    const env = { ...rt.env, PATH: CRIU_PATH };
    const words = ['restore', '--detach', '--bundle', bundle.dir, ...images(rt), container.id];
    const { status } = await rt.commandWith({ env, stdout, stderr }, ...words);
    closeSync(stdout);
    closeSync(stderr);
    t.equal(status, 0, container.stderr());
    await until('it counts on', () => container.stdout().includes(`\n${last + 3}\n`));
    t.strictSame(
      container
        .stdout()
        .trimEnd()
        .split('\n')
        .slice(0, last + 3),
      Array.from({ length: last + 3 }, (_, index) => String(index + 1)),
      'without a gap',
    );
    await container.remove('--force');
  },
  { ...OURS, oursOnly: 'runc does not hand in files' },
);

forEachRuntime(
  'checkpoint: a terminal is sent to the console socket again',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      config.process.terminal = true;
      config.process.args = ['/bin/sh', '-c', 'echo begin; while read line; do echo got $line; done'];
    });
    const id = rt.nextId();
    const first = await Receiver.listen(rt, join(rt.dir, 'first.sock'));
    const run = ['run', '--detach', '--bundle', bundle.dir, '--console-socket', join(rt.dir, 'first.sock'), id];
    t.match(await quiet(rt, ...run), { status: 0, stderr: '' });
    await first.receive();
    await until('it began', () => first.terminal().includes('begin'));
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    first.running.child.kill('SIGKILL');
    await first.running.ended.catch(() => undefined);
    const second = await Receiver.listen(rt, join(rt.dir, 'second.sock'));
    t.match(await restore(rt, bundle, id, '--console-socket', join(rt.dir, 'second.sock')), { status: 0 });
    t.match(await second.receive(), { fds: 1, messages: 1 });
    second.type('once more\n');
    await until('it answers', () => second.terminal().includes('got once more'));
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    second.running.child.kill('SIGKILL');
    await second.running.ended.catch(() => undefined);
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: a network namespace that was joined is joined again',
  async (t, rt) => {
    const holder = startCommand(['unshare', '--net', 'sh', '-c', 'ip link set lo up; echo ready; exec sleep 600'], {
      env: rt.env,
    });
    await until('the namespace is there', () => holder.output().includes('ready'));
    const path = `/proc/${holder.child.pid}/ns/net`;
    const bundle = counter(rt, (config) => changeNamespace(config, 'network', path));
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const last = count(bundle);
    t.match(await restore(rt, bundle, id), { status: 0 });
    await countsBeyond(bundle, last);
    const { pid } = await stateOf(rt, id);
    t.equal(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync(path));
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    holder.child.kill('SIGKILL');
    await holder.ended;
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint: a new network namespace is restored with its loopback device, and hooks run',
  async (t, rt) => {
    const log = join(rt.dir, 'hooks');
    const bundle = counter(rt, (config) => {
      const hook = (name: string) => [{ path: '/bin/sh', args: ['sh', '-c', `cat >/dev/null; echo ${name} >>${log}`] }];
      config.hooks = { createRuntime: hook('createRuntime'), poststart: hook('poststart'), poststop: hook('poststop') };
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    t.match(await restore(rt, bundle, id), { status: 0 });
    const { stdout } = await rt.command('exec', id, '/bin/cat', '/sys/class/net/lo/flags');
    t.equal(Number(stdout) & 1, 1, 'it is up');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    const all = ['createRuntime', 'poststart', 'poststop'];
    t.strictSame(readFileSync(log, 'utf8').trimEnd().split('\n'), [...all, ...all]);
  },
  { ...OURS, oursOnly: 'runc leaves the device down, and runs no poststart hooks' },
);

for (const mounted of [false, true]) {
  forEachRuntime(
    `checkpoint: a cgroup namespace is the container's own again${mounted ? ', as its mounts show' : ''}`,
    async (t, rt) => {
      const bundle = counter(rt, (config) => {
        config.linux.namespaces.push({ type: 'cgroup' });
        if (mounted) config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', options: ['ro'] });
      });
      const id = rt.nextId();
      await start(rt, bundle, id);
      for (const round of [0, 1, 2]) {
        await countsBeyond(bundle, count(bundle));
        const { pid } = await stateOf(rt, id);
        t.not(readlinkSync(`/proc/${pid}/ns/cgroup`), readlinkSync('/proc/self/ns/cgroup'), `round ${round}`);
        const { stdout } = await rt.command('exec', id, '/bin/cat', '/proc/self/cgroup');
        t.match(stdout, /^(?:\d+:[^\n]*:\/\n)+$/, 'it is the root of what is seen');
        if (mounted) {
          const tree = '/sys/fs/cgroup';
          const script = `cat ${tree}/cgroup.procs ${tree}/pids/cgroup.procs 2>/dev/null`;
          const processes = await rt.command('exec', id, '/bin/sh', '-c', script);
          t.match(processes.stdout, /^1$/m, 'the root of the mount is the cgroup of the container');
        }
        const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
        t.ok(cgroup.includes(`${bundle.config.linux.cgroupsPath}\n`), cgroup);
        if (round === 2) break;
        t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
        t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
        rmSync(join(rt.dir, 'images'), { recursive: true });
      }
      t.equal((await rt.command('delete', '--force', id)).status, 0);
    },
    CONTROLLED,
  );
}

forEachRuntime(
  'checkpoint: with systemd the restored container is in a unit again',
  async (t, rt) => {
    const id = rt.nextId();
    const unit = `rt-${id}.scope`;
    const bundle = counter(rt, (config) => {
      config.linux.cgroupsPath = `system.slice:rt:${id}`;
      config.linux.resources = { ...config.linux.resources, pids: { limit: 17 } };
    });
    const flag = '--systemd-cgroup';
    const nowhere = openSync('/dev/null', 'w');
    const files = { env: { ...rt.env, PATH: CRIU_PATH }, stdout: nowhere, stderr: nowhere };
    const state = (): string =>
      execFileSync('systemctl', ['show', '--property=ActiveState', unit], { encoding: 'utf8' });
    try {
      const started = await rt.commandWith(files, flag, 'run', '--detach', '--bundle', bundle.dir, id);
      t.equal(started.status, 0);
      await countsBeyond(bundle, 1);
      t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
      t.equal(state(), 'ActiveState=inactive\n');
      const last = count(bundle);
      const words = ['restore', '--detach', '--bundle', bundle.dir, ...images(rt), id];
      t.equal((await rt.commandWith(files, flag, ...words)).status, 0);
      await countsBeyond(bundle, last);
      t.equal(state(), 'ActiveState=active\n');
      const { pid } = await stateOf(rt, id);
      t.ok(readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/system.slice/${unit}`));
      t.equal((await rt.command('delete', '--force', id)).status, 0);
      t.equal(state(), 'ActiveState=inactive\n');
    } finally {
      closeSync(nowhere);
    }
  },
  {
    ...CONTROLLED,
    lacking: lacking ?? (existsSync('/run/systemd/system') ? undefined : 'systemd does not run on this host'),
  },
);

/** Configs that are stricter than the images of a plain container, and the place of the difference. */
const LESS: readonly (readonly [what: string, change: Mutation, pointer: string, words: RegExp])[] = [
  [
    'another user',
    (config) => (config.process.user = { uid: 1000, gid: 1000 }),
    '/process/user/uid',
    /has a different user/,
  ],
  [
    'fewer capabilities',
    (config) => (config.process.capabilities = { bounding: ['CAP_KILL'] }),
    '/process/capabilities/bounding',
    /capabilities that the config lacks/,
  ],
  ['no new privileges', (config) => (config.process.noNewPrivileges = true), '/process/noNewPrivileges', /privileges/],
  ['a seccomp filter', (config) => (config.linux.seccomp = FILTER), '/linux/seccomp', /no seccomp filter/],
  ['no mount of a directory', (config) => void config.mounts.pop(), '/mounts', /different mount on .*\/data/],
  [
    'a mount that is read-only',
    (config) => (config.mounts.at(-1)?.options ?? []).push('ro'),
    '/mounts',
    /mount on .*\/data.* lacks options/,
  ],
  ['a masked path', (config) => (config.linux.maskedPaths = ['/proc/keys']), '/linux/maskedPaths', /is not masked/],
  ['a read-only path', (config) => (config.linux.readonlyPaths = ['/proc/sys']), '/linux/readonlyPaths', /read-only/],
  [
    'a time namespace',
    (config) => config.linux.namespaces.push({ type: 'time' }),
    '/linux/namespaces',
    /does not have its own time namespace/,
  ],
];

forEachRuntime(
  'checkpoint: images that allow more than config.json are refused',
  async (t, rt) => {
    const data = join(rt.dir, 'data');
    mkdirSync(data);
    const bundle = counter(rt, (config) => {
      config.process.noNewPrivileges = false;
      config.mounts.push({ destination: '/data', type: 'bind', source: data, options: ['bind'] });
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const last = count(bundle);
    const original = JSON.stringify(bundle.config);
    for (const [what, change, pointer, words] of LESS) {
      const config = JSON.parse(original) as TestConfig;
      change(config);
      bundle.saveText(JSON.stringify(config, null, 2));
      const outcome = await restore(rt, bundle, id);
      t.equal(outcome.status, 1, what);
      t.match(outcome.stderr, words, what);
      t.ok(outcome.stderr.includes(pointer), outcome.stderr);
    }
    t.equal(count(bundle), last, 'nothing ran');
    bundle.saveText(original);
    t.match(await restore(rt, bundle, id), { status: 0 }, 'with its own config it may');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  OURS,
);

forEachRuntime(
  'checkpoint: links and fifos among the images or in place of the log are not followed',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    const victim = join(rt.dir, 'victim');
    writeFileSync(victim, 'untouched');
    mkdirSync(join(rt.dir, 'work'));
    symlinkSync(victim, join(rt.dir, 'work', 'dump.log'));
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    symlinkSync(victim, join(rt.dir, 'work', 'restore.log'));
    symlinkSync(victim, join(rt.dir, 'images', 'link.img'));
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /link\.img.*is not a regular file/ });
    t.equal(readFileSync(victim, 'utf8'), 'untouched');
    rmSync(join(rt.dir, 'images', 'link.img'));
    symlinkSync(join(rt.dir, 'work'), join(rt.dir, 'images', 'parent'));
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /"parent.*is not a regular file/ });
    rmSync(join(rt.dir, 'images', 'parent'));
    const core = join(rt.dir, 'images', 'core-1.img');
    const good = readFileSync(core);
    writeFileSync(core, good.subarray(0, 100));
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /core-1\.img.*is damaged/ });
    writeFileSync(core, good);
    // An engine may refer to its directories through links.
    symlinkSync(join(rt.dir, 'images'), join(rt.dir, 'alias'));
    const last = count(bundle);
    t.match(await restore(rt, bundle, id, '--image-path', join(rt.dir, 'alias')), { status: 0 });
    await countsBeyond(bundle, last);
    t.equal(readFileSync(victim, 'utf8'), 'untouched');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  OURS,
);

/** The config of a bundle without its last mount. */
function plainConfig(rt: Sandbox, bundle: Bundle): string {
  const path = join(rt.dir, 'plain.json');
  writeFileSync(path, JSON.stringify({ ...bundle.config, mounts: bundle.config.mounts.slice(0, -1) }));
  return path;
}

forEachRuntime(
  'checkpoint: unsupported containers are refused with the reason',
  async (t, rt) => {
    const bracket = counter(rt, (config) => {
      config.mounts.push({ destination: '/x]:/etc', type: 'bind', source: '/etc/hostname', options: ['bind'] });
    });
    const id = rt.nextId();
    await start(rt, bracket, id);
    await countsBeyond(bracket, 1);
    const refused = await checkpoint(rt, id);
    t.match(refused, { status: 1, stderr: /bracket or a control character/ });
    await rt.command('delete', '--force', id);
    for (const type of ['cgroup', 'time']) {
      const joined = counter(rt, (config) => changeNamespace(config, type, `/proc/self/ns/${type}`));
      await start(rt, joined, id);
      t.match(await checkpoint(rt, id), { status: 1, stderr: `that joins a ${type} namespace` });
      await rt.command('delete', '--force', id);
    }
    const running = rt.background('run', '--bundle', bracket.dir, '--config', plainConfig(rt, bracket), id);
    await until('it runs', async () => (await rt.command('state', id)).stdout.includes('"running"'));
    const socket = await checkpoint(rt, id);
    t.match(socket.stderr, /criu failed: unix: .*log file: .*\/dump\.log/, 'the words of criu');
    t.match(socket.stderr, /hint: .*--ext-unix-sk/);
    await rt.command('delete', '--force', id);
    await running.ended;
    const elsewhere = { ...rt.env, PATH: '/nonexistent' };
    const bundle = counter(rt);
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    const words = ['--criu', '/nonexistent/criu', 'checkpoint', ...images(rt), id];
    t.match(await rt.commandWith({ env: elsewhere }, ...words), { status: 1, stderr: /criu.*no such file/ });
    t.equal((await stateOf(rt, id)).status, 'running', 'it goes on');
    t.match(await checkpoint(rt, id, '--empty-ns', 'pid'), { status: 1, stderr: /namespace "pid" is not supported/ });
    await rt.command('delete', '--force', id);
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /cannot open directory .*\/images/ });
    mkdirSync(join(rt.dir, 'images'));
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /no checkpoint images/ });
    t.strictSame(readdirSync(rt.root), [], 'and nothing is left');
  },
  OURS,
);

forEachRuntime(
  'checkpoint: a failed one leaves no image directory of its own, except for the log of criu',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      config.process.args = ['/bin/sh', '-c', 'echo begin; exec /bin/probe wait'];
    });
    const id = rt.nextId();
    // Node's output "pipes" are sockets, which are connected to the outside: criu refuses.
    const running = rt.background('run', '--bundle', bundle.dir, id);
    await until('it began', () => running.output().includes('begin'));
    const [images, work] = [join(rt.dir, 'images'), join(rt.dir, 'work')];
    const words = ['checkpoint', '--image-path', images];
    const nowhere = await rt.commandWith(
      { env: { ...rt.env, PATH: '/nonexistent' } },
      '--criu',
      '/no/criu',
      ...words,
      id,
    );
    t.match(nowhere, { status: 1, stderr: /hint: install criu 4\.0 or newer.*--criu FILE/ });
    t.notOk(existsSync(images), 'criu is missing');
    const both = ['--criu', '/no/criu', ...words, '--work-path', work, id];
    t.equal((await rt.command(...both)).status, 1);
    t.notOk(existsSync(images) || existsSync(work), 'criu is missing, with a directory for the log');
    const unreachable = ['--work-path', join(rt.dir, 'missing/work'), id];
    t.match(await rt.command(...words, ...unreachable), { status: 1, stderr: /cannot make directory/ });
    t.notOk(existsSync(images), 'the directory for the log cannot be made');
    const refused = await quiet(rt, ...words, id);
    t.match(refused, { status: 1, stderr: /criu failed: unix: .*log file: .*\/images\/dump\.log/ });
    t.strictSame(readdirSync(images), ['dump.log']);
    rmSync(images, { recursive: true });
    t.equal((await quiet(rt, ...words, '--work-path', work, id)).status, 1);
    t.notOk(existsSync(images));
    t.strictSame(readdirSync(work), ['dump.log']);
    mkdirSync(images);
    writeFileSync(join(images, 'kept'), '');
    t.equal((await quiet(rt, ...words, id)).status, 1);
    t.ok(existsSync(join(images, 'kept')), 'a directory of the caller is left alone');
    t.equal((await stateOf(rt, id)).status, 'running', 'it goes on');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    await running.ended;
  },
  OURS,
);
