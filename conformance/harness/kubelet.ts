import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hierarchies } from './cgroup.ts';
import { Cri, ENGINE_BIN, criLacking } from './cri.ts';
import { run, start } from './process.ts';
import type { Running } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Why there is no kubelet to test with; undefined when there is one. */
export function kubeletLacking(): string | undefined {
  if (existsSync(join(ENGINE_BIN, 'kubelet'))) return criLacking();
  return 'the kubelet is missing: make test-engines KUBELET=1 builds it';
}

/** The name of the node, which the names of pods end with. */
const NODE = 'node';

/** What the kubelet sets on the host. It finds these values there, in files of its own, and leaves the host alone. */
const SETTINGS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** What a kubelet says of a container (`ContainerStatus` of the API). */
interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

interface ContainerState {
  readonly running?: object;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly terminated?: { readonly exitCode: number; readonly reason: string };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * A kubelet without an API server, above a containerd 2 whose default runtime is that of the sandbox. Pods are those of
 * the manifests in a folder; they are removed when they are done with.
 */
export class Kubelet {
  readonly cri: Cri;
  readonly #sandbox: Sandbox;
  readonly #port: number;
  #daemon: Running;

  private constructor(sandbox: Sandbox, cri: Cri, port: number) {
    this.#sandbox = sandbox;
    this.cri = cri;
    this.#port = port;
    this.#daemon = launch(sandbox);
  }

