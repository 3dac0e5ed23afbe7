import type { Config, NamespaceType } from '../../schema/generated/config.ts';
import { isNew, joinedPath, namespacePointer } from '../bundle/namespaces.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { needOfSeparation } from './separation.ts';
import type { PlannedOp } from './types.ts';
import { userNamespaceOf, userSlot } from './user-namespace.ts';

export interface NamespacePlan {
  readonly cloneFlags: number;
  /** Makes those of `cloneFlags` that do not need a clone, in one call. */
  readonly unshare: readonly PlannedOp[];
  /** All are opened first, since joining a mount namespace changes the meaning of paths. */
  readonly open: readonly PlannedOp[];
  /** Joins those not owned by the user namespace to be joined, with the privileges of the runtime. */
  readonly joinFromHost: readonly PlannedOp[];
  /** Joins the others, or all if the user namespace stays the same. */
  readonly join: readonly PlannedOp[];
  /** Affects future children: init itself enters by forking, as its last step with capabilities. */
  readonly joinPid: readonly PlannedOp[];
  readonly forkIntoPid: readonly PlannedOp[];
  /** After joining the cgroups: its root is the current cgroup. */
  readonly cgroup: readonly PlannedOp[];
  /** Before another user namespace is entered. */
  readonly openTime: readonly PlannedOp[];
  readonly time: readonly PlannedOp[];
  /** The last step of a stage: its process, or a child of it, continues as init. */
  readonly beInit: readonly PlannedOp[];
  /** Slot of the joined pid namespace, 0 for none: a new procfs must show it. */
  readonly pidSlot: number;
}

/** In joining order (setns(2)). */
const joinOrder: readonly NamespaceType[] = ['ipc', 'uts', 'network', 'time', 'mount', 'cgroup', 'pid'];

const firstSlot = userSlot + 1;
const timeSlot = firstSlot + joinOrder.length;

/** `leaves`: the mount namespace is made later, from another than the host's. */
export function namespacePlan(config: Config, leaves = false): NamespacePlan {
  const namespaces = config.linux?.namespaces ?? [];
  let cloneFlags = 0;
  for (const { type, path } of namespaces) {
    if (!path && type !== 'cgroup' && type !== 'time' && type !== 'user') cloneFlags |= CLONE_NEW[type];
  }
  if (leaves) cloneFlags &= ~CLONE_NEW.mount;
  const open: PlannedOp[] = [];
  const joinFromHost: PlannedOp[] = [];
  const join: PlannedOp[] = [];
  const joinPid: PlannedOp[] = [];
  const forkIntoPid: PlannedOp[] = [];
  let pidSlot = 0;
  for (const [index, type] of joinOrder.entries()) {
    const path = joinedPath(config, type);
    if (path === undefined) continue;
    const from = namespacePointer(config, type);
    const slot = firstSlot + index;
    const entry = { op: 'namespace_join', slot, type: CLONE_NEW[type], from } as const;
    open.push({ op: 'namespace_open', slot, path, type: CLONE_NEW[type], need: needOfSeparation(config, type), from });
    if (type === 'pid') {
      pidSlot = slot;
      joinFromHost.push({ ...entry, user: userSlot, keep: 1 });
      joinPid.push({ ...entry, user: 0, keep: 1 });
      forkIntoPid.push({ op: 'fork_init', from });
    } else {
      joinFromHost.push({ ...entry, user: userSlot, keep: 0 });
      join.push({ ...entry, user: 0, keep: 0 });
    }
  }
  const newCgroup = isNew(config, 'cgroup');
  const flags = cloneFlags & ~CLONE_NEW.pid;
  const unshare: PlannedOp[] = flags === 0 ? [] : [{ op: 'unshare', flags, from: '/linux/namespaces' }];
  const time = isNew(config, 'time') ? timeOps(config) : { openTime: [], time: [] };
  return {
    cloneFlags: cloneFlags >>> 0,
    unshare,
    open,
    joinFromHost: userNamespaceOf(config) === 'runtime' ? [] : joinFromHost,
    join,
    joinPid,
    forkIntoPid,
    cgroup: newCgroup ? [{ op: 'unshare', flags: CLONE_NEW.cgroup, from: namespacePointer(config, 'cgroup') }] : [],
    ...time,
    beInit: isNew(config, 'pid') ? [{ op: 'clone_init', flags: cloneFlags >>> 0, from: '/linux/namespaces' }] : unshare,
    pidSlot,
  };
}

/** Lines of /proc/PID/timens_offsets (time_namespaces(7)). */
function timeOps(config: Config): Pick<NamespacePlan, 'openTime' | 'time'> {
  const { timeOffsets } = config.linux ?? {};
  const lines = (['monotonic', 'boottime'] as const).flatMap((clock) => {
    const offset = timeOffsets?.[clock];
    return offset === undefined ? [] : [`${clock} ${String(offset.secs ?? 0)} ${String(offset.nanosecs ?? 0)}\n`];
  });
  const from = lines.length > 0 ? '/linux/timeOffsets' : namespacePointer(config, 'time');
  const entered = userNamespaceOf(config) !== 'runtime' && lines.length > 0;
  const slot = entered ? timeSlot : 0;
  return {
    openTime: entered ? [{ op: 'open_time_offsets', slot, from }] : [],
    time: [{ op: 'time_namespace', offsets: lines.join(''), slot, from }],
  };
}
