import t from 'tap';
import type { LinuxResources } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { CgroupFacts } from '../../facts/facts.ts';
import type { PlannedOp } from '../types.ts';
import { hybrid, unified } from '../../../test/config.ts';
import type { Current, Limits } from './limits.ts';
import type { ContainerCgroup } from './record.ts';
import { legacyLimits } from './v1.ts';
import { cpuWeight, ioWeight, unifiedLimits } from './v2.ts';

function cgroups({ hierarchies }: CgroupFacts): ContainerCgroup[] {
  return hierarchies.map((hierarchy) => ({ ...hierarchy, directory: `${hierarchy.mount}/c` }));
}

function v1(resources: LinuxResources, faults: Diagnostic[] = []): Limits {
  return legacyLimits(resources, cgroups(hybrid), faults);
}

function v2(resources: LinuxResources, faults: Diagnostic[] = [], current: Current = {}): Limits {
  return unifiedLimits(resources, cgroups(unified)[0], faults, current);
}

/** `file=data`; alternatives are joined by `|`, settings of one op by `+`. */
function writes(ops: readonly PlannedOp[]): string[] {
  const name = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  return ops.flatMap((op) => {
    if (op.op === 'write_file') return [`${name(op.path)}=${op.data}`];
    if (op.op !== 'write_files' && op.op !== 'write_first') return [];
    const pairs = op.paths.map((path, index) => `${name(path)}=${op.data[index] ?? ''}`);
    return [pairs.join(op.op === 'write_files' ? ' + ' : ' | ')];
  });
}

