import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  cgroupParent,
  cgroupsWithPrefix,
  hierarchies,
  isSystemdDriver,
  isUnified,
  removeCgroup,
  removeParent,
} from './cgroup.ts';
import { CRIU_PATH } from './criu.ts';
import { makeRootfs } from './guest.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** The image's default command waits for a signal. Pods have one such container. */
const IDLE = 'CMD ["/bin/probe", "wait"]';

/** Podman's default cgroup for pods and their monitors. */
const DEFAULT_PARENT = 'libpod_parent';

/** The unprivileged user: Debian's `daemon`, who gets a range of ids. */
const USER = { uid: 1, gid: 1, name: 'daemon' } as const;
const RANGE = { first: 300_000, size: 65_536 } as const;

/**
 * Podman with separate storage, without network. It has no daemon: each container has a monitor (conmon) with the same
 * lifetime. The runtime is an entry of its containers.conf.
 */
export class Podman {
  readonly #sandbox: Sandbox;
  readonly #rootless: boolean;
  /** There were no other pods before. */
  readonly #ownParent = cgroupsWithPrefix(DEFAULT_PARENT).length === 0;
  /** Environment of the client. */
  readonly env: Record<string, string>;
  /** That of Buildah, which has the same storage. */
  readonly buildahEnv: Record<string, string>;

  private constructor(sandbox: Sandbox, rootless: boolean, runtime: string) {
    this.#sandbox = sandbox;
    this.#rootless = rootless;
    const at = (name: string): string => join(sandbox.dir, name);
    const homes = rootless ? { HOME: at('home'), XDG_RUNTIME_DIR: at('xdg') } : {};
    this.env = { ...sandbox.env, ...homes, PATH: CRIU_PATH, CONTAINERS_CONF: at('containers.conf') };
    this.buildahEnv = { ...this.env, BUILDAH_RUNTIME: runtime, BUILDAH_ISOLATION: 'oci' };
  }

  /** Imports the image, as root or, with `rootless`, as the unprivileged user. */
  static async start(sandbox: Sandbox, { rootless = false } = {}): Promise<Podman> {
    const at = (name: string): string => join(sandbox.dir, name);
    const runtime = runtimeFor(sandbox, rootless);
    writeFileSync(at('containers.conf'), configuration(runtime));
    const podman = new Podman(sandbox, rootless, runtime);
    mkdirSync(at('image'));
    makeRootfs(at('image'));
    await run(['tar', '-C', at('image'), '-cf', at('image.tar'), '.']);
    if (rootless) podman.#giveRange();
    const imported = await podman.command('import', '--change', IDLE, at('image.tar'), 'tiny');
    if (imported.status !== 0) throw new Error(`podman import: ${imported.stderr}`);
    return podman;
  }

