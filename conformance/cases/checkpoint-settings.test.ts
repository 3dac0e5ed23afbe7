import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpoint, count, counter, countsBeyond, images, restore, start, stateOf } from '../harness/checkpoint.ts';
import { CRIU_PATH, criuLacking } from '../harness/criu.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

const lacking = criuLacking();
const CRUN = { crun: 'the crun of Debian 12 is built without criu' };

/** A program named iptables-restore that does nothing but leave a trace. Returns a PATH that begins with it. */
function tracedIptables(rt: Sandbox, trace: string): string {
  const directory = join(rt.dir, 'programs');
  mkdirSync(directory);
  const text = `#!/bin/sh\ncat >/dev/null\n: >${trace}\n`;
  for (const name of ['iptables-restore', 'ip6tables-restore']) {
    writeFileSync(join(directory, name), text, { mode: 0o755 });
  }
  return `${directory}:${CRIU_PATH}`;
}

forEachRuntime(
  'checkpoint --network-lock: only iptables runs the programs of iptables',
  async (t, rt) => {
    const trace = join(rt.dir, 'trace');
    const env = { ...rt.env, PATH: tracedIptables(rt, trace) };
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    mkdirSync(join(rt.dir, 'work'));
    const dump = (...words: string[]): Promise<Outcome> =>
      rt.commandWith({ env }, 'checkpoint', '--leave-running', ...images(rt), ...words, id);
    for (const [words, traced] of [
      [['--network-lock', 'iptables'], true],
      [['--network-lock', 'nftables'], false],
      [['--network-lock', 'skip'], false],
      [[], false],
    ] as const) {
      t.match(await dump(...words), { status: 0, stderr: '' }, words.join(' '));
      t.equal(existsSync(trace), traced, words.join(' '));
      rmSync(trace, { force: true });
    }
    t.match(await dump('--network-lock', 'none'), { status: 1, stderr: /invalid network-lock: none/ });
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    t.match(await restore(rt, bundle, id, '--network-lock', 'skip'), { status: 0, stderr: '' });
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, oursOnly: 'runc and the crun of Debian 12 have no such option' },
);

/** What its locks are in /proc/locks. */
function locksOf(file: string): string[] {
  const inode = `:${statSync(file).ino} `;
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => line.includes(inode));
}

/** Runs a command of the runtime where /etc is another directory. */
async function withEtc(rt: Sandbox, etc: string, ...words: string[]): Promise<Outcome> {
  const nowhere = openSync('/dev/null', 'w');
  const log = join(rt.dir, 'log');
  rmSync(log, { force: true });
  const script = 'mount --bind "$0" /etc && exec "$@"';
  const prefix = ['unshare', '--mount', '--propagation=private', 'sh', '-c', script, etc];
  try {
    const env = { ...rt.env, PATH: CRIU_PATH };
    const argv = [...prefix, ...rt.argv('--log', log, ...words)];
    const outcome = await run(argv, { env, stdout: nowhere, stderr: nowhere });
    return { ...outcome, stderr: existsSync(log) ? readFileSync(log, 'utf8') : '' };
  } finally {
    closeSync(nowhere);
  }
}

