import { existsSync, readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { isUnified, metricsLacking, readCgroup } from '../harness/cgroup.ts';
import { Containerd, RELEASES } from '../harness/containerd.ts';
import type { Release } from '../harness/containerd.ts';
import { criLacking } from '../harness/cri.ts';
import { criuLacking, criuSucceeded } from '../harness/criu.ts';
import { forEachEngine } from '../harness/engine.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** Declares a case for both releases. */
function forEachContainerd(
  name: string,
  body: (t: Test, engine: Containerd, rt: Sandbox) => Promise<void>,
  options: CaseOptions = {},
): void {
  for (const release of Object.keys(RELEASES) as Release[]) {
    const lacking = options.lacking ?? (release === 'containerd 2' ? criLacking() : undefined);
    forEachEngine(`${release}: ${name}`, (rt) => Containerd.start(rt, release), body, { ...options, lacking });
  }
}

const MIB = 1_048_576;

/** The limit of memory of a process, from the cgroup that the host sees. */
function memoryLimit(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  const line = lines.find((one) => (isUnified() ? one.startsWith('0::') : /:memory[:,]|,memory:/.test(one))) ?? '';
  const path = line.slice(line.indexOf('/'));
  return readCgroup('memory', path, isUnified() ? 'memory.max' : 'memory.limit_in_bytes');
}

/** Starts a container that waits for a signal. */
async function waiting(t: Test, engine: Containerd, id: string, options: readonly string[] = []): Promise<void> {
  const started = await engine.detach(options, id, '/bin/probe', 'wait');
  t.equal(started.status, 0, started.stderr);
  await until('the program runs', () => engine.output(id).includes('ready'), 30_000);
  t.match(await engine.task(id), { status: 'RUNNING' });
}

forEachContainerd('run passes output and exit status', async (t, engine) => {
  const outcome = await engine.run([], 'one', '/bin/sh', '-c', 'echo out; echo err >&2; exit 7');
  t.strictSame(outcome, { status: 7, stdout: 'out\n', stderr: 'err\n' });
  t.equal((await engine.command('containers', 'ls', '-q')).stdout, '');
});

forEachContainerd('run: limits are in force', async (t, engine) => {
  // The container would need a cgroup namespace to see them: ctr gives it none, and a mount of cgroup2 in that of the host
  // changes the options of all mounts of the hierarchy, which runc does.
  await waiting(t, engine, 'one', ['--memory-limit', String(64 * MIB), '--cpus', '0.5']);
  t.equal(memoryLimit((await engine.task('one'))?.pid ?? 0), String(64 * MIB));
  t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGKILL', 'one')).status, 0);
  t.equal((await engine.remove('one')).status, 0);
});

forEachContainerd('run of a missing program fails and names it', async (t, engine) => {
  const outcome = await engine.run([], 'one', '/nosuch');
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, /"\/nosuch"?.*no such file or directory/);
});

forEachContainerd('run --detach, kill, rm', async (t, engine) => {
  await waiting(t, engine, 'one');
  const pid = (await engine.task('one'))?.pid ?? 0;
  t.ok(existsSync(`/proc/${pid}`));
  t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGTERM', 'one')).status, 0);
  await until('the program got the signal', () => engine.output('one').includes('{"signal":15}'), 30_000);
  t.equal((await engine.remove('one')).status, 0);
  t.equal((await engine.command('containers', 'ls', '-q')).stdout, '');
});

forEachContainerd('a container that ends at once is reported as stopped', async (t, engine) => {
  t.equal((await engine.detach([], 'one', '/bin/true')).status, 0);
  t.equal((await engine.remove('one')).status, 0);
});

forEachContainerd('fifty containers at once', async (t, engine) => {
  const ids = Array.from({ length: 50 }, (_, index) => `c${index}`);
  const outcomes = await Promise.all(ids.map((id) => engine.run([], id, '/bin/echo', id)));
  t.same(
    outcomes.map(({ status, stdout }) => ({ status, stdout })),
    ids.map((id) => ({ status: 0, stdout: `${id}\n` })),
  );
});

