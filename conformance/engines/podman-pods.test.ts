import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupParent, isSystemdDriver, isUnified } from '../harness/cgroup.ts';
import { forEachEngine } from '../harness/engine.ts';
import { Podman } from '../harness/podman.ts';
import { until } from '../harness/wait.ts';

const NAMESPACES = 'for n in net ipc uts mnt; do busybox readlink /proc/self/ns/$n; done';

forEachEngine(
  'podman: containers of a pod share namespaces',
  (rt) => Podman.start(rt),
  async (t, podman, rt) => {
    // Podman looks for the slice of a pod right below its parent, and so does not find it if the parent's name has a dash.
    const parent = isSystemdDriver() ? [] : cgroupParent(`${rt.prefix}podman`);
    const share = ['--share', 'net,ipc,uts'];
    const made = await podman.command('pod', 'create', '--name', 'pod', '--network', 'none', ...parent, ...share);
    if (!t.equal(made.status, 0, made.stderr)) return;
    const links = async (): Promise<string[]> => {
      const outcome = await podman.command('run', '--rm', '--pod', 'pod', 'tiny', '/bin/sh', '-c', NAMESPACES);
      t.equal(outcome.status, 0, outcome.stderr);
      return outcome.stdout.trim().split('\n');
    };
    const first = await links();
    t.equal(first.length, 4);
    t.strictSame((await links()).slice(0, 3), first.slice(0, 3));
    const stats = await podman.command('pod', 'stats', '--no-stream', 'pod');
    t.match(stats.stdout, '%', stats.stderr);
    for (const [command, state] of [
      ['pause', 'Paused'],
      ['unpause', 'Running'],
      ['stop', 'Exited'],
      ['start', 'Running'],
    ] as const) {
      const outcome = await podman.command('pod', command, 'pod');
      t.equal(outcome.status, 0, outcome.stderr);
      const inspected = await podman.command('pod', 'inspect', '--format', '{{.State}}', 'pod');
      t.equal(inspected.stdout.trim(), state, command);
    }
    const removed = await podman.command('pod', 'rm', '--force', '--time', '0', 'pod');
    t.equal(removed.status, 0, removed.stderr);
  },
);

/** A pod of two containers, as for `kubectl apply`. */
function manifest(volume: string): object {
  const own = { image: 'localhost/tiny', volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod' },
    spec: {
      restartPolicy: 'Never',
      hostname: 'kube',
      volumes: [{ name: 'shared', hostPath: { path: volume, type: 'Directory' } }],
      containers: [
        {
          ...own,
          name: 'writer',
          command: ['/bin/sh', '-c', 'echo "$WORD from $(hostname) as $(id -u)" > /shared/file; exec probe wait'],
          env: [{ name: 'WORD', value: 'hello' }],
          securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        },
        {
          ...own,
          name: 'limited',
          command: ['/bin/probe', 'wait'],
          resources: { limits: { memory: '64Mi', cpu: '500m' } },
        },
      ],
    },
  };
}

forEachEngine(
  'podman: play kube starts and removes the containers of a pod',
  (rt) => Podman.start(rt),
  async (t, podman, rt) => {
    const volume = join(rt.dir, 'volume');
    mkdirSync(volume);
    chmodSync(volume, 0o777);
    const file = join(rt.dir, 'pod.yaml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(manifest(volume)));
    const played = await podman.command('kube', 'play', '--network', 'none', file);
    if (!t.equal(played.status, 0, played.stderr + played.stdout)) return;
    const written = join(volume, 'file');
    await until('it has written', () => existsSync(written) && readFileSync(written, 'utf8').endsWith('\n'), 30_000);
    t.equal(readFileSync(written, 'utf8'), 'hello from kube as 1000\n');
    const inside = async (container: string, script: string): Promise<string> => {
      const outcome = await podman.command('exec', `pod-${container}`, '/bin/sh', '-c', script);
      return outcome.stdout + outcome.stderr;
    };
    const [memory, quota] = isUnified()
      ? ['memory.max', 'cpu.max']
      : ['memory/memory.limit_in_bytes', 'cpu/cpu.cfs_quota_us'];
    t.match(
      await inside('limited', `cd /sys/fs/cgroup; cat ${memory} ${quota} /shared/file`),
      /^67108864\n50000.*\nhello/,
    );
    t.match(await inside('writer', 'busybox grep CapBnd /proc/self/status; echo >/file'), /\t0{16}\n.*Read-only/);
    const [a, b] = [await inside('writer', NAMESPACES), await inside('limited', NAMESPACES)];
    t.strictSame(a.split('\n').slice(0, 3), b.split('\n').slice(0, 3));
    const down = await podman.command('kube', 'down', file);
    t.equal(down.status, 0, down.stderr);
    t.equal((await podman.command('ps', '--all', '--quiet')).stdout, '');
  },
);
