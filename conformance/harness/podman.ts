import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupsWithPrefix, removeCgroup } from './cgroup.ts';
import { CRIU_PATH } from './criu.ts';
import { makeRootfs } from './guest.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/**
 * Podman with a storage of its own, without network. It has no daemon: each container has a monitor (conmon) that lives
 * as long as it does.
 */
export class Podman {
  readonly #sandbox: Sandbox;
  readonly #runtime: string;
  /** Environment of the client. */
  readonly env: Record<string, string>;

  private constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.env = { ...sandbox.env, PATH: CRIU_PATH, CONTAINERS_CONF: join(sandbox.dir, 'containers.conf') };
    this.#runtime = runtimeFile(sandbox, join(sandbox.dir, 'config.json'));
  }

  static async start(sandbox: Sandbox): Promise<Podman> {
    const at = (name: string): string => join(sandbox.dir, name);
    // The defaults raise limits, for which a root without CAP_SYS_RESOURCE has no right.
    writeFileSync(at('containers.conf'), '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n');
    const podman = new Podman(sandbox);
    mkdirSync(at('image'));
    makeRootfs(at('image'));
    await run(['tar', '-C', at('image'), '-cf', at('image.tar'), '.']);
    const imported = await podman.command('import', at('image.tar'), 'tiny');
    if (imported.status !== 0) throw new Error(`podman import: ${imported.stderr}`);
    return podman;
  }

  /** Words that call the client. */
  argv(...words: string[]): string[] {
    const at = (name: string): string => join(this.#sandbox.dir, name);
    return [
      ...['podman', '--root', at('data'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--storage-driver', 'vfs'],
      ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none', '--runtime', this.#runtime],
      ...words,
    ];
  }

  command(...words: string[]): Promise<Outcome> {
    return run(this.argv(...words), { env: this.env, deadline: 60_000 });
  }

  /** Words of `podman run` of the image with options and a command. */
  runWords(options: readonly string[], ...command: string[]): string[] {
    const placed = ['--network', 'none', '--cgroup-parent', `/${this.#sandbox.prefix}podman`];
    return ['run', ...placed, ...options, 'tiny', ...command];
  }

  /** `podman run --rm` of the image. */
  run(options: readonly string[], ...command: string[]): Promise<Outcome> {
    return this.command(...this.runWords(['--rm', ...options], ...command));
  }

  /** `podman run --detach` of the image. */
  detach(options: readonly string[], ...command: string[]): Promise<Outcome> {
    return this.command(...this.runWords(['--detach', ...options], ...command));
  }

  /** Removes all containers, and what the engine leaves by design: mounts of its storage and the parent cgroup. */
  async stop(): Promise<void> {
    await this.command('pod', 'rm', '--all', '--force');
    await this.command('rm', '--all', '--force', '--time', '0');
    await run(['umount', '--recursive', '--lazy', '--quiet', join(this.#sandbox.dir, 'data')]);
    await run(['umount', '--recursive', '--lazy', '--quiet', join(this.#sandbox.dir, 'run')]);
    for (const path of cgroupsWithPrefix(`${this.#sandbox.prefix}podman`)) await removeEmpty(path);
  }
}

/** A monitor ends after its container. */
async function removeEmpty(cgroup: string): Promise<void> {
  await until(`${cgroup} is empty`, () => {
    try {
      removeCgroup(cgroup);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      throw error;
    }
  });
}
