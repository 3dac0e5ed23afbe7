import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix, removeCgroup } from './cgroup.ts';
import { CRIU_PATH } from './criu.ts';
import { Daemon } from './daemon.ts';
import { IMAGE, makeImage } from './image.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { REPOSITORY } from './runtimes.ts';
import { runtimeFile } from './runtime-file.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Programs built by make test-engines. */
export const ENGINE_BIN = join(REPOSITORY, 'build', 'engines', 'bin');

/** Why there is no containerd 2 to test with; undefined if there is one. */
export function criLacking(): string | undefined {
  if (!existsSync(join(ENGINE_BIN, 'cri'))) return 'containerd 2 is missing: make build/stamps/engines builds it';
  return existsSync('/usr/lib/cni/bridge') ? undefined : 'the package containernetworking-plugins is missing';
}

let engines = 0;

/** Handlers of the engine: the runtime of the sandbox, and a peer. */
export const TESTED = 'tested';
export const PEER = 'peer';
export type Handler = typeof TESTED | typeof PEER;

/** A containerd 2 with the CRI plugin that writes only into the sandbox, and the calls of the kubelet. */
export class Cri {
  readonly logs: string;
  /** Cgroup of all pods. */
  readonly parent: string;
  readonly #bridge: string;
  readonly #sandbox: Sandbox;
  readonly #daemon: Daemon;

  private constructor(sandbox: Sandbox, bridge: string) {
    this.#sandbox = sandbox;
    this.#bridge = bridge;
    this.#daemon = new Daemon({
      name: 'containerd',
      argv: [join(ENGINE_BIN, 'containerd'), '--config', join(sandbox.dir, 'containerd.toml')],
      env: environment(sandbox),
      log: join(sandbox.dir, 'containerd.log'),
      answers: async () => (await this.attempt('Version', {})).status === 0,
    });
    this.parent = `/${sandbox.prefix}pods`;
    this.logs = join(sandbox.dir, 'logs');
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

  /** Calls a method, which may fail. */
  attempt(method: string, request: object): Promise<Outcome> {
    const argv = [join(ENGINE_BIN, 'cri'), join(this.#sandbox.dir, 'sock'), method];
    return run(argv, { env: environment(this.#sandbox), input: JSON.stringify(request), deadline: 60_000 });
  }

  /** Calls a method that must succeed. */
  async call<Response>(method: string, request: object): Promise<Response> {
    const outcome = await this.attempt(method, request);
    if (outcome.status !== 0) throw new Error(`${method}: ${outcome.stderr}`);
    return JSON.parse(outcome.stdout) as Response;
  }

  /** The config of a pod that shares the given namespaces among its containers. */
  podConfig(name: string, pid: 'POD' | 'CONTAINER'): object {
    return {
      metadata: { name, uid: name, namespace: 'default', attempt: 0 },
      hostname: name,
      log_directory: this.logs,
      linux: {
        cgroup_parent: this.parent,
        security_context: { namespace_options: { network: 'POD', pid, ipc: 'POD' } },
      },
    };
  }

  /** Starts a pod; returns its id. */
  async runPod(config: object): Promise<string> {
    const request = { config, runtime_handler: TESTED };
    return (await this.call<{ podSandboxId: string }>('RunPodSandbox', request)).podSandboxId;
  }

  /** Creates a container in a pod; returns its id. Its log is `NAME.log`. */
  async create(pod: string, podConfig: object, name: string, config: object): Promise<string> {
    const all = { metadata: { name, attempt: 0 }, image: { image: IMAGE }, log_path: `${name}.log`, ...config };
    const request = { pod_sandbox_id: pod, config: all, sandbox_config: podConfig };
    return (await this.call<{ containerId: string }>('CreateContainer', request)).containerId;
  }

  async exec(id: string, ...cmd: string[]): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    const request = { container_id: id, cmd, timeout: 30 };
    type Raw = { stdout?: string; stderr?: string; exitCode?: number };
    const { stdout = '', stderr = '', exitCode = 0 } = await this.call<Raw>('ExecSync', request);
    const text = (base64: string): string => Buffer.from(base64, 'base64').toString();
    return { stdout: text(stdout), stderr: text(stderr), exitCode };
  }

  /** The output of a container so far: lines of `stdout` and `stderr`. */
  output(name: string): string[] {
    const path = join(this.logs, `${name}.log`);
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^\S+ (stdout|stderr) F /, '$1 '));
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
    for (const path of cgroupsWithPrefix(this.parent.slice(1))) removeCgroup(path);
    for (const name of ['run', 'data']) rmSync(join(this.#sandbox.dir, name), { recursive: true, force: true });
    if (left.length > 0) throw new Error(`state of ${left.join(', ')} remains`);
  }
}

function environment(sandbox: Sandbox): Record<string, string> {
  return { ...sandbox.env, PATH: `${ENGINE_BIN}:${CRIU_PATH}` };
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
Root = '${stateRoot(sandbox, handler)}'`;
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