/** Each field of linux.resources, and its writes on v1 and on v2; a string is the message of a fault. */
const table: readonly (readonly [LinuxResources, readonly string[] | string, readonly string[] | string])[] = [
  [{ memory: { limit: 1000 } }, ['memory.limit_in_bytes=1000'], ['memory.max=1000']],
  [{ memory: { limit: 0, swap: 0, reservation: 0 } }, [], []],
  [
    { memory: { limit: -1 } },
    ['memory.memsw.limit_in_bytes=-1', 'memory.limit_in_bytes=-1'],
    ['memory.max=max', 'memory.swap.max=max'],
  ],
  [
    { memory: { limit: 1000, swap: 1500 } },
    ['memory.limit_in_bytes=1000 + memory.memsw.limit_in_bytes=1500'],
    ['memory.max=1000', 'memory.swap.max=500'],
  ],
  [
    { memory: { limit: 1000, swap: -1 } },
    ['memory.memsw.limit_in_bytes=-1', 'memory.limit_in_bytes=1000'],
    ['memory.max=1000', 'memory.swap.max=max'],
  ],
  [
    { memory: { limit: -1, swap: 1500 } },
    ['memory.limit_in_bytes=-1 + memory.memsw.limit_in_bytes=1500'],
    ['memory.max=max', 'memory.swap.max=1500'],
  ],
  [
    { memory: { limit: 9223372036854775807n, swap: 9223372036854775807n } },
    ['memory.limit_in_bytes=9223372036854775807 + memory.memsw.limit_in_bytes=9223372036854775807'],
    ['memory.max=9223372036854775807', 'memory.swap.max=0'],
  ],
  [{ memory: { swap: 1500 } }, ['memory.memsw.limit_in_bytes=1500'], 'unable to set swap limit without memory limit'],
  [{ memory: { reservation: 500 } }, ['memory.soft_limit_in_bytes=500'], ['memory.low=500']],
  [{ memory: { reservation: -1 } }, ['memory.soft_limit_in_bytes=-1'], ['memory.low=max']],
  [{ memory: { swappiness: 10 } }, ['memory.swappiness=10'], 'memory swappiness'],
  [{ memory: { swappiness: 18446744073709551615n } }, [], []],
  [{ memory: { disableOOMKiller: true } }, ['memory.oom_control=1'], 'memory disableOOMKiller'],
  [{ memory: { disableOOMKiller: false } }, [], []],
  [{ memory: { useHierarchy: true } }, ['memory.use_hierarchy=1'], []],
  [{ memory: { kernel: 5 } }, ['memory.kmem.limit_in_bytes=5'], 'memory kernel'],
  [{ memory: { kernel: -1, kernelTCP: 0 } }, ['memory.kmem.limit_in_bytes=-1'], []],
  [{ memory: { kernelTCP: 5 } }, ['memory.kmem.tcp.limit_in_bytes=5'], 'memory kernelTCP'],
  [{ cpu: { shares: 1024 } }, ['cpu.shares=1024'], ['cpu.weight=100']],
  [{ cpu: { shares: 0, quota: 0, period: 0 } }, [], []],
  [{ cpu: { shares: 1 } }, 'the minimum allowed cpu-shares is 2', ['cpu.weight=1']],
  [{ cpu: { shares: 262145 } }, 'the maximum allowed cpu-shares is 262144', ['cpu.weight=10000']],
  [{ cpu: { quota: 50000 } }, ['cpu.cfs_quota_us=50000'], ['cpu.max=50000 100000']],
  [{ cpu: { quota: -1 } }, ['cpu.cfs_quota_us=-1'], ['cpu.max=max 100000']],
  [{ cpu: { quota: 999 } }, 'quota must be at least 1000', 'quota must be at least 1000'],
  [{ cpu: { quota: -5 } }, ['cpu.cfs_quota_us=-5'], ['cpu.max=max 100000']],
  [{ cpu: { period: 20000 } }, ['cpu.cfs_period_us=20000'], ['cpu.max=max 20000']],
  [
    { cpu: { quota: 5000, period: 20000, burst: 1000 } },
    ['cpu.cfs_period_us=20000 + cpu.cfs_quota_us=5000 + cpu.cfs_burst_us=1000'],
    ['cpu.max=5000 20000 + cpu.max.burst=1000'],
  ],
  [{ cpu: { burst: 0 } }, ['cpu.cfs_burst_us=0'], ['cpu.max.burst=0']],
  [{ cpu: { shares: 2, idle: 1 } }, ['cpu.shares=2 + cpu.idle=1'], ['cpu.weight=1 + cpu.idle=1']],
  [{ cpu: { shares: 2, idle: 0 } }, ['cpu.idle=0', 'cpu.shares=2'], ['cpu.idle=0', 'cpu.weight=1']],
  [{ cpu: { cpus: '0-1', mems: '0' } }, ['cpuset.cpus=0-1', 'cpuset.mems=0'], ['cpuset.cpus=0-1', 'cpuset.mems=0']],
  [{ cpu: { cpus: '', mems: '' } }, [], []],
  [{ cpu: { realtimePeriod: 0, realtimeRuntime: 0 } }, [], []],
  [{ pids: { limit: 7 } }, ['pids.max=7'], ['pids.max=7']],
  [{ pids: { limit: 0 } }, ['pids.max=1'], ['pids.max=1']],
  [{ pids: { limit: -1 } }, ['pids.max=max'], ['pids.max=max']],
  [{ blockIO: { weight: 500 } }, ['blkio.weight=500 | blkio.bfq.weight=500'], ['io.bfq.weight=500 | io.weight=4950']],
  [{ blockIO: { weight: 0, leafWeight: 0 } }, [], []],
  [{ blockIO: { leafWeight: 10 } }, ['blkio.leaf_weight=10'], 'blockIO leafWeight'],
  [
    { blockIO: { weightDevice: [{ major: 8, minor: 0, weight: 10 }] } },
    ['blkio.weight_device=8:0 10 | blkio.bfq.weight_device=8:0 10'],
    ['io.bfq.weight=8:0 10 | io.weight=8:0 1'],
  ],
  [
    { blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] } },
    ['blkio.leaf_weight_device=8:0 10'],
    'blockIO weightDevice leafWeight',
  ],
  [
    { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 18446744073709551615n }] } },
    ['blkio.throttle.read_bps_device=8:0 18446744073709551615'],
    ['io.max=8:0 rbps=18446744073709551615'],
  ],
  [
    {
      blockIO: {
        throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
        throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
        throttleWriteIOPSDevice: [
          { major: 8, minor: 0, rate: 4 },
          { major: 8, minor: 16, rate: 0 },
        ],
      },
    },
    [
      'blkio.throttle.write_bps_device=8:0 2',
      'blkio.throttle.read_iops_device=8:0 3',
      'blkio.throttle.write_iops_device=8:0 4',
      'blkio.throttle.write_iops_device=8:16 0',
    ],
    ['io.max=8:0 wbps=2', 'io.max=8:0 riops=3', 'io.max=8:0 wiops=4', 'io.max=8:16 wiops=max'],
  ],
  [
    { hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }] },
    ['hugetlb.2MB.limit_in_bytes=4194304', 'hugetlb.2MB.rsvd.limit_in_bytes=4194304'],
    ['hugetlb.2MB.max=4194304', 'hugetlb.2MB.rsvd.max=4194304'],
  ],
  [
    { rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 4 }, mlx4_0: { hcaObjects: 5 }, none: {} } },
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=4', 'rdma.max=mlx4_0 hca_object=5'],
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=4', 'rdma.max=mlx4_0 hca_object=5'],
  ],
  [{ network: { classID: 1048577 } }, ['net_cls.classid=1048577'], 'network classID'],
  [{ network: { classID: 0, priorities: [] } }, [], []],
  [{ network: { priorities: [{ name: 'eth0', priority: 5 }] } }, ['net_prio.ifpriomap=eth0 5'], 'network priorities'],
  [
    {
      memory: { limit: 5 },
      unified: { 'memory.high': '3', 'cgroup.max.depth': '2', 'io.max': '8:0 rbps=1\n8:1 rbps=2\n' },
    },
    'cannot use unified on cgroup v1',
    ['memory.max=5', 'memory.high=3', 'cgroup.max.depth=2', 'io.max=8:0 rbps=1', 'io.max=8:1 rbps=2'],
  ],
  [{ unified: {} }, [], []],
  [{ unified: { 'misc.max': 'x 1' } }, 'unified', `unified resource "misc.max" can't be set: controller "misc" not`],
  [{ unified: { 'cgroup.procs': '1' } }, 'unified', 'unified resource "cgroup.procs" is not a setting'],
  [{ unified: { 'cgroup.freeze': '1' } }, 'unified', 'unified resource "cgroup.freeze" is not a setting'],
  [{ unified: { memory: '1' } }, 'unified', 'unified resource "memory" is not a setting'],
  [{ unified: { 'memory..max': '1' } }, 'unified', 'is not a setting'],
];

