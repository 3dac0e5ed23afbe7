import type { Config, Hook } from '../../schema/generated/config.ts';
import type { PlannedOp } from './types.ts';

export interface HookOptions {
  readonly id: string;
  readonly bundle: string;
}

/** A point at which init waits for the hooks of the runtime namespace, if there are any. */
export function hostHookOps(config: Config): PlannedOp[] {
  const { prestart = [], createRuntime = [] } = config.hooks ?? {};
  if (prestart.length === 0 && createRuntime.length === 0) return [];
  return [{ op: 'host_hooks', from: prestart.length > 0 ? '/hooks/prestart' : '/hooks/createRuntime' }];
}

/** createContainer hooks: in the container's namespaces, paths still those of the host, the root as directory. */
export function createContainerOps(config: Config, options: HookOptions): PlannedOp[] {
  return hookOps(config, config.hooks?.createContainer ?? [], 'createContainer', options);
}

/** startContainer hooks: inside the container, after `start` and right before its program. */
export function startContainerOps(config: Config, options: HookOptions): PlannedOp[] {
  return hookOps(config, config.hooks?.startContainer ?? [], 'startContainer', options);
}

function hookOps(
  config: Config,
  hooks: readonly Hook[],
  kind: 'createContainer' | 'startContainer',
  options: HookOptions,
): PlannedOp[] {
  if (hooks.length === 0) return [];
  // Only init knows its pid as the hook sees it: the state is sent in two halves around it.
  const before = `{"ociVersion":"1.3.0","id":${JSON.stringify(options.id)},"status":"created","pid":`;
  const annotations =
    config.annotations === undefined || Object.keys(config.annotations).length === 0
      ? ''
      : `,"annotations":${JSON.stringify(config.annotations)}`;
  const after = `,"bundle":${JSON.stringify(options.bundle)}${annotations}}`;
  return hooks.map((hook, index) => ({
    op: 'hook',
    path: hook.path,
    args: hook.args === undefined || hook.args.length === 0 ? [hook.path] : hook.args,
    env: hook.env ?? [],
    before,
    after,
    timeoutMs: (hook.timeout ?? 0) * 1000,
    inRoot: kind === 'startContainer' ? 1 : 0,
    from: `/hooks/${kind}/${String(index)}`,
  }));
}
