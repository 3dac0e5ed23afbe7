import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hierarchies, isSystemdDriver } from './cgroup.ts';
import { ENGINE_BIN } from './cri-client.ts';
import { criLacking } from './cri.ts';
import type { Cri } from './cri.ts';
import { Daemon } from './daemon.ts';
import { scopes, servicesLacking } from './docker-service.ts';
import { ask } from './https.ts';
import type { Answer } from './https.ts';
import { freePort } from './port.ts';
import { run } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Why there is no Kubernetes to test with; undefined if there is one. */
export function kubernetesLacking(): string | undefined {
  const programs = ['kubelet', 'kube-apiserver', 'etcd', 'kubectl'];
  if (!programs.every((name) => existsSync(join(ENGINE_BIN, name))))
    return 'Kubernetes is missing: make test-engines KUBELET=1 builds it';
  // With systemd's driver the slices of pods have fixed names.
  return criLacking() ?? (isSystemdDriver() ? servicesLacking : undefined);
}

/** The scopes of containers, and the slice of all pods, with systemd's driver. */
const SCOPES = 'cri-containerd-*.scope';
const SLICE = 'kubepods.slice';

/** An address of the node, if the machine has no network. The kubelet would take no loopback address. */
const ADDRESS = '10.254.79.1';

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
    if (!isSystemdDriver()) for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, cri.parent));
    // Volumes that the kubelet mounts in its own mount namespace reach containerd, and nothing else of the host: the mount
    // would be a peer of the one that it is made from.
    mkdirSync(at('kubelet'));
    await run(['mount', '--bind', '--make-private', at('kubelet'), at('kubelet')]);
    await run(['mount', '--make-shared', at('kubelet')]);
    const port = await freePort();
    writeFileSync(at('kubelet.json'), JSON.stringify({ ...configuration(sandbox, cri, port), ...more }));
    const own = ['--config', at('kubelet.json'), '--root-dir', at('kubelet'), ...(await nodeAddress())];
    const node = new KubeletNode(sandbox, cri, port, [...own, ...words]);
    await node.#daemon.start();
    return node;
  }

  /** A request to the kubelet's API. */
  ask(method: 'GET' | 'POST', path: string): Promise<Answer> {
    return ask(this.#port, method, path);
  }

  /** Ends the kubelet and starts it again; pods keep running. */
  restart(): Promise<void> {
    return this.#daemon.restart();
  }

  /** Ends the kubelet, then the engine. */
  async stop(): Promise<void> {
    await this.#daemon.end();
    await run(['umount', '--recursive', join(this.#sandbox.dir, 'kubelet')]);
    await run(['ip', 'address', 'delete', `${ADDRESS}/32`, 'dev', 'lo']);
    try {
      if (isSystemdDriver()) await removeSlice();
    } finally {
      await this.#cri.stop();
    }
  }
}

/** Arguments of the kubelet that name an address of the machine; it finds that of the default route by itself. */
async function nodeAddress(): Promise<string[]> {
  if ((await run(['ip', 'route', 'show', 'default'])).stdout !== '') return [];
  await run(['ip', 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
  return ['--node-ip', ADDRESS];
}

/**
 * Removes what the kubelet leaves by design: the slice of all pods, and those of its classes.
 *
 * @throws if the scope of a container remains
 */
async function removeSlice(): Promise<void> {
  await until('no scope remains', () => scopes(SCOPES) === '', 10_000).catch(() => undefined);
  const left = scopes(SCOPES);
  await run(['systemctl', 'stop', SLICE]);
  if (left !== '') throw new Error(`scopes remain:\n${left}`);
}

/** Path of the cgroup that the kubelet makes for a pod with requests, which is of the class Burstable. */
export function podCgroup(cri: Cri, uid: string): string {
  const words = ['kubepods', 'burstable', `pod${uid}`];
  if (!isSystemdDriver()) return [cri.parent, ...words].join('/');
  // A dash in the name of a slice ends the name of the slice above.
  const parts = words.map((word) => word.replaceAll('-', '_'));
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

/** Path of the cgroup of a container in that of its pod. */
export function containerCgroup(pod: string, id: string): string {
  return isSystemdDriver() ? `${pod}/cri-containerd-${id}.scope` : `${pod}/${id}`;
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
    ...(isSystemdDriver()
      ? { cgroupDriver: 'systemd', cgroupRoot: '/' }
      : { cgroupDriver: 'cgroupfs', cgroupRoot: cri.parent }),
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    // A container whose program is killed can go on, as always with cgroup v1.
    singleProcessOOMKill: true,
    makeIPTablesUtilChains: false,
    // The disk is that of the host.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
  };
}

/** Prefix of the kubelet's command line that gives it private copies of its fixed paths. */
function withOwnPlaces(sandbox: Sandbox): string[] {
  // Where mounts are shared, as systemd makes them, these would reach the host.
  const hidden = ['/var/lib', '/var/log', '/proc/sys'].map(
    (path) => `mount --make-private "$(stat --format %m ${path})"`,
  );
  const mounts = Object.entries(SETTINGS).map(([name, value], index) => {
    const file = join(sandbox.dir, `setting-${index}`);
    writeFileSync(file, `${value}\n`);
    return `mount --bind ${file} /proc/sys/${name}`;
  });
  const places = ['/var/lib', '/var/log'].map((path) => `mount -t tmpfs tmpfs ${path}`);
  const script = [...hidden, ...places, ...mounts, 'exec "$@"'].join(' && ');
  return ['unshare', '--mount', '--propagation', 'unchanged', 'sh', '-c', script, 'sh'];
}
