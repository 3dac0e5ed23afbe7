import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Test } from 'tap';
import { cgroupDirectory, isSystemdDriver, isUnified, metricsLacking, readCgroup } from '../harness/cgroup.ts';
import { TESTED } from '../harness/cri-client.ts';
import { unitProperty } from '../harness/docker-service.ts';
import { forEachEngine } from '../harness/engine.ts';
import { probePath } from '../harness/guest.ts';
import { containerCgroup, kubernetesLacking, podCgroup } from '../harness/kubelet-node.ts';
import { Kubelet } from '../harness/kubelet.ts';
import { container, probe } from '../harness/pods.ts';
import { run } from '../harness/process.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { PATIENCE, until } from '../harness/wait.ts';

function forEachKubelet(
  name: string,
  body: (t: Test, kubelet: Kubelet, rt: Sandbox) => Promise<void>,
  options: CaseOptions = {},
): void {
  const lacking = kubernetesLacking() ?? options.lacking;
  forEachEngine(`kubelet: ${name}`, (rt) => Kubelet.start(rt), body, { ...options, lacking });
}

async function namespaces(kubelet: Kubelet, pod: string, name: string): Promise<Record<string, string>> {
  return JSON.parse(await kubelet.exec(pod, name, '/bin/probe ns')) as Record<string, string>;
}

function namespacesOfHost(): Record<string, string> {
  return JSON.parse(execFileSync(probePath(), ['ns'], { encoding: 'utf8' })) as Record<string, string>;
}

forEachKubelet('two containers of a pod share net, ipc and pid namespaces', async (t, kubelet) => {
  const wait = ['/bin/probe', 'wait'];
  kubelet.apply('one', { shareProcessNamespace: true, containers: [container('a', wait), container('b', wait)] });
  for (const name of ['a', 'b']) await kubelet.ready('one', name);
  const [a, b, host] = [
    await namespaces(kubelet, 'one', 'a'),
    await namespaces(kubelet, 'one', 'b'),
    namespacesOfHost(),
  ];
  for (const name of ['net', 'ipc', 'pid', 'uts']) {
    t.equal(a[name], b[name], name);
    t.not(a[name], host[name], name);
  }
  t.not(a['mnt'], b['mnt']);
  t.equal(await kubelet.exec('one', 'b', '/bin/cat /proc/1/cmdline'), '/bin/sleep\0' + '1000000\0');
  t.match(await kubelet.exec('one', 'a', '/bin/cat /proc/net/fib_trie'), /10\.254\.77\.\d+/);
  if (!isUnified())
    t.match(await kubelet.exec('one', 'a', '/bin/cat /proc/self/cgroup'), /\/kubepods\/besteffort\/pod/);
  t.equal(await kubelet.logs('one', 'a'), '{"ready":true}\n');
  t.match((await kubelet.ask('GET', '/stats/summary')).text, /"podRef"[^}]*"one-node"/);
  await kubelet.remove('one');
});

