import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cgroupDirectory, isUnified, lackingController } from '../harness/cgroup.ts';
import { checkpoint, count, counter, countsBeyond, images, restore, start, stateOf } from '../harness/checkpoint.ts';
import { CRIU_PATH, criuLacking } from '../harness/criu.ts';
import { guestProgram } from '../harness/guest.ts';
import { kernelBefore } from '../harness/kernel.ts';
import { freePort } from '../harness/port.ts';
import { start as startCommand } from '../harness/process.ts';
import type { Running } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

const lacking = criuLacking();
const CRUN = { crun: 'the crun of Debian 12 is built without criu' };
const CONTROLLED = { lacking, deviates: CRUN };
const TRACKED = { deviates: CRUN, lacking: criuLacking('mem_dirty_track') };
const LAZY = { deviates: CRUN, lacking: lacking ?? criuLacking('uffd-noncoop') };

/** Why criu cannot inspect connections here; undefined if it can. */
function tcpLacking(): string | undefined {
  const version = execFileSync('criu', ['--version'], { encoding: 'utf8', env: { PATH: CRIU_PATH } });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return kernelBefore(6, 16) || Number(major) * 1000 + Number(minor) >= 4002
    ? undefined
    : 'criu before 4.2 wants an option of TCP sockets that Linux has not since 6.16';
}

/** criu in the background, as a server. */
function criu(rt: Sandbox, ...words: string[]): Running {
  const running = startCommand(['criu', ...words], { env: { ...rt.env, PATH: CRIU_PATH } });
  running.ended.catch(() => undefined);
  return running;
}

const imagesDirectory = (rt: Sandbox): string => join(rt.dir, 'images');
const pagesIn = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith('pages-'));

