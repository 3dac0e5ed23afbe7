import type { Config, LinuxSeccomp } from '../../../schema/generated/config.ts';
import { ANNOTATIONS, failsForUnknownCalls, seccompReceiver } from '../../bundle/annotations.ts';
import { specVersion } from '../../bundle/spec-version.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { shown } from '../../diag/pointer.ts';
import type { Facts } from '../../facts/facts.ts';
import { SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV } from '../../kernel/seccomp.ts';
import { stateAroundPid } from '../state-json.ts';
import type { ContainerIdentity } from '../state-json.ts';
import type { PlannedOp } from '../types.ts';
import { isCallName } from './calls.ts';
import { checkSeccomp } from './compile.ts';
import { fallibleCalls } from './likely.ts';
import type { Verdict } from './verdict.ts';
import type { WatchMode, Watched } from './watched.ts';

export interface SeccompPlan {
  /** Connects to the receiver of the listener, while paths are those of the host. */
  readonly receiver: readonly PlannedOp[];
  /** Loads the filter, or arranges that each program loads it. */
  readonly load: readonly PlannedOp[];
  /** Compiles it; see CheckedSeccomp. */
  readonly filter: (() => Uint8Array) | undefined;
  /** Undefined: there is no filter. */
  readonly verdict: ((call: string) => Verdict) | undefined;
  /** Set if the runtime answers what the filter refuses. */
  readonly watched?: Watched;
}

/** The process to be filtered: a container's init, or one that joins the container of `initPid`. */
export type Filtered = ({ readonly kind: 'init' } | { readonly kind: 'exec'; readonly initPid: number }) & {
  /** The kernel lets it load a filter at any time. */
  readonly noNewPrivileges: boolean;
  /** Calls about which the runtime is asked; undefined: none. */
  readonly watch?: WatchMode | undefined;
};

const nothing: SeccompPlan = { receiver: [], load: [], filter: undefined, verdict: undefined };

/** The filter of the config, if it has one. */
export function seccompPlan(
  config: Config,
  facts: Facts,
  identity: ContainerIdentity,
  filtered: Filtered,
  faults: Diagnostic[],
): SeccompPlan {
  const section = config.linux?.seccomp;
  if (filtered.watch !== undefined) return watchedPlan(config, facts, filtered, filtered.watch, faults);
  if (section === undefined) return nothing;
  if (failsForUnknownCalls(config)) refuseUnknownCalls(section, faults);
  const checked = checkSeccomp(section, { nativeArch: facts.architecture, diagnostics: faults });
  if (checked === undefined) return nothing;
  const { flags, filter, verdict } = checked;
  if (!checked.notifies) {
    // As late as possible, so that the profile need not allow the calls of the helper.
    const atExecve = filtered.noNewPrivileges ? 1 : 0;
    return { receiver: [], load: [{ op: 'seccomp', flags, atExecve, from: '/linux/seccomp' }], filter, verdict };
  }
  // There is only one listener, so this filter is loaded once: all later programs inherit it.
  const { path, from } = seccompReceiver(config);
  const absolute = path.startsWith('/') ? path : `${identity.bundle}/${path}`;
  const state = processState(config, identity, filtered);
  return {
    receiver: [{ op: 'seccomp_receiver', path: absolute, from }],
    load: [{ op: 'seccomp_notify', flags, state, from: '/linux/seccomp' }],
    filter,
    verdict,
  };
}

/** For a config without a profile. */
const allowAll: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM'],
};

/** The filter asks the runtime about the calls that it refuses; the runtime gets the listener from the helper itself. */
function watchedPlan(
  config: Config,
  facts: Facts,
  filtered: Filtered,
  mode: WatchMode,
  faults: Diagnostic[],
): SeccompPlan {
  const option = mode === 'every' ? '--record-seccomp' : '--explain-denied';
  const section = config.linux?.seccomp ?? (mode === 'refused' ? undefined : allowAll);
  const refuse = (message: string, pointer: string, hint: string): SeccompPlan => {
    faults.push({ code: 'seccomp.watch', message: `${option}: ${message}`, pointer, hint });
    return nothing;
  };
  const checked = section && checkSeccomp(section, { nativeArch: facts.architecture, diagnostics: faults });
  if (checked === undefined) {
    return faults.length > 0
      ? nothing
      : refuse('there is no linux.seccomp that could refuse a call', '/linux', `drop it, or use ${option}=all`);
  }
  const { path, from } = seccompReceiver(config);
  const notified = section?.syscalls?.findIndex(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? -1;
  if (checked.notifies || path !== '') {
    const pointer = checked.notifies ? `/linux/seccomp/syscalls/${notified}/action` : from;
    const cure =
      mode === 'every' ? 'leave linux.seccomp out while a profile is recorded' : `drop ${option}, or the rule`;
    return refuse('another process receives the notifications of this profile', pointer, cure);
  }
  const watched = checked.watched(mode, () => fallibleCalls(config));
  // Else a signal could interrupt a call that is refused, and the program would make it again.
  const flags = checked.flags | SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  // There is only one listener, so hooks inherit the filter.
  const hooks = filtered.kind === 'init' ? (config.hooks?.startContainer ?? []) : [];
  const atExecve = filtered.noNewPrivileges && hooks.length === 0 ? 1 : 0;
  const origin = section === allowAll ? option : '/linux/seccomp';
  return {
    receiver: [],
    load: [{ op: 'seccomp', flags, atExecve, from: origin }],
    filter: () => watched.filter(),
    verdict: checked.verdict,
    watched,
  };
}

/**
 * The container process state (runtime-spec config-linux.md) in parts; the pid of the process goes between each two of
 * them. `state.pid` is that of the container's init.
 */
function processState(config: Config, identity: ContainerIdentity, filtered: Filtered): string[] {
  const metadata = config.linux?.seccomp?.listenerMetadata ?? '';
  const head = `{"ociVersion":"${specVersion}","fds":["seccompFd"],"pid":`;
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

/** libseccomp ignores these names; an annotation of crun(1) asks for an error, which reveals a misspelt name. */
function refuseUnknownCalls({ syscalls = [] }: LinuxSeccomp, faults: Diagnostic[]): void {
  syscalls.forEach(({ names }, section) => {
    names.forEach((name, index) => {
      if (isCallName(name)) return;
      faults.push({
        code: 'seccomp.name',
        message: `unknown system call ${shown(name)} in linux.seccomp`,
        pointer: `/linux/seccomp/syscalls/${section}/names/${index}`,
        hint: `correct or remove it, or drop the annotation ${ANNOTATIONS.failUnknownCall}`,
      });
    });
  });
}
