import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Test } from 'tap';
import { cgroupDirectory, isSystemdDriver, isUnified, readCgroup } from '../harness/cgroup.ts';
import { NODE } from '../harness/control-plane.ts';
import { PEER, TESTED } from '../harness/cri-client.ts';
import { unitProperty } from '../harness/docker-service.ts';
import { forEachEngine } from '../harness/engine.ts';
import { IMAGE } from '../harness/image.ts';
import { containerCgroup, kubernetesLacking, podCgroup } from '../harness/kubelet-node.ts';
import type { ContainerStatus } from '../harness/kubelet-node.ts';
import { Kubernetes } from '../harness/kubernetes.ts';
import type { Pod } from '../harness/kubernetes.ts';
import { container, pod, probe, runtimeClass } from '../harness/pods.ts';
import { run } from '../harness/process.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { PATIENCE, until } from '../harness/wait.ts';

function forEachKubernetes(
  name: string,
  body: (t: Test, kubernetes: Kubernetes, rt: Sandbox) => Promise<void>,
  options: CaseOptions = {},
): void {
  const lacking = kubernetesLacking() ?? options.lacking;
  forEachEngine(`kubernetes: ${name}`, (rt) => Kubernetes.start(rt), body, { ...options, lacking });
}

/** Names of the files with the limits of memory and CPU time, as seen inside. */
const [MEMORY, QUOTA] = isUnified()
  ? ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/cpu.max']
  : ['/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us'];

const MIB = 1_048_576;
const WAIT = ['/bin/probe', 'wait'];

/** The output of a command in a container. */
async function output(kubernetes: Kubernetes, name: string, ...command: string[]): Promise<string> {
  const { status, stdout, stderr } = await kubernetes.exec('one', name, command);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return stdout;
}

forEachKubernetes('a RuntimeClass selects the runtime of only its pods', async (t, kubernetes, rt) => {
  const { cri } = kubernetes;
  const overhead = { podFixed: { memory: '16Mi' } };
  const scheduling = { nodeSelector: { 'kubernetes.io/os': 'linux' } };
  const limits = { resources: { limits: { memory: '64Mi' } } };
  const containers = [container('a', WAIT, limits), container('b', WAIT, limits)];
  const made = await kubernetes.apply(
    runtimeClass('ours', TESTED, { overhead, scheduling }),
    pod('one', { runtimeClassName: 'ours', shareProcessNamespace: true, containers }),
    pod('two', { containers: [container('a', WAIT)] }),
  );
  t.equal(made, 'runtimeclass.node.k8s.io/ours created\npod/one created\npod/two created\n');
  const [one, two] = [await kubernetes.ready('one'), await kubernetes.ready('two')];
  t.equal(
    (await kubernetes.done('get', 'pod/one', '--no-headers')).split(/ +/).slice(0, 3).join(' '),
    'one 2/2 Running',
  );
  const { status } = await kubernetes.get<{ status: { runtimeHandlers: readonly object[] } }>(`node/${NODE}`);
  // From its command "features"; that of runc includes user namespaces since 1.2.
  const features = { recursiveReadOnlyMounts: true, ...(rt.runtime.ours && { userNamespaces: true }) };
  t.match(
    status.runtimeHandlers.find((handler) => 'name' in handler && handler.name === TESTED),
    { features },
  );

  const ids = ({ status }: Pod): string[] =>
    (status.containerStatuses ?? []).map(({ containerID = '' }) => containerID.replace('containerd://', ''));
  t.equal(ids(one).length, 2);
  t.equal(cri.containers(TESTED).length, 3, 'two and that of the pod');
  t.equal(cri.containers(PEER).length, 2, 'one and that of the pod');
  t.strictSame(
    ids(two).filter((id) => !cri.containers(PEER).includes(id)),
    [],
  );
  const group = podCgroup(cri, one.metadata.uid);
  for (const id of ids(one)) {
    const { stdout, stderr } = await run([...rt.runtime.argv, '--root', cri.root(TESTED), 'state', id], {
      env: rt.env,
    });
    t.equal(stderr, '');
    const { status, pid } = JSON.parse(stdout) as { status: string; pid: number };
    t.equal(status, 'running');
    t.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '/bin/probe\0wait\0');
    t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `:${containerCgroup(group, id)}\n`);
  }

  const namespaces = async (name: string): Promise<Record<string, string>> =>
    JSON.parse(await output(kubernetes, name, '/bin/probe', 'ns')) as Record<string, string>;
  const [a, b] = [await namespaces('a'), await namespaces('b')];
  for (const name of ['net', 'ipc', 'pid', 'uts']) t.equal(a[name], b[name], name);
  t.not(a['mnt'], b['mnt']);
  t.equal(await output(kubernetes, 'b', '/bin/cat', '/proc/1/cmdline'), '/bin/sleep\0' + '1000000\0');

  // That of the RuntimeClass.
  t.match(one.spec, { overhead: overhead.podFixed, nodeSelector: scheduling.nodeSelector });
  const limit = readCgroup('memory', group, isUnified() ? 'memory.max' : 'memory.limit_in_bytes');
  t.equal(limit, String((64 + 64 + 16) * MIB));

  t.equal(await kubernetes.done('delete', 'pod/one'), 'pod "one" deleted from default namespace\n');
  t.strictSame(cri.containers(TESTED), []);
  t.notOk(existsSync(cgroupDirectory('memory', group)));
  t.equal(cri.containers(PEER).length, 2);
  await cri.removeSandboxes('one');
  await kubernetes.remove('two');
});