forEachKubelet('volumes, an initial container, hooks, probes, limits and rights', async (t, kubelet, rt) => {
  const volume = join(rt.dir, 'volume');
  mkdirSync(join(volume, 'inner'), { recursive: true });
  writeFileSync(join(volume, 'inner', 'file'), 'of the host\n');
  const shared = { name: 'shared', mountPath: '/shared' };
  const script = 'cat /shared/file /host/inner/file /sub/file; echo "$WORD on $(hostname)"; exec probe wait';
  kubelet.apply('one', {
    hostname: 'kube',
    volumes: [
      { name: 'shared', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'host', hostPath: { path: volume, type: 'Directory' } },
    ],
    initContainers: [container('before', ['/bin/sh', '-c', 'echo made > /shared/file'], { volumeMounts: [shared] })],
    containers: [
      container('main', ['/bin/sh', '-c', script], {
        env: [{ name: 'WORD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        volumeMounts: [
          shared,
          { name: 'host', mountPath: '/host', readOnly: true },
          { name: 'host', mountPath: '/sub', subPath: 'inner' },
        ],
        resources: { limits: { memory: '64Mi', cpu: '500m' } },
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 1001,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
        lifecycle: { postStart: { exec: { command: ['/bin/touch', '/shared/started'] } } },
        readinessProbe: probe(['/bin/cat', '/shared/started']),
      }),
    ],
  });
  await kubelet.ready('one', 'main');
  t.equal(await kubelet.logs('one', 'main'), 'made\nof the host\nof the host\none-node on kube\n{"ready":true}\n');
  const status = await kubelet.exec('one', 'main', '/bin/cat /proc/self/status');
  t.match(status, /Uid:\t1000\t1000/);
  t.match(status, /Gid:\t1001\t1001/);
  t.match(status, /CapBnd:\t0000000000000000/);
  t.match(status, /NoNewPrivs:\t1/);
  t.match(status, /Seccomp:\t2/);
  const mounts = await kubelet.exec('one', 'main', '/bin/cat /proc/self/mounts');
  t.match(mounts, / \/ \S+ ro,/);
  t.match(mounts, / \/host \S+ ro,/);
  t.match(mounts, / \/sub \S+ rw,/);
  t.match(mounts, /tmpfs \/shared tmpfs rw,.*size=1024k/);
  const [memory, quota] = isUnified()
    ? ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/cpu.max']
    : ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us'];
  t.equal(await kubelet.exec('one', 'main', `/bin/cat ${memory}`), `${64 * 1_048_576}\n`);
  t.match(await kubelet.exec('one', 'main', `/bin/cat ${quota}`), /^50000/);
  await kubelet.remove('one');
});

/** The cgroups of a container's first process, as the host sees them. */
async function cgroupsOf(kubelet: Kubelet, rt: Sandbox, id: string): Promise<string> {
  const words = ['--root', kubelet.cri.root(TESTED), 'state', id];
  const { stdout } = await run([...rt.runtime.argv, ...words], { env: rt.env });
  const { pid } = JSON.parse(stdout) as { pid: number };
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
}

forEachKubelet(
  'the cgroups of a pod and of its containers are in those of its class, with limits',
  async (t, kubelet, rt) => {
    const resources = { requests: { memory: '32Mi', cpu: '100m' }, limits: { memory: '64Mi', cpu: '500m' } };
    const wait = ['/bin/probe', 'wait'];
    const containers = [container('a', wait, { resources }), container('b', wait, { resources })];
    kubelet.apply('one', { containers });
    const pod = podCgroup(kubelet.cri, 'one');
    const cgroups = new Map([[pod, 2]]);
    for (const name of ['a', 'b']) {
      const { containerID = '' } = await kubelet.ready('one', name);
      const id = containerID.replace('containerd://', '');
      const cgroup = containerCgroup(pod, id);
      t.match(await cgroupsOf(kubelet, rt, id), `:${cgroup}\n`);
      cgroups.set(cgroup, 1);
    }
    // systemd writes all settings of its units anew, so those that it does not know would be lost.
    if (isSystemdDriver()) t.equal((await run(['systemctl', 'daemon-reload'])).status, 0);
    const [memory, quota] = isUnified() ? ['memory.max', 'cpu.max'] : ['memory.limit_in_bytes', 'cpu.cfs_quota_us'];
    for (const [cgroup, count] of cgroups) {
      t.equal(readCgroup('memory', cgroup, memory), String(count * 64 * 1_048_576), cgroup);
      t.match(readCgroup('cpu', cgroup, quota), new RegExp(`^${count * 50_000}\\b`), cgroup);
      if (!isSystemdDriver()) continue;
      t.equal(unitProperty(basename(cgroup), 'Slice'), basename(dirname(cgroup)));
      t.equal(unitProperty(basename(cgroup), 'MemoryMax'), String(count * 64 * 1_048_576));
      t.equal(unitProperty(basename(cgroup), 'CPUQuotaPerSecUSec'), count === 1 ? '500ms' : '1s');
    }
    await kubelet.remove('one');
    const gone = (): boolean => [...cgroups.keys()].every((cgroup) => !existsSync(cgroupDirectory('memory', cgroup)));
    await until('the cgroups of the pod are gone', gone, 60_000);
  },
);

forEachKubelet('containers that end are restarted, and the reason of their end is known', async (t, kubelet) => {
  // The output of the previous container is kept as long as the next one runs, which must be long enough for the kubelet to
  // report it. And the shim learns that memory ran out only once it watches the cgroup, and as long as that exists.
  const pause = `sleep ${0.3 * PATIENCE}`;
  const hog = `${pause}; /bin/probe memhog ${64 * 1_048_576}; status=$?; ${pause}; exit $status`;
  const never = probe(['/bin/cat', '/nosuch'], { failureThreshold: 1 });
  kubelet.apply('one', {
    terminationGracePeriodSeconds: 2 * PATIENCE,
    containers: [
      container('failing', ['/bin/sh', '-c', `echo word; sleep ${2 * PATIENCE}; exit 3`]),
      container('missing', ['/nosuch']),
      container('hungry', ['/bin/sh', '-c', hog], { resources: { limits: { memory: '16Mi' } } }),
      container('unwell', ['/bin/probe', 'wait'], { livenessProbe: never }),
    ],
  });
  const again = async (name: string): Promise<{ exitCode: number; reason: string; message?: string } | undefined> =>
    (await kubelet.reaches('one', name, 'was started again', ({ restartCount }) => restartCount > 1)).lastState
      .terminated;
  t.match(await again('failing'), { exitCode: 3, reason: 'Error' });
  // Between the end of one and the begin of the next there are moments without a previous one.
  const previous = async (): Promise<boolean> => (await kubelet.logs('one', 'failing', '?previous=true')) === 'word\n';
  await until('what it wrote is found', previous, 60_000);
  t.match(await again('missing'), {
    exitCode: 128,
    reason: 'StartError',
    message: /\/nosuch.*no such file or directory/,
  });
  const hungry = await again('hungry');
  t.match(hungry, { exitCode: 137 });
  // containerd reads it from the cgroups, like metrics.
  t.match(hungry, { reason: 'OOMKilled' }, { skip: metricsLacking() ?? false });
  t.match(await again('unwell'), { exitCode: 15, reason: 'Error' });
  await kubelet.remove('one');
});

forEachKubelet('a pod outlives the kubelet, which finds it again', async (t, kubelet) => {
  kubelet.apply('one', { containers: [container('a', ['/bin/probe', 'wait'])] });
  const before = await kubelet.ready('one', 'a');
  const own = await namespaces(kubelet, 'one', 'a');
  await kubelet.restart();
  const after = await kubelet.ready('one', 'a');
  t.equal(after.containerID, before.containerID);
  t.equal(after.restartCount, 0);
  t.same(await namespaces(kubelet, 'one', 'a'), own);
  await kubelet.remove('one');
});

forEachKubelet('a pod in the namespaces of the host, with all privileges', async (t, kubelet) => {
  kubelet.apply('one', {
    hostNetwork: true,
    hostPID: true,
    hostIPC: true,
    containers: [container('a', ['/bin/probe', 'wait'], { securityContext: { privileged: true } })],
  });
  await kubelet.ready('one', 'a');
  const [own, host] = [await namespaces(kubelet, 'one', 'a'), namespacesOfHost()];
  for (const name of ['net', 'ipc', 'pid', 'uts']) t.equal(own[name], host[name], name);
  t.not(own['mnt'], host['mnt']);
  t.match(await kubelet.exec('one', 'a', '/bin/cat /proc/self/status'), /Seccomp:\t0/);
  t.equal(await kubelet.exec('one', 'a', '/bin/mount -t tmpfs none /tmp'), '');
  await kubelet.remove('one');
});

forEachKubelet(
  'the root of a pod with hostUsers: false has no rights on the host',
  async (t, kubelet, rt) => {
    const volume = join(rt.dir, 'volume');
    mkdirSync(volume);
    kubelet.apply('one', {
      hostUsers: false,
      volumes: [{ name: 'shared', emptyDir: {} }],
      containers: [
        container('a', ['/bin/sh', '-c', 'echo word > /shared/file; cat /shared/file; exec probe wait'], {
          volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
        }),
      ],
    });
    await kubelet.ready('one', 'a');
    const map = await kubelet.exec('one', 'a', '/bin/cat /proc/self/uid_map');
    t.match(map, /^ +0 +[1-9]\d{4,} +65536\n$/);
    t.equal(await kubelet.logs('one', 'a'), 'word\n{"ready":true}\n');
    t.not((await namespaces(kubelet, 'one', 'a'))['user'], namespacesOfHost()['user']);
    await kubelet.remove('one');
  },
  { deviates: { runc: 'containerd has no user namespaces for a runtime without the command "features" of runc 1.2' } },
);
