import type { Test } from 'tap';
import { isUnified, metricsLacking } from '../harness/cgroup.ts';
import { Cri, criLacking } from '../harness/cri.ts';
import { forEachEngine } from '../harness/engine.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const lacking = criLacking();

function forEachCri(name: string, body: (t: Test, engine: Cri) => Promise<void>): void {
  forEachEngine(`cri: ${name}`, (rt) => Cri.start(rt), body, { lacking });
}

async function namespaces(engine: Cri, id: string): Promise<Record<string, string>> {
  const { stdout } = await engine.exec(id, '/bin/probe', 'ns');
  return JSON.parse(stdout) as Record<string, string>;
}

forEachCri('two containers of a pod share net, ipc and pid namespaces', async (t, engine) => {
  await engine.withPod('POD', async (pod, config) => {
    const context = { namespace_options: { network: 'POD', pid: 'POD', ipc: 'POD' } };
    const linux = { security_context: context };
    const first = await engine.create(pod, config, 'first', { command: ['/bin/probe', 'wait'], linux });
    const second = await engine.create(pod, config, 'second', { command: ['/bin/probe', 'wait'], linux });
    for (const id of [first, second]) await engine.call('StartContainer', { container_id: id });
    await until('both run', () => engine.output('first').length > 0 && engine.output('second').length > 0);
    const [a, b] = [await namespaces(engine, first), await namespaces(engine, second)];
    for (const name of ['net', 'ipc', 'pid', 'uts']) t.equal(a[name], b[name], name);
    t.not(a['mnt'], b['mnt']);
    const { stdout } = await engine.exec(second, '/bin/sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    t.match(stdout, /sleep 1000000.*probe wait.*probe wait/, 'the first process is that of the pod');
    const network = await engine.exec(first, '/bin/cat', '/proc/net/fib_trie');
    t.match(network.stdout, /10\.254\.77\.\d+/, 'the address that the plugin gave');
    for (const id of [first, second]) await engine.stopAndRemove(id);
  });
});

forEachCri('logs, exec, stats and exit status', async (t, engine) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const script = 'echo out; echo err >&2; trap "exit 7" TERM; while :; do sleep 0.1; done';
    const id = await engine.create(pod, config, 'shell', { command: ['/bin/sh', '-c', script] });
    t.equal((await engine.status(id)).state, 'CONTAINER_CREATED');
    await engine.call('StartContainer', { container_id: id });
    await until('it wrote', () => engine.output('shell').length === 2);
    t.strictSame(engine.output('shell').sort(), ['stderr err', 'stdout out']);
    t.equal((await engine.status(id)).state, 'CONTAINER_RUNNING');
    t.strictSame(await engine.exec(id, '/bin/sh', '-c', 'echo $PPID; echo no >&2; exit 3'), {
      stdout: '0\n',
      stderr: 'no\n',
      exitCode: 3,
    });
    t.match(await engine.attempt('ExecSync', { container_id: id, cmd: ['/nosuch'] }), {
      status: 1,
      stderr: /nosuch.*no such file or directory/,
    });
    type Stats = {
      stats: { memory: { usageBytes?: { value: string } }; cpu: { usageCoreNanoSeconds?: { value: string } } };
    };
    const lackingMetrics = metricsLacking();
    if (lackingMetrics === undefined) {
      const { stats } = await engine.call<Stats>('ContainerStats', { container_id: id });
      t.ok(Number(stats.memory.usageBytes?.value) > 0);
      t.ok(Number(stats.cpu.usageCoreNanoSeconds?.value) > 0);
    } else {
      t.pass('ContainerStats', { skip: lackingMetrics });
    }
    await engine.call('StopContainer', { container_id: id, timeout: 10 });
    t.match(await engine.status(id), { state: 'CONTAINER_EXITED', exitCode: 7 });
    await engine.call('RemoveContainer', { container_id: id });
  });
});

forEachCri('limits are set, and changed at run time', async (t, engine) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const linux = { resources: { memory_limit_in_bytes: 64 * MIB, cpu_period: 100_000, cpu_quota: 50_000 } };
    const id = await engine.create(pod, config, 'limited', { command: ['/bin/sleep', '1000'], linux });
    await engine.call('StartContainer', { container_id: id });
    const memory = isUnified() ? '/sys/fs/cgroup/memory.max' : '/sys/fs/cgroup/memory/memory.limit_in_bytes';
    const quota = isUnified() ? '/sys/fs/cgroup/cpu.max' : '/sys/fs/cgroup/cpu/cpu.cfs_quota_us';
    t.equal((await engine.exec(id, '/bin/cat', memory)).stdout, `${64 * MIB}\n`);
    t.match((await engine.exec(id, '/bin/cat', quota)).stdout, /^50000/);
    const changed = { memory_limit_in_bytes: 96 * MIB, cpu_period: 100_000, cpu_quota: 20_000 };
    await engine.call('UpdateContainerResources', { container_id: id, linux: changed });
    t.equal((await engine.exec(id, '/bin/cat', memory)).stdout, `${96 * MIB}\n`);
    t.match((await engine.exec(id, '/bin/cat', quota)).stdout, /^20000/);
    await engine.call('StopContainer', { container_id: id, timeout: 0 });
    t.match(await engine.status(id), { state: 'CONTAINER_EXITED', exitCode: 137 });
    await engine.call('RemoveContainer', { container_id: id });
  });
});

forEachCri('the security context is in force', async (t, engine) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const security_context = {
      capabilities: { drop_capabilities: ['ALL'], add_capabilities: ['KILL'] },
      readonly_rootfs: true,
      no_new_privs: true,
      run_as_user: { value: 1000 },
      run_as_group: { value: 1001 },
      supplemental_groups: [5],
      seccomp: { profile_type: 'RuntimeDefault' },
      masked_paths: ['/proc/keys'],
      readonly_paths: ['/proc/sys'],
    };
    const id = await engine.create(pod, config, 'bare', {
      command: ['/bin/sleep', '1000'],
      linux: { security_context },
    });
    await engine.call('StartContainer', { container_id: id });
    const { stdout } = await engine.exec(id, '/bin/cat', '/proc/self/status', '/proc/keys');
    t.match(stdout, /Uid:\t1000\t1000/);
    t.match(stdout, /Gid:\t1001\t1001/);
    t.match(stdout, /Groups:.*\b5\b/);
    t.match(stdout, /CapBnd:\t0000000000000020/);
    t.match(stdout, /NoNewPrivs:\t1/);
    t.match(stdout, /Seccomp:\t2/);
    t.match(await engine.exec(id, '/bin/touch', '/x'), { exitCode: 1, stderr: /Read-only file system/ });
    await engine.stopAndRemove(id);
  });
});

forEachCri('a program that is missing is named', async (t, engine) => {
  await engine.withPod('CONTAINER', async (pod, config) => {
    const id = await engine.create(pod, config, 'none', { command: ['/nosuch'] });
    const outcome = await engine.attempt('StartContainer', { container_id: id });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /\/nosuch"?.*no such file or directory/);
    t.match(await engine.status(id), { state: 'CONTAINER_EXITED', reason: 'StartError', exitCode: 128 });
    await engine.call('RemoveContainer', { container_id: id });
  });
});
