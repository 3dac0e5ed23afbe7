import type { Config, NamespaceType } from '../../schema/generated/config.ts';
import { hasNamespace, isNew, joinedPath, namespacePointer } from '../bundle/namespaces.ts';
import { Failure } from '../diag/diagnostic.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { planProtection } from '../plan/restore.ts';
import { requireOrigin } from '../launch/origin.ts';
import { visit } from '../launch/visit.ts';
import { namespaceFiles } from './external.ts';
import { mountOn } from '../diag/mountinfo.ts';
import type { SeenMount } from '../diag/mountinfo.ts';
import { mountsOf } from './mountinfo.ts';

/** Restores protections that CRIU does not restore, or may fail to. The processes must exist and be stopped. */

/** Throws unless the restored process is in a namespace of its own, or in the joined one, for each type of the config. */
export function requireNamespaces(native: Native, pid: number, config: Config): void {
  for (const type of Object.keys(namespaceFiles) as NamespaceType[]) {
    if (!hasNamespace(config, type)) continue;
    const file = namespaceFiles[type];
    const path = joinedPath(config, type) ?? `/proc/self/ns/${file}`;
    const same = identityAt(native, path) === identityAt(native, `/proc/${pid}/ns/${file}`);
    if (same === !isNew(config, type)) continue;
    throw new Failure({
      code: 'restore.namespace',
      message: `criu did not restore the ${type} namespace`,
      pointer: namespacePointer(config, type),
    });
  }
}

/** There is one of each in the kernel, or in a namespace that containers may share with the host. */
const common = new Set(['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2']);

/**
 * Throws if a mount that is not one of the host by config.json shows something of the host nevertheless: the images say which
 * mounts are of one filesystem, and where in it they begin.
 */
export function requireOwnMounts(native: Native, pid: number, planned: readonly PlannedMount[]): void {
  const seen = mountsOf(native, pid);
  const ofHost = new Set(mountsOf(native, 'self').map(({ device }) => device));
  const wrong = seen.filter((mount) => {
    // One may be on another, such as a mask on a bind.
    const here = planned.filter(({ path }) => path === mount.path);
    return here.length === 0
      ? !isOwn(mount, undefined, seen, ofHost)
      : !here.some((one) => isOwn(mount, one, seen, ofHost));
  });
  if (wrong.length === 0) return;
  throw new Failure(
    wrong.map(({ path }) => ({
      code: 'restore.mounts',
      message: `the restored mount on "${path}" is another one than config.json asks for`,
    })),
  );
}

function isOwn(
  mount: SeenMount,
  planned: PlannedMount | undefined,
  seen: readonly SeenMount[],
  ofHost: ReadonlySet<string>,
): boolean {
  if (planned?.external !== undefined) return true;
  const isNew = common.has(mount.type) || !ofHost.has(mount.device);
  switch (planned?.kind) {
    case 'root':
    case 'bind':
    case 'device':
      return true;
    case 'filesystem':
      return mount.type === planned.type && isNew;
    case 'mask':
      return mount.root.endsWith('/null') || isNew;
    case 'readonly':
      return isPartOf(mount, seen) || isNew;
    case 'console':
    case undefined:
      return isNew;
  }
}

/** Whether it shows what is below it anyway. */
function isPartOf({ parent, device, root, path }: SeenMount, seen: readonly SeenMount[]): boolean {
  const below = seen.find(({ id }) => id === parent);
  if (below === undefined || below.device !== device) return false;
  const rest = below.path === '/' ? path : path.slice(below.path.length);
  return root === (below.root === '/' ? rest : `${below.root}${rest}`);
}

/** Of a namespace, as text. */
function identityAt(native: Native, path: string): string {
  const status = expectResult(native.stat(path, 1), 'restore.namespace', `cannot look at "${path}"`, 'stat');
  const [, , , inode, device] = status;
  return `${String(device)}:${String(inode)}`;
}

/**
 * Gives restored mounts the required options that they lack: CRIU leaves the root writable, and drops the options of
 * the second and later binds of one file. `target` is the pidfd of init, `pid` its pid. Throws if a mount still lacks
 * one.
 */
export function protectMounts(
  native: Native,
  config: Config,
  pid: number,
  target: number,
  planned: readonly PlannedMount[],
): void {
  const open = lacking(native, pid, planned);
  if (open.length === 0) return;
  const failed = visit(native, planProtection(config, open, pid, requireOrigin(native, config, undefined)), target);
  if (failed !== undefined) throw failed.failure;
  const left = lacking(native, pid, planned);
  if (left.length === 0) return;
  throw new Failure(
    left.map(({ path }) => ({
      code: 'restore.mounts',
      message: `the restored mount on "${path}" lacks options such as ro, nosuid, nodev or noexec`,
    })),
  );
}

/** Mounts with the flags to set, each path once. A mount that no longer exists needs none. */
function lacking(native: Native, pid: number, planned: readonly PlannedMount[]): PlannedMount[] {
  const seen = mountsOf(native, pid);
  const last = new Map(planned.map((mount) => [mount.path, mount]));
  return [...last.values()].flatMap((mount) => {
    const flags = mount.flags & ~(mountOn(seen, mount.path)?.flags ?? mount.flags);
    return flags === 0 ? [] : [{ ...mount, flags }];
  });
}
