import { existsSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import {
  cgroupOf,
  endContainerdService,
  forEachContainerdService,
  POD_SLICE,
  prepareContainerdService,
} from '../harness/containerd-service.ts';
import type { ContainerdService } from '../harness/containerd-service.ts';
import { PEER } from '../harness/cri-client.ts';
import { servicesLacking, unitProperty } from '../harness/docker-service.ts';
import { run } from '../harness/process.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const cgroup = '/sys/fs/cgroup';
const WAIT = ['/bin/sh', '-c', 'echo ready; trap "exit 7" TERM; while :; do sleep 0.2; done'];

if (servicesLacking === undefined) {
  t.before(prepareContainerdService);
  t.after(endContainerdService);
}

/** Options of `ctr run`, a script, and its output, which shows the effect of the option inside. */
const OPTIONS: readonly (readonly [options: string, script: string, output: string | RegExp])[] = [
  // It gives containers the cgroup namespace of the host.
  ['', 'cat /proc/self/cgroup; id -u', '0::/own.slice/ctr-o0.scope\n0\n'],
  [
    '--seccomp --apparmor-default-profile tested-default',
    'cat /proc/1/attr/current; busybox grep Seccomp: /proc/self/status; mount -t tmpfs none /tmp 2>&1',
    /^tested-default \(enforce\)\nSeccomp:\t2\n.*(denied|not permitted)/,
  ],
  // Denied by the profile alone.
  ['--apparmor-default-profile tested-default --cap-add CAP_SYS_ADMIN', 'mount -t tmpfs none /tmp 2>&1', /denied/],
  [
    '--user 1000:1001 --read-only',
    'id -u; id -g; touch /file 2>&1; busybox grep CapEff /proc/self/status',
    /^1000\n1001\n.*Read-only file system\nCapEff:\t0{16}\n$/,
  ],
  ['--privileged', 'mount -t tmpfs none /tmp && busybox grep Seccomp: /proc/self/status', 'Seccomp:\t0\n'],
  ['--device /dev/nvme1n1', 'busybox head -c 3 /dev/nvme1n1 | busybox wc -c; ls /dev/nvme0n1 2>&1', /^3\n.*No such/],
  ['--net-host', 'ls /sys/class/net/lo/mtu; hostname', '/sys/class/net/lo/mtu\nrt-vm\n'],
];

forEachContainerdService('options of ctr run are in force', async (t, engine) => {
  for (const [index, [options, script, output]] of OPTIONS.entries()) {
    const outcome = await engine.ctrRun(`--rm ${options}`, `o${index}`, '/bin/sh', '-c', script);
    if (typeof output === 'string') t.equal(outcome.stdout, output, `${options}: ${outcome.stderr}`);
    else t.match(outcome.stdout, output, `${options}: ${outcome.stderr}`);
  }
  const failed = await engine.ctrRun('--rm', 'absent', '/nosuch');
  t.equal(failed.status, 1);
  t.match(failed.stderr, /nosuch"?.*no such file or directory/);
});

/** A container of `ctr`, which runs; returns its pid. */
async function detach(t: Test, engine: ContainerdService, options: string): Promise<number> {
  const started = await engine.ctrRun(`--detach ${options}`, 'one', ...WAIT);
  t.equal(started.status, 0, started.stderr);
  const task = await engine.task('one');
  t.equal(task?.status, 'RUNNING');
  return task?.pid ?? 0;
}

async function remove(t: Test, engine: ContainerdService, signal: string): Promise<void> {
  const killed = await engine.ctr('tasks', 'kill', '--signal', signal, 'one');
  t.equal(killed.status, 0, killed.stderr);
  await until('it stopped', async () => (await engine.task('one'))?.status === 'STOPPED', 30_000);
  const removed = await engine.ctr('tasks', 'rm', 'one');
  t.match(removed.stderr, `exit code ${signal === 'SIGTERM' ? 7 : 137}`);
  t.equal((await engine.ctr('containers', 'rm', 'one')).status, 0);
}

forEachContainerdService('a life by ctr, with limits that are properties of the scope', async (t, engine, rt) => {
  const pid = await detach(t, engine, `--memory-limit ${64 * MIB} --cpus 0.5`);
  t.equal(cgroupOf(pid), '/own.slice/ctr-one.scope');
  t.equal(unitProperty('ctr-one.scope', 'MemoryMax'), String(64 * MIB));
  t.equal(unitProperty('ctr-one.scope', 'CPUQuotaPerSecUSec'), '500ms');
  t.equal((await run(['systemctl', 'daemon-reload'], { env: rt.env })).status, 0);
  const words = ['tasks', 'exec', '--exec-id', 'e1', 'one', '/bin/sh', '-c', 'cat /proc/self/cgroup; exit 9'];
  const exec = await engine.ctr(...words);
  t.strictSame([exec.status, exec.stdout], [9, '0::/own.slice/ctr-one.scope\n'], exec.stderr);
  t.equal((await engine.ctr('tasks', 'pause', 'one')).status, 0);
  t.equal((await engine.task('one'))?.status, 'PAUSED');
  t.equal((await engine.ctr('tasks', 'resume', 'one')).status, 0);
  t.ok((await engine.ctr('tasks', 'ps', 'one')).stdout.split(/\s+/).includes(String(pid)));
  t.match((await engine.ctr('tasks', 'metrics', 'one')).stdout, new RegExp(`memory\\.usage_limit +${64 * MIB}`));
  await remove(t, engine, 'SIGTERM');
});

forEachContainerdService('a container of ctr lives on while the service restarts', async (t, engine) => {
  const pid = await detach(t, engine, '');
  await engine.restart();
  t.strictSame(await engine.task('one'), { pid, status: 'RUNNING' });
  const exec = await engine.ctr('tasks', 'exec', '--exec-id', 'e1', 'one', '/bin/echo', 'goes on');
  t.equal(exec.stdout, 'goes on\n', exec.stderr);
  await remove(t, engine, 'SIGKILL');
});

/** Starts a container of a pod that waits. */
async function startWaiting(engine: ContainerdService, pod: string, config: object, linux: object): Promise<string> {
  const id = await engine.create(pod, config, 'waiting', { command: WAIT, linux });
  await engine.call('StartContainer', { container_id: id });
  await until('it runs', () => engine.output('waiting').length > 0);
  return id;
}

forEachContainerdService('a pod in a slice of the kubelet, with the profiles of the engine', async (t, engine) => {
  await engine.withPod('POD', async (pod, config) => {
    const security_context = {
      namespace_options: { network: 'POD', pid: 'POD', ipc: 'POD' },
      capabilities: { drop_capabilities: ['ALL'], add_capabilities: ['KILL'] },
      no_new_privs: true,
      run_as_user: { value: 1000 },
      run_as_group: { value: 1001 },
      seccomp: { profile_type: 'RuntimeDefault' },
      apparmor: { profile_type: 'RuntimeDefault' },
      masked_paths: ['/proc/keys'],
      readonly_paths: ['/proc/sys'],
    };
    const id = await startWaiting(engine, pod, config, { security_context });
    const { info } = await engine.call<{ info: { info: string } }>('ContainerStatus', {
      container_id: id,
      verbose: true,
    });
    const { pid } = JSON.parse(info.info) as { pid: number };
    t.equal(cgroupOf(pid), `${POD_SLICE}/cri-containerd-${id}.scope`);
    const script = 'id -u; id -g; cat /proc/self/attr/current /proc/keys; busybox grep -E "^(CapBnd|NoNew|Seccomp:)" ';
    const { stdout } = await engine.exec(id, '/bin/sh', '-c', `${script} /proc/self/status; ls /sys/class/net`);
    t.match(stdout, /^1000\n1001\ncri-containerd\.apparmor\.d \(enforce\)\n/);
    t.match(stdout, 'CapBnd:\t0000000000000020\nNoNewPrivs:\t1\nSeccomp:\t2\neth0\nlo\n');
    const { stdout: processes } = await engine.exec(id, '/bin/busybox', 'ps');
    t.match(processes, 'sleep 1000000', 'the first process is that of the pod');
    await engine.stopAndRemove(id);
  });
});

forEachContainerdService('limits of a pod are properties of the scope, and change', async (t, engine, rt) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const resources = { memory_limit_in_bytes: 64 * MIB, cpu_period: 100_000, cpu_quota: 50_000, cpuset_cpus: '0' };
    const id = await startWaiting(engine, pod, config, { resources });
    const unit = `cri-containerd-${id}.scope`;
    t.equal(unitProperty(unit, 'MemoryMax'), String(64 * MIB));
    t.equal(unitProperty(unit, 'CPUQuotaPerSecUSec'), '500ms');
    t.equal(unitProperty(unit, 'AllowedCPUs'), '0');
    const linux = { memory_limit_in_bytes: 96 * MIB, cpu_period: 100_000, cpu_quota: 20_000 };
    await engine.call('UpdateContainerResources', { container_id: id, linux });
    t.equal(unitProperty(unit, 'MemoryMax'), String(96 * MIB));
    t.equal((await run(['systemctl', 'daemon-reload'], { env: rt.env })).status, 0);
    const files = await engine.exec(id, '/bin/cat', `${cgroup}/memory.max`, `${cgroup}/cpu.max`);
    t.equal(files.stdout, `${96 * MIB}\n20000 100000\n`, files.stderr);
    type Stats = { stats: { memory: { usageBytes?: { value: string } } } };
    const { stats } = await engine.call<Stats>('ContainerStats', { container_id: id });
    t.ok(Number(stats.memory.usageBytes?.value) > 0);
    await engine.call('StopContainer', { container_id: id, timeout: 20 });
    t.match(await engine.status(id), { state: 'CONTAINER_EXITED', exitCode: 7 });
    await engine.call('RemoveContainer', { container_id: id });
  });
});

