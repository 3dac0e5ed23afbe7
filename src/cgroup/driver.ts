import type { Native } from '../host/native.ts';
import type { Current } from '../plan/cgroup/limits.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { Stats } from './stats/types.ts';

/** Operations on an existing container that differ between the cgroup versions. */
export interface CgroupDriver {
  /** Directory of the cgroup that can be frozen; undefined if the host has no freezer. */
  readonly freezer: (cgroup: Pick<CgroupRecord, 'hierarchies'>) => string | undefined;
  /** Directory of the cgroup whose memory is accounted; undefined if the host has no memory controller. */
  readonly memory: (cgroup: CgroupRecord) => string | undefined;
  readonly isFrozen: (native: Native, freezer: string) => boolean;
  /** Whether a cgroup above it is frozen, and with that its processes. */
  readonly isFrozenAbove: (native: Native, freezer: string) => boolean;
  /** False if a process is still not frozen at the deadline. */
  readonly freeze: (native: Native, freezer: string, deadline: number) => boolean;
  /** File and text that thaw a frozen cgroup. */
  readonly thaw: readonly [file: string, text: string];
  /** Kills every process, frozen or not. */
  readonly kill: (native: Native, cgroup: CgroupRecord) => void;
  /** Thaws processes that have been killed one by one, if frozen processes cannot end. */
  readonly thawForKill: (native: Native, cgroup: CgroupRecord) => void;
  /** Number of processes that the kernel has OOM-killed; undefined if it does not tell. */
  readonly outOfMemoryKills: (native: Native, memory: string) => number | undefined;
  /** Whether memory was refused because of the limit of this cgroup, rather than that of one above it. */
  readonly hasReachedLimit: (native: Native, memory: string) => boolean;
  /** Names of the files with the limit and the highest usage, in bytes. */
  readonly memoryFiles: { readonly limit: string; readonly peak: string };
  readonly watchMemory: (native: Native, memory: string) => MemoryWatch | undefined;
  /** Bytes in use, without and with swap. */
  readonly memoryUsage: (native: Native, memory: string) => { readonly memory: bigint; readonly withSwap: bigint };
  /** Current values on which a change of limits depends. */
  readonly current: (native: Native, cgroup: CgroupRecord) => Current;
  readonly stats: (native: Native, cgroup: CgroupRecord) => Stats;
}

/** Out-of-memory events of a container. */
export interface MemoryWatch {
  /** Descriptor and events for poll(2). */
  readonly wanted: readonly [descriptor: number, events: number];
  /** Number of events since the last call. */
  readonly count: () => number;
  readonly close: () => void;
}
