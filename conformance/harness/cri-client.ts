import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CRIU_PATH } from './criu.ts';
import { IMAGE } from './image.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { REPOSITORY } from './runtimes.ts';
import type { Sandbox } from './sandbox.ts';

/** Programs built by make test-engines. */
export const ENGINE_BIN = join(REPOSITORY, 'build', 'engines', 'bin');

/** Handlers of the engine: the runtime of the sandbox, and a peer. */
export const TESTED = 'tested';
export const PEER = 'peer';
export type Handler = typeof TESTED | typeof PEER;

/** The environment of an engine and its clients: programs built from source come first. */
export function environment(sandbox: Sandbox): Record<string, string> {
  return { ...sandbox.env, PATH: `${ENGINE_BIN}:${CRIU_PATH}` };
}

interface Connection {
  readonly socket: string;
  readonly env: Record<string, string>;
  /** Directory for the output of containers. */
  readonly logs: string;
  /** Cgroup of all pods. */
  readonly parent: string;
}

interface ContainerStatus {
  readonly state: string;
  readonly exitCode?: number;
  readonly reason?: string;
}

/** Calls an engine's container runtime interface as the kubelet does. */
export class CriClient {
  readonly logs: string;
  readonly parent: string;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.logs = connection.logs;
    this.parent = connection.parent;
  }

  /** Calls a method, which may fail. */
  attempt(method: string, request: object): Promise<Outcome> {
    const argv = [join(ENGINE_BIN, 'cri'), this.#connection.socket, method];
    return run(argv, { env: this.#connection.env, input: JSON.stringify(request), deadline: 60_000 });
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

  /** A pod, which is removed at the end. */
  async withPod(pid: 'POD' | 'CONTAINER', body: (pod: string, config: object) => Promise<void>): Promise<void> {
    const config = this.podConfig('one', pid);
    const pod = await this.runPod(config);
    try {
      await body(pod, config);
    } finally {
      await this.call('StopPodSandbox', { pod_sandbox_id: pod });
      await this.call('RemovePodSandbox', { pod_sandbox_id: pod });
    }
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

  async status(id: string): Promise<ContainerStatus> {
    type Answer = { status: Partial<ContainerStatus> };
    const { status } = await this.call<Answer>('ContainerStatus', { container_id: id });
    // The first value of an enumeration is omitted.
    return { ...status, state: status.state ?? 'CONTAINER_CREATED' };
  }

  async stopAndRemove(id: string): Promise<void> {
    await this.call('StopContainer', { container_id: id, timeout: 10 });
    await this.call('RemoveContainer', { container_id: id });
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
}
