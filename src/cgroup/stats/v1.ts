import { blkioEntry, nonEmpty, nonZero, parseCount, times } from './files.ts';
import type { StatFiles } from './files.ts';
import type {
  BlkioEntry,
  BlkioStats,
  Count,
  CpuStats,
  CpusetStats,
  HugetlbStats,
  MemoryEntry,
  Stats,
} from './types.ts';

/** Nanoseconds per tick of USER_HZ, the unit of cpuacct.stat. */
const nanosecondsPerTick = 10_000_000;

/** From the files of the v1 controllers (kernel: Documentation/admin-guide/cgroup-v1). */
export function legacyStats(files: StatFiles): Stats {
  const raw = files.table('memory.stat');
  return {
    cpu: cpu(files),
    cpuset: cpuset(files),
    memory: {
      cache: nonZero(raw['cache'] ?? 0),
      usage: memory(files, 'memory'),
      swap: memory(files, 'memory.memsw'),
      kernel: memory(files, 'memory.kmem'),
      kernelTCP: memory(files, 'memory.kmem.tcp'),
      raw: Object.keys(raw).length === 0 ? undefined : raw,
    },
    pids: { current: nonZero(files.count('pids.current')), limit: nonZero(files.count('pids.max')) },
    blkio: blkio(files),
    hugetlb: hugetlb(files),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function cpu(files: StatFiles): CpuStats {
  const ticks = files.table('cpuacct.stat');
  const throttling = files.table('cpu.stat');
  // A header, then `cpu user system` for each CPU.
  const percpu = files.rows('cpuacct.usage_all').slice(1);
  const column = (index: number): Count[] => percpu.map((row) => parseCount(row[index] ?? '') ?? 0);
  return {
    usage: {
      total: nonZero(files.count('cpuacct.usage')),
      percpu: nonEmpty(files.counts('cpuacct.usage_percpu')),
      percpu_kernel: nonEmpty(column(2)),
      percpu_user: nonEmpty(column(1)),
      kernel: times(ticks['system'] ?? 0, nanosecondsPerTick),
      user: times(ticks['user'] ?? 0, nanosecondsPerTick),
    },
    throttling: {
      periods: nonZero(throttling['nr_periods'] ?? 0),
      throttledPeriods: nonZero(throttling['nr_throttled'] ?? 0),
      throttledTime: nonZero(throttling['throttled_time'] ?? 0),
    },
  };
}

function cpuset(files: StatFiles): CpusetStats {
  return {
    cpus: nonEmpty(files.numbers('cpuset.cpus')),
    cpu_exclusive: files.count('cpuset.cpu_exclusive'),
    mems: nonEmpty(files.numbers('cpuset.mems')),
    mem_hardwall: files.count('cpuset.mem_hardwall'),
    mem_exclusive: files.count('cpuset.mem_exclusive'),
    memory_migrate: files.count('cpuset.memory_migrate'),
    memory_spread_page: files.count('cpuset.memory_spread_page'),
    memory_spread_slab: files.count('cpuset.memory_spread_slab'),
    memory_pressure: files.count('cpuset.memory_pressure'),
    sched_load_balance: files.count('cpuset.sched_load_balance'),
    sched_relax_domain_level: files.count('cpuset.sched_relax_domain_level'),
  };
}

function memory(files: StatFiles, prefix: string): MemoryEntry {
  return {
    limit: files.count(`${prefix}.limit_in_bytes`),
    usage: nonZero(files.count(`${prefix}.usage_in_bytes`)),
    max: nonZero(files.count(`${prefix}.max_usage_in_bytes`)),
    failcnt: files.count(`${prefix}.failcnt`),
  };
}

/** BFQ counts only the requests that it scheduled; the throttle files count all. */
function blkio(files: StatFiles): BlkioStats {
  if (files.text('blkio.bfq.io_serviced_recursive').includes(':')) {
    const bfq = (name: string): readonly BlkioEntry[] | undefined => entries(files, `blkio.bfq.${name}_recursive`);
    return {
      ioServiceBytesRecursive: bfq('io_service_bytes'),
      ioServicedRecursive: bfq('io_serviced'),
      ioQueueRecursive: bfq('io_queued'),
      ioServiceTimeRecursive: bfq('io_service_time'),
      ioWaitTimeRecursive: bfq('io_wait_time'),
      ioMergedRecursive: bfq('io_merged'),
      ioTimeRecursive: bfq('time'),
      sectorsRecursive: bfq('sectors'),
    };
  }
  return {
    ioServiceBytesRecursive: entries(files, 'blkio.throttle.io_service_bytes_recursive'),
    ioServicedRecursive: entries(files, 'blkio.throttle.io_serviced_recursive'),
  };
}

/** Lines `8:0 Read 5`, or `8:0 5` if the file does not separate operations; `Total 5` is no device. */
function entries(files: StatFiles, file: string): readonly BlkioEntry[] | undefined {
  const lines = files.rows(file).filter(([device = '']) => device.includes(':'));
  return nonEmpty(
    lines.map(([device = '', second = '', third]) =>
      blkioEntry(device, third === undefined ? undefined : second, parseCount(third ?? second) ?? 0),
    ),
  );
}

function hugetlb(files: StatFiles): Record<string, HugetlbStats> {
  const sizes = files.pageSizes('rsvd.usage_in_bytes');
  return Object.fromEntries(
    sizes.map((size) => [
      size,
      {
        usage: nonZero(files.count(`hugetlb.${size}.rsvd.usage_in_bytes`)),
        max: nonZero(files.count(`hugetlb.${size}.rsvd.max_usage_in_bytes`)),
        failcnt: files.count(`hugetlb.${size}.rsvd.failcnt`),
      },
    ]),
  );
}
