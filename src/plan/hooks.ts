import type { Config, Hook, Hooks } from '../../schema/generated/config.ts';
import { stateAroundPid } from './state-json.ts';
import type { ContainerIdentity } from './state-json.ts';
import type { PlannedOp } from './types.ts';

/** In the order in which they run. */
const hookKinds: Readonly<Record<keyof Hooks, true>> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
};

export function knownHookKinds(): string[] {
  return Object.keys(hookKinds);
}

/** A point at which init waits for what the runtime does for it: network devices, hooks of its namespace. */
export function hostHookOps(config: Config): PlannedOp[] {
  const { prestart = [], createRuntime = [] } = config.hooks ?? {};
  if (prestart.length > 0) return [{ op: 'host_hooks', from: '/hooks/prestart' }];
  if (createRuntime.length > 0) return [{ op: 'host_hooks', from: '/hooks/createRuntime' }];
  const hasDevices = Object.keys(config.linux?.netDevices ?? {}).length > 0;
  return hasDevices ? [{ op: 'host_hooks', from: '/linux/netDevices' }] : [];
}

/** createContainer hooks: in the container's namespaces, paths still those of the host, the root as directory. */
export function createContainerOps(config: Config, options: ContainerIdentity): PlannedOp[] {
  return hookOps(config, config.hooks?.createContainer ?? [], 'createContainer', options);
}

/** startContainer hooks: inside the container, after `start` and right before its program. */
export function startContainerOps(config: Config, options: ContainerIdentity): PlannedOp[] {
  return hookOps(config, config.hooks?.startContainer ?? [], 'startContainer', options);
}

function hookOps(
  config: Config,
  hooks: readonly Hook[],
  kind: 'createContainer' | 'startContainer',
  options: ContainerIdentity,
): PlannedOp[] {
  if (hooks.length === 0) return [];
  const [before, after] = stateAroundPid(config, options, 'created');
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
