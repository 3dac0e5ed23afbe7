import type { Config, IdMapping } from '../../../schema/generated/config.ts';
import { hasNamespace, isNew } from '../../bundle/namespaces.ts';
import { normalizePath } from '../../bundle/path.ts';
import type { Facts } from '../../facts/facts.ts';
import { MOUNT_ATTR } from '../../kernel/mounts.ts';
import { parseMountOptions } from '../mount-options.ts';
import type { PlannedOp } from '../types.ts';

/**
 * Gives the container's v2 cgroup to the user of its process, if it is the root of the container's own cgroup namespace
 * and visible through a writable mount: only then can the container make child cgroups (runtime-spec config-linux.md,
 * "Cgroup ownership").
 */
export function delegationOps(config: Config, facts: Facts, directory: string): PlannedOp[] {
  const mount = (config.mounts ?? []).findIndex(
    ({ destination, type, options = [] }) =>
      type === 'cgroup' && normalizePath(destination) === '/sys/fs/cgroup' && !isReadOnly(options),
  );
  if (!isNew(config, 'cgroup') || mount < 0) return [];
  const uid = hostUid(config, config.process?.user?.uid ?? 0);
  // Already the owner, or an id without a mapping on the host.
  if (uid === undefined || uid === 0) return [];
  const from = `/mounts/${String(mount)}`;
  return [{ op: 'cgroup_delegate', directory, files: facts.delegatedCgroupFiles, uid, from }];
}

function isReadOnly(words: readonly string[]): boolean {
  const { set, recursiveSet } = parseMountOptions(words, false, '', []);
  return ((set | recursiveSet) & MOUNT_ATTR.RDONLY) !== 0;
}

/** The host id of a user of the container; undefined if it is not mapped. */
function hostUid(config: Config, uid: number): number | undefined {
  if (!hasNamespace(config, 'user')) return uid;
  const holds = ({ containerID, size }: IdMapping): boolean => uid >= containerID && uid < containerID + size;
  const mapping = config.linux?.uidMappings?.find(holds);
  return mapping === undefined ? undefined : mapping.hostID + (uid - mapping.containerID);
}