  /** Only in the mount namespace of the cases. */
  #giveRange(): void {
    const file = join(this.#sandbox.dir, 'subid');
    writeFileSync(file, `${USER.name}:${RANGE.first}:${RANGE.size}\n`);
    for (const name of ['home', 'xdg', 'data', 'run', 'tmp']) {
      mkdirSync(join(this.#sandbox.dir, name));
      chownSync(join(this.#sandbox.dir, name), USER.uid, USER.gid);
    }
    chmodSync(this.#sandbox.dir, 0o711);
    for (const target of SUBORDINATE) execFileSync('mount', ['--bind', file, target]);
  }

  /** The command line of the client. */
  argv(...words: string[]): string[] {
    const at = (name: string): string => join(this.#sandbox.dir, name);
    return [
      ...['podman', '--root', at('data'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--storage-driver', 'vfs'],
      ...words,
    ];
  }

  /** The command line of Buildah. */
  buildah(...words: string[]): string[] {
    const at = (name: string): string => join(this.#sandbox.dir, name);
    return ['buildah', '--root', at('data'), '--runroot', at('run'), '--storage-driver', 'vfs', ...words];
  }

  command(...words: string[]): Promise<Outcome> {
    const user = this.#rootless ? { user: USER } : {};
    return run(this.argv(...words), { env: this.env, deadline: 60_000, ...user });
  }

  /** The command line of `podman run` of the image with options and a command. */
  runWords(options: readonly string[], ...command: string[]): string[] {
    // Only root may make cgroups here, unless systemd delegates one.
    const unplaced = this.#rootless || options.includes('--cgroups=disabled');
    const placed = unplaced ? [] : cgroupParent(`${this.#sandbox.prefix}podman`);
    return ['run', '--network', 'none', ...placed, ...options, 'tiny', ...command];
  }

  /** `podman run --rm` of the image. */
  run(options: readonly string[], ...command: string[]): Promise<Outcome> {
    return this.command(...this.runWords(['--rm', ...options], ...command));
  }

  /** `podman run --detach` of the image. */
  detach(options: readonly string[], ...command: string[]): Promise<Outcome> {
    return this.command(...this.runWords(['--detach', ...options], ...command));
  }

  /** Removes all containers, and what the engine leaves by design: mounts of its storage, parents of cgroups. */
  async stop(): Promise<void> {
    const at = (name: string): string => join(this.#sandbox.dir, name);
    await this.command('pod', 'rm', '--all', '--force');
    await this.command('rm', '--all', '--force', '--time', '0');
    if (this.#rootless) {
      // The process that keeps the user namespace.
      if (existsSync(at('tmp/pause.pid'))) process.kill(Number(readFileSync(at('tmp/pause.pid'), 'utf8')), 'SIGKILL');
      for (const target of SUBORDINATE) execFileSync('umount', [target]);
    }
    for (const name of ['data', 'run']) await run(['umount', '--recursive', '--lazy', '--quiet', at(name)]);
    for (const path of cgroupsWithPrefix(`${this.#sandbox.prefix}podman`)) await removeEmpty(path);
    await removeParent(`${this.#sandbox.prefix}podman`);
    if (this.#ownParent) for (const path of cgroupsWithPrefix(DEFAULT_PARENT)) await removeEmpty(path);
    removeFalseCgroups([`${this.#sandbox.prefix}podman`, ...(this.#ownParent ? [DEFAULT_PARENT] : [])]);
  }
}

const SUBORDINATE = ['/etc/subuid', '/etc/subgid'];

/** The runtime as one file that the user of Podman can reach; the working tree may be accessible only to root. */
function runtimeFor(sandbox: Sandbox, rootless: boolean): string {
  const file = runtimeFile(sandbox, rootless ? undefined : join(sandbox.dir, 'config.json'));
  if (!rootless || !sandbox.runtime.ours) return file;
  const copy = join(sandbox.dir, 'own-runtime');
  copyFileSync(file, copy);
  return copy;
}

function configuration(runtime: string): string {
  return [
    '[containers]',
    // The defaults raise limits, which a root without CAP_SYS_RESOURCE may not do.
    'default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]',
    '[engine]',
    `cgroup_manager = "${isSystemdDriver() ? 'systemd' : 'cgroupfs'}"`,
    'events_logger = "none"',
    'infra_image = "tiny"',
    'runtime = "tested"',
    'runtime_supports_json = ["tested"]',
    // The manual writes nocgroups, which the program does not read.
    'runtime_supports_nocgroup = ["tested"]',
    '[engine.runtimes]',
    `tested = ["${runtime}"]`,
    '',
  ].join('\n');
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

/** On cgroup v1 Podman makes directories below every name in /sys/fs/cgroup, even if nothing is mounted there. */
function removeFalseCgroups(names: readonly string[]): void {
  if (isUnified()) return;
  const mounted = hierarchies();
  for (const entry of readdirSync('/sys/fs/cgroup')) {
    const parent = join('/sys/fs/cgroup', entry);
    if (mounted.includes(parent) || lstatSync(parent).isSymbolicLink()) continue;
    for (const name of names) rmSync(join(parent, name), { recursive: true, force: true });
  }
}
