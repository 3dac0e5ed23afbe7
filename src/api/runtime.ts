/** The commands of `rt` for programs, asynchronous: each is a call of the `rt` program. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Config, LinuxResources, Mount } from '../../schema/generated/config.ts';
import type { Features } from '../../schema/generated/features.ts';
import type { Stats } from '../cgroup/stats/types.ts';
import type { StateReport } from '../container/report.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { call, callDetached, collect, ended, findProgram, onAbort, start } from './call.ts';
import type { CallOptions, Called, Program } from './call.ts';
import { check, checkEnvironment, checkOptions } from './check.ts';
import type { Kind } from './check.ts';
import { Followed } from './process.ts';
import type { ContainerProcess, HeldContainer, Measured, Stdio, StdioOptions } from './process.ts';
import { failureOf } from './records.ts';

/** Options that hold for every call of an `AsyncRuntime`. */
export interface AsyncRuntimeOptions {
  /** Directory of container states, as `--root`. By default that of the command line, which the user decides. */
  readonly root?: string;
  /** Path of the rt program. By default the value of RT_BINARY, or the program in this package. */
  readonly binary?: string;
  /** Who makes cgroups: rt (`cgroupfs`, the default), `systemd`, or nobody (`disabled`). */
  readonly cgroupManager?: 'cgroupfs' | 'systemd' | 'disabled';
  /** Path of criu, which checkpoints and restores. */
  readonly criu?: string;
}

/** An option of every call. */
export interface Abortable {
  /**
   * Ends the call: its promise rejects with the reason of the signal once everything has been undone. A call that has
   * resolved is not affected, except a running program, which is killed.
   */
  readonly signal?: AbortSignal;
}

/** Which bundle a container is made from. */
export interface BundlePlace {
  /** Directory of the bundle; by default the working directory. */
  readonly bundle?: string;
  /** File with the configuration, instead of config.json in the bundle. */
  readonly config?: string;
}

/** Options of making a container. */
export interface CreationOptions extends BundlePlace, Abortable {
  /** File for the pid of the container's init. */
  readonly pidFile?: string;
  /** False: keep the session keyring of this process. */
  readonly newKeyring?: boolean;
  /** True: enter the root filesystem without pivot_root, which fails on the initial ramfs. */
  readonly noPivot?: boolean;
}

/** Options of `create`, whose container outlives this process. */
export interface DetachedOptions extends CreationOptions {
  /** By default `ignore`. It cannot be a pipe: `prepare` and `run` have one. */
  readonly stdin?: Exclude<Stdio, 'pipe'>;
  /** By default `ignore`. */
  readonly stdout?: Stdio;
  /** By default `ignore`. */
  readonly stderr?: Stdio;
  /** Socket that receives the master of the container's terminal; process.terminal is true then. */
  readonly consoleSocket?: string;
}

/** A container that was created or restored. */
export interface DetachedContainer {
  /** Id of the container. */
  readonly id: string;
  /** Null unless it is a pipe. */
  readonly stdout: Readable | null;
  /** Null unless it is a pipe. */
  readonly stderr: Readable | null;
  /** What did not prevent it, such as settings without effect. */
  readonly warnings: readonly Diagnostic[];
}

/** Options of `run` and `prepare`. */
export type RunOptions = CreationOptions & StdioOptions;

/** Options of `exec`. */
export interface ExecOptions extends StdioOptions, Abortable {
  /** True: give the program a terminal. */
  readonly tty?: boolean;
  /** Working directory. */
  readonly cwd?: string;
  /** Variables that are added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Numeric user id, and optional group id: `1000:1000`. */
  readonly user?: string;
  /** Supplementary groups. */
  readonly additionalGids?: readonly number[];
  /** Capabilities that are added. */
  readonly capabilities?: readonly string[];
  /** True: the program never gains privileges. */
  readonly noNewPrivileges?: boolean;
  /** Cgroup below the container's. */
  readonly cgroup?: string;
  /** True: allow a paused container; the program starts when it is resumed. */
  readonly ignorePaused?: boolean;
}

