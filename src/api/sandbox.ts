/** Sandboxes: programs that nobody trusts, each in a hardened container of its own that is used once. */
import { randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { access, chmod, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import { Transform, finished } from 'node:stream';
import type { Readable, Writable } from 'node:stream';
import type { Config, Mount } from '../../schema/generated/config.ts';
import { hardenedConfig, hardenedLimits, unusedIds } from '../bundle/hardened.ts';
import type { HardenedLimits, HostIds } from '../bundle/hardened.ts';
import { mountsIn } from '../diag/mountinfo.ts';
import { describeConfig } from '../explain/describe.ts';
import { explanationText } from '../explain/render.ts';
import { isId } from '../state/id.ts';
import { onAbort } from './call.ts';
import { check, checkEnvironment, checkOptions } from './check.ts';
import type { Kind } from './check.ts';
import type { ContainerProcess, End, HeldContainer } from './process.ts';
import { AsyncRuntime } from './runtime.ts';
import type { AsyncRuntimeOptions } from './runtime.ts';

/** What a program in a sandbox may use. `false` takes a limit away. */
export interface SandboxLimits {
  /** Bytes of memory, without swap; by default 256 MiB. */
  readonly memory?: number | false;
  /** Processes and threads; by default 64. */
  readonly pids?: number | false;
  /** Processors, such as 0.5; by default 1. */
  readonly cpus?: number | false;
  /** Bytes of standard output and standard error together; by default 1 MiB. */
  readonly output?: number | false;
  /** Bytes of /tmp; by default 64 MiB. */
  readonly tmp?: number;
  /** Open descriptors of a process; by default 256. */
  readonly openFiles?: number;
}

/** Input of one run. */
export interface SandboxInput {
  /** Standard input; by default nothing. A stream that fails or is closed before its end ends the program, with the reason `input`. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Files, by relative path, with their contents: the program sees them below /tmp/files, may execute and cannot change them. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Ends the program, with the reason `aborted`; before it runs, the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

/** What a sandbox runs, and its limits. */
export interface SandboxOptions {
  /** Directory of the root filesystem. No program can write to it, so many sandboxes may share it. */
  readonly rootfs: string;
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** Environment; by default only PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; by default /tmp. */
  readonly cwd?: string;
  readonly limits?: SandboxLimits;
  /** Milliseconds after which the program is killed, by default 10,000; `false`: never. */
  readonly timeout?: number | false;
  /** The network is empty. There is no other choice. */
  readonly network?: false;
  /** What a system call does that is not on the list of the filter: fail with EPERM (`error`, the default), or `kill`. */
  readonly denied?: 'error' | 'kill';
  /** Ids of its containers begin with it; by default `sandbox`. */
  readonly name?: string;
  /** Where containers have their state, which program runs them, and who makes their cgroups. */
  readonly runtime?: AsyncRuntimeOptions;
}

/**
 * Why a program has ended: by itself (`exit`), by a signal, because a limit was reached (`timeout`, `memory`, `pids`, `output`),
 * by a system call that is not allowed (`denied`, only with `denied: 'kill'`), since the stream of its input failed
 * (`input`), or since the caller gave it up (`aborted`).
 */
export type EndReason = 'exit' | 'signal' | 'timeout' | 'memory' | 'pids' | 'output' | 'denied' | 'input' | 'aborted';

/** What a program in a sandbox has used. */
export interface SandboxUsage {
  /** Milliseconds from its start to its end. */
  readonly time: number;
  /** Milliseconds of processor time; missing without cgroups. */
  readonly cpu?: number;
  /** Largest use of memory in bytes, as far as the kernel tells. */
  readonly peakMemory?: number;
  /** Processes that were killed for want of memory, as far as the kernel tells. */
  readonly oomKills?: number;
}

/** How a program in a sandbox has ended. */
export interface SandboxEnd {
  readonly reason: EndReason;
  /** Exit code of the program, or 128 plus the number of the signal that ended it. */
  readonly exitCode: number;
  /** Name of the signal that ended it, such as SIGKILL; null if none did. */
  readonly signal: string | null;
  /** With the reason `input`: the error of the stream. */
  readonly cause?: Error;
  readonly usage: SandboxUsage;
}

/** Output and end of a program in a sandbox. */
export interface SandboxResult extends SandboxEnd {
  /** As UTF-8. At the limit of output it is cut. */
  readonly stdout: string;
  /** As UTF-8. At the limit of output it is cut. */
  readonly stderr: string;
}

/** A running program in a sandbox. */
export interface SandboxProcess {
  /** Unless `stdin` was given. */
  readonly stdin: Writable | null;
  /** The program waits while it is full, so read it. */
  readonly stdout: Readable;
  /** The program waits while it is full, so read it. */
  readonly stderr: Readable;
  /** How it ended; by then nothing of it is left. */
  readonly ended: Promise<SandboxEnd>;
  /** Kills the program; its end has the reason `aborted`. */
  close(): void;
}

/** Options of a pool. */
export interface PoolOptions extends SandboxOptions {
  /** Number of containers that wait for a program to run in; by default 4. */
  readonly size?: number;
}

const limitTable = {
  memory: 'any',
  pids: 'any',
  cpus: 'any',
  output: 'any',
  tmp: 'size',
  openFiles: 'size',
} as const satisfies Record<keyof SandboxLimits, Kind>;
/**
 * Those that may be `false`. 0 would take a limit of memory away, as it does with the size of a tmpfs; the program itself is one
 * process.
 */
const removableLimits = { memory: 'size', pids: 'size', cpus: 'number', output: 'count' } as const satisfies Partial<
  Record<keyof SandboxLimits, Kind>
>;
const optionTable = {
  rootfs: 'string',
  args: 'strings',
  env: 'object',
  cwd: 'string',
  limits: 'object',
  timeout: 'any',
  network: 'any',
  denied: 'any',
  name: 'string',
  runtime: 'object',
} as const satisfies Record<keyof SandboxOptions, Kind>;
const inputTable = { stdin: 'any', files: 'object', signal: 'signal' } as const satisfies Record<
  keyof SandboxInput,
  Kind
>;

/** What is said of an option in the wrong place. */
const misplacedOptions = {
  ...wordsFor(inputTable, () => 'run and spawn take it'),
  ...wordsFor(limitTable, (name) => `options.limits.${name} may be meant`),
  size: 'Sandbox.pool takes it',
};
const misplacedInput = wordsFor({ ...optionTable, size: 'count' }, () => 'it is an option of the sandbox or the pool');

function wordsFor(table: Readonly<Record<string, Kind>>, words: (name: string) => string): Record<string, string> {
  return Object.fromEntries(Object.keys(table).map((name) => [name, words(name)]));
}

const defaultTimeout = 10_000;
/** A longer one would be over at once: setTimeout() of Node. */
const mostTimeout = 0x7fff_ffff;
const defaultOutput = 1 << 20;
const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const filesPath = '/tmp/files';
const fileMode = 0o755;

/** Number of the next container; other processes begin elsewhere. */
let made = randomInt(1 << 16);

/** Directories of containers that exist. They are removed even if this process exits meanwhile, unless it is killed. */
const directories = new Set<string>();
function removeDirectories(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
}

/** A program that nobody trusts, and the hardened config to run it with. It holds no resources until it runs. */
export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #runtime: AsyncRuntime;

  constructor(options: SandboxOptions) {
    checkSandbox(options, optionTable);
    this.#options = copyOf(options);
    this.#runtime = new AsyncRuntime(options.runtime);
  }

  /** Runs a program once, to its end. */
  static async run(options: SandboxOptions & SandboxInput): Promise<SandboxResult> {
    check('options', options, 'object');
    const { stdin, files, signal, ...rest } = options;
    return new Sandbox(rest).run({
      ...(stdin === undefined ? {} : { stdin }),
      ...(files === undefined ? {} : { files }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** A pool of containers that wait for a program to run in. */
  static pool(options: PoolOptions): SandboxPool {
    return new SandboxPool(options);
  }

  /**
   * The config of its containers, as `rt spec --hardened` writes it, but for the mount of files, those that keep file systems below
   * the root from being written to, and the ids on the host.
   */
  get config(): Config {
    return configOf(this.#options, 0, undefined);
  }

  /** The config in words. */
  explain(): string {
    const { config } = this;
    return explanationText(describeConfig(config), { text: JSON.stringify(config, null, 2), name: 'config.json' });
  }

  /** Runs the program to its end. */
  async run(input: SandboxInput = {}): Promise<SandboxResult> {
    return collected(await this.spawn(input));
  }

  /** Starts the program; resolves once it runs. */
  async spawn(input: SandboxInput = {}): Promise<SandboxProcess> {
    acceptInput(input);
    const { files, ...others } = input;
    const cell = await this.#cell(files);
    try {
      return await cell.begin(others);
    } catch (error) {
      await cell.close();
      input.signal?.throwIfAborted();
      throw error;
    }
  }

  /** A container that waits. The program may be one of the files. */
  async #cell(files: SandboxInput['files']): Promise<Cell> {
    return makeCell(this.#runtime, this.#options, files);
  }
}

/** Containers that are made and wait for a program to run in. Each is used once, and then replaced. */
export class SandboxPool {
  readonly #options: SandboxOptions;
  readonly #runtime: AsyncRuntime;
  readonly #size: number;
  #waiting: readonly Promise<Cell>[] = [];
  #closed = false;

  constructor(options: PoolOptions) {
    checkSandbox(options, { ...optionTable, size: 'count' });
    const [program = ''] = options.args;
    if (program.startsWith(`${filesPath}/`)) {
      const cure = `name one of the root filesystem that executes it`;
      throw new TypeError(`options.args: a pool has no ${program} before a run; ${cure}`);
    }
    const { size = 4, ...rest } = options;
    this.#options = copyOf(rest);
    this.#size = size;
    this.#runtime = new AsyncRuntime(options.runtime);
    this.#fill();
  }

  /** Resolves once all containers wait. Rejects with a Failure if one cannot be made. */
  async ready(): Promise<void> {
    if (this.#closed) throw new TypeError('the pool is closed');
    // Those that could not be made are tried again.
    this.#fill();
    await Promise.all(this.#waiting);
  }

  /** Runs the program to its end, in a container that waits if there is one. */
  async run(input: SandboxInput = {}): Promise<SandboxResult> {
    return collected(await this.spawn(input));
  }

  /** Starts the program, in a container that waits if there is one; resolves once it runs. */
  async spawn(input: SandboxInput = {}): Promise<SandboxProcess> {
    acceptInput(input);
    if (this.#closed) throw new TypeError('the pool is closed');
    const [waiting = makeCell(this.#runtime, this.#options, {}), ...others] = this.#waiting;
    this.#waiting = others;
    const cell = await waiting;
    cell.ref();
    try {
      return await cell.begin(input);
    } catch (error) {
      await cell.close();
      throw error;
    } finally {
      this.#fill();
    }
  }

  /** Removes the containers that wait; programs that run go on. */
  async close(): Promise<void> {
    this.#closed = true;
    const closed = async (made: Promise<Cell>): Promise<void> => (await made).close();
    // One that could not be made has left nothing.
    const cells = this.#waiting.map(closed);
    this.#waiting = [];
    await Promise.allSettled(cells);
  }

  #fill(): void {
    while (!this.#closed && this.#waiting.length < this.#size) {
      const waiting = makeCell(this.#runtime, this.#options, {});
      this.#waiting = [...this.#waiting, waiting];
      waiting.then(
        (cell) => {
          // A process with nothing else to do may end; its containers end with it.
          cell.unref();
          void cell.lost.then(() => this.#drop(waiting));
        },
        // The next caller makes one itself, and gets the failure.
        () => this.#drop(waiting),
      );
    }
  }

  #drop(made: Promise<Cell>): void {
    this.#waiting = this.#waiting.filter((other) => other !== made);
  }
}

/** One container, used once. */
class Cell {
  readonly #held: HeldContainer;
  readonly #options: SandboxOptions;
  readonly #directory: string;
  /** Resolves when the container has ended, used or not. */
  readonly lost: Promise<void>;

  constructor(held: HeldContainer, options: SandboxOptions, directory: string) {
    this.#held = held;
    this.#options = options;
    this.#directory = directory;
    this.lost = held.ended.then(
      () => removeDirectory(directory),
      () => removeDirectory(directory),
    );
  }

  ref(): void {
    this.#held.ref();
  }

  unref(): void {
    this.#held.unref();
  }

  async close(): Promise<void> {
    this.#held.ref();
    await this.#held.close();
    await this.lost;
  }

  async begin({ stdin, files, signal }: SandboxInput): Promise<SandboxProcess> {
    await writeFiles(join(this.#directory, 'files'), files);
    signal?.throwIfAborted();
    const begun = performance.now();
    const running = await this.#held.start();
    return new Watched(running, this.#options, this.lost, begun).process(stdin, signal);
  }
}

/** A program that runs, and why it will have ended. */
class Watched {
  readonly #running: ContainerProcess;
  readonly #options: SandboxOptions;
  readonly #lost: Promise<void>;
  readonly #begun: number;
  #reason: EndReason | undefined;
  #cause: Error | undefined;
  #output: number;

  constructor(running: ContainerProcess, options: SandboxOptions, lost: Promise<void>, begun: number) {
    this.#running = running;
    this.#options = options;
    this.#lost = lost;
    this.#begun = begun;
    const { output = defaultOutput } = options.limits ?? {};
    this.#output = output === false ? Infinity : output;
  }

  process(stdin: SandboxInput['stdin'], signal: AbortSignal | undefined): SandboxProcess {
    const { stdin: pipe, stdout, stderr } = this.#running;
    if (pipe === null || stdout === null || stderr === null) throw new TypeError('the program has no pipes');
    const abort = (): void => this.#end('aborted');
    const forget = onAbort(signal, abort);
    const { timeout = defaultTimeout } = this.#options;
    const timer = timeout === false ? undefined : setTimeout(() => this.#end('timeout'), timeout);
    if (typeof stdin === 'string' || stdin instanceof Uint8Array) pipe.end(stdin);
    const unfollow = isStream(stdin) ? this.#follow(stdin, pipe) : undefined;
    const ended = this.#ended().finally(() => {
      clearTimeout(timer);
      forget();
      unfollow?.();
    });
    ended.catch(() => undefined);
    return {
      stdin: stdin === undefined ? pipe : null,
      stdout: this.#limited(stdout),
      stderr: this.#limited(stderr),
      ended,
      close: abort,
    };
  }

  /** Returns what lets the input go. */
  #follow(input: Readable, pipe: Writable): () => void {
    input.pipe(pipe);
    // Without its end the program would wait for more.
    const forget = finished(input, { writable: false }, (error) => {
      if (error === undefined || error === null) return;
      if (this.#reason === undefined) this.#cause = error;
      this.#end('input');
    });
    return () => {
      forget();
      input.unpipe(pipe);
    };
  }

  #end(reason: EndReason): void {
    this.#reason ??= reason;
    this.#running.close();
  }

  /** The first bytes of a stream, as far as the limit of all output permits. */
  #limited(stream: Readable): Readable {
    const limited = new Transform({
      transform: (part: Buffer, _encoding, done) => {
        const kept = part.subarray(0, this.#output);
        this.#output -= kept.length;
        if (kept.length < part.length) this.#end('output');
        done(null, kept);
      },
    });
    return stream.pipe(limited);
  }

  async #ended(): Promise<SandboxEnd> {
    const end = await this.#running.ended;
    const time = performance.now() - this.#begun;
    await this.#lost;
    const { exitCode, signal } = end;
    return {
      reason: this.#reason ?? reasonOf(end),
      exitCode,
      signal,
      ...(this.#cause === undefined ? {} : { cause: this.#cause }),
      usage: usageOf(end, time),
    };
  }
}

function reasonOf({ signal, warnings }: End): EndReason {
  const has = (code: string): boolean => warnings.some((warning) => warning.code === code);
  if (has('end.memory')) return 'memory';
  if (has('end.call')) return 'denied';
  if (has('end.processes')) return 'pids';
  return signal === null ? 'exit' : 'signal';
}

function usageOf({ usage }: End, time: number): SandboxUsage {
  const { stats, oomKills } = usage ?? {};
  const cpu = stats?.cpu.usage.total;
  const peakMemory = stats?.memory.usage.max;
  return {
    time,
    ...(cpu === undefined ? {} : { cpu: cpu / 1e6 }),
    ...(peakMemory === undefined ? {} : { peakMemory }),
    ...(oomKills === undefined ? {} : { oomKills }),
  };
}

async function collected({ stdin, stdout, stderr, ended }: SandboxProcess): Promise<SandboxResult> {
  stdin?.end();
  const [out, error, end] = await Promise.all([textOf(stdout), textOf(stderr), ended]);
  return { stdout: out, stderr: error, ...end };
}

/** All of it, as UTF-8. */
async function textOf(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** `files`: those that are there from the beginning; undefined if there will be none. */
async function makeCell(runtime: AsyncRuntime, options: SandboxOptions, files: SandboxInput['files']): Promise<Cell> {
  // At once: one that is made while this process exits would remain.
  const directory = mkdtempSync(join(tmpdir(), 'rt-sandbox-'));
  if (directories.size === 0) process.on('exit', removeDirectories);
  directories.add(directory);
  try {
    const shown = files === undefined ? undefined : join(directory, 'files');
    if (shown !== undefined) {
      checkInView(shown, options.rootfs);
      await mkdir(shown);
      await chmod(shown, fileMode);
      await writeFiles(shown, files);
    }
    const config = configOf(options, made++, shown);
    const below = await mountsBelow(config.root?.path ?? '');
    const mounts = [...below.map(readonlyTree), ...(config.mounts ?? [])];
    await writeFile(join(directory, 'config.json'), JSON.stringify({ ...config, mounts }));
    const held = await runtime.prepare(idOf(options.name), {
      bundle: directory,
      stdin: 'pipe',
    });
    return new Cell(held, options, directory);
  } catch (error) {
    await removeDirectory(directory);
    throw error;
  }
}

/** Mount points of the host below a directory that no mount of every sandbox covers: a read-only root leaves them writable. */
async function mountsBelow(rootfs: string): Promise<{ readonly path: string; readonly source: string }[]> {
  const [root, table] = await Promise.all([
    realpath(rootfs).catch(() => rootfs),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  const start = root === '/' ? root : `${root}/`;
  const found: { path: string; source: string }[] = [];
  const points = mountsIn(table).map((mount) => mount.path);
  for (const source of new Set(points.sort())) {
    const path = `/${source.slice(start.length)}`;
    if (!source.startsWith(start) || source === start || isBelow(path, covered)) continue;
    // A mount point may be below another mount, and out of sight.
    const isSeen = await access(source).then(
      () => true,
      () => false,
    );
    if (
      isSeen &&
      !isBelow(
        path,
        found.map((other) => other.path),
      )
    )
      found.push({ path, source });
  }
  return found;
}

const covered = ['/proc', '/dev', '/tmp'];

/** A source of a bind that is in the root filesystem is looked for in its mounts (runc does so), where the files are not. */
function checkInView(files: string, rootfs: string): void {
  const root = resolve(rootfs);
  const start = root === '/' ? root : `${root}/`;
  if (!files.startsWith(start) || !isBelow(`/${files.slice(start.length)}`, covered)) return;
  throw new TypeError(
    `options.rootfs: "${rootfs}" contains the directory for temporary files, ${tmpdir()}, which each sandbox covers; ` +
      'set TMPDIR to another one, such as /var/tmp',
  );
}

function isBelow(path: string, others: readonly string[]): boolean {
  return others.some((other) => path === other || path.startsWith(`${other}/`));
}

function readonlyTree({ path, source }: { readonly path: string; readonly source: string }): Mount {
  return { destination: path, type: 'bind', source, options: ['rbind', 'rro', 'rnosuid', 'rnodev'] };
}

function idOf(name = 'sandbox'): string {
  return `${name}-${randomUUID()}`;
}

async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  directories.delete(directory);
  if (directories.size === 0) process.off('exit', removeDirectories);
}

/** The program is another user, and the umask of this process may be against others. */
async function writeFiles(directory: string, files: SandboxInput['files'] = {}): Promise<void> {
  const written = new Set<string>();
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { flag: 'wx' });
    for (let path = file; path !== directory; path = dirname(path)) written.add(path);
  }
  await Promise.all([...written].map((path) => chmod(path, fileMode)));
}

/** `number`: of the container, by which its ids on the host differ. `files`: a directory that is shown at /tmp/files. */
function configOf(options: SandboxOptions, number: number, files: string | undefined): Config {
  const { rootfs, args, env, cwd = '/tmp', denied = 'error', limits = {} } = options;
  const mounts =
    files === undefined
      ? []
      : [{ destination: filesPath, type: 'bind', source: files, options: ['bind', 'ro', 'nosuid', 'nodev'] }];
  return hardenedConfig(
    {
      root: resolve(rootfs),
      args,
      env: env === undefined ? [path] : Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd,
      mounts,
      denied,
    },
    limitsOf(limits),
    idsOf(number),
  );
}

function limitsOf(limits: SandboxLimits): HardenedLimits {
  const one = (value: number | false | undefined, usual: number | undefined): number | undefined =>
    value === false ? undefined : (value ?? usual);
  return {
    memory: one(limits.memory, hardenedLimits.memory),
    pids: one(limits.pids, hardenedLimits.pids),
    cpus: one(limits.cpus, hardenedLimits.cpus),
    tmp: limits.tmp ?? hardenedLimits.tmp,
    files: limits.openFiles ?? hardenedLimits.files,
  };
}

/** An unprivileged user has no ids but their own. */
function idsOf(number: number): HostIds {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  return uid === 0 ? unusedIds(number) : { uid, gid, size: 1 };
}

/** What was checked; the caller may change its own. */
function copyOf({ args, env, limits, ...options }: SandboxOptions): SandboxOptions {
  return {
    ...options,
    args: [...args],
    ...(env === undefined ? {} : { env: { ...env } }),
    ...(limits === undefined ? {} : { limits: { ...limits } }),
  };
}

function checkSandbox(options: SandboxOptions, table: Readonly<Record<string, Kind>>): void {
  checkOptions('options', options, table, misplacedOptions);
  check('options.rootfs', options.rootfs, 'string');
  // It would be the working directory, and show all of that to the program.
  if (options.rootfs === '') throw new TypeError('options.rootfs must not be empty');
  check('options.args', options.args, 'strings');
  if (options.args.length === 0) throw new TypeError('options.args must not be empty');
  checkEnvironment('options.env', options.env ?? {});
  const { limits = {}, timeout, denied, name, network } = options;
  checkOptions('options.limits', limits, limitTable);
  for (const [name, kind] of Object.entries(removableLimits)) {
    const limit = limits[name as keyof typeof removableLimits];
    if (limit !== undefined && limit !== false) check(`options.limits.${name}`, limit, kind);
  }
  if (timeout !== undefined && timeout !== false) {
    check('options.timeout', timeout, 'milliseconds');
    if (timeout > mostTimeout)
      throw new TypeError(`options.timeout must be at most ${mostTimeout}, or false for never`);
  }
  if (denied !== undefined && !['error', 'kill'].includes(denied)) {
    throw new TypeError(`options.denied must be 'error' or 'kill', not ${denied}`);
  }
  if (name !== undefined && !isId(idOf(name))) {
    throw new TypeError(
      `options.name must be up to 218 letters, digits and _ + - . with no dot in front, not ${JSON.stringify(name)}`,
    );
  }
  if (network !== undefined && (network as unknown) !== false) {
    throw new TypeError('options.network must be false: a sandbox has no network');
  }
}

function checkInput(input: SandboxInput): void {
  checkOptions('input', input, inputTable, misplacedInput);
  const { stdin, files = {} } = input;
  if (stdin !== undefined && typeof stdin !== 'string' && !(stdin instanceof Uint8Array) && !isStream(stdin)) {
    throw new TypeError('input.stdin must be a string, a Uint8Array or a Readable');
  }
  for (const [name, content] of Object.entries(files)) {
    const isInside =
      name !== '' && name !== '.' && normalize(name) === name && !name.startsWith('/') && !/^\.\.(\/|$)/.test(name);
    if (!isInside || name.endsWith('/') || name.includes('\0')) {
      throw new TypeError(`input.files: ${JSON.stringify(name)} must be a relative path without . and ..`);
    }
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
      throw new TypeError(`input.files: the content of ${JSON.stringify(name)} must be a string or a Uint8Array`);
    }
    for (let parent = dirname(name); parent !== '.'; parent = dirname(parent)) {
      if (!Object.hasOwn(files, parent)) continue;
      throw new TypeError(`input.files: ${JSON.stringify(parent)} cannot be a file and a directory`);
    }
  }
}

/** Throws if it is wrong, or its signal has been given. From here on a stream that fails is ours to handle. */
function acceptInput(input: SandboxInput): void {
  checkInput(input);
  input.signal?.throwIfAborted();
  if (isStream(input.stdin)) input.stdin.once('error', () => undefined);
}

function isStream(value: unknown): value is Readable {
  // A Writable has a method to pipe it as well.
  if (typeof value !== 'object' || value === null) return false;
  return ['pipe', 'read'].every((name) => typeof Reflect.get(value, name) === 'function');
}
