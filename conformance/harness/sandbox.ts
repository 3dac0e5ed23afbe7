import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minimalConfig } from './config.ts';
import type { Mutation, TestConfig } from './config.ts';
import { answers, makeRootfs } from './guest.ts';
import { checkPlanOrder } from './plan-order.ts';
import { run, start } from './process.ts';
import type { Outcome, Running, SpawnOptions } from './process.ts';

/** A runtime under test. */
export interface Runtime {
  /** `rt`, `node`, or the name of a peer that serves as the control. */
  readonly name: string;
  readonly argv: readonly string[];
  /** True for both hosts of this project. */
  readonly ours: boolean;
}

/** A bundle on disk. `config` is written by `save`; `saveText` writes any text, even invalid JSON. */
export interface Bundle {
  readonly dir: string;
  readonly rootfs: string;
  readonly config: TestConfig;
  save(): void;
  saveText(text: string): void;
}

/** The output of `state`. */
export interface State {
  ociVersion: string;
  id: string;
  pid: number;
  status: string;
  bundle: string;
  rootfs: string;
  created: string;
  annotations?: Record<string, string>;
  owner: string;
}

let sandboxes = 0;

/**
 * The environment of one case: a temporary directory, a state root in it, and unique names, by which leftovers are
 * found.
 */
