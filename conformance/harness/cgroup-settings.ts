/** Files of a cgroup and their expected contents. */
export type Expected = readonly (readonly [file: string, value: string])[];

/** The same setting in both cgroup versions; undefined if a version lacks it. */
export interface Settings<Version = Expected> {
  readonly v1: Version;
  readonly v2: Version;
}

/** The value written for -1: the largest number of whole pages. */
const UNLIMITED = '9223372036854771712';

/** In bytes, -1 for no limit. */
const legacyBytes = (value: number): string => (value < 0 ? UNLIMITED : String(value));
const unifiedBytes = (value: number): string => (value < 0 ? 'max' : String(value));

export function memoryLimit(limit: number): Settings {
  return { v1: [['memory.limit_in_bytes', legacyBytes(limit)]], v2: [['memory.max', unifiedBytes(limit)]] };
}

export function memoryReservation(bytes: number): Settings {
  return { v1: [['memory.soft_limit_in_bytes', String(bytes)]], v2: [['memory.low', String(bytes)]] };
}

/** `both` is memory plus swap, which cgroup v2 counts separately. */
export function memoryAndSwap(limit: number, both: number): Settings {
  return together(memoryLimit(limit), {
    v1: [['memory.memsw.limit_in_bytes', legacyBytes(both)]],
    v2: [['memory.swap.max', both < 0 ? 'max' : String(both - limit)]],
  });
}

/** In microseconds; a quota of -1 means none. */
export function cpuQuota(quota: number, period: number): Settings {
  return {
    v1: [
      ['cpu.cfs_quota_us', String(quota)],
      ['cpu.cfs_period_us', String(period)],
    ],
    v2: [['cpu.max', `${quota < 0 ? 'max' : quota} ${period}`]],
  };
}

export function cpuBurst(microseconds: number): Settings {
  return { v1: [['cpu.cfs_burst_us', String(microseconds)]], v2: [['cpu.max.burst', String(microseconds)]] };
}

export function cpuShares(shares: number, weight: number): Settings {
  return { v1: [['cpu.shares', String(shares)]], v2: [['cpu.weight', String(weight)]] };
}

export function cpuIdle(value: number): Settings {
  return alike(['cpu.idle', String(value)]);
}

export function cpuset(cpus: string, mems: string): Settings {
  return alike(['cpuset.cpus', cpus], ['cpuset.mems', mems]);
}

export function pidsLimit(value: number | 'max'): Settings {
  return alike(['pids.max', String(value)]);
}

function alike(...files: Expected): Settings {
  return { v1: files, v2: files };
}

export function together(...all: readonly Settings[]): Settings {
  return { v1: all.flatMap(({ v1 }) => v1), v2: all.flatMap(({ v2 }) => v2) };
}