forEachKubernetes('logs, exec, volumes, limits and a hook', async (t, kubernetes, rt) => {
  const inner = join(rt.dir, 'volume', 'inner');
  mkdirSync(inner, { recursive: true });
  await run(['mount', '-t', 'tmpfs', 'tmpfs', inner], { env: rt.env });
  const read = 'cat /map/file /secret/word; echo "$WORD"; echo fault >&2; exec probe wait';
  await kubernetes.apply(
    runtimeClass('ours', TESTED),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: { file: 'of the map\n' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { word: 'of the secret\n' } },
    pod('one', {
      runtimeClassName: 'ours',
      volumes: [
        { name: 'map', configMap: { name: 'map' } },
        { name: 'secret', secret: { secretName: 'secret', defaultMode: 0o400 } },
        { name: 'shared', emptyDir: {} },
        { name: 'host', hostPath: { path: join(rt.dir, 'volume'), type: 'Directory' } },
      ],
      containers: [
        container('a', ['/bin/sh', '-c', read], {
          env: [{ name: 'WORD', valueFrom: { configMapKeyRef: { name: 'map', key: 'file' } } }],
          volumeMounts: [
            { name: 'map', mountPath: '/map' },
            { name: 'secret', mountPath: '/secret' },
            { name: 'shared', mountPath: '/shared' },
            { name: 'host', mountPath: '/host', readOnly: true, recursiveReadOnly: 'Enabled' },
          ],
          resources: { limits: { memory: '64Mi', cpu: '500m' } },
          lifecycle: { postStart: { exec: { command: ['/bin/touch', '/shared/started'] } } },
        }),
      ],
    }),
  );
  await kubernetes.ready('one');
  const lines = ['of the map', 'of the secret', 'of the map', '', 'fault', '{"ready":true}', ''];
  t.strictSame((await kubernetes.done('logs', 'one')).split('\n').sort(), lines.sort());
  t.equal(await output(kubernetes, 'a', '/bin/ls', '/shared'), 'started\n');
  t.match(await output(kubernetes, 'a', '/bin/ls', '-lL', '/secret'), /^-r--------.* word\n/m);
  t.match(await output(kubernetes, 'a', '/bin/ls', '/var/run/secrets/kubernetes.io/serviceaccount'), /^token$/m);
  t.match(await output(kubernetes, 'a', '/bin/cat', '/proc/self/mounts'), /^tmpfs \/host\/inner tmpfs ro,/m);
  t.equal(await output(kubernetes, 'a', '/bin/cat', MEMORY), `${64 * MIB}\n`);
  t.match(await output(kubernetes, 'a', '/bin/cat', QUOTA), /^50000/);

  t.strictSame(await kubernetes.exec('one', 'a', ['/bin/cat'], 'given\n'), {
    status: 0,
    stdout: 'given\n',
    stderr: '',
  });
  t.strictSame(await kubernetes.exec('one', 'a', ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3']), {
    status: 3,
    stdout: 'out\n',
    stderr: 'err\ncommand terminated with exit code 3\n',
  });
  const missing = await kubernetes.exec('one', 'a', ['/nosuch']);
  t.match(missing, { status: 1, stderr: /OCI runtime exec failed: .*\/nosuch: no such file or directory\n/ });

  await kubernetes.done('patch', 'configmap/map', '--patch', '{"data":{"file":"another\\n"}}');
  const changed = async (): Promise<boolean> =>
    (await output(kubernetes, 'a', '/bin/cat', '/map/file')) === 'another\n';
  await until('the config map has changed', changed, 60_000);

  const debug = ['--image', IMAGE, '--container', 'debugger', '--target', 'a', '--profile', 'general'];
  await kubernetes.done('debug', 'one', ...debug, '--', ...WAIT);
  await kubernetes.wait('pod/one', 'jsonpath={.status.ephemeralContainerStatuses[0].state.running}');
  t.equal(await output(kubernetes, 'debugger', '/bin/cat', '/proc/1/cmdline'), 'probe\0wait\0');
  await kubernetes.remove('one');
  await run(['umount', inner], { env: rt.env });
});

