import { blkioEntry, nonEmpty, nonZero, parseCount, sum, times } from './files.ts';
import type { StatFiles } from './files.ts';
import type { BlkioEntry, BlkioStats, Count, HugetlbStats, MemoryStats, Stats } from './types.ts';

const nanosecondsPerMicrosecond = 1000;
/** The number that runc prints for `max`. */
const noLimit = 0xffff_ffff_ffff_ffffn;

/** From the files of the unified hierarchy, in the terms of v1 (kernel: Documentation/admin-guide/cgroup-v2.rst). */
export function unifiedStats(files: StatFiles): Stats {
  const time = files.table('cpu.stat');
  const microseconds = (name: string): Count => times(time[name] ?? 0, nanosecondsPerMicrosecond);
  return {
    cpu: {
      usage: {
        total: nonZero(microseconds('usage_usec')),
        kernel: microseconds('system_usec'),
        user: microseconds('user_usec'),
      },
      throttling: {
        periods: nonZero(time['nr_periods'] ?? 0),
        throttledPeriods: nonZero(time['nr_throttled'] ?? 0),
        throttledTime: nonZero(microseconds('throttled_usec')),
      },
      psi: files.pressure('cpu.pressure'),
    },
    // The unified hierarchy does not have these settings.
    cpuset: {
      cpu_exclusive: 0,
      mem_hardwall: 0,
      mem_exclusive: 0,
      memory_migrate: 0,
      memory_spread_page: 0,
      memory_spread_slab: 0,
      memory_pressure: 0,
      sched_load_balance: 0,
      sched_relax_domain_level: 0,
    },
    memory: memory(files),
    pids: { current: nonZero(files.count('pids.current')), limit: nonZero(files.count('pids.max')) },
    blkio: blkio(files),
    hugetlb: hugetlb(files),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function memory(files: StatFiles): MemoryStats {
  const raw = files.table('memory.stat');
  const limit = limitOf(files, 'memory.max');
  const usage = files.count('memory.current');
  const swapLimit = limitOf(files, 'memory.swap.max');
  const none = { limit: 0, failcnt: 0 };
  return {
    cache: nonZero(raw['file'] ?? 0),
    usage: { limit, usage: nonZero(usage), max: nonZero(files.count('memory.peak')), failcnt: 0 },
    // On v1, memory and swap together; their common peak cannot be derived from the two peaks.
    swap: {
      limit: limit === noLimit || swapLimit === noLimit ? noLimit : sum(limit, swapLimit),
      usage: nonZero(sum(usage, files.count('memory.swap.current'))),
      failcnt: 0,
    },
    kernel: none,
    kernelTCP: none,
    raw: Object.keys(raw).length === 0 ? undefined : raw,
    psi: files.pressure('memory.pressure'),
  };
}

function limitOf(files: StatFiles, file: string): Count {
  const text = files.text(file);
  return text === 'max' ? noLimit : (parseCount(text) ?? 0);
}

/** io.stat: lines `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`; v1 has no discards. */
function blkio(files: StatFiles): BlkioStats {
  const bytes: BlkioEntry[] = [];
  const operations: BlkioEntry[] = [];
  const lists = { rbytes: bytes, wbytes: bytes, rios: operations, wios: operations };
  for (const [device = '', ...parts] of files.rows('io.stat')) {
    for (const part of parts) {
      const [name = '', value = ''] = part.split('=');
      if (!Object.hasOwn(lists, name)) continue;
      const entry = blkioEntry(device, name.startsWith('r') ? 'Read' : 'Write', parseCount(value) ?? 0);
      lists[name as keyof typeof lists].push(entry);
    }
  }
  return {
    ioServiceBytesRecursive: nonEmpty(bytes),
    ioServicedRecursive: nonEmpty(operations),
    psi: files.pressure('io.pressure'),
  };
}

function hugetlb(files: StatFiles): Record<string, HugetlbStats> {
  return Object.fromEntries(
    files.pageSizes('rsvd.current').map((size) => [
      size,
      {
        usage: nonZero(files.count(`hugetlb.${size}.rsvd.current`)),
        failcnt: files.table(`hugetlb.${size}.events`)['max'] ?? 0,
      },
    ]),
  );
}
