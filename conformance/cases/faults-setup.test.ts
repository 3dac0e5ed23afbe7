/* Processes that die and system calls that fail during the setup of a container or of one of its processes. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix, lackingController } from '../harness/cgroup.ts';
import { callNumber, traced } from '../harness/calls.ts';
import { commandWithFault, stoppedAt } from '../harness/faults.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const oursOnly = 'calls are those of this project';

function nothingLeft(rt: Sandbox): string[] {
  return [...readdirSync(rt.root), ...cgroupsWithPrefix(rt.prefix)];
}

forEachRuntime(
  'exec fails if its process is killed before it has executed the program',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { id } = container;
    const pidFile = join(rt.dir, 'pid');
    const words = (...flags: string[]): string[] => ['exec', ...flags, id, '/bin/probe', 'exit', '0'];
    const { calls } = await traced(rt, words());
    const last = calls.findLast(({ process, name }) => process !== '0' && name === 'execve');
    // The last calls, ending with execve.
    const kept = calls.filter(({ process }) => process === last?.process).slice(-10);
    t.equal(kept.length, 10);
    for (const call of kept) {
      for (const flags of [[], ['--detach', '--pid-file', pidFile]]) {
        const { outcome, reached } = await traced(rt, words(...flags), { call, action: `kill:${call.process}` });
        const what = `${call.name} ${flags.join(' ')}`;
        t.ok(reached, what);
        t.equal(outcome.status, 255, what);
        t.match(outcome.stderr, 'exec failed: the container process ended before its program ran (signal 9)', what);
        t.notOk(existsSync(pidFile), what);
      }
    }
    const own = await rt.command('exec', id, '/bin/sh', '-c', 'kill -9 $$');
    t.match(own, { status: 137, stderr: /^rt: warning: the program was killed/ }, 'that is another matter');
    t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly },
);

forEachRuntime(
  'run fails if init is killed before it has executed the program',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    const words = ['run', '--bundle', bundle.dir, rt.nextId()];
    const { calls } = await traced(rt, words);
    const last = calls.findLast(({ process, name }) => process !== '0' && name === 'execve');
    if (last === undefined) throw new Error('no process has executed a program');
    const { outcome, reached } = await traced(rt, words, { call: last, action: `kill:${last.process}` });
    t.ok(reached);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'run failed: the container process ended before its program ran (signal 9)');
    t.strictSame(nothingLeft(rt), []);
  },
  { oursOnly },
);

forEachRuntime(
  'start fails if init could not read the go-ahead, and can be repeated',
  async (t, rt) => {
    const container = await rt.created((config) => (config.process.args = ['/bin/probe', 'pause']));
    const { pid } = await container.state();
    const { outcome, reached } = await traced(rt, ['start', container.id], {
      call: { process: 'A', number: callNumber('read'), nth: 1 },
      action: 'errno:5',
      attached: pid,
    });
    t.ok(reached);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /start failed: .* did not receive .*\n.*try again/);
    t.equal((await container.state()).status, 'created');
    t.equal((await container.start()).status, 0);
    t.equal((await container.state()).status, 'running');
    t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly },
);

forEachRuntime(
  'start fails if init was killed before the go-ahead was sent',
  async (t, rt) => {
    const container = await rt.created();
    const { pid } = await container.state();
    const start = await stoppedAt(rt, { call: 'connect' }, 'start', container.id);
    process.kill(pid, 'SIGKILL');
    await until('init is gone', async () => (await container.state()).status === 'stopped');
    start.goOn();
    const { status, stderr } = await start.ended;
    t.equal(status, 1);
    t.match(stderr, /start failed: the container process ended before (?:it was started|its program ran)/);
    t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly },
);

forEachRuntime(
  'start fails if init is killed before it has read the go-ahead, whoever reaps it',
  async (t, rt) => {
    for (let attempt = 0; attempt < 8; attempt++) {
      const container = await rt.created();
      const { pid } = await container.state();
      const { outcome, reached } = await traced(rt, ['start', container.id], {
        call: { process: 'A', number: callNumber('getsockopt'), nth: 1 },
        action: 'kill:A',
        attached: pid,
      });
      t.ok(reached);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /start failed: the container process ended before (?:it was started|its program ran)/);
      t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
    }
  },
  { oursOnly },
);

forEachRuntime(
  'a helper that lacks memory reports that',
  async (t, rt) => {
    const words = ['run', '--bundle', rt.bundle().dir, rt.nextId()];
    const { calls } = await traced(rt, words);
    for (const name of ['statx', 'mmap']) {
      // Of its program, before any other call.
      const call = calls.find((one) => one.process === '0.1' && one.name === name);
      if (call === undefined) throw new Error(`no call of ${name}`);
      const { outcome, reached } = await traced(rt, words, { call, action: 'errno:12' });
      t.ok(reached);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, `the container process failed: cannot allocate memory (${name})`);
      t.strictSame(nothingLeft(rt), []);
    }
  },
  { oursOnly },
);

forEachRuntime(
  'run and exec in the foreground fail if signals cannot be caught: they would wait for ever',
  async (t, rt) => {
    // Node makes its own pipes.
    if (rt.runtime.name !== 'rt') return;
    const container = await rt.started(['pause']);
    const run = ['run', '--bundle', rt.bundle().dir, rt.nextId()];
    for (const words of [run, ['exec', container.id, '/bin/probe', 'exit', '0']]) {
      const outcome = await commandWithFault(rt, { call: 'pipe2', error: 'ENFILE', nth: 1 }, ...words);
      t.not(outcome.status, 0, words.join(' '));
      t.match(outcome.stderr, 'cannot catch signals: too many open files in system');
    }
    t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly },
);

forEachRuntime(
  'a run that cannot start its program removes its pid file',
  async (t, rt) => {
    const pidFile = join(rt.dir, 'pid');
    const bundles = {
      program: rt.bundle((config) => (config.process.args = ['/nonexistent'])),
      'poststart hook': rt.bundle((config) => (config.hooks = { poststart: [{ path: '/nonexistent' }] })),
    };
    for (const [what, bundle] of Object.entries(bundles)) {
      for (const flags of [[], ['--detach']]) {
        const words = ['run', ...flags, '--pid-file', pidFile, '--bundle', bundle.dir, rt.nextId()];
        t.not((await rt.commandDetached(...words)).status, 0, what);
        t.notOk(existsSync(pidFile), `${what} ${flags.join(' ')}`);
      }
    }
  },
  { oursOnly: 'the peers leave it' },
);

forEachRuntime(
  'a busy file of a cgroup is not mistaken for a foreign cgroup',
  async (t, rt) => {
    const bundle = rt.bundle();
    const words = ['run', '--bundle', bundle.dir, rt.nextId()];
    const path = `/sys/fs/cgroup/cpuset${bundle.config.linux.cgroupsPath}/cpuset.cpus`;
    const outcome = await commandWithFault(rt, { call: 'write', error: 'EBUSY', path }, ...words);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'device or resource busy');
    t.notMatch(outcome.stderr, 'is not empty');
    t.strictSame(nothingLeft(rt), []);
  },
  {
    oursOnly,
    lacking:
      lackingController('cpuset') ??
      (existsSync('/sys/fs/cgroup/cpuset') ? undefined : 'cgroup v2 inherits cpusets by itself'),
  },
);

forEachRuntime(
  'a lack of memory is not reported as a bug',
  async (t, rt) => {
    // Node has its own allocator, and aborts.
    if (rt.runtime.name !== 'rt') return;
    const bundle = rt.bundle();
    const words = ['run', '--bundle', bundle.dir, rt.nextId()];
    const { calls } = await traced(rt, words);
    const count = calls.filter(({ process, name }) => process === '0' && name === 'mmap').length;
    t.ok(count > 0);
    for (let nth = 1; nth <= count; nth++) {
      const { status, stderr } = await commandWithFault(rt, { call: 'mmap', error: 'ENOMEM', nth }, ...words);
      t.equal(status, 1, `${nth} of ${count}`);
      t.match(stderr, /^rt: .*(?:out of memory|cannot allocate memory)/m);
      t.notMatch(stderr, 'internal error');
      t.strictSame(existsSync(rt.root) ? nothingLeft(rt) : [], []);
    }
  },
  { oursOnly },
);