/** Usage or an out-of-memory kill of a container. */
export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: Measured<Stats> }
  | { readonly type: 'oom'; readonly id: string };

/** Something that `validate` says about a config. */
export interface Finding {
  /** `error`: it is invalid. `host`: this host is against it. `unsupported`: valid, but refused. */
  readonly level: 'error' | 'host' | 'unsupported' | 'warning' | 'note';
  /** Stable identifier: docs/errors.md. */
  readonly code: string;
  readonly message: string;
  /** JSON pointer into the config. */
  readonly pointer?: string;
  /** Name of the file. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** The cure. */
  readonly hint?: string;
}

/** The result of `validate`. */
export interface Validation {
  /** Whether the config is valid. */
  readonly valid: boolean;
  /** Whether this host can run it, as far as that was asked. */
  readonly suits: boolean;
  readonly findings: readonly Finding[];
}

/** A statement of `explain` with its place in the config. */
export interface ExplainedItem {
  readonly text?: string;
  readonly message?: string;
  readonly code?: string;
  readonly pointer?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly hint?: string;
}

/** What a container is and may do, in words. */
export interface Explanation {
  readonly bundle: string;
  /** Of a container. */
  readonly id?: string;
  readonly status?: string;
  readonly runs: readonly ExplainedItem[];
  readonly sees: readonly ExplainedItem[];
  readonly may: readonly ExplainedItem[];
  readonly limits: readonly ExplainedItem[];
  readonly hooks: readonly ExplainedItem[];
  readonly weaknesses: readonly ExplainedItem[];
  readonly mistakes: readonly ExplainedItem[];
}

/** Where the images of a checkpoint are, and what they may contain. */
export interface ImageOptions extends Abortable {
  /** Directory of the images. */
  readonly imagePath: string;
  /** Directory of criu's log; by default that of the images. */
  readonly workPath?: string;
  /** Preserve open TCP connections. */
  readonly tcpEstablished?: boolean;
  /** Allow unix sockets connected to processes outside of the container. */
  readonly extUnixSk?: boolean;
  /** Allow the terminal of the caller. */
  readonly shellJob?: boolean;
  /** Preserve file locks. */
  readonly fileLocks?: boolean;
}

/** Options of `checkpoint`. */
export interface CheckpointOptions extends ImageOptions {
  /** Keep the container running. */
  readonly leaveRunning?: boolean;
  /** Write only memory and keep the container running. */
  readonly preDump?: boolean;
  /** Images of an earlier `preDump`, relative to imagePath. */
  readonly parentPath?: string;
}

/** Options of `restore`. */
export type RestoreOptions = ImageOptions & BundlePlace & Omit<DetachedOptions, keyof CreationOptions>;

const stdioWords = { stdin: 'any', stdout: 'any', stderr: 'any' } as const satisfies Record<string, Kind>;
const bundleTable = { bundle: 'string', config: 'string', signal: 'signal' } as const satisfies Record<string, Kind>;
const creationTable = {
  ...bundleTable,
  ...stdioWords,
  pidFile: 'string',
  newKeyring: 'boolean',
  noPivot: 'boolean',
} as const satisfies Record<string, Kind>;
const imageTable = {
  imagePath: 'string',
  workPath: 'string',
  tcpEstablished: 'boolean',
  extUnixSk: 'boolean',
  shellJob: 'boolean',
  fileLocks: 'boolean',
  signal: 'signal',
} as const satisfies Record<string, Kind>;
const abortable = { signal: 'signal' } as const satisfies Record<string, Kind>;

/**
 * The containers below one state root. Each method is a call of the rt program and rejects with a `Failure`; a wrong
 * argument is a TypeError before anything has happened. The event loop is never blocked.
 */
export class AsyncRuntime {
  readonly #program: Program;