forEachRuntime(
  'checkpoint --tcp-established: a connection continues',
  async (t, rt) => {
    const bundle = counter(rt, (config) => (config.process.args = ['/bin/probe', 'converse', '/tmp/count']));
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    const refused = await checkpoint(rt, id);
    t.equal(refused.status, 1, 'not without being told');
    if (rt.runtime.ours) t.match(refused.stderr, /--tcp-established/);
    await countsBeyond(bundle, count(bundle));
    t.match(await checkpoint(rt, id, '--tcp-established'), { status: 0, stderr: '' });
    const last = count(bundle);
    t.match(await restore(rt, bundle, id, '--tcp-established'), { status: 0, stderr: '' });
    t.ok((await countsBeyond(bundle, last + 3)) < last + 100);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { deviates: CRUN, lacking: lacking ?? tcpLacking() },
);

forEachRuntime(
  'checkpoint --file-locks: locks are restored',
  async (t, rt) => {
    const bundle = counter(rt, (config) => (config.process.args = ['/bin/probe', 'lock', '/tmp/locked']));
    const file = join(bundle.rootfs, 'tmp/locked');
    const kinds = (): string[] => {
      const inode = `:${statSync(file).ino} `;
      const lines = readFileSync('/proc/locks', 'utf8').split('\n');
      return lines.flatMap((line) => (line.includes(inode) ? [line.split(/\s+/)[1] ?? ''] : [])).sort();
    };
    const id = rt.nextId();
    await start(rt, bundle, id);
    await until('it is locked', () => existsSync(file) && kinds().length === 2);
    const refused = await checkpoint(rt, id);
    t.equal(refused.status, 1, 'not without being told');
    if (rt.runtime.ours) t.match(refused.stderr, /--file-locks/);
    t.match(await checkpoint(rt, id, '--file-locks'), { status: 0, stderr: '' });
    t.strictSame(kinds(), []);
    t.match(await restore(rt, bundle, id, '--file-locks'), { status: 0, stderr: '' });
    t.strictSame(kinds(), ['FLOCK', 'POSIX']);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint --ext-unix-sk: a socket connected to the outside is connected again',
  async (t, rt) => {
    const outside = join(rt.dir, 'outside');
    mkdirSync(outside);
    const receiver = startCommand([guestProgram('peer'), 'notify', join(outside, 'socket')], {
      env: rt.env,
      interactive: true,
    });
    receiver.ended.catch(() => undefined);
    const received = (): number =>
      Math.max(0, ...[...receiver.output().matchAll(/"data":"(\d+)"/g)].map(([, number]) => Number(number)));
    await until('the socket is there', () => existsSync(join(outside, 'socket')));
    const bundle = counter(rt, (config) => {
      config.process.args = ['/bin/probe', 'report', join(outside, 'socket')];
      config.mounts.push({ destination: outside, type: 'bind', source: outside, options: ['bind'] });
      // criu asks the kernel for the peer in the network namespace of the process, and identifies it by its path.
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await until('it reports', () => received() > 3);
    const refused = await checkpoint(rt, id);
    t.equal(refused.status, 1, 'not without being told');
    t.match(await checkpoint(rt, id, '--ext-unix-sk'), { status: 0, stderr: '' });
    const last = received();
    t.match(await restore(rt, bundle, id, '--ext-unix-sk'), { status: 0, stderr: '' });
    await until('it reports on', () => received() > last + 3);
    t.ok(received() < last + 100, 'from where it was');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    receiver.child.kill();
    await receiver.ended;
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint --shell-job: the terminal of the caller is replaced by that of the caller of restore',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      config.process.args = ['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo number $i; sleep 0.05; done'];
    });
    const id = rt.nextId();
    const env = { ...rt.env, PATH: CRIU_PATH };
    const last = (session: TerminalSession): number =>
      Number([...session.output().matchAll(/number (\d+)\r/g)].at(-1)?.[1] ?? 0);
    // A shell keeps the terminal, like an interactive one.
    const shell = ['sh', '-c', '"$@"; echo ended with $?; read line', 'sh'];
    const first = new TerminalSession(rt, [...shell, ...rt.argv('run', '--detach', '--bundle', bundle.dir, id)], {
      env,
    });
    await until('it counts', () => last(first) > 3);
    const refused = await checkpoint(rt, id);
    t.equal(refused.status, 1, 'not without being told');
    if (rt.runtime.ours) t.match(refused.stderr, /--shell-job/);
    t.match(await checkpoint(rt, id, '--shell-job'), { status: 0, stderr: '' });
    const reached = last(first);
    first.type('\n');
    await first.end();
    const words = rt.argv('restore', '--detach', '--shell-job', '--bundle', bundle.dir, ...images(rt), id);
    const second = new TerminalSession(rt, [...shell, ...words], { env });
    await second.shows('ended with 0');
    await until('it counts on', () => last(second) > reached + 3);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    second.type('\n');
    await second.end();
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 fails to restore: bad file descriptor' } },
);

forEachRuntime(
  'checkpoint --page-server: memory goes to the server',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    mkdirSync(imagesDirectory(rt));
    const port = String(await freePort());
    const words = ['--images-dir', imagesDirectory(rt), '--address', '127.0.0.1', '--port', port, '--status-fd', '1'];
    const server = criu(rt, 'page-server', ...words);
    await until('the server listens', () => server.output().includes('\0'));
    t.match(await checkpoint(rt, id, '--page-server', `127.0.0.1:${port}`), { status: 0, stderr: '' });
    t.equal((await server.ended).status, 0);
    t.not(pagesIn(imagesDirectory(rt)).length, 0);
    const last = count(bundle);
    t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
    t.ok((await countsBeyond(bundle, last)) < last + 50);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  CONTROLLED,
);

forEachRuntime(
  'checkpoint --lazy-pages: it waits for requests for memory, and --status-fd reports when',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    mkdirSync(join(rt.dir, 'work'));
    const port = String(await freePort());
    const told = join(rt.dir, 'status');
    const descriptor = openSync(told, 'w');
    const words = ['--lazy-pages', '--page-server', `127.0.0.1:${port}`, '--status-fd', '3', id];
    const dump = rt.backgroundWith(
      { env: { ...rt.env, PATH: CRIU_PATH }, descriptors: [descriptor] },
      ...['checkpoint', ...images(rt), ...words],
    );
    closeSync(descriptor);
    await until('it says so', () => readFileSync(told, 'latin1') === '\0');
    const last = count(bundle);
    // A client that connects and stops at once.
    const client = connect(Number(port), '127.0.0.1');
    await once(client, 'connect');
    t.equal(count(bundle), last, 'it stands still');
    client.end();
    client.resume();
    t.equal((await dump.ended).status, 0);
    t.ok(pagesIn(imagesDirectory(rt)).length > 0);
    t.equal((await rt.command('state', id)).status, 1, 'it is gone');
  },
  LAZY,
);

forEachRuntime(
  'checkpoint --auto-dedup: memory in newer images is removed from those of --parent-path',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    const before = join(rt.dir, 'before');
    const work = ['--work-path', join(rt.dir, 'work')];
    mkdirSync(join(rt.dir, 'work'));
    const env = { ...rt.env, PATH: CRIU_PATH };
    const made = await rt.commandWith({ env }, 'checkpoint', '--pre-dump', '--image-path', before, ...work, id);
    t.equal(made.status, 0, made.stderr);
    const blocks = (): number => pagesIn(before).reduce((sum, name) => sum + statSync(join(before, name)).blocks, 0);
    const all = blocks();
    await countsBeyond(bundle, count(bundle));
    t.match(await checkpoint(rt, id, '--parent-path', '../before', '--auto-dedup'), { status: 0, stderr: '' });
    t.ok(blocks() < all, `${blocks()} blocks of ${all}`);
    const last = count(bundle);
    t.match(await restore(rt, bundle, id, '--auto-dedup'), { status: 0, stderr: '' });
    t.ok((await countsBeyond(bundle, last)) < last + 50);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  TRACKED,
);

forEachRuntime(
  'checkpoint --link-remap: a deleted file that is open',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      const open = 'exec 3>/tmp/first; busybox ln /tmp/first /tmp/second; busybox rm /tmp/first';
      config.process.args[2] = `${open}; ${(config.process.args[2] ?? '').replace('sleep', 'echo $i >&3; sleep')}`;
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 3);
    const refused = await checkpoint(rt, id);
    t.equal(refused.status, 1, 'not without being told');
    if (rt.runtime.ours) t.match(refused.stderr, /link-remap/);
    t.match(await checkpoint(rt, id, '--link-remap'), { status: 0, stderr: '' });
    const last = count(bundle);
    t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
    const next = await countsBeyond(bundle, last + 1);
    const written = readFileSync(join(bundle.rootfs, 'tmp/second'), 'utf8').trim().split('\n');
    t.strictSame(
      written.slice(0, next - 1),
      written.slice(0, next - 1).map((_, index) => String(index + 1)),
    );
    t.ok(written.length >= next - 1);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    const left = readdirSync(join(bundle.rootfs, 'tmp')).filter((name) => !['next', 'count', 'second'].includes(name));
    t.strictSame(left, [], 'no link is left');
  },
  { lacking, deviates: { ...CRUN, runc: 'an option since 1.2' } },
);

