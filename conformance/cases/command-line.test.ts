import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix } from '../harness/cgroup.ts';
import { changeNamespace } from '../harness/config.ts';
import type { TestConfig } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import { start } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const runc = 'has no such option';

const DISABLED = ['--cgroup-manager', 'disabled'];

/** Without cgroups, and without what needs one. */
function unlimited(rt: Sandbox, mutate?: (config: TestConfig) => void): Bundle {
  return rt.bundle((config) => {
    config.linux.cgroupsPath = '';
    config.linux.resources = {};
    config.process.args = ['/bin/probe', 'wait'];
    mutate?.(config);
  });
}

async function runWithout(rt: Sandbox, bundle: Bundle): Promise<{ id: string; outcome: Outcome; pid: number }> {
  const id = rt.nextId();
  const outcome = await rt.commandDetached(...DISABLED, 'run', '--detach', '--bundle', bundle.dir, id);
  const state = await rt.command('state', id);
  return { id, outcome, pid: state.status === 0 ? (JSON.parse(state.stdout) as { pid: number }).pid : 0 };
}

forEachRuntime(
  '--cgroup-manager disabled: no cgroup is made, and the container is run, entered, killed and removed',
  async (t, rt) => {
    const { id, outcome, pid } = await runWithout(rt, unlimited(rt));
    t.strictSame([outcome.status, outcome.stderr], [0, '']);
    t.strictSame(cgroupsWithPrefix(rt.prefix), []);
    t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
    t.strictSame(await rt.command('exec', id, '/bin/echo', 'hello'), { status: 0, stdout: 'hello\n', stderr: '' });
    t.equal((await rt.command('kill', id, 'KILL')).status, 0);
    await until('it has ended', () => !existsSync(`/proc/${pid}`));
    t.equal((await rt.command('delete', id)).status, 0);
  },
  { deviates: { runc } },
);

forEachRuntime(
  '--cgroup-manager disabled: the cgroups of the caller, which the container sees, are read-only',
  async (t, rt) => {
    for (const own of [true, false]) {
      const bundle = unlimited(rt, (config) => {
        changeNamespace(config, 'cgroup');
        if (own) config.linux.namespaces.push({ type: 'cgroup' });
        config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] });
        const attempt = `mkdir $d/${rt.prefix} && rmdir $d/${rt.prefix} && echo made in $d`;
        const all = 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do test -e $d/cgroup.procs && echo sees && ';
        config.process.args = ['/bin/sh', '-c', `${all} ${attempt}; done 2>/dev/null; true`];
      });
      const outcome = await rt.command(...DISABLED, 'run', '--bundle', bundle.dir, rt.nextId());
      t.match(outcome.stdout, /sees/, outcome.stderr);
      t.notMatch(outcome.stdout, /made/, own ? 'in a cgroup namespace' : 'in that of the caller');
    }
  },
  { deviates: { runc, crun: 'mounts them writable' } },
);

forEachRuntime(
  '--cgroup-manager disabled: commands that need a cgroup say that there is none',
  async (t, rt) => {
    const { id, pid } = await runWithout(rt, unlimited(rt));
    const cgroups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    for (const words of [
      ['pause', id],
      ['ps', id],
      ['ps', '--format', 'json', id],
      ['update', '--pids-limit', '5', id],
      ['events', '--stats', id],
    ]) {
      const { status, stdout, stderr } = await rt.command(...words);
      t.strictSame([status, stdout], [1, ''], words.join(' '));
      t.match(stderr, /^rt: cannot [a-z ]+: the container has no cgroup\n {2}hint: /, words.join(' '));
    }
    t.match((await rt.command('exec', '--cgroup', '/a', id, '/bin/true')).stderr, 'the container has no cgroup');
    t.match((await rt.command('resume', id)).stderr, 'container not paused');
    t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), cgroups, 'nothing was changed');
    const { status, stderr } = await rt.command('kill', '--all', id, 'USR1');
    t.equal(status, 0);
    t.equal(stderr, 'rt: warning: only init was signalled: the container has no cgroup\n');
    t.strictSame(await rt.command('delete', '--force', id), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly: 'the messages are specific to rt; crun changes the cgroup of its caller' },
);