export class Sandbox {
  readonly runtime: Runtime;
  readonly dir: string;
  /** Value of `--root`. */
  readonly root: string;
  /** Prefix of the names of all cgroups and containers of this sandbox. */
  readonly prefix: string;
  /** Environment of every runtime process: only the marker by which a leftover process is found, and a way forced on all. */
  readonly env: Record<string, string>;
  #containers = 0;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.dir = mkdtempSync(join(tmpdir(), 'rt-e2e-'));
    this.root = join(this.dir, 'root');
    this.prefix = `rt-test-${process.pid}-${sandboxes++}-`;
    const { RT_MOUNT_NAMESPACE: way } = process.env;
    this.env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      RT_SANDBOX: this.dir,
      ...(way === undefined ? {} : { RT_MOUNT_NAMESPACE: way }),
    };
  }

  /** A name for the next container; also the name of its cgroup. */
  nextId(): string {
    return `${this.prefix}${this.#containers++}`;
  }

  /** Makes a bundle in a fresh directory from the minimal configuration, changed by the case. */
  bundle(mutate?: Mutation): Bundle {
    const id = this.nextId();
    const dir = join(this.dir, `bundle-${id}`);
    const rootfs = join(dir, 'rootfs');
    mkdirSync(rootfs, { recursive: true, mode: 0o755 });
    makeRootfs(rootfs);
    const config = minimalConfig(`/${id}`);
    mutate?.(config);
    const saveText = (text: string): void => {
      checkPlanOrder(text);
      writeFileSync(join(dir, 'config.json'), text);
    };
    const save = (): void => saveText(JSON.stringify(config, null, 2));
    save();
    return { dir, rootfs, config, save, saveText };
  }

  /** Command line of the runtime with this sandbox's root and the given words. */
  argv(...words: string[]): string[] {
    return [...this.runtime.argv, '--root', this.root, ...words];
  }

  /** Runs a command of the runtime to its end. */
  command(...words: string[]): Promise<Outcome> {
    return run(this.argv(...words), { env: this.env });
  }

  /** Like `command`, with options other than the defaults. */
  commandWith(options: SpawnOptions, ...words: string[]): Promise<Outcome> {
    return run(this.argv(...words), { env: this.env, ...options });
  }

  /** Runs a command of the runtime through another command, given as a prefix. */
  commandThrough(prefix: readonly string[], ...words: string[]): Promise<Outcome> {
    return run([...prefix, ...this.argv(...words)], { env: this.env });
  }

  /** Starts a command of the runtime without waiting for it. */
  background(...words: string[]): Running {
    return start(this.argv(...words), { env: this.env });
  }

  /** Like `background`, with options other than the defaults. */
  backgroundWith(options: SpawnOptions, ...words: string[]): Running {
    return start(this.argv(...words), { env: this.env, ...options });
  }

  /**
   * Like `command`, for a command that may leave a container: its output goes to files. Standard output is discarded.
   */
  async commandDetached(...words: string[]): Promise<Outcome> {
    const file = join(this.dir, `${this.nextId()}.stderr`);
    const stderr = openSync(file, 'w+');
    const stdout = openSync('/dev/null', 'w');
    try {
      const { status } = await run(this.argv(...words), { env: this.env, stdout, stderr });
      return { status, stdout: '', stderr: readFileSync(file, 'utf8') };
    } finally {
      closeSync(stdout);
      closeSync(stderr);
    }
  }

  /** Like `commandThrough`, without waiting for the end. */
  backgroundThrough(prefix: readonly string[], ...words: string[]): Running {
    return start([...prefix, ...this.argv(...words)], { env: this.env });
  }

  /** `run` in the foreground, with a bundle made for it. */
  async run(mutate?: Mutation): Promise<Outcome> {
    return this.runBundle(this.bundle(mutate));
  }

  async runBundle(bundle: Bundle, id = this.nextId()): Promise<Outcome> {
    return this.command('run', '--bundle', bundle.dir, id);
  }

  /**
   * Runs the probe with some verbs and returns one parsed line for each.
   *
   * @throws if the container did not start or the probe was called incorrectly
   */
  async observe<Lines extends unknown[]>(verbs: readonly (readonly string[])[], mutate?: Mutation): Promise<Lines> {
    return this.observeBundle<Lines>(this.bundle(mutate), verbs);
  }

  async observeBundle<Lines extends unknown[]>(bundle: Bundle, verbs: readonly (readonly string[])[]): Promise<Lines> {
    bundle.config.process.args = [
      '/bin/probe',
      ...verbs.flatMap((verb, index) => (index === 0 ? verb : ['--', ...verb])),
    ];
    bundle.save();
    const outcome = await this.runBundle(bundle);
    if (outcome.status !== 0) throw new Error(`run ended with ${outcome.status}: ${outcome.stderr}${outcome.stdout}`);
    return answers(outcome.stdout) as Lines;
  }

  /**
   * `create` with the container's output in files, so that the command ends while the container waits.
   *
   * @param flags additional arguments before the id, such as `--pid-file`, P
   */
  async create(bundle: Bundle, id = this.nextId(), ...flags: string[]): Promise<Container & { outcome: Outcome }> {
    return this.#detached('create', bundle, id, flags);
  }

  /** `run --detach`, otherwise like `create`. */
  async runDetached(bundle: Bundle, id = this.nextId()): Promise<Container & { outcome: Outcome }> {
    return this.#detached('run', bundle, id, ['--detach']);
  }

  /** A container that was created successfully. */
  async created(mutate?: Mutation): Promise<Container> {
    const container = await this.create(this.bundle(mutate));
    if (container.outcome.status !== 0)
      throw new Error(`create ended with ${container.outcome.status}: ${container.outcome.stderr}`);
    return container;
  }

  /** A container that runs the given probe verbs. */
  async started(verb: readonly string[], mutate?: Mutation): Promise<Container> {
    const container = await this.created((config) => {
      config.process.args = ['/bin/probe', ...verb];
      mutate?.(config);
    });
    const outcome = await container.start();
    if (outcome.status !== 0) throw new Error(`start ended with ${outcome.status}: ${outcome.stderr}`);
    return container;
  }

  async #detached(
    command: string,
    bundle: Bundle,
    id: string,
    flags: string[],
  ): Promise<Container & { outcome: Outcome }> {
    const files = { stdout: join(this.dir, `${id}.stdout`), stderr: join(this.dir, `${id}.stderr`) };
    const stdout = openSync(files.stdout, 'w+');
    const stderr = openSync(files.stderr, 'w+');
    try {
      const words = [command, '--bundle', bundle.dir, ...flags, id];
      const { status } = await run(this.argv(...words), { env: this.env, stdout, stderr });
      const outcome = {
        status,
        stdout: readFileSync(files.stdout, 'utf8'),
        stderr: readFileSync(files.stderr, 'utf8'),
      };
      return Object.assign(new Container(this, id, bundle, files), { outcome });
    } finally {
      closeSync(stdout);
      closeSync(stderr);
    }
  }

  /** Removes the temporary directory. Mounts below it must be gone. */
  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A container for which `create` or `run --detach` was called. */
export class Container {
  readonly id: string;
  readonly bundle: Bundle;
  readonly #sandbox: Sandbox;
  readonly #files: { stdout: string; stderr: string };

  constructor(sandbox: Sandbox, id: string, bundle: Bundle, files: { stdout: string; stderr: string }) {
    this.#sandbox = sandbox;
    this.id = id;
    this.bundle = bundle;
    this.#files = files;
  }

  start(): Promise<Outcome> {
    return this.#sandbox.command('start', this.id);
  }

  kill(...signal: string[]): Promise<Outcome> {
    return this.#sandbox.command('kill', this.id, ...signal);
  }

  remove(...flags: string[]): Promise<Outcome> {
    return this.#sandbox.command('delete', ...flags, this.id);
  }

  async state(): Promise<State> {
    const outcome = await this.#sandbox.command('state', this.id);
    if (outcome.status !== 0) throw new Error(`state ended with ${outcome.status}: ${outcome.stderr}`);
    return JSON.parse(outcome.stdout) as State;
  }

  /** The output of the container's process so far. */
  stdout(): string {
    return readFileSync(this.#files.stdout, 'utf8');
  }

  stderr(): string {
    return readFileSync(this.#files.stderr, 'utf8');
  }
}
