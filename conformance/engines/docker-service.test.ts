import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  endDockerService,
  forEachDockerService,
  prepareDockerService,
  servicesLacking,
  unitProperty,
} from '../harness/docker-service.ts';
import { run } from '../harness/process.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const cgroup = '/sys/fs/cgroup';

/** Options of `docker run`, a script, and its output, which shows the effect of the option inside. */
const OPTIONS: readonly (readonly [options: string, script: string, output: string | RegExp])[] = [
  // The network of the bridge, which the daemon itself sets up by a hook of the network namespace.
  ['', 'ls /sys/class/net; cat /proc/1/attr/current', /^eth0\nlo\ndocker-default \(enforce\)\n$/],
  [
    '--memory 64m --memory-swap 96m',
    `cat ${cgroup}/memory.max ${cgroup}/memory.swap.max`,
    `${64 * MIB}\n${32 * MIB}\n`,
  ],
  ['--cpus 0.5 --pids-limit 50', `cat ${cgroup}/cpu.max ${cgroup}/pids.max`, '50000 100000\n50\n'],
  ['--cpuset-cpus 0 --cpu-shares 512', `cat ${cgroup}/cpuset.cpus`, '0\n'],
  [
    '--user 1000:1001 --group-add 7',
    'id -u; id -g; busybox grep Groups /proc/self/status',
    /^1000\n1001\nGroups:\t7 1001 ?\n/,
  ],
  ['--cap-drop ALL --cap-add NET_RAW', 'busybox grep CapBnd /proc/self/status', /0000000000002000/],
  ['--read-only --tmpfs /scratch', 'touch /file 2>/dev/null || touch /scratch/file && echo $?', '0\n'],
  ['--privileged', 'mount -t tmpfs none /tmp && echo mounted; cat /proc/1/attr/current', 'mounted\nunconfined\n'],
  ['--privileged', 'ls /dev/nvme0n1 && busybox grep Seccomp: /proc/self/status', '/dev/nvme0n1\nSeccomp:\t0\n'],
  [
    '--device /dev/nvme1n1:/dev/other:r',
    'busybox head -c 3 /dev/other | busybox wc -c; true >/dev/other || echo refused',
    '3\nrefused\n',
  ],
  [
    '--sysctl net.core.somaxconn=99 --sysctl kernel.msgmax=4096',
    'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax',
    '99\n4096\n',
  ],
  ['--shm-size 1m', 'busybox df -k /dev/shm | busybox tail -n 1', / 1024 /],
  ['--ulimit nofile=100:200 --ulimit core=0', 'ulimit -Sn; ulimit -Hn; ulimit -c', '100\n200\n0\n'],
  [
    '--pid host --network host --uts host --ipc host',
    'hostname; busybox ps | busybox grep -q [d]ockerd && echo sees',
    'rt-vm\nsees\n',
  ],
  ['--cgroupns host', 'cat /proc/self/cgroup', /^0::\/system\.slice\/docker-[0-9a-f]{64}\.scope\n$/],
  ['--cgroupns private', 'cat /proc/self/cgroup', '0::/\n'],
  [
    '--cgroup-parent own.slice --cgroupns host',
    'cat /proc/self/cgroup',
    /^0::\/own\.slice\/docker-[0-9a-f]{64}\.scope\n$/,
  ],
  ['--security-opt apparmor=unconfined', 'cat /proc/1/attr/current', 'unconfined\n'],
  // Denied by the profile alone.
  ['--cap-add SYS_ADMIN', 'mount -t tmpfs none /tmp 2>&1', /denied/],
  [
    '',
    'busybox unshare -m true 2>&1; busybox grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status',
    /not permitted\nNoNewPrivs:\t0\nSeccomp:\t2\n/,
  ],
  ['--security-opt no-new-privileges', 'busybox grep NoNewPrivs /proc/self/status', 'NoNewPrivs:\t1\n'],
  ['-t', 'test -t 1 && busybox tty', '/dev/pts/0\r\n'],
];

