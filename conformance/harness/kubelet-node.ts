import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { hierarchies } from './cgroup.ts';
import { ENGINE_BIN } from './cri-client.ts';
import { criLacking } from './cri.ts';
import type { Cri } from './cri.ts';
import { Daemon } from './daemon.ts';
import { freePort } from './port.ts';
import { run } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Why there is no Kubernetes to test with; undefined if there is one. */
export function kubernetesLacking(): string | undefined {
  const programs = ['kubelet', 'kube-apiserver', 'etcd', 'kubectl'];
  if (programs.every((name) => existsSync(join(ENGINE_BIN, name)))) return criLacking();
  return 'Kubernetes is missing: make test-engines KUBELET=1 builds it';
}

/** Host settings that the kubelet makes. It finds these values in private files, so it does not change the host. */
const SETTINGS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** The kubelet's status of a container (`ContainerStatus` of the API). */
export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
}

interface ContainerState {
  readonly running?: object;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly terminated?: { readonly exitCode: number; readonly reason: string; readonly message?: string };
}

/** Waits until a container is in the expected state. `status` returns its status, undefined if there is none yet. */
export async function reaches(
  what: string,
  status: () => Promise<ContainerStatus | undefined>,
  wanted: (status: ContainerStatus) => boolean,
): Promise<ContainerStatus> {
  let seen: ContainerStatus | undefined;
  return until(
    what,
    async () => {
      seen = await status();
      return seen !== undefined && wanted(seen) && seen;
    },
    60_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${JSON.stringify(seen)}`);
  });
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A kubelet with a containerd 2, both of which write only into the sandbox. */
export class KubeletNode {
  readonly #sandbox: Sandbox;
  readonly #cri: Cri;
  readonly #port: number;
  readonly #daemon: Daemon;

  private constructor(sandbox: Sandbox, cri: Cri, port: number, words: readonly string[]) {
    this.#sandbox = sandbox;
    this.#cri = cri;
    this.#port = port;
    this.#daemon = new Daemon({
      name: 'the kubelet',
      argv: [...withOwnPlaces(sandbox), join(ENGINE_BIN, 'kubelet'), ...words],
      env: sandbox.env,
      log: join(sandbox.dir, 'kubelet.log'),
      answers: async () => (await this.ask('GET', '/healthz')).text === 'ok',
    });
  }

  /**
   * @param more additional fields of its configuration
   * @param words additional arguments
   */
  static async start(sandbox: Sandbox, cri: Cri, more: object, ...words: string[]): Promise<KubeletNode> {
    const at = (name: string): string => join(sandbox.dir, name);
    for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, cri.parent));
    // Volumes that the kubelet mounts in its own mount namespace reach containerd.
    mkdirSync(at('kubelet'));
    await run(['mount', '--bind', '--make-shared', at('kubelet'), at('kubelet')]);
    const port = await freePort();
    writeFileSync(at('kubelet.json'), JSON.stringify({ ...configuration(sandbox, cri, port), ...more }));
    const own = ['--config', at('kubelet.json'), '--root-dir', at('kubelet')];
    const node = new KubeletNode(sandbox, cri, port, [...own, ...words]);
    await node.#daemon.start();
    return node;
  }

  /** A request to the kubelet's API. */
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

  /** Ends the kubelet and starts it again; pods keep running. */
  restart(): Promise<void> {
    return this.#daemon.restart();
  }

  /** Ends the kubelet, then the engine. */
  async stop(): Promise<void> {
    await this.#daemon.end();
    await run(['umount', '--recursive', join(this.#sandbox.dir, 'kubelet')]);
    await this.#cri.stop();
  }
}

function configuration(sandbox: Sandbox, cri: Cri, port: number): object {
  const at = (name: string): string => join(sandbox.dir, name);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
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
    // The disk is that of the host.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
  };
}

/** Prefix of the kubelet's command line that gives it private copies of its fixed paths. */
function withOwnPlaces(sandbox: Sandbox): string[] {
  const mounts = Object.entries(SETTINGS).map(([name, value], index) => {
    const file = join(sandbox.dir, `setting-${index}`);
    writeFileSync(file, `${value}\n`);
    return `mount --bind ${file} /proc/sys/${name}`;
  });
  const places = ['/var/lib', '/var/log'].map((path) => `mount -t tmpfs tmpfs ${path}`);
  const script = [...places, ...mounts, 'exec "$@"'].join(' && ');
  return ['unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', script, 'sh'];
}