for (const [resources, legacy, modern] of table) {
  const text = JSON.stringify(resources, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  t.test(`limits: ${text}`, async (t) => {
    for (const [make, wanted] of [
      [v1, legacy],
      [v2, modern],
    ] as const) {
      const faults: Diagnostic[] = [];
      const found = writes(make(resources, faults).ops);
      if (typeof wanted === 'string') {
        t.equal(faults.length, 1);
        t.match(faults[0]?.message, wanted);
        t.match(faults[0]?.pointer, /^\/linux\/resources\//);
      } else {
        t.strictSame(faults, []);
        t.strictSame(found, wanted);
      }
    }
  });
}

t.test('limits: realtime bandwidth is written before init joins, on v1 only', async (t) => {
  const resources = { cpu: { realtimePeriod: 1000000, realtimeRuntime: 500000 } };
  const made = v1(resources);
  t.strictSame(writes(made.ops), []);
  t.strictSame(writes(made.early), ['cpu.rt_period_us=1000000 + cpu.rt_runtime_us=500000']);
  const faults: Diagnostic[] = [];
  v2(resources, faults);
  t.match(faults, [{ message: /cpu realtimePeriod: cgroup v2 has no such setting/ }, { message: /realtimeRuntime/ }]);
});

t.test('limits: each part of an op has its origin', async (t) => {
  const [op] = v2({ cpu: { shares: 5, quota: 10000, burst: 1 } }).ops;
  t.strictSame(
    op?.items,
    ['shares', 'quota', 'burst'].map((name) => `/linux/resources/cpu/${name}`),
  );
});

t.test('limits: a change keeps the other half of a v2 value', async (t) => {
  const current = { quota: '30000', period: '60000', memoryLimit: 1000 };
  t.strictSame(writes(v2({ cpu: { quota: 9000 } }, [], current).ops), ['cpu.max=9000 60000']);
  t.strictSame(writes(v2({ cpu: { period: 9000 } }, [], current).ops), ['cpu.max=30000 9000']);
  t.strictSame(writes(v2({ memory: { swap: 1200 } }, [], current).ops), ['memory.swap.max=200']);
});

t.test('limits: the controllers in use are named, so that they are enabled', async (t) => {
  t.strictSame(v2({ cpu: { cpus: '0', shares: 5 }, pids: { limit: 3 } }).controllers, ['pids', 'cpuset', 'cpu']);
});

t.test('limits: defaults and ends of the weights correspond', async (t) => {
  t.strictSame([1, 2, 1024, 262144, 300000].map(cpuWeight), [1, 1, 100, 10000, 10000]);
  t.ok(cpuWeight(512) < 100 && cpuWeight(2048) > 100);
  t.strictSame([10, 500, 1000].map(ioWeight), [1, 4950, 10000]);
});