forEachRuntime(
  'checkpoint: options without effect are accepted, unsupported ones are named',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    for (const [words, message] of [
      [['--page-server', 'nowhere'], /ADDRESS:PORT/],
      [['--parent-path', '/absolute'], /parent-path/],
      [['--manage-cgroups-mode', 'nonsense'], /manage-cgroups-mode/],
    ] as const) {
      const refused = await checkpoint(rt, id, ...words);
      t.equal(refused.status, 1);
      if (rt.runtime.ours) t.match(refused.stderr, message);
    }
    // runc has this option since 1.2.
    const later = rt.runtime.ours ? ['--tcp-skip-in-flight', '--network-lock', 'skip'] : [];
    const words = ['--empty-ns', 'network', '--manage-cgroups-mode', 'soft'];
    t.match(await checkpoint(rt, id, ...words, ...later), { status: 0, stderr: '' });
    const last = count(bundle);
    t.match(await restore(rt, bundle, id, '--empty-ns', 'network', '--manage-cgroups-mode', 'soft'), { status: 0 });
    await countsBeyond(bundle, last);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  CONTROLLED,
);

/** `pids.max` of config.json, and what an update changes it to before the checkpoint. */
const LIMIT = 77;
const UPDATED = 66;

/** Directory of a container's cgroup that has the pids controller. */
async function pidsCgroup(rt: Sandbox, id: string): Promise<string> {
  const { pid } = await stateOf(rt, id);
  const line = (isUnified() ? /^0::(.*)$/m : /:pids:(.*)$/m).exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  return cgroupDirectory('pids', line?.[1] ?? '');
}

