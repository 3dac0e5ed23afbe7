import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { criuLacking, criuSucceeded } from '../harness/criu.ts';
import { forEachEngine } from '../harness/engine.ts';
import { Podman } from '../harness/podman.ts';
import type { Outcome } from '../harness/process.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

function forEachPodman(
  name: string,
  body: (t: Test, podman: Podman, rt: Sandbox) => Promise<void>,
  options?: CaseOptions,
): void {
  forEachEngine(`podman: ${name}`, (rt) => Podman.start(rt), body, options);
}

forEachPodman('run passes output and exit status', async (t, podman) => {
  const outcome = await podman.run([], '/bin/sh', '-c', 'echo out; echo err >&2; exit 7');
  t.strictSame(outcome, { status: 7, stdout: 'out\n', stderr: 'err\n' });
  t.equal((await podman.command('ps', '--all', '--quiet')).stdout, '');
});

forEachPodman('the runtime is the one of containers.conf', async (t, podman, rt) => {
  const info = await podman.command('info', '--format', '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Version}}');
  t.match(info.stdout, `tested ${rt.runtime.name} version `, info.stderr);
  const error = await podman.run([], '/nosuch');
  t.equal(error.status, 127);
  t.match(error.stderr, 'stat /nosuch: no such file or directory');
  t.notMatch(error.stderr, '{', 'the record was read');
});

forEachPodman('exit codes of the client', async (t, podman) => {
  t.equal((await podman.run([], '/etc')).status, 126, 'a directory');
  t.equal((await podman.run([], '/nosuch')).status, 127, 'no such program');
  t.equal((await podman.run(['--nosuch'], '/bin/true')).status, 125, 'a mistake of the caller');
});

forEachPodman('options of run are in force', async (t, podman, rt) => {
  const volume = join(rt.dir, 'volume');
  mkdirSync(volume);
  const options = ['--cap-drop', 'ALL', '--user', '1000', '-e', 'A=b', '-w', '/tmp', '-v', `${volume}:/mnt`];
  const script = 'busybox grep CapEff /proc/self/status; echo $(id -u) $A $PWD';
  const outcome = await podman.run([...options, '--pids-limit', '50'], '/bin/sh', '-c', script);
  t.equal(outcome.stdout, 'CapEff:\t0000000000000000\n1000 b /tmp\n', outcome.stderr);
  const written = await podman.run(['-v', `${volume}:/mnt`], '/bin/sh', '-c', 'echo content > /mnt/file');
  t.equal(written.status, 0, written.stderr);
  t.equal(readFileSync(join(volume, 'file'), 'utf8'), 'content\n');
});

forEachPodman('a read-only root has writable mounts', async (t, podman) => {
  const script = 'touch /file 2>/dev/null || touch /tmp/file; ls /tmp';
  const outcome = await podman.run(['--read-only'], '/bin/sh', '-c', script);
  t.strictSame(outcome, { status: 0, stdout: 'file\n', stderr: '' });
});

/** Starts a detached container that prints every signal it gets. */
async function detach(t: Test, podman: Podman, ...options: string[]): Promise<void> {
  const started = await podman.detach(['--name', 'one', ...options], '/bin/probe', 'wait');
  t.equal(started.status, 0, started.stderr);
  await until('the program runs', async () => (await podman.command('logs', 'one')).stdout.includes('ready'), 30_000);
}

