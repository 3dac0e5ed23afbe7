import type { Config } from '../../../schema/generated/config.ts';
import { seccompReceiver } from '../../bundle/annotations.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Facts } from '../../facts/facts.ts';
import { stateAroundPid } from '../state-json.ts';
import type { ContainerIdentity } from '../state-json.ts';
import type { PlannedOp } from '../types.ts';
import { compileSeccomp } from './compile.ts';

export interface SeccompPlan {
  /** While paths are those of the host: the connection to who gets the listener. */
  readonly receiver: readonly PlannedOp[];
  /** Loads the filter. */
  readonly filter: readonly PlannedOp[];
}

/** The process that the filter is for: a container's first, or one that joins with `initPid` as the first. */
export type Filtered = { readonly kind: 'init' } | { readonly kind: 'exec'; readonly initPid: number };

const nothing: SeccompPlan = { receiver: [], filter: [] };

/** The filter of the config, if it asks for one. */
export function seccompPlan(
  config: Config,
  facts: Facts,
  identity: ContainerIdentity,
  filtered: Filtered,
  faults: Diagnostic[],
): SeccompPlan {
  const section = config.linux?.seccomp;
  if (section === undefined) return nothing;
  const compiled = compileSeccomp(section, { nativeArch: facts.architecture, diagnostics: faults });
  if (compiled === undefined) return nothing;
  const { flags, filter } = compiled;
  if (!compiled.notifies) {
    return { receiver: [], filter: [{ op: 'seccomp', flags, filter, from: '/linux/seccomp' }] };
  }
  const { path, from } = seccompReceiver(config);
  const absolute = path.startsWith('/') ? path : `${identity.bundle}/${path}`;
  const state = processState(config, identity, filtered);
  return {
    receiver: [{ op: 'seccomp_receiver', path: absolute, from }],
    filter: [{ op: 'seccomp_notify', flags, filter, state, from: '/linux/seccomp' }],
  };
}

/**
 * The container process state (runtime-spec config-linux.md) in parts, with the number of the process between each
 * two of them; `state.pid` is that of the container's first process.
 */
function processState(config: Config, identity: ContainerIdentity, filtered: Filtered): string[] {
  const metadata = config.linux?.seccomp?.listenerMetadata ?? '';
  const head = '{"ociVersion":"1.3.0","fds":["seccompFd"],"pid":';
  const middle = `${metadata === '' ? '' : `,"metadata":${JSON.stringify(metadata)}`},"state":`;
  switch (filtered.kind) {
    case 'init': {
      const [before, after] = stateAroundPid(config, identity, 'creating');
      return [head, middle + before, `${after}}`];
    }
    case 'exec': {
      const [before, after] = stateAroundPid(config, identity, 'running');
      return [head, `${middle}${before}${String(filtered.initPid)}${after}}`];
    }
  }
}
