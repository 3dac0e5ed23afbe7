import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemdDriver, removeParent } from './cgroup.ts';
import { CriClient, ENGINE_BIN, PEER, TESTED, environment } from './cri-client.ts';
import type { Handler } from './cri-client.ts';
import { Daemon } from './daemon.ts';
import { IMAGE, makeImage } from './image.ts';
import { run } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Why there is no containerd 2 to test with; undefined if there is one. */
export function criLacking(): string | undefined {
  if (!existsSync(join(ENGINE_BIN, 'containerd')))
    return 'containerd 2 is missing: make build/stamps/engines builds it';
  return existsSync('/usr/lib/cni/bridge') ? undefined : 'the package containernetworking-plugins is missing';
}

let engines = 0;

/** A containerd 2 with the CRI plugin that writes only into the sandbox. */
export class Cri extends CriClient {
  readonly #bridge: string;
  readonly #sandbox: Sandbox;
  readonly #daemon: Daemon;

  private constructor(sandbox: Sandbox, bridge: string) {
    const at = (name: string): string => join(sandbox.dir, name);
    const parent = `/${parentName(sandbox)}${isSystemdDriver() ? '.slice' : ''}`;
    super({ socket: at('sock'), env: environment(sandbox), logs: at('logs'), parent });
    this.#sandbox = sandbox;
    this.#bridge = bridge;
    this.#daemon = new Daemon({
      name: 'containerd',
      argv: [join(ENGINE_BIN, 'containerd'), '--config', at('containerd.toml')],
      env: environment(sandbox),
      log: at('containerd.log'),
      answers: async () => (await this.attempt('Version', {})).status === 0,
    });
  }

  /** Starts the engine and imports the image; `byDefault` is the handler of pods that do not specify one. */
  static async start(sandbox: Sandbox, byDefault: Handler = TESTED): Promise<Cri> {
    const bridge = `rt${process.pid}-${engines++}`;
    mkdirSync(join(sandbox.dir, 'logs'));
    writeConfig(sandbox, byDefault, bridge);
    const engine = new Cri(sandbox, bridge);
    await engine.#daemon.start();
    const image = makeImage(sandbox);
    const words = ['--address', join(sandbox.dir, 'sock'), '--namespace', 'k8s.io', 'images', 'import', image];
    const imported = await run([join(ENGINE_BIN, 'ctr'), ...words], { env: environment(sandbox), deadline: 60_000 });
    if (imported.status !== 0) throw new Error(imported.stderr);
    return engine;
  }

  /** State root of a handler's runtime: the value of its `--root`. */
  root(handler: Handler): string {
    return join(stateRoot(this.#sandbox, handler), 'k8s.io');
  }

  /** Ids of the containers in the state root of a handler's runtime. */
  containers(handler: Handler): string[] {
    return existsSync(this.root(handler)) ? readdirSync(this.root(handler)) : [];
  }

  /** Removes the sandboxes of a finished pod, which the kubelet keeps, stopped and empty, for a minute. */
  async removeSandboxes(pod: string): Promise<void> {
    type PodSandbox = { id: string; state?: string; metadata: { name: string } };
    const sandboxes = async (): Promise<PodSandbox[]> =>
      ((await this.call<{ items?: PodSandbox[] }>('ListPodSandbox', {})).items ?? []).filter(
        ({ metadata }) => metadata.name === pod,
      );
    await until(
      `the sandbox of ${pod} has stopped`,
      async () => (await sandboxes()).every(({ state }) => state === 'SANDBOX_NOTREADY'),
      60_000,
    );
    // The kubelet stops it more than once, and it cannot be removed meanwhile.
    const removed = async ({ id }: PodSandbox): Promise<boolean> =>
      (await this.attempt('RemovePodSandbox', { pod_sandbox_id: id })).status === 0;
    for (const sandbox of await sandboxes()) await until('it is removed', () => removed(sandbox), 60_000);
  }

  /**
   * Ends the engine and removes what it leaves by design: the bridge of the pods and the cgroup above them.
   *
   * @throws if the runtime still has a container
   */
  async stop(): Promise<void> {
    await this.#daemon.end();
    const left = [...this.containers(TESTED), ...this.containers(PEER)];
    await run(['ip', 'link', 'delete', this.#bridge], { env: this.#sandbox.env });
    await removeParent(parentName(this.#sandbox));
    for (const name of ['run', 'data']) rmSync(join(this.#sandbox.dir, name), { recursive: true, force: true });
    if (left.length > 0) throw new Error(`state of ${left.join(', ')} remains`);
  }
}

/** The cgroup above all pods that are not the kubelet's, without the suffix of a slice. */
function parentName(sandbox: Sandbox): string {
  return `${sandbox.prefix}pods`;
}

function stateRoot(sandbox: Sandbox, handler: Handler): string {
  return join(sandbox.dir, `shim-${handler}`);
}

function writeConfig(sandbox: Sandbox, byDefault: Handler, bridge: string): void {
  const at = (name: string): string => join(sandbox.dir, name);
  const cri = 'io.containerd.cri.v1';
  const runtime = (handler: Handler, program: string): string => `
[plugins.'${cri}.runtime'.containerd.runtimes.${handler}]
runtime_type = 'io.containerd.runc.v2'
[plugins.'${cri}.runtime'.containerd.runtimes.${handler}.options]
BinaryName = '${program}'
Root = '${stateRoot(sandbox, handler)}'
SystemdCgroup = ${isSystemdDriver()}`;
  const config = `
version = 3
root = '${at('data')}'
state = '${at('run')}'
disabled_plugins = ['io.containerd.snapshotter.v1.btrfs', 'io.containerd.snapshotter.v1.zfs', 'io.containerd.nri.v1.nri']
[grpc]
address = '${at('sock')}'
[plugins.'io.containerd.internal.v1.opt']
path = '${at('opt')}'
[plugins.'${cri}.images'.pinned_images]
sandbox = '${IMAGE}'
[plugins.'${cri}.runtime']
restrict_oom_score_adj = true
[plugins.'${cri}.runtime'.containerd]
default_runtime_name = '${byDefault}'
${runtime(TESTED, runtimeFile(sandbox, undefined))}
${runtime(PEER, 'runc')}
[plugins.'${cri}.runtime'.cni]
bin_dirs = ['/usr/lib/cni']
conf_dir = '${at('cni')}'
`;
  writeFileSync(at('containerd.toml'), config.trimStart());
  mkdirSync(at('cni'));
  const ipam = { type: 'host-local', dataDir: at('addresses'), ranges: [[{ subnet: '10.254.77.0/24' }]] };
  const network = { cniVersion: '1.0.0', name: bridge, plugins: [{ type: 'bridge', bridge, ipam }] };
  writeFileSync(at('cni/10-pods.conflist'), JSON.stringify(network));
}
