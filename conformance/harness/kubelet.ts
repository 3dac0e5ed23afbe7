import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cri } from './cri.ts';
import { KubeletNode, reaches } from './kubelet-node.ts';
import type { Answer, ContainerStatus } from './kubelet-node.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** The name of the node, which the names of pods end with. */
const NODE = 'node';

/**
 * A kubelet without an API server, above a containerd 2 whose default runtime is that of the sandbox. Pods are those of
 * the manifests in a folder; they are removed when they are done with.
 */
export class Kubelet {
  readonly cri: Cri;
  readonly #sandbox: Sandbox;
  readonly #node: KubeletNode;

  private constructor(sandbox: Sandbox, cri: Cri, node: KubeletNode) {
    this.#sandbox = sandbox;
    this.cri = cri;
    this.#node = node;
  }

  static async start(sandbox: Sandbox): Promise<Kubelet> {
    const manifests = join(sandbox.dir, 'manifests');
    mkdirSync(manifests);
    const cri = await Cri.start(sandbox);
    const more = { staticPodPath: manifests, fileCheckFrequency: '1s' };
    return new Kubelet(sandbox, cri, await KubeletNode.start(sandbox, cri, more, '--hostname-override', NODE));
  }

  /** A request to the kubelet's own interface. */
  ask(method: 'GET' | 'POST', path: string): Promise<Answer> {
    return this.#node.ask(method, path);
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
    await this.cri.removeSandboxes(`${name}-${NODE}`);
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
  reaches(
    pod: string,
    container: string,
    what: string,
    wanted: (status: ContainerStatus) => boolean,
  ): Promise<ContainerStatus> {
    return reaches(`${container} of ${pod} ${what}`, () => this.status(pod, container), wanted);
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
  restart(): Promise<void> {
    return this.#node.restart();
  }

  /** Ends the kubelet, then the engine. */
  stop(): Promise<void> {
    return this.#node.stop();
  }
}