forEachContainerdService('containers of a pod that end by themselves', async (t, engine) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const run = async (name: string, command: readonly string[], linux: object): Promise<string> => {
      const id = await engine.create(pod, config, name, { command, linux });
      await engine.attempt('StartContainer', { container_id: id });
      await until('it ended', async () => (await engine.status(id)).state === 'CONTAINER_EXITED', 30_000);
      return id;
    };
    // The shim learns of it only after it has begun to watch the cgroup, which it does once the container has been started,
    // and before systemd removes the scope of a container that has ended.
    const hog = ['/bin/sh', '-c', `sleep 3; /bin/probe memhog ${64 * MIB}; status=$?; sleep 3; exit $status`];
    const limit = { memory_limit_in_bytes: 16 * MIB, memory_swap_limit_in_bytes: 16 * MIB };
    const killed = await run('hog', hog, { resources: limit });
    // The engine may take the event after the end.
    const reported = async (): Promise<boolean> => (await engine.status(killed)).reason === 'OOMKilled';
    await until('the reason is known', reported, 3000).catch(() => undefined);
    t.match(await engine.status(killed), { exitCode: 137, reason: 'OOMKilled' });
    const said = await run('said', ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'], {});
    t.match(await engine.status(said), { exitCode: 3, reason: 'Error' });
    t.strictSame(engine.output('said').sort(), ['stderr err', 'stdout out']);
    const absent = await run('absent', ['/nosuch'], {});
    t.match(await engine.status(absent), { exitCode: 128, reason: 'StartError' });
    for (const id of [killed, said, absent]) await engine.call('RemoveContainer', { container_id: id });
  });
});

forEachContainerdService('a pod lives on while the service restarts, beside one of runc', async (t, engine) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const id = await startWaiting(engine, pod, config, {});
    await engine.restart();
    t.equal((await engine.status(id)).state, 'CONTAINER_RUNNING');
    const request = { config: engine.podConfig('other', 'CONTAINER'), runtime_handler: PEER };
    const { podSandboxId } = await engine.call<{ podSandboxId: string }>('RunPodSandbox', request);
    t.equal((await engine.exec(id, '/bin/echo', 'goes on')).stdout, 'goes on\n');
    await engine.call('StopPodSandbox', { pod_sandbox_id: podSandboxId });
    await engine.call('RemovePodSandbox', { pod_sandbox_id: podSandboxId });
    await engine.stopAndRemove(id);
    t.notOk(existsSync(`${cgroup}${POD_SLICE}/cri-containerd-${id}.scope`));
  });
});