  static async start(sandbox: Sandbox): Promise<Kubelet> {
    const at = (name: string): string => join(sandbox.dir, name);
    const cri = await Cri.start(sandbox);
    for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, cri.parent));
    mkdirSync(at('manifests'));
    // Volumes that the kubelet mounts in its own mount namespace reach containerd.
    mkdirSync(at('kubelet'));
    await run(['mount', '--bind', '--make-shared', at('kubelet'), at('kubelet')]);
    const port = await freePort();
    writeFileSync(at('kubelet.json'), JSON.stringify(configuration(sandbox, cri, port)));
    const kubelet = new Kubelet(sandbox, cri, port);
    await kubelet.#answers();
    return kubelet;
  }

  async #answers(): Promise<void> {
    await until(
      'the kubelet answers',
      async () => {
        if (this.#daemon.child.exitCode !== null)
          throw new Error(readFileSync(join(this.#sandbox.dir, 'kubelet.log'), 'utf8').slice(-4000));
        const answer = await this.ask('GET', '/healthz').catch(() => undefined);
        return answer?.text === 'ok';
      },
      60_000,
    );
  }

  /** A request to the kubelet's own interface. */
  ask(method: 'GET' | 'POST', path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, method, path, rejectUnauthorized: false };
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.setTimeout(60_000, () => sent.destroy(new Error(`no answer: ${path}`)));
      sent.on('error', reject).end();
    });
  }

  /** Writes the manifest of a pod. */
  apply(name: string, spec: object): void {
    const metadata = { name, namespace: 'default', uid: name };
    // JSON is YAML.
    writeFileSync(this.#manifest(name), JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }));
  }

  #manifest(name: string): string {
    return join(this.#sandbox.dir, 'manifests', `${name}.yaml`);
  }

  /** Removes the manifest of a pod and waits until the pod is gone. */
  async remove(name: string): Promise<void> {
    rmSync(this.#manifest(name));
    await until(`${name} is gone`, async () => (await this.#pod(name)) === undefined, 60_000);
    // The kubelet keeps the empty sandbox for a minute.
    type PodSandbox = { id: string; state?: string; metadata: { name: string } };
    const sandboxes = async (): Promise<PodSandbox[]> =>
      ((await this.cri.call<{ items?: PodSandbox[] }>('ListPodSandbox', {})).items ?? []).filter(
        ({ metadata }) => metadata.name === `${name}-${NODE}`,
      );
    await until(
      'its sandbox has stopped',
      async () => (await sandboxes()).every(({ state }) => state === 'SANDBOX_NOTREADY'),
      60_000,
    );
    // The kubelet stops it more than once, and what it stops cannot be removed.
    const removed = async ({ id }: PodSandbox): Promise<boolean> =>
      (await this.cri.attempt('RemovePodSandbox', { pod_sandbox_id: id })).status === 0;
    for (const sandbox of await sandboxes()) await until('its sandbox is removed', () => removed(sandbox), 60_000);
  }

  async #pod(name: string): Promise<{ phase: string; containers: readonly ContainerStatus[] } | undefined> {
    type Pod = {
      metadata: { name: string };
      status: {
        phase: string;
        containerStatuses?: readonly ContainerStatus[];
        initContainerStatuses?: readonly ContainerStatus[];
      };
    };
    const { items } = JSON.parse((await this.ask('GET', '/pods')).text) as { items?: readonly Pod[] };
    const pod = (items ?? []).find(({ metadata }) => metadata.name === `${name}-${NODE}`);
    if (pod === undefined) return undefined;
    const { phase, containerStatuses = [], initContainerStatuses = [] } = pod.status;
    return { phase, containers: [...containerStatuses, ...initContainerStatuses] };
  }

  /** What the kubelet says of a container of a pod; undefined when it says nothing yet. */
  async status(pod: string, container: string): Promise<ContainerStatus | undefined> {
    return (await this.#pod(pod))?.containers.find(({ name }) => name === container);
  }

  /** Waits until the kubelet has a container of a pod as wanted. */
  async reaches(
    pod: string,
    container: string,
    what: string,
    wanted: (status: ContainerStatus) => boolean,
  ): Promise<ContainerStatus> {
    let seen: ContainerStatus | undefined;
    return until(
      `${container} of ${pod} ${what}`,
      async () => {
        seen = await this.status(pod, container);
        return seen !== undefined && wanted(seen) && seen;
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${JSON.stringify(seen)}`);
    });
  }

  /** Waits until a container runs and its probes, if any, say that it is ready. */
  ready(pod: string, container: string): Promise<ContainerStatus> {
    return this.reaches(pod, container, 'is ready', ({ ready }) => ready);
  }

  /** Runs a command in a container, whose words are split at spaces; what it wrote. */
  async exec(pod: string, container: string, command: string): Promise<string> {
    const path = `/run/default/${pod}-${NODE}/${container}?cmd=${encodeURIComponent(command)}`;
    const answer = await this.ask('POST', path);
    if (answer.status !== 200) throw new Error(`${command}: ${answer.status} ${answer.text}`);
    return answer.text;
  }

  /** What a container wrote, as `kubectl logs` has it. */
  async logs(pod: string, container: string, query = ''): Promise<string> {
    return (await this.ask('GET', `/containerLogs/default/${pod}-${NODE}/${container}${query}`)).text;
  }

  /** Ends the kubelet and starts it again; pods keep running. */
  async restart(): Promise<void> {
    await this.#end();
    this.#daemon = launch(this.#sandbox);
    await this.#answers();
  }

  async #end(): Promise<void> {
    this.#daemon.child.kill('SIGTERM');
    await this.#daemon.ended.catch(() => undefined);
  }

  /** Ends the kubelet, then the engine. */
  async stop(): Promise<void> {
    await this.#end();
    await run(['umount', '--recursive', join(this.#sandbox.dir, 'kubelet')]);
    await this.cri.stop();
  }
}

function configuration(sandbox: Sandbox, cri: Cri, port: number): object {
  const at = (name: string): string => join(sandbox.dir, name);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    staticPodPath: at('manifests'),
    fileCheckFrequency: '1s',
    syncFrequency: '1s',
    containerRuntimeEndpoint: `unix://${at('sock')}`,
    podLogsDir: at('logs'),
    volumePluginDir: at('plugins'),
    address: '127.0.0.1',
    port,
    healthzPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cri.parent,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // The disk is the host's.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
  };
}

/** Starts the kubelet in a mount namespace where its fixed places are its own. */
function launch(sandbox: Sandbox): Running {
  const mounts = Object.entries(SETTINGS).map(([name, value], index) => {
    const file = join(sandbox.dir, `setting-${index}`);
    writeFileSync(file, `${value}\n`);
    return `mount --bind ${file} /proc/sys/${name}`;
  });
  const script = ['mount -t tmpfs tmpfs /var/lib', 'mount -t tmpfs tmpfs /var/log', ...mounts, 'exec "$@"'].join(
    ' && ',
  );
  const log = openSync(join(sandbox.dir, 'kubelet.log'), 'a');
  const daemon = start(
    [
      ...['unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', script, 'sh'],
      ...[join(ENGINE_BIN, 'kubelet'), '--config', join(sandbox.dir, 'kubelet.json')],
      ...['--root-dir', join(sandbox.dir, 'kubelet'), '--hostname-override', NODE],
    ],
    { env: sandbox.env, stdout: log, stderr: log, deadline: 600_000 },
  );
  closeSync(log);
  daemon.ended.catch(() => undefined);
  return daemon;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