forEachRuntime(
  'checkpoint: /etc/criu/rt.conf has options for criu, if only root can change it',
  async (t, rt) => {
    const etc = join(rt.dir, 'etc');
    const directory = join(etc, 'criu');
    const file = join(directory, 'rt.conf');
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o755);
    writeFileSync(file, '# locks, as with the option\nfile-locks\n', { mode: 0o644 });
    chmodSync(file, 0o644);
    mkdirSync(join(rt.dir, 'work'));
    const bundle = counter(rt, (config) => (config.process.args = ['/bin/probe', 'lock', '/tmp/locked']));
    const locked = join(bundle.rootfs, 'tmp/locked');
    const id = rt.nextId();
    await start(rt, bundle, id);
    await until('it is locked', () => existsSync(locked) && locksOf(locked).length === 2);
    const dump = (): Promise<Outcome> => withEtc(rt, etc, 'checkpoint', ...images(rt), id);
    const refused = async (words: RegExp): Promise<void> => {
      const outcome = await dump();
      t.match(outcome, { status: 1, stderr: words });
      t.match(outcome.stderr, /\/etc\/criu\/rt\.conf/);
      t.equal((await stateOf(rt, id)).status, 'running', 'it goes on');
    };
    chmodSync(file, 0o664);
    await refused(/may be changed by others than root/);
    chmodSync(file, 0o644);
    chownSync(file, 1, 0);
    await refused(/does not belong to root/);
    chownSync(file, 0, 0);
    chmodSync(directory, 0o777);
    await refused(/may be changed by others than root/);
    chmodSync(directory, 0o755);
    renameSync(file, `${file}.aside`);
    symlinkSync(`${file}.aside`, file);
    await refused(/is not a regular file/);
    rmSync(file);
    t.match(await dump(), { status: 1, stderr: /--file-locks/ }, 'without the file');
    renameSync(`${file}.aside`, file);
    t.match(await dump(), { status: 0, stderr: '' });
    t.strictSame(locksOf(locked), []);
    const again = await withEtc(rt, etc, 'restore', '--detach', '--bundle', bundle.dir, ...images(rt), id);
    t.match(again, { status: 0, stderr: '' });
    t.equal(locksOf(locked).length, 2);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, oursOnly: 'the file of runc is /etc/criu/runc.conf, that of crun /etc/criu/crun.conf' },
);

forEachRuntime(
  'checkpoint: progress is shown on a terminal alone',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    const env = { ...rt.env, PATH: CRIU_PATH };
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    mkdirSync(join(rt.dir, 'work'));
    const words = ['checkpoint', '--leave-running', ...images(rt), id];
    const session = new TerminalSession(rt, rt.argv(...words), { env });
    t.match(await session.end(), { status: 0 });
    const shown = session.output();
    t.match(shown, /\rcheckpoint: stops the processes\x1b\[K/);
    t.match(shown, /\rcheckpoint: [^\r]*, [1-9]\d* pages of memory \(\d+\.\d MiB\)\x1b\[K/);
    t.ok(shown.endsWith('\r\x1b[K'), 'the line is removed');
    t.notMatch(shown, /\n/);
    const logged = new TerminalSession(rt, rt.argv('--debug', ...words), { env });
    t.match(await logged.end(), { status: 0 });
    t.notMatch(logged.output(), /\x1b/);
    t.match(logged.output(), /criu: pre-dump"\r\n[^]*criu: network-lock"\r\n/);
    t.match(await rt.commandWith({ env }, ...words), { status: 0, stdout: '', stderr: '' });
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    const again = ['restore', '--detach', '--bundle', bundle.dir, ...images(rt), id];
    const shell = ['sh', '-c', '"$@" >/dev/null; echo ended with $?; read line', 'sh'];
    const second = new TerminalSession(rt, [...shell, ...rt.argv(...again)], { env });
    await second.shows('ended with 0');
    t.match(second.output(), /\rrestore: restores the processes\x1b\[K\r\x1b\[Kended with 0/);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    second.type('\n');
    await second.end();
  },
  { lacking, oursOnly: 'peers show nothing' },
);

forEachRuntime(
  'checkpoint: a --parent-path that is not there is named, and nothing is made',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    for (const preDump of [['--pre-dump'], []]) {
      const missing = await checkpoint(rt, id, ...preDump, '--parent-path', '../missing');
      t.equal(missing.status, 1);
      if (rt.runtime.ours) {
        t.match(missing.stderr, /--parent-path "\.\.\/missing".*\/images"\): no such file or directory/);
        t.notMatch(missing.stderr, /criu/);
      }
      t.notOk(existsSync(join(rt.dir, 'images')));
      writeFileSync(join(rt.dir, 'file'), '');
      const file = await checkpoint(rt, id, ...preDump, '--parent-path', '../file');
      t.equal(file.status, 1);
      if (rt.runtime.ours) t.match(file.stderr, /--parent-path "\.\.\/file".*not a directory/);
    }
    t.equal((await stateOf(rt, id)).status, 'running', 'it goes on');
    const last = count(bundle);
    await countsBeyond(bundle, last);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 leaves the directory of the images' } },
);