async function exitCode(podman: Podman): Promise<string> {
  return (await podman.command('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'one')).stdout.trim();
}

forEachPodman('run --detach, stop, start, kill, rm', async (t, podman) => {
  await detach(t, podman);
  t.match((await podman.command('ps')).stdout, /Up /);
  t.equal((await podman.command('stop', '--time', '20', 'one')).status, 0);
  t.match((await podman.command('logs', 'one')).stdout, '{"signal":15}');
  t.equal(await exitCode(podman), 'exited 15');
  const again = await podman.command('start', 'one');
  t.equal(again.status, 0, again.stderr);
  t.equal((await podman.command('kill', 'one')).status, 0);
  await until('it has ended', async () => (await exitCode(podman)) === 'exited 137', 30_000);
  t.equal((await podman.command('rm', 'one')).status, 0);
});

forEachPodman(
  '--cgroups=disabled: the container is in no cgroup of its own',
  async (t, podman) => {
    // On cgroup v2 a container has a cgroup namespace by default, which would show any cgroup as the root.
    const outcome = await podman.run(['--cgroups=disabled', '--cgroupns=host'], '/bin/cat', '/proc/self/cgroup');
    t.strictSame(outcome, { status: 0, stdout: readFileSync('/proc/self/cgroup', 'utf8'), stderr: '' });
    await detach(t, podman, '--cgroups=disabled');
    t.equal((await podman.command('exec', 'one', '/bin/true')).status, 0);
    const paused = await podman.command('pause', 'one');
    t.not(paused.status, 0);
    t.equal((await podman.command('stop', '--time', '20', 'one')).status, 0);
    t.equal((await podman.command('rm', 'one')).status, 0);
  },
  { deviates: { runc: 'has no --cgroup-manager' } },
);

forEachPodman('init as pid 1', async (t, podman) => {
  const outcome = await podman.run(['--init', '--init-path', '/usr/bin/tini-static'], '/bin/cat', '/proc/1/comm');
  t.match(outcome.stdout, /^(catatonit|tini|podman-init)/, outcome.stderr);
});

forEachPodman('a health check is run in the container', async (t, podman) => {
  await detach(t, podman, '--health-cmd', 'test -e /healthy', '--health-interval', 'disable');
  const check = (): Promise<Outcome> => podman.command('healthcheck', 'run', 'one');
  t.equal((await check()).status, 1);
  t.equal((await podman.command('exec', 'one', '/bin/touch', '/healthy')).status, 0);
  const healthy = await check();
  t.equal(healthy.status, 0, healthy.stderr);
  const status = await podman.command('inspect', '--format', '{{.State.Health.Status}}', 'one');
  t.equal(status.stdout.trim(), 'healthy', status.stderr);
  t.equal((await podman.command('rm', '--force', '--time', '0', 'one')).status, 0);
});

forEachPodman('exec, pause, stats and top', async (t, podman) => {
  await detach(t, podman);
  const exec = await podman.command('exec', '-e', 'A=b', 'one', '/bin/sh', '-c', 'echo $A; exit 9');
  t.strictSame(exec, { status: 9, stdout: 'b\n', stderr: '' });
  t.equal((await podman.command('exec', 'one', '/nosuch')).status, 127);
  t.equal((await podman.command('pause', 'one')).status, 0);
  t.match(await exitCode(podman), /^paused/);
  t.equal((await podman.command('unpause', 'one')).status, 0);
  t.match((await podman.command('stats', '--no-stream', 'one')).stdout, '%');
  t.match((await podman.command('top', 'one')).stdout, 'probe');
  t.equal((await podman.command('rm', '--force', '--time', '0', 'one')).status, 0);
});

forEachPodman(
  'checkpoint and restore: the program continues where it stopped',
  async (t, podman, rt) => {
    const script = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done';
    const started = await podman.detach(['--name', 'one'], '/bin/sh', '-c', script);
    t.equal(started.status, 0, started.stderr);
    const lines = async (): Promise<string[]> => (await podman.command('logs', 'one')).stdout.trimEnd().split('\n');
    await until('it counts', async () => (await lines()).length > 5, 30_000);
    const checkpoint = await podman.command('container', 'checkpoint', '--keep', 'one');
    if (!criuSucceeded(t, checkpoint, rt.dir)) return;
    t.match(await exitCode(podman), /^exited /);
    const last = (await lines()).length;
    const restore = await podman.command('container', 'restore', '--keep', 'one');
    if (!criuSucceeded(t, restore, rt.dir)) return;
    t.match(await exitCode(podman), /^running /);
    await until('it counts on', async () => (await lines()).length > last + 3, 30_000);
    const all = await lines();
    t.strictSame(
      all,
      all.map((_, index) => String(index + 1)),
      'without a gap',
    );
  },
  { lacking: criuLacking() },
);
