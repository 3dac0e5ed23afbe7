/**
 * rt for programs. `AsyncRuntime` has the commands of the `rt` program as asynchronous methods, each a call of that program;
 * `Runtime` has some of them in this process, synchronous. Nothing is printed; a failure is a `Failure` whose
 * `diagnostics` are data.
 */
import type { Config, LinuxResources, Mount } from '../schema/generated/config.ts';
import type { Features } from '../schema/generated/features.ts';
import { AsyncRuntime } from './api/runtime.ts';
import { Sandbox, SandboxPool } from './api/sandbox.ts';
import { examine } from './explain/examine.ts';
import type { Findings } from './explain/examine.ts';
import type { Options } from './options/options.ts';
import type { Command, Context, Outcome } from './options/command.ts';
import { compile } from './container/compile.ts';
import { create } from './commands/create.ts';
import { deleteContainer } from './commands/delete.ts';
import { featuresOf } from './commands/features.ts';
import { kill } from './commands/kill.ts';
import { exitCode } from './container/foreground.ts';
import { start } from './commands/start.ts';
import { state } from './commands/state.ts';
import { Failure } from './diag/diagnostic.ts';
import type { Diagnostic } from './diag/diagnostic.ts';
import { expectDone } from './diag/system.ts';
import { loadNative } from './host/node.ts';
import { explain } from './plan/explain.ts';
import type { Plan } from './plan/plan.ts';
import { ContainerDirectory } from './state/directory.ts';
import { listContainers } from './container/list.ts';
import type { StateReport } from './container/report.ts';
import { stateRoot } from './state/root.ts';
import { requireRecord } from './state/store.ts';

export { AsyncRuntime, Failure, Sandbox, SandboxPool, explain };
export type { Config, Diagnostic, Features, Findings, LinuxResources, Mount, Plan, StateReport };
export type {
  Abortable,
  AsyncRuntimeOptions,
  BundlePlace,
  CheckpointOptions,
  ContainerEvent,
  CreationOptions,
  DetachedContainer,
  DetachedOptions,
  ExecOptions,
  ExplainedItem,
  Explanation,
  Finding,
  ImageOptions,
  RestoreOptions,
  RunOptions,
  Validation,
} from './api/runtime.ts';
export type {
  EndReason,
  PoolOptions,
  SandboxEnd,
  SandboxInput,
  SandboxLimits,
  SandboxOptions,
  SandboxProcess,
  SandboxResult,
  SandboxUsage,
} from './api/sandbox.ts';
export type { ContainerProcess, End, HeldContainer, Measured, Stdio, StdioOptions, Usage } from './api/process.ts';

/** Options of the synchronous `Runtime`. */
export interface RuntimeOptions {
  /** Directory of container states, as `--root`. */
  readonly root?: string;
  /** Receives the messages that `--debug` would log. */
  readonly debug?: (message: string) => void;
}

/** Which bundle a synchronous method works on. */
export interface BundleOptions {
  /** Directory of the bundle; by default the working directory. */
  readonly bundle?: string;
  /** Configuration used instead of the bundle's config.json. */
  readonly config?: string;
}

/** Options of the synchronous `create`. */
export interface CreateOptions extends BundleOptions {
  /** File for the pid of the container's init. */
  readonly pidFile?: string;
  /** False: keep the session keyring of this process. */
  readonly newKeyring?: boolean;
}

/** Faults in the text of a config.json, and settings that have no effect. */
export function validate(text: string): Findings {
  return examine(text, 'config.json');
}

/** The containers below one state root, by synchronous methods that run in this process: they block its thread. */
export class Runtime {
  readonly #native = loadNative();
  readonly #options: RuntimeOptions;

  constructor(options: RuntimeOptions = {}) {
    this.#options = options;
  }

  /** The plan that `create` would carry out for a bundle; `explain` makes text of it. No side effects. */
  plan(options: BundleOptions = {}, id = 'plan'): Plan {
    return compile(this.#context([id], bundleOptions(options)), id, 'socket').plan;
  }

  /** Sets up a container; its program inherits the standard descriptors of this process and waits for `start`. */
  create(id: string, options: CreateOptions = {}): void {
    this.#call(create, [id], {
      ...bundleOptions(options),
      ...(options.pidFile === undefined ? {} : { 'pid-file': options.pidFile }),
      'no-new-keyring': options.newKeyring === false,
    });
  }

  /** Runs the program of a created container. */
  start(id: string): void {
    this.#call(start, [id]);
  }

  /** State of a container. */
  state(id: string): StateReport {
    return JSON.parse(this.#call(state, [id]).output ?? '') as StateReport;
  }

  /** States of all containers. */
  list(): StateReport[] {
    return listContainers(this.#native, stateRoot(this.#native, this.#options.root)).reports;
  }

  /** `signal` is a name with or without SIG, or a number. */
  kill(id: string, signal: string | number = 'TERM', options: { readonly all?: boolean } = {}): void {
    this.#call(kill, [id, String(signal)], { all: options.all === true });
  }

  /**
   * Waits for the end of a container that this process has created. Returns its exit code, or 128 plus the signal that
   * ended it. Blocks this thread.
   */
  wait(id: string): number {
    // From the record: the reported state has no pid once the container has stopped.
    const root = stateRoot(this.#native, this.#options.root).path;
    const { pid } = ContainerDirectory.use(this.#native, root, id, requireRecord);
    return exitCode(expectDone(this.#native.waitChild(pid), 'wait', `cannot wait for container ${id}`, 'waitpid'));
  }

  /** Returns failures of poststop hooks, which do not make it fail. */
  delete(id: string, options: { readonly force?: boolean } = {}): readonly Diagnostic[] {
    return this.#call(deleteContainer, [id], { force: options.force === true }).warnings ?? [];
  }

  /** What rt can do (features.md of the runtime specification). */
  features(): Features {
    return featuresOf(this.#native);
  }

  #call<Given extends readonly string[]>(command: Command<Given>, operands: Given, options: Options = {}): Outcome {
    return command(this.#context(operands, options));
  }

  #context<Given extends readonly string[]>(operands: Given, options: Options): Context<Given> {
    const { root, debug = (): void => undefined } = this.#options;
    return { native: this.#native, globals: root === undefined ? {} : { root }, options, operands, debug };
  }
}

function bundleOptions({ bundle, config }: BundleOptions): Options {
  return { ...(bundle === undefined ? {} : { bundle }), ...(config === undefined ? {} : { config }) };
}