forEachKubernetes('resources are changed in place', async (t, kubernetes) => {
  const resources = { requests: { memory: '32Mi', cpu: '100m' }, limits: { memory: '64Mi', cpu: '500m' } };
  const more = { requests: { memory: '32Mi', cpu: '200m' }, limits: { memory: '96Mi', cpu: '700m' } };
  const containers = [container('a', WAIT, { resources })];
  await kubernetes.apply(runtimeClass('ours', TESTED), pod('one', { runtimeClassName: 'ours', containers }));
  const before = await kubernetes.ready('one');
  const patch = JSON.stringify({ spec: { containers: [{ name: 'a', resources: more }] } });
  t.equal(await kubernetes.done('patch', 'pod/one', '--subresource', 'resize', '--patch', patch), 'pod/one patched\n');
  const changed = ({ resources }: ContainerStatus): boolean =>
    resources?.limits?.['memory'] === '96Mi' && resources.limits['cpu'] === '700m';
  const after = await kubernetes.reaches('one', 'a', 'has the new limits', changed);
  t.equal(await output(kubernetes, 'a', '/bin/cat', MEMORY), `${96 * MIB}\n`);
  t.match(await output(kubernetes, 'a', '/bin/cat', QUOTA), /^70000/);
  if (isSystemdDriver()) {
    const group = podCgroup(kubernetes.cri, before.metadata.uid);
    const scope = containerCgroup(group, after.containerID?.replace('containerd://', '') ?? '');
    for (const unit of [group, scope].map((path) => basename(path))) {
      t.equal(unitProperty(unit, 'MemoryMax'), String(96 * MIB), unit);
      t.equal(unitProperty(unit, 'CPUQuotaPerSecUSec'), '700ms', unit);
    }
  }
  t.equal(after.containerID, before.status.containerStatuses?.[0]?.containerID);
  t.equal(after.restartCount, 0);
  await kubernetes.remove('one');
});

forEachKubernetes('missing and failing programs are reported, and restarted', async (t, kubernetes) => {
  const containers = [container('a', WAIT)];
  await kubernetes.apply(runtimeClass('ours', TESTED), runtimeClass('nowhere', 'nosuch'));
  const absent = kubernetes.apply(pod('none', { runtimeClassName: 'absent', containers }));
  await t.rejects(absent, /pods "none" is forbidden: .*RuntimeClass "absent" not found/);
  const never = probe(['/bin/cat', '/nosuch'], { failureThreshold: 1 });
  await kubernetes.apply(
    pod('lost', { runtimeClassName: 'nowhere', containers }),
    pod('one', {
      runtimeClassName: 'ours',
      terminationGracePeriodSeconds: 2 * PATIENCE,
      containers: [container('missing', ['/nosuch']), container('unwell', WAIT, { livenessProbe: never })],
    }),
  );
  const event = (name: string, reason: string): Promise<string> => {
    const words = ['--field-selector', `involvedObject.name=${name},reason=${reason}`];
    const messages = ['--output', 'jsonpath={.items[*].message}'];
    return until(
      `${name} has the event ${reason}`,
      async () => (await kubernetes.done('get', 'events', ...words, ...messages)) || undefined,
      60_000,
    );
  };
  t.match(await event('lost', 'FailedCreatePodSandBox'), /no runtime for "nosuch" is configured/);
  t.match((await kubernetes.get<Pod>('pod/lost')).status, {
    phase: 'Pending',
    containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
  });
  await kubernetes.remove('lost');

  const again = async (name: string): Promise<unknown> =>
    (await kubernetes.reaches('one', name, 'was started again', ({ restartCount }) => restartCount > 0)).lastState
      .terminated;
  const message = /OCI runtime create failed: .*exec: "\/nosuch": stat \/nosuch: no such file or directory/;
  t.match(await again('missing'), { exitCode: 128, reason: 'StartError', message });
  t.match(await event('one', 'Failed'), message);
  t.match(await again('unwell'), { exitCode: 15, reason: 'Error' });
  t.match(await event('one', 'Unhealthy'), /Liveness probe failed: cat: can't open '\/nosuch'/);
  await kubernetes.remove('one');
});

forEachKubernetes(
  'root of a pod with hostUsers: false reads its secret',
  async (t, kubernetes) => {
    const secret = { name: 'secret', secret: { secretName: 'secret', defaultMode: 0o400 } };
    const volumeMounts = [{ name: 'secret', mountPath: '/secret' }];
    const containers = [container('a', WAIT, { volumeMounts })];
    await kubernetes.apply(
      runtimeClass('ours', TESTED),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: { word: 'of the secret\n' } },
      pod('one', { runtimeClassName: 'ours', hostUsers: false, volumes: [secret], containers }),
    );
    await kubernetes.ready('one');
    t.match(await output(kubernetes, 'a', '/bin/cat', '/proc/self/uid_map'), /^ +0 +[1-9]\d{4,} +65536\n$/);
    t.equal(await output(kubernetes, 'a', '/bin/cat', '/secret/word'), 'of the secret\n');
    await kubernetes.remove('one');
  },
  { deviates: { runc: 'containerd has no user namespaces for a runtime without the command "features" of runc 1.2' } },
);
