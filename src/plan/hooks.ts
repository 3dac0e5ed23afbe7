import type { Config, Hook, Hooks } from '../../schema/generated/config.ts';
import { ANNOTATIONS, annotationPointer } from '../bundle/annotations.ts';
import { environment } from './process.ts';
import type { Stage } from './stage.ts';
import { stateAroundPid } from './state-json.ts';
import type { ContainerIdentity } from './state-json.ts';
import type { From, PlannedOp } from './types.ts';

/** In the order in which they run. */
const hookKinds: Readonly<Record<keyof Hooks, true>> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
};

export function knownHookKinds(): (keyof Hooks)[] {
  return Object.keys(hookKinds) as (keyof Hooks)[];
}

/** A point at which init waits while the runtime moves network devices and runs the hooks of the runtime namespace. */
export function hostHookOps(config: Config): PlannedOp[] {
  const { prestart = [], createRuntime = [] } = config.hooks ?? {};
  if (prestart.length > 0) return [{ op: 'await_hooks', from: '/hooks/prestart' }];
  if (createRuntime.length > 0) return [{ op: 'await_hooks', from: '/hooks/createRuntime' }];
  const hasDevices = Object.keys(config.linux?.netDevices ?? {}).length > 0;
  return hasDevices ? [{ op: 'await_hooks', from: '/linux/netDevices' }] : [];
}

/** A file to which output of hooks is appended. */
export interface HookOutput {
  /** Path in the bundle. */
  readonly name: string;
  readonly from: From;
}

export interface HookOutputs {
  readonly stdout: HookOutput | undefined;
  readonly stderr: HookOutput | undefined;
}

export function hookOutputs(annotations: Config['annotations']): HookOutputs {
  const output = (annotation: string): HookOutput | undefined => {
    const name = annotations?.[annotation];
    return name === undefined ? undefined : { name, from: annotationPointer(annotation) };
  };
  return { stdout: output(ANNOTATIONS.hooksStdout), stderr: output(ANNOTATIONS.hooksStderr) };
}

/** Slots of the files for the output of the container's hooks; 0: no file. */
export interface HookLogs {
  readonly open: readonly PlannedOp[];
  readonly out: number;
  readonly err: number;
}

/** Opens the files that annotations name, while paths are those of the host. */
export function hookLogs(config: Config, bundle: string, stage: Stage): HookLogs {
  const { createContainer = [], startContainer = [] } = config.hooks ?? {};
  const { stdout, stderr } = hookOutputs(config.annotations);
  const open: PlannedOp[] = [];
  if (createContainer.length === 0 && startContainer.length === 0) return { open, out: 0, err: 0 };
  const keep = (output: HookOutput | undefined): number => {
    if (output === undefined) return 0;
    const { name, from } = output;
    const slot = stage.nextSlot();
    open.push({ op: 'open_log', slot, path: `${bundle}/${name}`, from });
    return slot;
  };
  const out = keep(stdout);
  return { open, out, err: keep(stderr) };
}

/**
 * createContainer hooks: in the container's namespaces, with paths of the host, in the root as working directory. Without
 * `env` they have no environment: that of the image could choose what a program of the host loads.
 */
export function createContainerOps(config: Config, options: ContainerIdentity, logs: HookLogs): PlannedOp[] {
  return hookOps(config, config.hooks?.createContainer ?? [], 'createContainer', options, logs);
}

/** startContainer hooks: inside the container, after `start` and right before the program, whose `env` is the default. */
export function startContainerOps(config: Config, options: ContainerIdentity, logs: HookLogs): PlannedOp[] {
  return hookOps(config, config.hooks?.startContainer ?? [], 'startContainer', options, logs);
}

function hookOps(
  config: Config,
  hooks: readonly Hook[],
  kind: 'createContainer' | 'startContainer',
  options: ContainerIdentity,
  { out, err }: HookLogs,
): PlannedOp[] {
  if (hooks.length === 0) return [];
  const [before, after] = stateAroundPid(config, options, 'created');
  const ofImage = kind === 'startContainer';
  const inherited = ofImage ? environment(config.process?.env) : [];
  return hooks.map((hook, index) => ({
    op: 'hook',
    path: hook.path,
    args: hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args,
    env: hook.env ?? inherited,
    before,
    after,
    timeoutMs: hookTimeout(hook),
    inRoot: Number(ofImage),
    addHome: Number(ofImage && hook.env === undefined),
    out,
    err,
    from: `/hooks/${kind}/${String(index)}`,
  }));
}

const largestTimeout = 2 ** 32 - 1;

/** Milliseconds, 0 for no limit. Clamped to 49 days, the largest value that fits. */
export function hookTimeout({ timeout = 0 }: Hook): number {
  return Math.min(Math.ceil(timeout * 1000), largestTimeout);
}

/** startContainer hooks for `start`, which does not have the plan: init reports only the index of the failed op. */
export interface StartHooks {
  /** Index of the first hook among the ops of the helper. */
  readonly firstOp: number;
  readonly hooks: readonly Pick<Hook, 'path' | 'timeout'>[];
}

export function startHooks(hooks: readonly Hook[], ops: readonly PlannedOp[]): StartHooks {
  return {
    firstOp: ops.findIndex(({ op, from }) => op === 'hook' && from.startsWith('/hooks/startContainer/')),
    hooks: hooks.map(({ path, timeout }) => (timeout === undefined ? { path } : { path, timeout })),
  };
}
