import type { Config, LinuxCapabilities, Process } from '../../schema/generated/config.ts';
import { CHANGE_DIRECTORY_PHASE } from '../../schema/generated/ops.ts';
import { normalizePath } from '../bundle/path.ts';
import type { Facts } from '../facts/facts.ts';
import { capabilityMask } from '../bundle/capabilities.ts';
import { EACCES } from '../kernel/errno.ts';
import { RLIMITS } from '../kernel/processes.ts';
import type { PlannedOp } from './types.ts';

const limits: Readonly<Record<string, number>> = RLIMITS;

export const defaultUmask = 0o022;

export const SYS_ADMIN = capabilityMask(['CAP_SYS_ADMIN']);

/** With fewer descriptors, the setup of a container fails before its program runs. */
export const leastFiles = 16;

/** First, while the host's procfs is reachable and no privileges have been dropped. */
export function oomOps(process: Process, facts: Facts): PlannedOp[] {
  const { oomScoreAdj } = process;
  if (oomScoreAdj === undefined) return [];
  // Unprivileged engines request a lower value than their own, which only the host's root may set.
  const ignore = facts.user.uid === 0 && facts.user.initial ? 0 : EACCES;
  return [{ op: 'oom_score_adj', value: oomScoreAdj, ignore, from: '/process/oomScoreAdj' }];
}

export function workingDirectoryOps(process: Process): PlannedOp[] {
  const path = normalizePath(process.cwd);
  return path === '/' ? [] : [{ op: 'make_directory', path, mode: 0o755, from: '/process/cwd' }];
}

/** Name of a limit by its number. */
export function rlimitName(resource: number): string {
  return Object.entries(RLIMITS).find(([, number]) => number === resource)?.[0] ?? String(resource);
}

/** A hard limit cannot be raised in a user namespace, so this is done before. */
export function hardLimitOps(process: Process): PlannedOp[] {
  return (process.rlimits ?? []).map(({ type, hard }, index) => ({
    op: 'raise_limit',
    resource: limits[type] ?? -1,
    hard,
    from: `/process/rlimits/${String(index)}`,
  }));
}

/** Limits and owners, while the process still has the capabilities to set them. */
export function rightsOps(process: Process): PlannedOp[] {
  const ops: PlannedOp[] = (process.rlimits ?? []).map(({ type, soft, hard }, index) => ({
    op: 'rlimit',
    resource: limits[type] ?? -1,
    soft,
    hard,
    from: `/process/rlimits/${String(index)}`,
  }));
  const { umask, uid = 0 } = process.user ?? {};
  ops.push(
    { op: 'umask', mask: umask ?? defaultUmask, from: umask === undefined ? 'default' : '/process/user/umask' },
    { op: 'stdio_owner', uid, user: 0, null: 1, from: '/process/user/uid' },
  );
  return ops;
}

export function boundingOps(process: Process, facts: Facts): PlannedOp[] {
  const { capabilities } = process;
  return [
    {
      op: 'drop_bounding',
      keep: capabilityMask(capabilities?.bounding ?? []),
      last: facts.lastCapability,
      from: capabilities === undefined ? 'default' : '/process/capabilities/bounding',
    },
    // Before the user changes, for a directory that only root may enter; deferred if root may not either.
    { op: 'change_directory', path: process.cwd, phase: CHANGE_DIRECTORY_PHASE.setUp, from: '/process/cwd' },
  ];
}

/**
 * Groups, gid, uid and then the capability sets, which are empty for a config without `capabilities`. `keepAdmin` keeps
 * CAP_SYS_ADMIN permitted but not effective, for `filterOps`.
 */
export function credentialOps(process: Process, keepAdmin: boolean, keepGroups: number): PlannedOp[] {
  const { uid = 0, gid = 0, additionalGids = [] } = process.user ?? {};
  const sets = capabilityOp(process);
  return [
    { op: 'set_user', uid, gid, groups: additionalGids, keepGroups, from: '/process/user' },
    { ...sets, permitted: sets.permitted | (keepAdmin ? SYS_ADMIN : 0n) },
    { op: 'change_directory', path: process.cwd, phase: CHANGE_DIRECTORY_PHASE.user, from: '/process/cwd' },
  ];
}

/** Loads a filter without no_new_privs, which needs CAP_SYS_ADMIN: effective for this one call, then dropped. */
export function filterOps(process: Process, filter: readonly PlannedOp[]): PlannedOp[] {
  const sets = capabilityOp(process);
  if (filter.length === 0 || (sets.effective & SYS_ADMIN) !== 0n) return [...filter];
  return [{ ...sets, effective: sets.effective | SYS_ADMIN, permitted: sets.permitted | SYS_ADMIN }, ...filter, sets];
}

interface CapabilityOp {
  readonly op: 'set_capabilities';
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly ambient: bigint;
  readonly from: string;
}

function capabilityOp({ capabilities }: Process): CapabilityOp {
  const sets: LinuxCapabilities = capabilities ?? {};
  const permitted = capabilityMask(sets.permitted ?? []);
  const inheritable = capabilityMask(sets.inheritable ?? []) & capabilityMask(sets.bounding ?? []);
  return {
    op: 'set_capabilities',
    // The kernel accepts only subsets (capabilities(7)); the rules of the bundle warn of what is left out.
    effective: capabilityMask(sets.effective ?? []) & permitted,
    permitted,
    inheritable,
    ambient: capabilityMask(sets.ambient ?? []) & permitted & inheritable,
    from: capabilities === undefined ? 'default' : '/process/capabilities',
  };
}

/**
 * The program is looked up now, with the credentials of process.user, so that `create` can report that it is missing.
 */
export function programOps(process: Process): PlannedOp[] {
  if (process.args === undefined) return []; // a config without process: start reports that
  const ops: PlannedOp[] = [];
  if (process.noNewPrivileges === true) ops.push({ op: 'no_new_privs', from: '/process/noNewPrivileges' });
  const env = environment(process.env);
  if (needsHome(env)) ops.push({ op: 'find_home', uid: process.user?.uid ?? 0, from: 'default' });
  ops.push({ op: 'find_program', ...programOf(process, env), from: '/process/args/0' });
  return ops;
}

/** The first word of args, and PATH. */
export function programOf(
  { args: [name = ''] = [], env }: Process,
  variables = environment(env),
): { readonly name: string; readonly search: string } {
  const path = variables.find((entry) => entry.startsWith('PATH='));
  return { name, search: path?.slice('PATH='.length) ?? '' };
}

export function execOps(process: Process): PlannedOp[] {
  return [{ op: 'exec', args: process.args ?? [], env: environment(process.env), from: '/process/args' }];
}

/** Of several values of one variable the last is kept, at its position; an empty HOME counts as absent. */
export function environment(env: readonly string[] | undefined): string[] {
  const last = new Map<string, number>();
  const list = env ?? [];
  list.forEach((entry, index) => last.set(nameOf(entry), index));
  return list.filter((entry, index) => last.get(nameOf(entry)) === index && entry !== 'HOME=');
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='));
}

function needsHome(env: readonly string[]): boolean {
  return !env.some((entry) => entry.startsWith('HOME='));
}

export function withEnvironment(process: Process, more: readonly string[]): Process {
  return more.length === 0 ? process : { ...process, env: [...(process.env ?? []), ...more] };
}

export function processOf(config: Config): Process {
  return config.process ?? { cwd: '/' };
}
