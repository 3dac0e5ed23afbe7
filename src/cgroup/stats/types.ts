/** A counter of the kernel: a bigint if a number would lose digits. */
export type Count = number | bigint;

/** `data` of an event of type stats, as runc prints it; absent members are omitted from the JSON. */
export interface Stats {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: { readonly current?: Count | undefined; readonly limit?: Count | undefined };
  readonly blkio: BlkioStats;
  /** By page size, `2MB`. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  readonly intel_rdt: Readonly<Record<string, never>>;
  readonly network_interfaces: null;
}

/** Times in nanoseconds. */
export interface CpuStats {
  readonly usage: {
    readonly total?: Count | undefined;
    readonly percpu?: readonly Count[] | undefined;
    readonly percpu_kernel?: readonly Count[] | undefined;
    readonly percpu_user?: readonly Count[] | undefined;
    readonly kernel: Count;
    readonly user: Count;
  };
  readonly throttling: {
    readonly periods?: Count | undefined;
    readonly throttledPeriods?: Count | undefined;
    readonly throttledTime?: Count | undefined;
  };
  readonly psi?: Pressure | undefined;
}

export interface CpusetStats {
  readonly cpus?: readonly number[] | undefined;
  readonly cpu_exclusive: Count;
  readonly mems?: readonly number[] | undefined;
  readonly mem_hardwall: Count;
  readonly mem_exclusive: Count;
  readonly memory_migrate: Count;
  readonly memory_spread_page: Count;
  readonly memory_spread_slab: Count;
  readonly memory_pressure: Count;
  readonly sched_load_balance: Count;
  readonly sched_relax_domain_level: Count;
}

/** Bytes. */
export interface MemoryEntry {
  readonly limit: Count;
  readonly usage?: Count | undefined;
  readonly max?: Count | undefined;
  readonly failcnt: Count;
}

export interface MemoryStats {
  readonly cache?: Count | undefined;
  readonly usage: MemoryEntry;
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  readonly raw?: Readonly<Record<string, Count>> | undefined;
  readonly psi?: Pressure | undefined;
}

export interface BlkioEntry {
  readonly major?: Count | undefined;
  readonly minor?: Count | undefined;
  readonly op?: string | undefined;
  readonly value?: Count | undefined;
}

export interface BlkioStats {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[] | undefined;
  readonly ioServicedRecursive?: readonly BlkioEntry[] | undefined;
  readonly ioQueueRecursive?: readonly BlkioEntry[] | undefined;
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[] | undefined;
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[] | undefined;
  readonly ioMergedRecursive?: readonly BlkioEntry[] | undefined;
  readonly ioTimeRecursive?: readonly BlkioEntry[] | undefined;
  readonly sectorsRecursive?: readonly BlkioEntry[] | undefined;
  readonly psi?: Pressure | undefined;
}

export interface HugetlbStats {
  readonly usage?: Count | undefined;
  readonly max?: Count | undefined;
  readonly failcnt: Count;
}

/** Averages in percent, `total` in microseconds (kernel: accounting/psi.rst). */
export interface PressureLine {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: Count;
}

export interface Pressure {
  readonly some: PressureLine;
  readonly full: PressureLine;
}