forEachContainerd('a daemon that was restarted still manages its containers', async (t, engine) => {
  await waiting(t, engine, 'one');
  const before = await engine.task('one');
  await engine.restart();
  t.same(await engine.task('one'), before);
  t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGKILL', 'one')).status, 0);
  t.equal((await engine.remove('one')).status, 0);
});

forEachContainerd('the container of a killed shim is cleaned up', async (t, engine) => {
  await waiting(t, engine, 'one');
  const pid = (await engine.task('one'))?.pid ?? 0;
  process.kill(engine.shim('one'), 'SIGKILL');
  await until('the program is gone', () => !existsSync(`/proc/${pid}`), 30_000);
  await until('the task is gone', async () => (await engine.task('one')) === undefined, 30_000);
  t.equal((await engine.command('containers', 'rm', 'one')).status, 0);
});

forEachContainerd('exec runs in the container and passes its exit status', async (t, engine) => {
  await waiting(t, engine, 'one');
  const words = ['--exec-id', 'e1', 'one', '/bin/sh', '-c', 'echo $$; exit 3'];
  const outcome = await engine.command('tasks', 'exec', ...words);
  t.equal(outcome.status, 3, outcome.stderr);
  t.ok(Number(outcome.stdout) > 1);
  t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGKILL', 'one')).status, 0);
  t.equal((await engine.remove('one')).status, 0);
});

forEachContainerd('pause, resume, ps and metrics', async (t, engine) => {
  await waiting(t, engine, 'one');
  const pid = String((await engine.task('one'))?.pid);
  t.equal((await engine.command('tasks', 'pause', 'one')).status, 0);
  t.match(await engine.task('one'), { status: 'PAUSED' });
  t.equal((await engine.command('tasks', 'resume', 'one')).status, 0);
  t.match(await engine.task('one'), { status: 'RUNNING' });
  const ps = await engine.command('tasks', 'ps', 'one');
  t.ok(ps.stdout.split(/\s+/).includes(pid), ps.stderr);
  const metrics = await engine.command('tasks', 'metrics', 'one');
  t.match(metrics.stdout, /memory/, metrics.stderr, { skip: metricsLacking() ?? false });
  t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGKILL', 'one')).status, 0);
  t.equal((await engine.remove('one')).status, 0);
});

forEachContainerd(
  'a checkpoint is restored, and the program continues where it stopped',
  async (t, engine, rt) => {
    const script = 'i=0; while :; do i=$((i+1)); echo $i >/tmp/next; mv /tmp/next /tmp/count; sleep 0.1; done';
    const started = await engine.detachImage('one', '/bin/busybox', 'sh', '-c', script.replace('mv', 'busybox mv'));
    t.equal(started.status, 0, started.stderr);
    const count = async (): Promise<number> => {
      const words = ['tasks', 'exec', '--exec-id', `e${Date.now()}`, 'one', '/bin/cat', '/tmp/count'];
      return Number((await engine.command(...words)).stdout);
    };
    const kill = async (): Promise<void> => {
      t.equal((await engine.command('tasks', 'kill', '--signal', 'SIGKILL', 'one')).status, 0);
      t.equal((await engine.remove('one')).status, 0);
    };
    await until('it counts', async () => (await count()) > 3, 30_000);
    const name = 'localhost/one:checkpoint';
    const checkpoint = await engine.command('containers', 'checkpoint', '--image', '--rw', '--task', 'one', name);
    if (!criuSucceeded(t, checkpoint, rt.dir)) return kill();
    const last = await count();
    await kill();
    const restore = await engine.command('containers', 'restore', '--live', '--rw', 'one', name);
    if (!criuSucceeded(t, restore, rt.dir)) return;
    await until('it counts on', async () => (await count()) > last, 30_000);
    t.ok((await count()) < last + 100, 'from where it was');
    await kill();
  },
  { lacking: criuLacking() },
);
