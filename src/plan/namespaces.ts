import type { Config, LinuxNamespace, NamespaceType } from '../../schema/generated/config.ts';
import { CLONE_NEW } from './constants.ts';
import type { PlannedOp } from './types.ts';

export interface NamespacePlan {
  readonly cloneFlags: number;
  /** Path of a pid namespace to join: it takes effect for children, so the runtime joins it for the clone. */
  readonly pidNamespace: string;
  /** Opened first, all of them, since joining a mount namespace changes what a path means. */
  readonly join: readonly PlannedOp[];
  /** After the cgroups were entered: its root is the cgroup of that moment. */
  readonly cgroup: readonly PlannedOp[];
}

/** In the order in which they are joined (setns(2)). */
const joinOrder: readonly NamespaceType[] = ['ipc', 'uts', 'network', 'mount', 'cgroup'];

const firstSlot = 48;

export function namespacePlan(config: Config): NamespacePlan {
  const namespaces = config.linux?.namespaces ?? [];
  let cloneFlags = 0;
  for (const { type, path } of namespaces) {
    if (!path && type !== 'cgroup') cloneFlags |= CLONE_NEW[type];
  }
  const opens: PlannedOp[] = [];
  const joins: PlannedOp[] = [];
  for (const [index, type] of joinOrder.entries()) {
    const path = pathOf(namespaces, type);
    if (path === undefined) continue;
    const from = `/linux/namespaces/${String(namespaces.findIndex((entry) => entry.type === type))}`;
    opens.push({ op: 'namespace_open', slot: firstSlot + index, path, type: CLONE_NEW[type], from });
    joins.push({ op: 'namespace_join', slot: firstSlot + index, type: CLONE_NEW[type], from });
  }
  const newCgroup = namespaces.findIndex(({ type, path }) => type === 'cgroup' && !path);
  return {
    cloneFlags: cloneFlags >>> 0,
    pidNamespace: pathOf(namespaces, 'pid') ?? '',
    join: [...opens, ...joins],
    cgroup:
      newCgroup < 0 ? [] : [{ op: 'unshare', flags: CLONE_NEW.cgroup, from: `/linux/namespaces/${String(newCgroup)}` }],
  };
}

function pathOf(namespaces: readonly LinuxNamespace[], type: NamespaceType): string | undefined {
  return namespaces.find((entry) => entry.type === type)?.path || undefined;
}

/** True when the container has a namespace of this type to itself, made now. */
export function isNew(config: Config, type: NamespaceType): boolean {
  return (config.linux?.namespaces ?? []).some((entry) => entry.type === type && !entry.path);
}

/** True when it does not share the runtime's. */
export function isSeparate(config: Config, type: NamespaceType): boolean {
  return (config.linux?.namespaces ?? []).some((entry) => entry.type === type);
}
