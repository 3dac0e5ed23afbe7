import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cri } from './cri.ts';
import type { Answer } from './https.ts';
import { KubeletNode, reaches } from './kubelet-node.ts';
import type { ContainerStatus } from './kubelet-node.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** The name of the node, the suffix of the names of pods. */
const NODE = 'node';

/**
 * A kubelet without an API server, with a containerd 2 whose default runtime is that of the sandbox. Pods come from
 * manifests in a folder, and are removed when finished.
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

  /** A request to the kubelet's API. */
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

  /** The kubelet's status of a container of a pod; undefined if there is none yet. */
  async status(pod: string, container: string): Promise<ContainerStatus | undefined> {
    return (await this.#pod(pod))?.containers.find(({ name }) => name === container);
  }

  /** Waits until the kubelet reports the expected state of a container of a pod. */
  reaches(
    pod: string,
    container: string,
    what: string,
    wanted: (status: ContainerStatus) => boolean,
  ): Promise<ContainerStatus> {
    return reaches(`${container} of ${pod} ${what}`, () => this.status(pod, container), wanted);
  }

  /** Waits until a container runs and its probes, if any, report that it is ready. */
  ready(pod: string, container: string): Promise<ContainerStatus> {
    return this.reaches(pod, container, 'is ready', ({ ready }) => ready);
  }

  /** Runs a command in a container; its arguments are split at spaces. Returns its output. */
  async exec(pod: string, container: string, command: string): Promise<string> {
    const path = `/run/default/${pod}-${NODE}/${container}?cmd=${encodeURIComponent(command)}`;
    const answer = await this.ask('POST', path);
    if (answer.status !== 200) throw new Error(`${command}: ${answer.status} ${answer.text}`);
    return answer.text;
  }

  /** The output of a container, as by `kubectl logs`. */
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