  constructor(options: AsyncRuntimeOptions = {}) {
    checkOptions('options', options, { root: 'string', binary: 'string', cgroupManager: 'string', criu: 'string' });
    const { root, binary, cgroupManager, criu } = options;
    this.#program = {
      path: findProgram(binary),
      globals: [...flag('root', root), ...flag('cgroup-manager', cgroupManager), ...flag('criu', criu)],
    };
  }

  /** Sets up a container, which outlives this process; its program waits for `start`. */
  async create(id: string, options: DetachedOptions = {}): Promise<DetachedContainer> {
    check('id', id, 'string');
    checkOptions('options', options, { ...creationTable, consoleSocket: 'string' });
    const words = ['create', ...creationWords(options), ...flag('console-socket', options.consoleSocket), '--', id];
    return this.#detached(id, words, options);
  }

  /** Runs the program of a created container. */
  async start(id: string, options: Abortable = {}): Promise<void> {
    await this.#simple(['start'], id, options);
  }

  /**
   * Makes a container and runs its program. Resolves once it runs, with its streams; the container is deleted after its
   * end, also if this process ends before.
   */
  async run(id: string, options: RunOptions = {}): Promise<ContainerProcess> {
    const followed = await this.#follow(id, options);
    // Not before: a write that fails takes with it what has not been read, the cause.
    followed.created.then(
      () => followed.send(''),
      () => undefined,
    );
    return this.#begun(id, followed, options.signal);
  }

  /**
   * Makes a container whose program waits for `start` of the result, which takes less time than any other way to start a
   * container: no process has to be made. It is removed if this process ends. Its status is `running` meanwhile.
   */
  async prepare(id: string, options: RunOptions = {}): Promise<HeldContainer> {
    const followed = await this.#follow(id, options);
    const stop = (): void => followed.close();
    const forget = onAbort(options.signal, stop);
    followed.ended.then(forget, forget);
    try {
      const { pid, warnings } = await followed.created;
      return {
        id,
        pid,
        warnings,
        start: async () => {
          followed.send('');
          return this.#begun(id, followed, options.signal);
        },
        ended: followed.ended,
        close: async () => {
          followed.close();
          await followed.ended.catch(() => undefined);
        },
        ref: () => followed.keep(true),
        unref: () => followed.keep(false),
      };
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    }
  }

  /** Runs another program in a container. Resolves once it runs. It is killed if this process ends. */
  async exec(id: string, args: readonly string[], options: ExecOptions = {}): Promise<ContainerProcess> {
    check('id', id, 'string');
    check('args', args, 'strings');
    checkOptions('options', options, execTable);
    checkStdio(options);
    options.signal?.throwIfAborted();
    const words = ['exec', ...execWords(options), '--lifeline', '3', '--', id, ...args];
    const followed = await Followed.begin(this.#program, words, options, () => Promise.resolve());
    return this.#begun(id, followed, options.signal);
  }

  /** State of a container. */
  async state(id: string, options: Abortable = {}): Promise<StateReport> {
    return JSON.parse((await this.#simple(['state'], id, options)).stdout) as StateReport;
  }

  /** States of all containers. */
  async list(options: Abortable = {}): Promise<readonly StateReport[]> {
    checkOptions('options', options, abortable);
    const { stdout } = await this.#call(['list', '--format', 'json'], options);
    return (JSON.parse(stdout) as readonly StateReport[] | null) ?? [];
  }

  /** Sends a signal, by name or number, to the init of a container; with `all` to each of its processes. */
  async kill(
    id: string,
    signal: string | number = 'TERM',
    options: Abortable & { readonly all?: boolean } = {},
  ): Promise<void> {
    check('id', id, 'string');
    check('signal', signal, 'killed');
    checkOptions('options', options, { ...abortable, all: 'boolean' });
    await this.#call(['kill', ...given('all', options.all), '--', id, String(signal)], options);
  }

  /**
   * Resolves once a container has stopped. The kernel tells its exit code only to the parent of its init, so that of a
   * container made by `create` is not known; `run` and `prepare` tell it.
   */
  async wait(id: string, options: Abortable = {}): Promise<void> {
    for (;;) {
      const { status } = await this.state(id, options);
      if (status === 'stopped') return;
      try {
        // It ends with the container.
        await this.#call(['events', '--interval', '24h', '--', id], options);
      } catch (error) {
        if (!(error instanceof Failure) || error.diagnostics[0]?.code === 'cgroup.none') throw error;
      }
    }
  }

  /** Removes a stopped container; with `force` also one that runs, or none. Resolves with failures of poststop hooks. */
  async delete(id: string, options: Abortable & { readonly force?: boolean } = {}): Promise<readonly Diagnostic[]> {
    check('id', id, 'string');
    checkOptions('options', options, { ...abortable, force: 'boolean' });
    return (await this.#call(['delete', ...given('force', options.force), '--', id], options)).warnings;
  }

  /** Suspends all processes of a container. */
  async pause(id: string, options: Abortable = {}): Promise<void> {
    await this.#simple(['pause'], id, options);
  }

  /** Resumes a paused container. */
  async resume(id: string, options: Abortable = {}): Promise<void> {
    await this.#simple(['resume'], id, options);
  }

  /** Changes limits of a container; those that are not in `resources` stay. */
  async update(id: string, resources: LinuxResources, options: Abortable = {}): Promise<void> {
    check('resources', resources, 'object');
    await this.#simple(['update', '--resources', '-'], id, options, JSON.stringify(resources));
  }

  /** Pids of the processes of a container, on the host. */
  async ps(id: string, options: Abortable = {}): Promise<readonly number[]> {
    const { stdout } = await this.#simple(['ps', '--format', 'json'], id, options);
    return (JSON.parse(stdout) as readonly number[] | null) ?? [];
  }

  /** Usage of a container now. */
  async stats(id: string, options: Abortable = {}): Promise<Measured<Stats>> {
    const { stdout } = await this.#simple(['events', '--stats'], id, options);
    const event = JSON.parse(stdout) as Extract<ContainerEvent, { type: 'stats' }>;
    return event.data;
  }

  /**
   * Usage of a container every `interval` milliseconds (default 5000), and its out-of-memory kills; ends with the
   * container, or when the loop is left.
   */
  events(id: string, options: Abortable & { readonly interval?: number } = {}): AsyncIterableIterator<ContainerEvent> {
    check('id', id, 'string');
    checkOptions('options', options, { ...abortable, interval: 'milliseconds' });
    return this.#events(id, options.interval ?? 5000, options.signal);
  }

  /** Adds mounts to a container, all or none. */
  async addMounts(id: string, mounts: readonly Mount[], options: Abortable = {}): Promise<void> {
    check('mounts', mounts, 'array');
    await this.#mounts('add', id, mounts, options);
  }

  /** Removes the mounts at these destinations from a container. */
  async removeMounts(id: string, destinations: readonly string[], options: Abortable = {}): Promise<void> {
    check('destinations', destinations, 'strings');
    await this.#mounts(
      'remove',
      id,
      destinations.map((destination) => ({ destination })),
      options,
    );
  }

  /** Writes a running container to a directory of images, and ends it. Needs criu. */
  async checkpoint(id: string, options: CheckpointOptions): Promise<void> {
    check('id', id, 'string');
    checkOptions('options', options, {
      ...imageTable,
      leaveRunning: 'boolean',
      preDump: 'boolean',
      parentPath: 'string',
    });
    check('options.imagePath', options.imagePath, 'string');
    const words = [
      ...imageWords(options),
      ...given('leave-running', options.leaveRunning),
      ...given('pre-dump', options.preDump),
      ...flag('parent-path', options.parentPath),
    ];
    await this.#call(['checkpoint', ...words, '--', id], options);
  }

  /** Makes a container from the images of a checkpoint; its programs run when it resolves. Needs criu. */
  async restore(id: string, options: RestoreOptions): Promise<DetachedContainer> {
    check('id', id, 'string');
    checkOptions('options', options, { ...imageTable, ...bundleTable, ...stdioWords, consoleSocket: 'string' });
    check('options.imagePath', options.imagePath, 'string');
    const place = [...flag('bundle', options.bundle), ...flag('config', options.config)];
    const words = [...imageWords(options), ...place, ...flag('console-socket', options.consoleSocket)];
    return this.#detached(id, ['restore', '--detach', ...words, '--', id], options);
  }

  /** Every fault of a config, with its line and column; with `host` also what on this host is against it. */
  async validate(options: BundlePlace & Abortable & { readonly host?: boolean } = {}): Promise<Validation> {
    checkOptions('options', options, { ...bundleTable, host: 'boolean' });
    const words = ['validate', '--format', 'json', ...placeWords(options), ...given('host', options.host)];
    const { code, stdout } = await this.#call(words, { signal: options.signal, accept: [1, 2] });
    return { valid: code !== 1, suits: code === 0, findings: JSON.parse(stdout) as readonly Finding[] };
  }

  /** What a container is and may do: of an existing one by its id, or of a bundle. */
  async explain(subject: string | BundlePlace = {}, options: Abortable = {}): Promise<Explanation> {
    checkOptions('options', options, abortable);
    if (typeof subject === 'string') check('subject', subject, 'string');
    else checkOptions('subject', subject, { bundle: 'string', config: 'string' });
    const words = typeof subject === 'string' ? ['--', subject] : placeWords(subject);
    return JSON.parse((await this.#call(['explain', '--format', 'json', ...words], options)).stdout) as Explanation;
  }

  /** What `create` would do for a bundle, as text for people. */
  async plan(options: BundlePlace & Abortable & { readonly id?: string } = {}): Promise<string> {
    checkOptions('options', options, { ...bundleTable, id: 'string' });
    return (await this.#call(['plan', ...placeWords(options), ...flag('id', options.id)], options)).stdout;
  }

  /** What rt can do (features.md of the runtime specification). */
  async features(options: Abortable = {}): Promise<Features> {
    checkOptions('options', options, abortable);
    return JSON.parse((await this.#call(['features'], options)).stdout) as Features;
  }

  /** A template of a config: with `hardened` for untrusted programs (docs/sandbox.md), with `rootless` for use without root. */
  async spec(options: Abortable & { readonly hardened?: boolean; readonly rootless?: boolean } = {}): Promise<Config> {
    checkOptions('options', options, { ...abortable, hardened: 'boolean', rootless: 'boolean' });
    const directory = await mkdtemp(join(tmpdir(), 'rt-spec-'));
    try {
      const words = [...given('hardened', options.hardened), ...given('rootless', options.rootless)];
      await this.#call(['spec', '--bundle', directory, ...words], options);
      return JSON.parse(await readFile(join(directory, 'config.json'), 'utf8')) as Config;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  #call(words: readonly string[], { signal, input, accept }: CallOptions): Promise<Called> {
    return call(this.#program, words, {
      signal,
      ...(input === undefined ? {} : { input }),
      ...(accept === undefined ? {} : { accept }),
    });
  }

  #simple(words: readonly string[], id: string, options: Abortable, input?: string): Promise<Called> {
    check('id', id, 'string');
    checkOptions('options', options, abortable);
    return this.#call([...words, '--', id], { ...options, ...(input === undefined ? {} : { input }) });
  }

  async #mounts(action: string, id: string, mounts: readonly object[], options: Abortable): Promise<void> {
    check('id', id, 'string');
    checkOptions('options', options, abortable);
    await this.#call(['mounts', '--', action, id, '-'], { ...options, input: JSON.stringify(mounts) });
  }

  async #detached(
    id: string,
    words: readonly string[],
    { stdin = 'ignore', stdout = 'ignore', stderr = 'ignore', signal }: StdioOptions & Abortable,
  ): Promise<DetachedContainer> {
    checkStdio({ stdin, stdout, stderr });
    if (stdin === 'pipe') throw new TypeError('options.stdin cannot be a pipe here, but of run and prepare');
    try {
      return { id, ...(await callDetached(this.#program, words, [stdin, stdout, stderr], signal)) };
    } catch (error) {
      // The program was ended in the middle.
      if (signal?.aborted === true) await this.delete(id, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  async #follow(id: string, options: RunOptions): Promise<Followed> {
    check('id', id, 'string');
    checkOptions('options', options, creationTable);
    checkStdio(options);
    options.signal?.throwIfAborted();
    const words = ['run', ...creationWords(options), '--lifeline', '3', '--', id];
    return Followed.begin(this.#program, words, options, () => this.delete(id, { force: true }));
  }

  /** Waits until the program runs; from then on the signal kills it. */
  async #begun(id: string, followed: Followed, signal: AbortSignal | undefined): Promise<ContainerProcess> {
    const stop = (): void => followed.close();
    const forget = onAbort(signal, stop);
    followed.ended.then(forget, forget);
    try {
      return followed.process(id, await followed.started);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  async *#events(
    id: string,
    interval: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ContainerEvent, undefined> {
    signal?.throwIfAborted();
    const program = { ...this.#program, globals: [...this.#program.globals, '--log-format', 'json'] };
    const words = ['events', '--interval', `${interval}ms`, '--', id];
    const child = await start(program, words, ['ignore', 'pipe', 'pipe']);
    const stop = (): void => void child.kill();
    const forget = onAbort(signal, stop);
    const over = ended(child, 'close');
    const stderr = collect(child.stderr);
    try {
      if (child.stdout === null) return undefined;
      for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as ContainerEvent;
      const exit = await over;
      signal?.throwIfAborted();
      if (exit.code !== 0) throw failureOf(stderr(), exit.code, exit.signal);
      return undefined;
    } finally {
      forget();
      stop();
    }
  }
}

const execTable = {
  ...abortable,
  ...stdioWords,
  tty: 'boolean',
  cwd: 'string',
  env: 'object',
  user: 'string',
  additionalGids: 'array',
  capabilities: 'strings',
  noNewPrivileges: 'boolean',
  cgroup: 'string',
  ignorePaused: 'boolean',
} as const satisfies Record<string, Kind>;

function checkStdio({ stdin, stdout, stderr }: StdioOptions): void {
  for (const [name, value] of Object.entries({ stdin, stdout, stderr })) {
    const fits = typeof value === 'number' ? Number.isInteger(value) && value >= 0 : isStdioWord(value);
    if (!fits)
      throw new TypeError(`options.${name} must be 'pipe', 'inherit', 'ignore' or a descriptor, not ${String(value)}`);
  }
}

function isStdioWord(value: unknown): boolean {
  return value === undefined || value === 'pipe' || value === 'inherit' || value === 'ignore';
}

/** `--name=value`, or nothing. */
function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`--${name}=${value}`];
}

/** `--name`, if it is true. */
function given(name: string, value: boolean | undefined): string[] {
  return value === true ? [`--${name}`] : [];
}

function placeWords({ bundle, config }: BundlePlace): string[] {
  return [...flag('bundle', bundle), ...flag('config', config)];
}

function creationWords({ pidFile, newKeyring, noPivot, ...place }: CreationOptions): string[] {
  return [
    ...placeWords(place),
    ...flag('pid-file', pidFile),
    ...given('no-new-keyring', newKeyring === false),
    ...given('no-pivot', noPivot),
  ];
}

function execWords(options: ExecOptions): string[] {
  const { env = {}, additionalGids = [], capabilities = [] } = options;
  checkEnvironment('options.env', env);
  return [
    ...given('tty', options.tty),
    ...flag('cwd', options.cwd),
    ...Object.entries(env).flatMap(([name, value]) => flag('env', `${name}=${value}`)),
    ...flag('user', options.user),
    ...additionalGids.flatMap((gid) => {
      check('options.additionalGids', gid, 'count');
      return flag('additional-gids', String(gid));
    }),
    ...capabilities.flatMap((name) => flag('cap', name)),
    ...given('no-new-privs', options.noNewPrivileges),
    ...flag('cgroup', options.cgroup),
    ...given('ignore-paused', options.ignorePaused),
  ];
}

function imageWords(options: ImageOptions): string[] {
  return [
    ...flag('image-path', options.imagePath),
    ...flag('work-path', options.workPath),
    ...given('tcp-established', options.tcpEstablished),
    ...given('ext-unix-sk', options.extUnixSk),
    ...given('shell-job', options.shellJob),
    ...given('file-locks', options.fileLocks),
  ];
}