forEachRuntime(
  '--cgroup-manager disabled: a limit is an error, device rules and cgroupsPath are a warning',
  async (t, rt) => {
    const limited = unlimited(rt, (config) => {
      config.linux.resources = { pids: { limit: 5 }, cpu: { cpus: '0' } };
      config.annotations = { 'run.oci.delegate-cgroup': 'a' };
    });
    const refused = await rt.command(...DISABLED, 'create', '--bundle', limited.dir, rt.nextId());
    t.equal(refused.status, 1);
    for (const what of ['linux.resources.pids.limit', 'linux.resources.cpu.cpus', 'this annotation']) {
      t.match(refused.stderr, `${what} needs a cgroup, which --cgroup-manager disabled does not make\n`);
    }
    const named = unlimited(rt, (config) => {
      config.linux.cgroupsPath = `/${rt.prefix}named`;
      config.linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
      changeNamespace(config, 'pid');
    });
    const { id, outcome } = await runWithout(rt, named);
    t.equal(outcome.status, 0);
    for (const words of [
      'linux.cgroupsPath has no effect: --cgroup-manager disabled makes no cgroup',
      'linux.resources.devices has no effect: --cgroup-manager disabled makes no cgroup',
      'kill and delete reach only the first process: there is neither a cgroup nor a new pid namespace',
    ]) {
      t.match(outcome.stderr, `rt: warning: ${words}\n  config.json:`);
    }
    t.strictSame(cgroupsWithPrefix(rt.prefix), []);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { oursOnly: 'crun ignores them' },
);

forEachRuntime(
  '--cgroup-manager: cgroupfs is the default, anything else is refused, also together with --systemd-cgroup',
  async (t, rt) => {
    const bundle = rt.bundle();
    const outcome = await rt.command('--cgroup-manager=cgroupfs', 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal((await rt.command('--cgroup-manager', 'other', 'list')).status, 1);
    if (!rt.runtime.ours) return;
    const both = ['--systemd-cgroup', '--cgroup-manager', 'disabled'];
    const { status, stderr } = await rt.command(...both, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(status, 1);
    t.match(stderr, '--systemd-cgroup contradicts --cgroup-manager disabled');
  },
  { deviates: { runc } },
);

async function statusOf(container: Container): Promise<string> {
  return (await container.state()).status;
}

forEachRuntime(
  'kill and delete --regex: every container whose id contains a match, and no other',
  async (t, rt) => {
    const containers: Container[] = [];
    for (const name of ['a1', 'a2', 'b1']) {
      const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
      const container = await rt.create(bundle, `${rt.prefix}${name}`);
      t.equal((await container.start()).status, 0);
      containers.push(container);
    }
    const [first, second, other] = containers as [Container, Container, Container];
    t.equal((await rt.command('kill', '--regex', `${rt.prefix}a[0-9]+$`, 'KILL')).status, 0);
    for (const one of [first, second]) await until('it has ended', async () => (await statusOf(one)) === 'stopped');
    t.equal(await statusOf(other), 'running');
    t.strictSame(await rt.command('delete', '-r', 'a.'), { status: 0, stdout: '', stderr: '' });
    t.match((await rt.command('list', '-q')).stdout, new RegExp(`^${other.id}\n$`));
    t.equal((await rt.command('delete', '--force', '--regex', 'nosuch')).status, 0, 'none matches');
    t.equal((await rt.command('delete', '--force', '--regex', '')).status, 0, 'all match');
    t.match((await rt.command('list', '-q')).stdout, /^$/);
  },
  { deviates: { runc } },
);

forEachRuntime(
  'kill and delete --regex: the failures are reported after all were tried',
  async (t, rt) => {
    const created = await rt.created();
    const running = await rt.started(['wait']);
    const stopped = await rt.started(['wait']);
    await stopped.kill('KILL');
    await until('it has ended', async () => (await statusOf(stopped)) === 'stopped');
    const killed = await rt.command('kill', '--regex', '.', '0');
    t.match(killed, { status: 1, stderr: `rt: container ${stopped.id}: container not running\n` });
    const deleted = await rt.command('delete', '--regex', '.');
    t.equal(deleted.status, 1);
    for (const one of [created, running]) {
      t.match(deleted.stderr, `rt: container ${one.id}: cannot delete container ${one.id} that is not stopped`);
    }
    t.strictSame((await rt.command('list', '-q')).stdout.trim().split('\n').sort(), [created.id, running.id].sort());
    for (const [expression, cause] of [
      ['(', 'Unterminated group|syntax|expecting'],
      ['[[:alpha:]]', 'it has a class'],
    ] as const) {
      const { status, stderr } = await rt.command('delete', '--force', '--regex', expression);
      t.equal(status, 1);
      t.match(stderr, new RegExp(`invalid regular expression .*(${cause})`));
    }
    t.equal((await rt.command('delete', '--force', '--regex', '.')).status, 0);
  },
  { oursOnly: 'crun succeeds, and fails with a bad expression by a fault' },
);

/** Makes directories for `/dev/log` and the journal; a command with the prefix sees them as `/dev` and `/run`. */
function withDaemons(dir: string): string[] {
  mkdirSync(join(dir, 'dev'), { recursive: true });
  mkdirSync(join(dir, 'run/systemd/journal'), { recursive: true });
  execFileSync('cp', ['-a', '/dev/null', '/dev/zero', '/dev/random', '/dev/urandom', join(dir, 'dev')]);
  const script = 'mount --bind "$0/dev" /dev && mount --bind "$0/run" /run && exec "$@"';
  return ['unshare', '--mount', 'sh', '-c', script, dir];
}

forEachRuntime(
  '--log syslog:IDENT and journald:IDENT: an error is one datagram, and on standard error; success is silent',
  async (t, rt) => {
    const dir = join(rt.dir, 'daemons');
    const prefix = withDaemons(dir);
    const expected = /container .*does not exist/;
    for (const [kind, socket, pattern] of [
      ['syslog', 'dev/log', /^<11>name\[\d+\]: /],
      ['journald', 'run/systemd/journal/socket', /^MESSAGE=[^\n]*\nPRIORITY=3\nSYSLOG_IDENTIFIER=name\n$/],
    ] as const) {
      const words = ['--log', `${kind}:name`, '--log-format', 'json'];
      const absent = await rt.commandThrough(prefix, ...words, 'list');
      t.equal(absent.status, 1, `${kind}: nobody listens`);
      t.match(absent.stderr, `rt: --log ${kind}:name: cannot reach "/${socket}": no such file or directory (connect)`);
      const daemon = start([guestProgram('peer'), 'notify', join(dir, socket)], { env: rt.env });
      await until('the daemon listens', () => daemon.output().includes('listening'));
      t.strictSame((await rt.commandThrough(prefix, ...words, 'delete', '--force', 'nosuch')).status, 0);
      const failed = await rt.commandThrough(prefix, ...words, 'state', 'nosuch');
      t.equal(failed.status, 1);
      t.match(failed.stderr, expected);
      await until('it has the message', () => daemon.output().trim().split('\n').length > 1);
      daemon.child.kill();
      await daemon.ended;
      const [, first = '', ...more] = daemon.output().trim().split('\n');
      const { data } = JSON.parse(first) as { data: string };
      t.match(data, pattern);
      t.match(data, expected);
      t.strictSame(more, [], `${kind}: one message`);
    }
  },
  { oursOnly: 'crun continues without a daemon' },
);

forEachRuntime(
  '--log file:FILE, and a log that cannot be opened',
  async (t, rt) => {
    const log = join(rt.dir, 'log');
    t.equal((await rt.command('--log', `file:${log}`, 'state', 'nosuch')).status, 1);
    t.match(readFileSync(log, 'utf8'), 'nosuch');
    for (const name of [`file:${rt.dir}/missing/log`, `${rt.dir}/missing/log`, rt.dir]) {
      const { status, stdout, stderr } = await rt.command('--log', name, 'list');
      t.strictSame([status, stdout], [1, ''], name);
      t.match(stderr, /log/);
    }
  },
  { deviates: { runc: 'takes file: as part of the name' } },
);

forEachRuntime('spec: the umask of the caller decides who may change the file', async (t, rt) => {
  for (const [mask, mode] of [
    ['002', 0o664],
    ['077', 0o600],
  ] as const) {
    const dir = join(rt.dir, mask);
    mkdirSync(dir);
    const outcome = await rt.commandThrough(['sh', '-c', `umask ${mask}; exec "$@"`, 'sh'], 'spec', '--bundle', dir);
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal(statSync(join(dir, 'config.json')).mode & 0o777, mode);
  }
});

forEachRuntime(
  'spec --file: another name, in the bundle, which must not exist',
  async (t, rt) => {
    const dir = join(rt.dir, 'bundle');
    mkdirSync(dir);
    for (const name of ['other.json', join(dir, 'absolute.json')]) {
      const outcome = await rt.command('spec', '--bundle', dir, '-f', name);
      t.equal(outcome.status, 0, outcome.stderr);
      t.match(JSON.parse(readFileSync(join(dir, name.slice(name.lastIndexOf('/') + 1)), 'utf8')), { process: {} });
    }
    t.notOk(existsSync(join(dir, 'config.json')));
    if (!rt.runtime.ours) return;
    writeFileSync(join(dir, 'other.json'), 'kept');
    const again = await rt.command('spec', '--bundle', dir, '-f', 'other.json');
    t.match(again, { status: 1, stderr: 'rt: File other.json exists. Remove it first\n' });
    t.equal(readFileSync(join(dir, 'other.json'), 'utf8'), 'kept');
  },
  { deviates: { runc } },
);

forEachRuntime(
  'spec --busybox makes a bundle that runs the given program, and overwrites nothing',
  async (t, rt) => {
    const dir = join(rt.dir, 'bundle');
    mkdirSync(dir);
    const spec = async (...words: string[]): Promise<Outcome> => rt.command('spec', '--bundle', dir, ...words);
    const script = ['sh', '-c', 'hostname && touch /made'];
    const options = ['--busybox', '--no-terminal', '--writable', '--hostname', 'mine'];
    t.strictSame(await spec(...options, ...script), { status: 0, stdout: '', stderr: '' });
    const id = rt.nextId();
    t.strictSame(await rt.command('run', '--bundle', dir, id), { status: 0, stdout: 'mine\n', stderr: '' });
    t.ok(existsSync(join(dir, 'rootfs/made')));
    t.match(await spec('--busybox', '-f', 'other.json'), { status: 1, stderr: /rootfs" exists, and is not changed\n/ });
    t.notOk(existsSync(join(dir, 'other.json')));
    rmSync(join(dir, 'rootfs'), { recursive: true });
    t.match(await spec('--busybox'), { status: 1, stderr: 'rt: File config.json exists. Remove it first\n' });
    t.notOk(existsSync(join(dir, 'rootfs')), 'nothing is left');
    const without = await rt.commandThrough(['env', 'PATH=/nosuch'], 'spec', '--bundle', dir, '--busybox');
    t.match(without, { status: 1, stderr: /no static busybox .*\n {2}hint: install it: .*busybox-static on Debian/ });
  },
  { oursOnly: 'the peers have no such options' },
);

forEachRuntime(
  'create --no-subreaper, -? and --usage are accepted, and --version has a line of features',
  async (t, rt) => {
    const container = await rt.create(rt.bundle(), rt.nextId(), '--no-subreaper');
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    await container.remove('--force');
    for (const words of [['--usage'], ['-?'], ['list', '--usage'], ['list', '-?']]) {
      const { status, stdout, stderr } = await rt.command(...words);
      t.strictSame([status, stderr], [0, ''], words.join(' '));
      t.match(stdout, 'Usage: ');
    }
    const { stdout } = await rt.command('--version');
    t.match(stdout, /^\+SYSTEMD \+SELINUX \+APPARMOR \+CAP \+SECCOMP \+EBPF/m);
    t.equal(stdout.split('\n').filter((line) => line.includes('version')).length, 1, 'engines split each such line');
  },
  { deviates: { runc } },
);
