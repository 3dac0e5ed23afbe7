import type { Native } from '../../host/native.ts';
import type { Current } from '../../plan/cgroup/limits.ts';
import type { CgroupRecord } from '../../plan/cgroup/record.ts';
import type { Stats } from '../stats/types.ts';

/** What the versions of cgroups have in different ways for a container that exists. */
export interface CgroupDriver {
  /** Directory of the cgroup that can be frozen; undefined when the host has no freezer. */
  readonly freezer: (cgroup: CgroupRecord) => string | undefined;
  /** Directory of the cgroup whose memory is counted; undefined when the host has no memory controller. */
  readonly memory: (cgroup: CgroupRecord) => string | undefined;
  readonly isFrozen: (native: Native, freezer: string) => boolean;
  /** False when not all processes stand still before the deadline. */
  readonly freeze: (native: Native, freezer: string, deadline: number) => boolean;
  /** File and text that let a frozen cgroup go on. */
  readonly thaw: readonly [file: string, text: string];
  /** Kills every process, frozen or not. */
  readonly kill: (native: Native, cgroup: CgroupRecord) => void;
  /** Lets processes go on that have been killed one by one, where frozen ones do not end. */
  readonly thawForKill: (native: Native, cgroup: CgroupRecord) => void;
  /** How many processes the kernel has killed for want of memory. */
  readonly outOfMemoryKills: (native: Native, memory: string) => number;
  readonly watchMemory: (native: Native, memory: string) => MemoryWatch | undefined;
  /** Bytes in use, without and with swap. */
  readonly memoryUsage: (native: Native, memory: string) => { readonly memory: bigint; readonly withSwap: bigint };
  /** What a change of limits depends on. */
  readonly current: (native: Native, cgroup: CgroupRecord) => Current;
  readonly stats: (native: Native, cgroup: CgroupRecord) => Stats;
}

/** Tells when the kernel runs out of memory in a container. */
export interface MemoryWatch {
  /** What to wait for, beside other things. */
  readonly wanted: readonly [descriptor: number, events: number];
  /** How often it happened since the last call. */
  readonly count: () => number;
  readonly close: () => void;
}