forEachRuntime(
  'checkpoint --manage-cgroups-mode: the cgroup and its limits are those of config.json in every mode',
  async (t, rt) => {
    const bundle = counter(rt, (config) => (config.linux.resources = { pids: { limit: LIMIT } }));
    const id = rt.nextId();
    await start(rt, bundle, id);
    const limit = async (): Promise<number> => Number(readFileSync(join(await pidsCgroup(rt, id), 'pids.max'), 'utf8'));
    for (const mode of ['soft', 'full', 'strict']) {
      await countsBeyond(bundle, count(bundle));
      t.equal((await rt.command('update', '--pids-limit', String(UPDATED), id)).status, 0);
      t.equal(await limit(), UPDATED);
      t.match(await checkpoint(rt, id, '--manage-cgroups-mode', mode), { status: 0, stderr: '' }, mode);
      const last = count(bundle);
      t.match(await restore(rt, bundle, id, '--manage-cgroups-mode', mode), { status: 0, stderr: '' }, mode);
      await countsBeyond(bundle, last);
      t.equal(await limit(), LIMIT, mode);
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { ...CONTROLLED, lacking: lacking ?? lackingController('pids') },
);

forEachRuntime(
  'checkpoint --manage-cgroups-mode full and strict: a container that would lose cgroups of its own is refused',
  async (t, rt) => {
    const bundle = counter(rt, (config) => {
      config.linux.resources = { pids: { limit: LIMIT } };
      config.process.args[2] = `sleep 600 & ${config.process.args[2] ?? ''}`;
    });
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    const inner = join(await pidsCgroup(rt, id), 'inner');
    mkdirSync(inner);
    for (const mode of ['full', 'strict']) {
      const words = new RegExp(`--manage-cgroups-mode ${mode} is not possible: .* below its own: "${inner}"`);
      t.match(await checkpoint(rt, id, '--manage-cgroups-mode', mode), { status: 1, stderr: words });
      t.equal((await stateOf(rt, id)).status, 'running', 'it goes on');
      t.notOk(existsSync(join(rt.dir, 'images')));
    }
    const pids = readFileSync(join(inner, '..', 'cgroup.procs'), 'utf8')
      .trim()
      .split('\n');
    const sleeper = pids.find((one) => readFileSync(`/proc/${one}/cmdline`, 'utf8') === 'sleep\x00600\x00') ?? '';
    writeFileSync(join(inner, 'cgroup.procs'), sleeper);
    t.match(await checkpoint(rt, id, '--manage-cgroups-mode', 'soft'), { status: 0, stderr: '' });
    const refused = await restore(rt, bundle, id, '--manage-cgroups-mode', 'full');
    t.match(refused, {
      status: 1,
      stderr: /--manage-cgroups-mode full is not possible: .* several cgroups: .*\/inner/,
    });
    t.match(await restore(rt, bundle, id, '--manage-cgroups-mode', 'soft'), { status: 0 });
    t.notOk(existsSync(inner));
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking: lacking ?? lackingController('pids'), oursOnly: 'criu restores them for runc' },
);
