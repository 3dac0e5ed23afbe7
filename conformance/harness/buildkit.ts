import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix, removeCgroup } from './cgroup.ts';
import { ENGINE_BIN } from './cri-client.ts';
import { Daemon } from './daemon.ts';
import { makeRootfs } from './guest.ts';
import { run, start } from './process.ts';
import type { Outcome, Running } from './process.ts';
import type { Sandbox } from './sandbox.ts';

/** Why there is no BuildKit to test with; undefined if there is one. */
export function buildkitLacking(): string | undefined {
  return existsSync(join(ENGINE_BIN, 'buildkitd'))
    ? undefined
    : 'buildkitd is missing: make build/stamps/engines builds it';
}

/** Privileges that a build may request. */
const ENTITLEMENTS = ['security.insecure'];

/**
 * A separate buildkitd that uses the runtime of the sandbox and writes only into the sandbox, and `buildctl` as its
 * client. The folder `context` has the root filesystem of all cases in `rootfs`.
 */
export class BuildKit {
  readonly context: string;
  readonly #sandbox: Sandbox;
  readonly #daemon: Daemon;

  private constructor(sandbox: Sandbox) {
    const at = (name: string): string => join(sandbox.dir, name);
    this.#sandbox = sandbox;
    this.context = at('context');
    this.#daemon = new Daemon({
      name: 'buildkitd',
      argv: [
        ...[join(ENGINE_BIN, 'buildkitd'), '--config', at('buildkitd.toml'), '--root', at('data')],
        ...['--addr', `unix://${at('sock')}`, '--otel-socket-path', at('otel')],
        ...['--containerd-worker=false', '--oci-worker=true', '--oci-worker-binary', at('runtime')],
        ...ENTITLEMENTS.flatMap((name) => ['--allow-insecure-entitlement', name]),
      ],
      env: environment(sandbox),
      log: at('buildkitd.log'),
      answers: async () => (await this.command('debug', 'workers')).status === 0,
    });
  }

  static async start(sandbox: Sandbox): Promise<BuildKit> {
    const at = (name: string): string => join(sandbox.dir, name);
    mkdirSync(at('context/rootfs'), { recursive: true });
    makeRootfs(at('context/rootfs'));
    mkdirSync(at('temporary'));
    // buildkitd has no setting for the directory of the runtime's state.
    const words = sandbox.argv().map((word) => `'${word}'`);
    writeFileSync(at('runtime'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 });
    writeFileSync(at('buildkitd.toml'), `[worker.oci]\ndefaultCgroupParent = "${cgroup(sandbox)}"\n`);
    const engine = new BuildKit(sandbox);
    await engine.#daemon.start();
    return engine;
  }

  /** The command line of `buildctl`. */
  argv(...words: string[]): string[] {
    return [join(ENGINE_BIN, 'buildctl'), '--addr', `unix://${join(this.#sandbox.dir, 'sock')}`, ...words];
  }

  /** Runs `buildctl`. */
  command(...words: string[]): Promise<Outcome> {
    return run(this.argv(...words), { env: environment(this.#sandbox), deadline: 60_000 });
  }

  /**
   * The command line of `buildctl build` for a Dockerfile, with additional options. The result goes to a directory, if
   * given.
   */
  buildWords(dockerfile: string, options: readonly string[], output?: string): string[] {
    writeFileSync(join(this.context, 'Dockerfile'), dockerfile);
    const local = ['--local', `context=${this.context}`, '--local', `dockerfile=${this.context}`];
    const exported = output === undefined ? [] : ['--output', `type=local,dest=${output}`];
    return ['build', '--progress', 'plain', '--frontend', 'dockerfile.v0', ...local, ...options, ...exported];
  }

  build(dockerfile: string, options: readonly string[] = [], output?: string): Promise<Outcome> {
    return this.command(...this.buildWords(dockerfile, options, output));
  }

  /** Starts a build without waiting for it. */
  background(dockerfile: string): Running {
    return start(this.argv(...this.buildWords(dockerfile, [])), { env: environment(this.#sandbox), deadline: 60_000 });
  }

  /** Ends the engine and removes what it leaves by design: the cgroup above those of the containers. */
  async stop(): Promise<void> {
    await this.#daemon.end();
    for (const path of cgroupsWithPrefix(cgroup(this.#sandbox).slice(1))) removeCgroup(path);
  }
}

/** The cgroup in which buildkitd makes those of the containers. */
function cgroup(sandbox: Sandbox): string {
  return `/${sandbox.prefix}buildkit`;
}

function environment(sandbox: Sandbox): Record<string, string> {
  return { ...sandbox.env, TMPDIR: join(sandbox.dir, 'temporary') };
}
