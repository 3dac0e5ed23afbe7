import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { TestConfig } from '../harness/config.ts';
import { Docker } from '../harness/docker.ts';
import { forEachEngine } from '../harness/engine.ts';
import { answers } from '../harness/guest.ts';
import type { Ids } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const installed = (await run(['sh', '-c', 'command -v dockerd docker containerd'])).status === 0;

/** A case with a separate engine. */
function forEachDocker(name: string, body: (t: Test, docker: Docker, rt: Sandbox) => Promise<void>): void {
  const lacking = installed ? undefined : 'docker.io is not installed';
  forEachEngine(name, (rt) => Docker.start(rt), body, { lacking, deviates: { crun: 'refuses hybrid cgroups' } });
}

const LIMITS = ['-m', '512m', '--cpus', '0.5', '--pids-limit', '100'];

forEachDocker('docker run passes output, arguments and exit status', async (t, docker) => {
  const outcome = await docker.run(LIMITS, '/bin/sh', '-c', 'echo out; echo err >&2; exit 7');
  t.strictSame(outcome, { status: 7, stdout: 'out\n', stderr: 'err\n' });
});

forEachDocker('docker run: limits, filter and capabilities are in force', async (t, docker) => {
  const outcome = await docker.run(
    LIMITS,
    '/bin/probe',
    'ids',
    '--',
    'fork',
    '120',
    '--',
    'read',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes',
  );
  t.equal(outcome.status, 0, outcome.stderr);
  const [ids, forks, memory] = answers(outcome.stdout);
  t.equal((ids as Ids).seccomp, '2');
  t.equal((ids as Ids).effective, '00000000a80425fb');
  t.match(forks, { errno: 'EAGAIN', made: 99 });
  t.match(memory, { text: `${512 * 1_048_576}\n` });
});

forEachDocker('docker run of a missing program ends with 127 and its name', async (t, docker) => {
  const outcome = await docker.run([], '/nosuch');
  t.equal(outcome.status, 127);
  t.match(outcome.stderr, '/nosuch');
});

forEachDocker('docker run of a directory is an error that names the cause', async (t, docker) => {
  const outcome = await docker.run([], '/etc');
  // Clients before 23 recognize only the messages of older runtimes, and exit with 125 for others.
  t.ok([125, 126].includes(outcome.status));
  t.match(outcome.stderr, /is a directory|permission denied/);
});

forEachDocker('docker run --detach, stop, logs and rm', async (t, docker) => {
  const options = ['--detach', '--name', 'one', '--network', 'none'];
  const started = await docker.command('run', ...options, 'tiny', '/bin/probe', 'wait');
  if (!t.equal(started.status, 0, started.stderr)) return;
  await until('the program runs', async () => (await docker.command('logs', 'one')).stdout.includes('ready'));
  t.equal((await docker.command('stop', '--time', '10', 'one')).status, 0);
  t.match((await docker.command('logs', 'one')).stdout, '{"signal":15}');
  t.match((await docker.command('inspect', '--format', '{{.State.ExitCode}}', 'one')).stdout, '15');
  t.equal((await docker.command('start', 'one')).status, 0, 'starts again');
  t.equal((await docker.command('kill', 'one')).status, 0);
  t.equal((await docker.command('rm', '--force', 'one')).status, 0);
});

forEachDocker('the config.json of dockerd runs outside the engine too', async (t, docker, rt) => {
  const first = await docker.run(LIMITS, '/bin/probe', 'ids');
  t.equal(first.status, 0, first.stderr);
  const bundle = rt.bundle();
  const config = JSON.parse(readFileSync(docker.configFile, 'utf8')) as TestConfig;
  delete config.hooks;
  config.linux.cgroupsPath = bundle.config.linux.cgroupsPath;
  config.root.path = 'rootfs';
  // The engine removed its files when the container ended.
  config.mounts = config.mounts.filter(({ source }) => source?.startsWith(join(rt.dir, 'data')) !== true);
  config.process.args = ['/bin/probe', 'ids'];
  bundle.saveText(JSON.stringify(config));
  const outcome = await rt.runBundle(bundle);
  t.equal(outcome.status, 0, outcome.stderr);
  t.match(JSON.parse(outcome.stdout), { seccomp: '2', effective: '00000000a80425fb' });
});
