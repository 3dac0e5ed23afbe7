import { ControlPlane, NODE } from './control-plane.ts';
import { PEER } from './cri-client.ts';
import { Cri } from './cri.ts';
import { KubeletNode, reaches } from './kubelet-node.ts';
import type { ContainerStatus } from './kubelet-node.ts';
import type { Outcome } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { PATIENCE } from './wait.ts';

/** A pod in the API server. */
export interface Pod {
  readonly metadata: { readonly uid: string };
  readonly spec: { readonly overhead?: object; readonly nodeSelector?: object };
  readonly status: { readonly phase: string; readonly containerStatuses?: readonly ContainerStatus[] };
}

/**
 * Kubernetes with one node: an API server, a kubelet, and a containerd 2 whose default runtime is a peer, so that only
 * pods with a RuntimeClass use the runtime of the sandbox.
 */
export class Kubernetes {
  readonly cri: Cri;
  readonly #plane: ControlPlane;
  readonly #node: KubeletNode;

  private constructor(cri: Cri, plane: ControlPlane, node: KubeletNode) {
    this.cri = cri;
    this.#plane = plane;
    this.#node = node;
  }

  static async start(sandbox: Sandbox): Promise<Kubernetes> {
    const plane = await ControlPlane.start(sandbox);
    const cri = await Cri.start(sandbox, PEER);
    const words = ['--kubeconfig', plane.nodeConfig, '--hostname-override', NODE];
    const kubernetes = new Kubernetes(cri, plane, await KubeletNode.start(sandbox, cri, {}, ...words));
    await kubernetes.wait(`node/${NODE}`, 'create');
    await kubernetes.wait(`node/${NODE}`, 'condition=Ready');
    return kubernetes;
  }

  /** The command line of `kubectl`. */
  argv(...words: string[]): string[] {
    return this.#plane.argv(...words);
  }

  /** Runs `kubectl`, which must succeed; returns its output. */
  async done(...words: string[]): Promise<string> {
    const outcome = await this.#plane.kubectl(words);
    if (outcome.status !== 0) throw new Error(`kubectl ${words.join(' ')}: ${outcome.stderr}`);
    return outcome.stdout;
  }

  /** `kubectl apply` of objects, which must succeed; returns its output. */
  apply(...objects: object[]): Promise<string> {
    return this.#plane.apply(...objects);
  }

  /** An object in the API server. */
  async get<Kind>(name: string): Promise<Kind> {
    return JSON.parse(await this.done('get', name, '--output', 'json')) as Kind;
  }

  /** `kubectl wait` for an object, which must succeed. */
  async wait(name: string, condition: string): Promise<void> {
    await this.done('wait', name, `--for=${condition}`, `--timeout=${50 * PATIENCE}s`);
  }

  /** Waits until the API server reports the expected state of a container of a pod. */
  reaches(
    pod: string,
    container: string,
    what: string,
    wanted: (status: ContainerStatus) => boolean,
  ): Promise<ContainerStatus> {
    const status = async (): Promise<ContainerStatus | undefined> =>
      (await this.get<Pod>(`pod/${pod}`)).status.containerStatuses?.find(({ name }) => name === container);
    return reaches(`${container} of ${pod} ${what}`, status, wanted);
  }

  /** Waits until a pod and all of its containers are ready; returns the pod. */
  async ready(pod: string): Promise<Pod> {
    await this.wait(`pod/${pod}`, 'condition=Ready');
    return this.get<Pod>(`pod/${pod}`);
  }

  /** Runs a command in a container of a pod, with optional text on standard input. */
  exec(pod: string, container: string, command: readonly string[], input?: string): Promise<Outcome> {
    const stdin = input === undefined ? [] : ['--stdin'];
    return this.#plane.kubectl(['exec', ...stdin, pod, '--container', container, '--', ...command], input);
  }

  /** Deletes a pod and waits until the API server, the engine and the runtime no longer have it. */
  async remove(pod: string): Promise<void> {
    await this.done('delete', `pod/${pod}`);
    await this.cri.removeSandboxes(pod);
  }

  /** Ends the kubelet, the engine and the API server. */
  async stop(): Promise<void> {
    try {
      await this.#node.stop();
    } finally {
      await this.#plane.stop();
    }
  }
}
