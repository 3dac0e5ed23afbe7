import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';
import { CriClient, ENGINE_BIN, PEER, TESTED, environment } from './cri-client.ts';
import type { Handler } from './cri-client.ts';
import { scopes, servicesLacking } from './docker-service.ts';
import { IMAGE, makeImage } from './image.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import { forEachRuntime } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

const CONFIGURATION = '/etc/containerd/config.toml';
const NETWORK = '/etc/cni/net.d/10-pods.conflist';
const SOCKET = '/run/containerd/containerd.sock';
const BRIDGE = 'pods';

/** The namespaces of `ctr` and of the kubelet. */
const NAMESPACES = ['default', 'k8s.io'] as const;

/** The slice in which the kubelet would put a pod. */
export const POD_SLICE = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podone.slice';

/** containerd as its package deploys it, the service of systemd, with `ctr` and the kubelet's interface as clients. */
export class ContainerdService extends CriClient {
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox) {
    super({ socket: SOCKET, env: environment(sandbox), logs: join(sandbox.dir, 'logs'), parent: POD_SLICE });
    this.#sandbox = sandbox;
  }

  /** Makes the sandbox's runtime the default one of pods, and starts the service. */
  static async start(sandbox: Sandbox): Promise<ContainerdService> {
    const service = new ContainerdService(sandbox);
    mkdirSync(service.logs);
    writeFileSync(CONFIGURATION, configuration(service.#runtime()));
    await service.restart();
    return service;
  }

  #runtime(): string {
    return runtimeFile(this.#sandbox, undefined);
  }

  /** Restarts the service and waits until it answers both clients. */
  async restart(): Promise<void> {
    await restartService();
    await until('the CRI answers', async () => (await this.attempt('Version', {})).status === 0, 60_000);
  }

  /** Runs `ctr`. */
  ctr(...words: string[]): Promise<Outcome> {
    return run(['ctr', ...words], { env: this.#sandbox.env, deadline: 60_000 });
  }

  /** `ctr run` of the image in a scope of systemd, `ctr-ID.scope`. */
  ctrRun(options: string, id: string, ...command: string[]): Promise<Outcome> {
    const systemd = ['--runc-binary', this.#runtime(), '--runc-systemd-cgroup', '--cgroup', `own.slice:ctr:${id}`];
    return this.ctr('run', ...systemd, ...options.split(' ').filter(Boolean), IMAGE, id, ...command);
  }

  /** Pid and status of a task as printed by `ctr tasks ls`; undefined if there is none. */
  async task(id: string): Promise<{ pid: number; status: string } | undefined> {
    const lines = (await this.ctr('tasks', 'ls')).stdout.split('\n').map((line) => line.split(/\s+/));
    const fields = lines.find(([name]) => name === id);
    return fields === undefined ? undefined : { pid: Number(fields[1]), status: fields[2] ?? '' };
  }

  /** Removes all containers and pods; the service goes on. */
  async stop(): Promise<void> {
    for (const id of (await this.ctr('containers', 'ls', '--quiet')).stdout.split('\n').filter(Boolean)) {
      await this.ctr('tasks', 'rm', '--force', id);
      await this.ctr('containers', 'rm', id);
    }
    const { items = [] } = await this.call<{ items?: { id: string }[] }>('ListPodSandbox', {});
    for (const { id } of items) {
      await this.attempt('StopPodSandbox', { pod_sandbox_id: id });
      await this.attempt('RemovePodSandbox', { pod_sandbox_id: id });
    }
  }
}

/** The package's own file, with runtimes as the documents of Kubernetes tell. */
function configuration(runtime: string): string {
  const cri = 'io.containerd.grpc.v1.cri';
  const handler = (name: Handler, program: string): string => `
[plugins."${cri}".containerd.runtimes.${name}]
runtime_type = "io.containerd.runc.v2"
[plugins."${cri}".containerd.runtimes.${name}.options]
BinaryName = "${program}"
SystemdCgroup = true`;
  return `version = 2
[plugins."${cri}"]
sandbox_image = "${IMAGE}"
[plugins."${cri}".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${dirname(NETWORK)}"
[plugins."${cri}".containerd]
default_runtime_name = "${TESTED}"
${handler(TESTED, runtime)}
${handler(PEER, 'runc')}
`;
}

async function restartService(): Promise<void> {
  const outcome = await run(['systemctl', 'restart', 'containerd.service'], { deadline: 120_000 });
  if (outcome.status !== 0)
    throw new Error(outcome.stderr + (await run(['journalctl', '--unit', 'containerd', '--lines', '20'])).stdout);
}

/** Imports the image for both clients, and gives pods a network. */
export async function prepareContainerdService(): Promise<void> {
  const ipam = { type: 'host-local', ranges: [[{ subnet: '10.254.78.0/24' }]] };
  const plugins = [{ type: 'bridge', bridge: BRIDGE, ipam }];
  mkdirSync(dirname(NETWORK), { recursive: true });
  writeFileSync(NETWORK, JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins }));
  await restartService();
  const dir = mkdtempSync(join(tmpdir(), 'rt-e2e-'));
  const image = makeImage({ dir });
  for (const namespace of NAMESPACES) {
    const outcome = await run(['ctr', '--namespace', namespace, 'images', 'import', image], { deadline: 60_000 });
    if (outcome.status !== 0) throw new Error(`ctr: ${outcome.stderr}`);
  }
  rmSync(dir, { recursive: true });
}

/** Removes what the network of pods keeps, as for Docker. */
export async function endContainerdService(): Promise<void> {
  const outcome = await run(['ip', 'link', 'delete', BRIDGE]);
  if (outcome.status !== 0) throw new Error(`the bridge of pods: ${outcome.stderr}`);
}

/** The path in cgroup v2 of a process, as the host sees it. */
export function cgroupOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace(/^0::/, '');
}

/** Declares a case for each runtime; no unit of a container may remain. */
export function forEachContainerdService(
  name: string,
  body: (t: Test, engine: ContainerdService, rt: Sandbox) => Promise<void>,
): void {
  const client = existsSync(join(ENGINE_BIN, 'cri'))
    ? undefined
    : 'the client is missing: make build/stamps/engines-client builds it';
  forEachRuntime(
    `containerd.service: ${name}`,
    async (t, rt) => {
      const engine = await ContainerdService.start(rt);
      try {
        await body(t, engine, rt);
      } finally {
        await engine.stop();
      }
      const patterns = ['ctr-*.scope', 'cri-containerd-*.scope'];
      const left = (): string => patterns.map(scopes).join('');
      await until('no scope remains', () => left() === '', 10_000).catch(() => undefined);
      t.equal(left(), '', 'no scope remains');
    },
    { lacking: servicesLacking ?? client },
  );
}
