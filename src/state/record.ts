import type { Hooks } from '../../schema/generated/config.ts';
import type { StartHooks } from '../plan/hooks.ts';
import { keyringName } from '../plan/keyring.ts';
import type { ResctrlRecord } from '../plan/resctrl.ts';
import type { NamespaceOrigin } from '../plan/join.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';

/** The name of the container's session keyring, if it has its own. */
export function keyringOf({ id, keyring, keyringName: name }: ContainerRecord): string | undefined {
  return keyring ? (name ?? keyringName(id, '')) : undefined;
}

/**
 * The saved data of a container (`state.json` in its directory below `--root`). Written once before the first side
 * effect, with pid 0, so that `delete --force` can undo a `create` that was killed half way, and again when init waits
 * for `start`.
 */
export interface ContainerRecord {
  readonly version: 2;
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  /** Id of the mount that holds the rootfs, if the container's mounts lie on top of it on the host. */
  readonly rootMount?: number;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Pid of init in the caller's pid namespace; 0 until it has started. */
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat, clock ticks since boot: detects a reused pid. */
  readonly startTime: number;
  /** The process that is creating the container, and its start time. */
  readonly creator: { readonly pid: number; readonly startTime: number };
  readonly cgroup: CgroupRecord;
  /** Absent if the container is in no resctrl group. */
  readonly resctrl?: ResctrlRecord;
  /** False if the container shares a pid namespace: then it is killed through its cgroup. */
  readonly privatePidNamespace: boolean;
  /** Absent in records of earlier versions of rt. */
  readonly origin?: NamespaceOrigin;
  /** Whether it has its own session keyring, which additional processes join. */
  readonly keyring: boolean;
  /** Absent in records of earlier versions of rt. */
  readonly keyringName?: string;
  /** As at `create`; config.json may have changed since. */
  readonly hooks: Pick<Hooks, 'poststart' | 'poststop'>;
  /** As in a Plan; absent if false. */
  readonly uncertainStart?: boolean;
  /** Absent if there are none. */
  readonly startHooks?: StartHooks;
}

/** The parts of a record that tell what state its container is in. */
export interface BriefRecord extends Pick<
  ContainerRecord,
  'id' | 'bundle' | 'rootfs' | 'created' | 'annotations' | 'pid' | 'startTime' | 'creator'
> {
  /** Without hierarchies that do not matter to it. */
  readonly cgroup: Pick<CgroupRecord, 'version' | 'hierarchies'>;
}
