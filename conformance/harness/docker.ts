import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CRIU_PATH } from './criu.ts';
import { Daemon } from './daemon.ts';
import { makeRootfs } from './guest.ts';
import { cgroupParent, removeParent } from './cgroup.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import type { Sandbox } from './sandbox.ts';

export interface DockerOptions {
  /** Whether `configFile` is written, default true; it adds some milliseconds to every call of the runtime. */
  readonly keepConfig?: boolean;
  /** Host ids to which the users of containers are mapped (`--userns-remap`). */
  readonly remap?: { readonly first: number; readonly size: number };
  /** Containers go on while the engine does not run. */
  readonly liveRestore?: boolean;
}

/** Debian's user of this name is the target of `remap`. */
const REMAPPED = 'daemon';

/**
 * A separate Docker engine without network that writes only into the sandbox. Its image `tiny` is the root filesystem
 * of all cases, its default runtime is that of the sandbox.
 */
export class Docker {
  readonly #sandbox: Sandbox;
  readonly #daemon: Daemon;
  /** config.json of the container that was created last, as the engine wrote it. */
  readonly configFile: string;

  private constructor(sandbox: Sandbox, argv: readonly string[], configFile: string) {
    const at = (name: string): string => join(sandbox.dir, name);
    this.#sandbox = sandbox;
    this.configFile = configFile;
    this.#daemon = new Daemon({
      name: 'dockerd',
      argv,
      env: { ...sandbox.env, PATH: `${at('first')}:${CRIU_PATH}` },
      log: at('docker.log'),
      answers: async () => (await this.command('version')).status === 0,
    });
  }

  /** Starts the engine and imports the image. */
  static async start(
    sandbox: Sandbox,
    { keepConfig = true, remap, liveRestore = false }: DockerOptions = {},
  ): Promise<Docker> {
    const at = (name: string): string => join(sandbox.dir, name);
    const configFile = at('config.json');
    const wrapper = runtimeFile(sandbox, keepConfig ? configFile : undefined);
    // Its BuildKit runs the first runc in PATH, regardless of the default runtime.
    mkdirSync(at('first'));
    if (sandbox.runtime.ours) symlinkSync(wrapper, at('first/runc'));
    const argv = [
      ...(remap === undefined ? [] : withRange(sandbox, remap)),
      ...['dockerd', '--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid')],
      ...['--host', `unix://${at('sock')}`, '--iptables=false', '--ip6tables=false', '--bridge=none'],
      ...['--storage-driver', 'vfs', ...cgroupParent(`${sandbox.prefix}docker`)],
      // For checkpoints.
      '--experimental',
      ...['--add-runtime', `tested=${wrapper}`, '--default-runtime', 'tested'],
      ...(remap === undefined ? [] : ['--userns-remap', REMAPPED]),
      ...(liveRestore ? ['--live-restore'] : []),
    ];
    const docker = new Docker(sandbox, argv, configFile);
    await docker.#daemon.start();
    mkdirSync(at('image'));
    makeRootfs(at('image'));
    await run(['tar', '-C', at('image'), '-cf', at('image.tar'), '.']);
    const imported = await docker.command('import', at('image.tar'), 'tiny');
    if (imported.status !== 0) throw new Error(`docker import: ${imported.stderr}`);
    return docker;
  }

  /** The command line of the client. */
  argv(...words: string[]): string[] {
    return ['docker', '--host', `unix://${join(this.#sandbox.dir, 'sock')}`, ...words];
  }

  /** Runs the `docker` client. */
  command(...words: string[]): Promise<Outcome> {
    return this.commandWith({}, ...words);
  }

  /** Like `command`, with additional environment variables. */
  commandWith(env: Record<string, string>, ...words: string[]): Promise<Outcome> {
    return run(this.argv(...words), { env: { ...this.#sandbox.env, ...env }, deadline: 60_000 });
  }

  /** `docker run --rm` of the image without network, with additional options and a command. */
  run(options: readonly string[], ...command: string[]): Promise<Outcome> {
    return this.command('run', '--rm', '--network', 'none', ...options, 'tiny', ...command);
  }

  /** Ends the engine and starts it again. */
  restart(): Promise<void> {
    return this.#daemon.restart();
  }

  log(): string {
    return readFileSync(join(this.#sandbox.dir, 'docker.log'), 'utf8');
  }

  /** Ends the engine and removes what it leaves by design: the parent cgroup and its mounts. */
  async stop(): Promise<void> {
    await this.#daemon.end();
    await run(['umount', '--recursive', '--lazy', '--quiet', join(this.#sandbox.dir, 'data')]);
    await removeParent(`${this.#sandbox.prefix}docker`);
  }
}

/** Prefix of a command line that gives the command its own range of ids in /etc/subuid and /etc/subgid. */
function withRange(sandbox: Sandbox, { first, size }: { first: number; size: number }): string[] {
  const file = join(sandbox.dir, 'subid');
  writeFileSync(file, `${REMAPPED}:${first}:${size}\n`);
  // The root of the containers must be able to reach its files.
  chmodSync(sandbox.dir, 0o711);
  const mounts = `mount --bind ${file} /etc/subuid && mount --bind ${file} /etc/subgid && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', mounts, 'sh'];
}
