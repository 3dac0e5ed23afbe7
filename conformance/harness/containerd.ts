import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemdDriver, removeParent } from './cgroup.ts';
import { ENGINE_BIN } from './cri-client.ts';
import { CRIU_PATH } from './criu.ts';
import { Daemon } from './daemon.ts';
import { makeRootfs } from './guest.ts';
import { IMAGE, makeImage } from './image.ts';
import { run } from './process.ts';
import type { Outcome } from './process.ts';
import { runtimeFile } from './runtime-file.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Plugins that would write outside of the sandbox or are not needed. */
const DISABLED = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.zfs',
];

/** Location of containerd, its shim and ctr: Debian's in PATH, or those built by make test-engines. */
export const RELEASES = { 'containerd 1': '', 'containerd 2': `${ENGINE_BIN}:` } as const;
export type Release = keyof typeof RELEASES;

/** A separate containerd that writes only into the sandbox, and `ctr` as its client. */
export class Containerd {
  readonly #sandbox: Sandbox;
  readonly #runtime: string;
  readonly #rootfs: string;
  readonly #namespace: string;
  /** Environment of daemon and client. */
  readonly env: Record<string, string>;
  readonly #daemon: Daemon;

  private constructor(sandbox: Sandbox, release: Release, runtime: string, rootfs: string) {
    this.#sandbox = sandbox;
    this.env = { ...sandbox.env, PATH: `${RELEASES[release]}${CRIU_PATH}` };
    this.#daemon = new Daemon({
      name: 'containerd',
      argv: ['containerd', '--config', join(sandbox.dir, 'containerd.toml')],
      env: this.env,
      log: join(sandbox.dir, 'containerd.log'),
      answers: async () => (await this.command('version')).status === 0,
    });
    this.#runtime = runtime;
    this.#rootfs = rootfs;
    this.#namespace = `${sandbox.prefix}ctr`;
  }

  static async start(sandbox: Sandbox, release: Release): Promise<Containerd> {
    const at = (name: string): string => join(sandbox.dir, name);
    const rootfs = at('ctr-rootfs');
    mkdirSync(rootfs);
    makeRootfs(rootfs);
    writeFileSync(
      at('containerd.toml'),
      [
        'version = 2',
        `root = "${at('data')}"`,
        `state = "${at('run')}"`,
        `disabled_plugins = [${DISABLED.map((name) => `"${name}"`).join(', ')}]`,
        '[grpc]',
        `address = "${at('sock')}"`,
        '[plugins."io.containerd.internal.v1.opt"]',
        `path = "${at('opt')}"`,
        '',
      ].join('\n'),
    );
    const engine = new Containerd(sandbox, release, runtimeFile(sandbox, undefined), rootfs);
    await engine.#daemon.start();
    return engine;
  }

  /** The command line of `ctr`. */
  argv(...words: string[]): string[] {
    return ['ctr', '--address', join(this.#sandbox.dir, 'sock'), '--namespace', this.#namespace, ...words];
  }

  /** Runs `ctr`. */
  async command(...words: string[]): Promise<Outcome> {
    const outcome = await run(this.argv(...words), { env: this.env, deadline: 60_000 });
    // Its warning about the host's cgroup v1.
    return { ...outcome, stderr: outcome.stderr.replace(/^.*msg="DEPRECATION:.*\n/gm, '') };
  }

  #runtimeWords(id: string): string[] {
    const systemd = ['--runc-systemd-cgroup', '--cgroup', `${this.#namespace}.slice:ctr:${id}`];
    return ['--runc-binary', this.#runtime, '--runc-root', this.#stateRoot(), ...(isSystemdDriver() ? systemd : [])];
  }

  /** The command line of `ctr run` with options, an id and a command. */
  runWords(options: readonly string[], id: string, ...command: string[]): string[] {
    return ['run', ...this.#runtimeWords(id), ...options, '--rootfs', this.#rootfs, id, ...command];
  }

  /** `ctr run --detach` of an image, which a checkpoint needs. */
  async detachImage(id: string, ...command: string[]): Promise<Outcome> {
    // Without this, ctr 2, which is that of Debian's package by now, uses a service that unpacks only for the default snapshotter.
    const { stdout: help } = await this.command('images', 'import', '--help');
    const local = help.includes('--local') ? ['--local'] : [];
    const words = ['images', 'import', ...local, '--snapshotter', 'native', makeImage(this.#sandbox)];
    const imported = await this.command(...words);
    if (imported.status !== 0) return imported;
    const options = ['--snapshotter', 'native', '--detach', '--log-uri', `file://${this.#log(id)}`];
    return this.command('run', ...this.#runtimeWords(id), ...options, IMAGE, id, ...command);
  }

  /** The shim makes a directory for its namespace in it, which remains. */
  #stateRoot(): string {
    return join(this.#sandbox.dir, 'shim-root');
  }

  /** `ctr run` in the foreground, removed afterwards. The id is unique in the engine only. */
  run(options: readonly string[], id: string, ...command: string[]): Promise<Outcome> {
    return this.command(...this.runWords(['--rm', ...options], id, ...command));
  }

  /** `ctr run --detach`, with the output in a file. */
  detach(options: readonly string[], id: string, ...command: string[]): Promise<Outcome> {
    const log = `file://${this.#log(id)}`;
    return this.command(...this.runWords(['--detach', '--log-uri', log, ...options], id, ...command));
  }

  #log(id: string): string {
    return join(this.#sandbox.dir, `${id}.log`);
  }

  /** The output of a detached container so far. */
  output(id: string): string {
    return existsSync(this.#log(id)) ? readFileSync(this.#log(id), 'utf8') : '';
  }

  /** Pid and status of a task as printed by `ctr tasks ls`; undefined if there is none. */
  async task(id: string): Promise<{ pid: number; status: string } | undefined> {
    const { stdout } = await this.command('tasks', 'ls');
    const fields = stdout
      .split('\n')
      .map((line) => line.split(/\s+/))
      .find(([name]) => name === id);
    return fields === undefined ? undefined : { pid: Number(fields[1]), status: fields[2] ?? '' };
  }

  /** Waits for the end of a detached container's program, and removes it. */
  async remove(id: string): Promise<Outcome> {
    await until(`${id} stopped`, async () => (await this.task(id))?.status === 'STOPPED', 30_000);
    await this.command('tasks', 'rm', id);
    return this.command('containers', 'rm', id);
  }

  /** Pid of the shim of a container. */
  shim(id: string): number {
    const shims = readdirSync('/proc').filter((name) => {
      if (!/^\d+$/.test(name) || !existsSync(`/proc/${name}/cmdline`)) return false;
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return (
        words[0]?.endsWith('containerd-shim-runc-v2') === true && words.includes(this.#namespace) && words.includes(id)
      );
    });
    if (shims.length !== 1) throw new Error(`${shims.length} shims of ${id}`);
    return Number(shims[0]);
  }

  /** Ends the daemon and starts it again; containers keep running. */
  restart(): Promise<void> {
    return this.#daemon.restart();
  }

  /**
   * Ends the engine and removes what it leaves by design: the cgroup of its namespace.
   *
   * @throws if the runtime still has a container
   */
  async stop(): Promise<void> {
    const state = join(this.#stateRoot(), this.#namespace);
    const left = (): string[] => (existsSync(state) ? readdirSync(state) : []);
    // A dead shim's container may no longer be listed while its deletion still runs.
    await until('no state remains', () => left().length === 0, 10_000).catch(() => undefined);
    await this.#daemon.end();
    if (left().length > 0) throw new Error(`state of ${left().join(', ')} remains`);
    await removeParent(this.#namespace);
    rmSync(join(this.#sandbox.dir, 'run'), { recursive: true, force: true });
  }
}
