import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import { servicesLacking } from '../harness/docker-service.ts';
import { forEachPodmanService, PodmanService, USER } from '../harness/podman-service.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const cgroup = '/sys/fs/cgroup';

type Option = readonly [options: string, script: string, output: string | RegExp];

/** Few runs with many options each: the machine is slow. */
const LIMITS =
  '--memory 64m --cpus 0.5 --pids-limit 50 --shm-size 1m --ulimit nofile=100:200 --sysctl net.core.somaxconn=99';
const RIGHTS = '--user 1000:1001 --cap-drop ALL --read-only --init';

const OF_ALL: readonly Option[] = [
  [
    LIMITS,
    `cd ${cgroup}; cat memory.max cpu.max pids.max /proc/sys/net/core/somaxconn; ulimit -Sn; ulimit -Hn; busybox df -k /dev/shm`,
    new RegExp(`^${64 * MIB}\n50000 100000\n50\n99\n100\n200\n.* 1024 `, 's'),
  ],
  [
    RIGHTS,
    'id -u; id -g; busybox grep -E "^(CapBnd|Seccomp):" /proc/self/status; touch /file 2>/dev/null || touch /dev/shm/file && cat /proc/1/comm',
    /^1000\n1001\nCapBnd:\t0{16}\nSeccomp:\t2\n(catatonit|podman-init)\n$/,
  ],
  ['-t --privileged', 'busybox tty && mount -t tmpfs none /tmp && echo mounted', '/dev/pts/0\r\nmounted\r\n'],
];

const OF_ROOT: readonly Option[] = [
  [
    '--cgroupns host --device /dev/nvme1n1:/dev/other:r',
    'ls /sys/class/net; cat /proc/1/attr/current /proc/self/cgroup; busybox head -c 3 /dev/other | busybox wc -c',
    /^eth0\nlo\ncontainers-default-.* \(enforce\)\n0::\/machine\.slice\/libpod-[0-9a-f]{64}\.scope.*\n3\n$/,
  ],
  ['--userns auto', 'id -u; cat /proc/self/uid_map', /^0\n +0 +21474836\d\d +\d+\n$/],
];

const OF_USER: readonly Option[] = [
  [
    '--cgroupns host',
    'id -u; cat /proc/self/uid_map /proc/self/cgroup',
    /^0\n +0 +1000 +1\n +1 +300000 +65536\n0::\/user\.slice\/user-1000\.slice\/user@1000\.service\/user\.slice\/libpod-/,
  ],
  ['--userns keep-id', 'id -u; cat /proc/self/uid_map', /^1000\n +0 +1 +1000\n +1000 +0 +1\n/],
];

async function checkOptions(t: Test, podman: PodmanService, options: readonly Option[]): Promise<void> {
  for (const [words, script, output] of options) {
    const outcome = await podman.run(words, script);
    if (typeof output === 'string') t.equal(outcome.stdout, output, `${words}: ${outcome.stderr}`);
    else t.match(outcome.stdout, output, `${words}: ${outcome.stderr}`);
  }
  const info = await podman.command('info', '--format', '{{.Host.CgroupManager}} {{.Host.OCIRuntime.Name}}');
  t.equal(info.stdout, 'systemd tested\n', info.stderr);
}

/** A container's life with its health, which timers of systemd look after. */
async function checkLife(t: Test, podman: PodmanService): Promise<void> {
  const health = ['--health-cmd', 'test -e /healthy', '--health-interval', '1s', '--health-retries', '1'];
  const words = ['run', '--detach', '--name', 'one', '--memory', '64m', ...health];
  const started = await podman.command(...words, 'tiny', '/bin/probe', 'wait');
  t.equal(started.status, 0, started.stderr);
  const inspect = async (template: string): Promise<string> =>
    (await podman.command('inspect', '--format', template, 'one')).stdout.trim();
  await until('it is unhealthy', async () => (await inspect('{{.State.Health.Status}}')) === 'unhealthy', 30_000);
  t.equal((await podman.command('exec', 'one', '/bin/touch', '/healthy')).status, 0);
  await until('it is healthy', async () => (await inspect('{{.State.Health.Status}}')) === 'healthy', 30_000);
  const updated = await podman.command('update', '--memory', '96m', 'one');
  t.equal(updated.status, 0, updated.stderr);
  const exec = await podman.command('exec', 'one', '/bin/sh', '-c', `cat ${cgroup}/memory.max; exit 9`);
  t.strictSame([exec.status, exec.stdout], [9, `${96 * MIB}\n`], exec.stderr);
  t.equal((await podman.command('pause', 'one')).status, 0);
  t.equal(await inspect('{{.State.Status}}'), 'paused');
  t.equal((await podman.command('unpause', 'one')).status, 0);
  t.match((await podman.command('top', 'one')).stdout, 'probe');
  t.match((await podman.command('stats', '--no-stream', 'one')).stdout, '%');
  t.equal((await podman.command('stop', '--time', '20', 'one')).status, 0);
  t.equal(await inspect('{{.State.Status}} {{.State.ExitCode}}'), 'exited 15');
  t.equal((await podman.command('rm', 'one')).status, 0);
}

/** A unit of systemd that Podman's generator makes from a description. */
async function checkQuadlet(t: Test, podman: PodmanService, directory: string, systemctl: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const file = `${directory}/tested.container`;
  const container = 'Image=localhost/tiny:latest\nExec=/bin/probe wait\nContainerName=unit\nPodmanArgs=--memory 64m';
  writeFileSync(file, `[Container]\n${container}\n`);
  const ask = async (words: string): Promise<Outcome> => podman.shell(`${systemctl} ${words}`);
  try {
    t.equal((await ask('daemon-reload')).status, 0);
    const started = await ask('start tested.service');
    t.equal(started.status, 0, started.stderr + (await run(['journalctl', '--lines', '20'])).stdout);
    const status = await podman.command('inspect', '--format', '{{.State.Status}} {{.OCIRuntime}}', 'unit');
    t.equal(status.stdout.trim(), 'running tested', status.stderr);
    t.equal((await ask('restart tested.service')).status, 0);
    t.equal((await ask('is-active tested.service')).stdout, 'active\n');
    t.equal((await podman.command('exec', 'unit', '/bin/cat', `${cgroup}/memory.max`)).stdout, `${64 * MIB}\n`);
    t.equal((await ask('stop tested.service')).status, 0);
    t.equal((await podman.command('ps', '--all', '--quiet')).stdout, '');
  } finally {
    rmSync(file);
    await ask('daemon-reload');
  }
}

if (servicesLacking === undefined) t.before(() => PodmanService.prepare());

const quadlets = (user: string): string => `/etc/containers/systemd${user === '' ? '' : `/users/${user}`}`;

forEachPodmanService('options of run are in force', undefined, (t, podman) =>
  checkOptions(t, podman, [...OF_ALL, ...OF_ROOT]),
);
forEachPodmanService('a life with health checks', undefined, (t, podman) => checkLife(t, podman));
forEachPodmanService('a quadlet', undefined, (t, podman) => checkQuadlet(t, podman, quadlets(''), 'systemctl'));
forEachPodmanService('options of run are in force', USER, (t, podman) =>
  checkOptions(t, podman, [...OF_ALL, ...OF_USER]),
);
forEachPodmanService('a life with health checks', USER, (t, podman) => checkLife(t, podman));
forEachPodmanService('a quadlet', USER, (t, podman) => checkQuadlet(t, podman, quadlets('1000'), 'systemctl --user'));