if (servicesLacking === undefined) {
  t.before(prepareDockerService);
  t.after(endDockerService);
}

forEachDockerService('options of run are in force', async (t, docker) => {
  for (const [options, script, output] of OPTIONS) {
    const outcome = await docker.run(options, script);
    if (typeof output === 'string') t.equal(outcome.stdout, output, `${options}: ${outcome.stderr}`);
    else t.match(outcome.stdout, output, `${options}: ${outcome.stderr}`);
  }
  const info = '{{.CgroupDriver}} {{.CgroupVersion}} {{.DefaultRuntime}}';
  t.equal((await docker.command('info', '--format', info)).stdout, 'systemd 2 tested\n');
});

forEachDockerService('init, exit status, a missing program, memory that is used up', async (t, docker) => {
  const init = await docker.run('--init', 'cat /proc/1/comm; kill -TERM $$');
  t.strictSame([init.status, init.stdout], [143, 'docker-init\n'], init.stderr);
  const absent = await docker.command('run', '--rm', 'tiny', '/nosuch');
  t.equal(absent.status, 127);
  t.match(absent.stderr, 'stat /nosuch: no such file or directory');
  // The shim learns of it only after it has begun to watch the cgroup, which it does once the container has been started,
  // and before systemd removes the scope of a container that has ended.
  const hog = ['/bin/sh', '-c', `sleep 3; /bin/probe memhog ${64 * MIB}; status=$?; sleep 3; exit $status`];
  const killed = await docker.command(
    'run',
    '--name',
    'one',
    '--memory',
    '16m',
    '--memory-swap',
    '16m',
    'tiny',
    ...hog,
  );
  t.equal(killed.status, 137, killed.stderr);
  t.equal(await docker.inspect('{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137');
});

forEachDockerService('limits are properties of the scope, and update changes them', async (t, docker, rt) => {
  const id = await docker.detach(t, '--memory 64m --memory-swap 64m --pids-limit 50 --cpus 0.5 --cpuset-cpus 0');
  t.equal(unitProperty(`docker-${id}.scope`, 'MemoryMax'), String(64 * MIB));
  t.equal(unitProperty(`docker-${id}.scope`, 'TasksMax'), '50');
  t.equal(unitProperty(`docker-${id}.scope`, 'CPUQuotaPerSecUSec'), '500ms');
  t.equal(unitProperty(`docker-${id}.scope`, 'AllowedCPUs'), '0');
  const words = ['--memory', '96m', '--memory-swap', '96m', '--pids-limit', '60', '--cpus', '1'];
  const updated = await docker.command('update', ...words, 'one');
  t.equal(updated.status, 0, updated.stderr);
  t.equal(unitProperty(`docker-${id}.scope`, 'MemoryMax'), String(96 * MIB));
  // systemd writes the limits of the scope again: they must be the new ones.
  t.equal((await run(['systemctl', 'daemon-reload'], { env: rt.env })).status, 0);
  const files = `cat ${cgroup}/memory.max ${cgroup}/pids.max ${cgroup}/cpu.max`;
  const inside = await docker.command('exec', 'one', '/bin/sh', '-c', files);
  t.equal(inside.stdout, `${96 * MIB}\n60\n100000 100000\n`, inside.stderr);
});

forEachDockerService('exec, top, stats, pause, and devices after daemon-reload', async (t, docker, rt) => {
  await docker.detach(t, '--device /dev/zero:/dev/other --memory 64m');
  const exec = await docker.command(
    'exec',
    '-u',
    '1000',
    '-e',
    'A=b',
    'one',
    '/bin/sh',
    '-c',
    'echo $A $(id -u); exit 9',
  );
  t.strictSame([exec.status, exec.stdout], [9, 'b 1000\n'], exec.stderr);
  t.equal((await docker.command('exec', '-t', 'one', 'busybox', 'tty')).stdout, '/dev/pts/0\r\n');
  const confined = await docker.command('exec', 'one', '/bin/cat', '/proc/self/attr/current');
  t.equal(confined.stdout, 'docker-default (enforce)\n');
  t.match((await docker.command('top', 'one')).stdout, 'sleep 1000');
  t.match((await docker.command('stats', '--no-stream', 'one')).stdout, / \/ 64MiB/);
  t.equal((await docker.command('pause', 'one')).status, 0);
  t.equal(await docker.inspect('{{.State.Status}}'), 'paused');
  t.equal((await docker.command('unpause', 'one')).status, 0);
  t.equal((await run(['systemctl', 'daemon-reload'], { env: rt.env })).status, 0);
  const read = 'busybox head -c 3 /dev/other | busybox wc -c; busybox mknod /tmp/mem c 1 1 && cat /tmp/mem';
  const after = await docker.command('exec', 'one', '/bin/sh', '-c', read);
  t.equal(after.stdout, '3\n', after.stderr);
  t.match(after.stderr, 'not permitted', 'and no others');
  const limit = await docker.command('exec', 'one', '/bin/cat', `${cgroup}/memory.max`);
  t.equal(limit.stdout, `${64 * MIB}\n`);
});

forEachDockerService('stop, start, restart, kill, rm', async (t, docker) => {
  await docker.detach(t, '--init');
  t.equal((await docker.command('stop', '--time', '20', 'one')).status, 0);
  t.equal(await docker.inspect('{{.State.Status}} {{.State.ExitCode}}'), 'exited 143');
  t.equal((await docker.command('start', 'one')).status, 0);
  const first = await docker.inspect('{{.State.Pid}}');
  t.equal((await docker.command('restart', '--time', '20', 'one')).status, 0);
  t.match(await docker.inspect('{{.State.Status}}'), 'running');
  t.not(await docker.inspect('{{.State.Pid}}'), first);
  t.equal((await docker.command('kill', 'one')).status, 0);
  await until('it has ended', async () => (await docker.inspect('{{.State.ExitCode}}')) === '137', 30_000);
  t.equal((await docker.command('rm', 'one')).status, 0);
  t.equal((await docker.command('ps', '--all', '--quiet')).stdout, '');
});

forEachDockerService('containers live on while the daemon restarts', async (t, docker) => {
  await docker.detach(t, '--memory 64m');
  const pid = await docker.inspect('{{.State.Pid}}');
  await docker.restart();
  t.equal(await docker.inspect('{{.State.Status}} {{.State.Pid}}'), `running ${pid}`);
  t.match(readFileSync(join('/proc', pid, 'cmdline'), 'utf8'), 'sleep');
  const exec = await docker.command('exec', 'one', '/bin/sh', '-c', `cat ${cgroup}/memory.max; exit 3`);
  t.strictSame([exec.status, exec.stdout], [3, `${64 * MIB}\n`], exec.stderr);
  t.equal((await docker.command('stop', '--time', '1', 'one')).status, 0);
  t.equal(await docker.inspect('{{.State.Status}} {{.State.ExitCode}}'), 'exited 137');
});

forEachDockerService('beside runc, and back to it', async (t, docker) => {
  await docker.setDefault('runc');
  await docker.detach(t, '--runtime tested');
  const other = await docker.run('', 'cat /proc/self/cgroup');
  t.equal(other.stdout, '0::/\n', other.stderr);
  t.equal(await docker.inspect('{{.HostConfig.Runtime}}'), 'tested');
  const exec = await docker.command('exec', 'one', '/bin/echo', 'goes on');
  t.equal(exec.stdout, 'goes on\n', exec.stderr);
  t.equal((await docker.command('stop', '--time', '1', 'one')).status, 0);
  t.equal((await docker.command('start', 'one')).status, 0);
  t.equal(await docker.inspect('{{.State.Status}} {{.HostConfig.Runtime}}'), 'running tested');
  t.equal((await docker.command('rm', '--force', 'one')).status, 0);
  await docker.detach(t, '');
  t.equal(await docker.inspect('{{.HostConfig.Runtime}}'), 'runc');
});
