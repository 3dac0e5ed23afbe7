import { existsSync } from 'node:fs';
import {
  cgroupDirectory,
  controllerOf,
  isUnified,
  lackingController,
  lackingSettings,
  readCgroup,
  schedulersOf,
  someDisk,
} from '../harness/cgroup.ts';
import {
  cpuBurst,
  cpuIdle,
  cpuQuota,
  cpuset,
  cpuShares,
  memoryAndSwap,
  memoryLimit,
  memoryReservation,
  pidsLimit,
  together,
} from '../harness/cgroup-settings.ts';
import type { Expected, Settings } from '../harness/cgroup-settings.ts';
import { grantCapabilities } from '../harness/config.ts';
import type { Attempt } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { CaseOptions } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const [MAJOR, MINOR] = (someDisk() ?? '0:0').split(':').map(Number);
const DISK = `${MAJOR}:${MINOR}`;

/** Weights belong to an I/O scheduler, which a disk must use to have its own weight. */
const HAS_BFQ = schedulersOf(DISK).includes('bfq');
const USES_BFQ = schedulersOf(DISK).includes('[bfq]');

/**
 * Fields of `linux.resources`, and the resulting files of cgroup v1 and v2; undefined if only the other version has
 * them.
 */
interface Row extends Settings<Expected | undefined> {
  readonly name: string;
  readonly resources: Record<string, unknown>;
  readonly deviates?: Record<string, string>;
}

function blockIo(name: string, rate = MIB): Record<string, unknown> {
  return { blockIO: { [name]: [{ major: MAJOR, minor: MINOR, rate }] } };
}

const OLD_RUNC = '1.1 does not know it';

const ROWS: readonly Row[] = [
  {
    name: 'memory.limit',
    resources: { memory: { limit: 64 * MIB } },
    v1: [['memory.limit_in_bytes', String(64 * MIB)]],
    v2: [
      ['memory.max', String(64 * MIB)],
      ['memory.swap.max', 'max'],
    ],
  },
  {
    name: 'memory.limit and reservation',
    resources: { memory: { limit: 64 * MIB, reservation: 32 * MIB } },
    ...together(memoryLimit(64 * MIB), memoryReservation(32 * MIB)),
  },
  {
    name: 'memory.limit -1',
    resources: { memory: { limit: -1 } },
    ...memoryAndSwap(-1, -1),
  },
  {
    name: 'memory.swap is memory plus swap',
    resources: { memory: { limit: 64 * MIB, swap: 96 * MIB } },
    ...memoryAndSwap(64 * MIB, 96 * MIB),
  },
  {
    name: 'memory.swap equal to limit is no swap',
    resources: { memory: { limit: 64 * MIB, swap: 64 * MIB } },
    ...memoryAndSwap(64 * MIB, 64 * MIB),
  },
  {
    name: 'memory.swap -1',
    resources: { memory: { limit: 64 * MIB, swap: -1 } },
    ...memoryAndSwap(64 * MIB, -1),
  },
  {
    name: 'memory.swappiness',
    resources: { memory: { swappiness: 33 } },
    v1: [['memory.swappiness', '33']],
    v2: undefined,
  },
  {
    name: 'memory.disableOOMKiller',
    resources: { memory: { limit: 64 * MIB, disableOOMKiller: true } },
    v1: [['memory.oom_control', 'oom_kill_disable 1\nunder_oom 0\noom_kill 0']],
    v2: undefined,
  },
  {
    name: 'memory.kernelTCP',
    resources: { memory: { kernelTCP: 4 * MIB } },
    v1: [['memory.kmem.tcp.limit_in_bytes', String(4 * MIB)]],
    v2: undefined,
    deviates: { runc: '1.1 ignores it' },
  },
  {
    name: 'memory.kernel -1 asks for nothing',
    resources: { memory: { kernel: -1, limit: 64 * MIB } },
    ...memoryLimit(64 * MIB),
  },
  {
    name: 'memory.checkBeforeUpdate asks nothing of a new container',
    resources: { memory: { limit: 64 * MIB, checkBeforeUpdate: true } },
    ...memoryLimit(64 * MIB),
  },
  {
    name: 'cpu.shares',
    resources: { cpu: { shares: 512 } },
    ...cpuShares(512, 59),
    deviates: isUnified() ? { runc: '1.1 has the old formula', crun: '1.8 has the old formula' } : {},
  },
  {
    name: 'cpu.shares of 1024, the default of both',
    resources: { cpu: { shares: 1024 } },
    ...cpuShares(1024, 100),
    deviates: isUnified() ? { runc: '1.1 has the old formula', crun: '1.8 has the old formula' } : {},
  },
  {
    name: 'cpu.quota and period',
    resources: { cpu: { quota: 20_000, period: 50_000 } },
    ...cpuQuota(20_000, 50_000),
  },
  {
    name: 'cpu.quota alone',
    resources: { cpu: { quota: 30_000 } },
    ...cpuQuota(30_000, 100_000),
  },
  {
    name: 'cpu.quota and burst',
    resources: { cpu: { quota: 20_000, period: 50_000, burst: 10_000 } },
    ...cpuBurst(10_000),
    deviates: { runc: OLD_RUNC },
  },
  {
    name: 'cpu.idle',
    resources: { cpu: { idle: 1 } },
    ...cpuIdle(1),
    deviates: { runc: OLD_RUNC },
  },
  {
    name: 'cpu.cpus and mems',
    resources: { cpu: { cpus: '0', mems: '0' } },
    ...cpuset('0', '0'),
  },
  {
    name: 'cpu.realtimeRuntime and realtimePeriod',
    resources: { cpu: { realtimeRuntime: 10_000, realtimePeriod: 500_000 } },
    v1: existsSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us')
      ? [
          ['cpu.rt_runtime_us', '10000'],
          ['cpu.rt_period_us', '500000'],
        ]
      : undefined,
    v2: undefined,
  },
  { name: 'pids.limit', resources: { pids: { limit: 55 } }, ...pidsLimit(55) },
  { name: 'pids.limit -1', resources: { pids: { limit: -1 } }, ...pidsLimit('max') },
  {
    name: 'pids.limit 0 is the smallest there is',
    resources: { pids: { limit: 0 } },
    ...pidsLimit(1),
    deviates: { runc: '1.1 takes 0 as no limit', crun: 'takes 0 as no limit' },
  },
  { name: 'pids.limit absent', resources: {}, ...pidsLimit('max') },
  { name: 'pids without a limit', resources: { pids: {} }, ...pidsLimit('max') },
  {
    name: 'blockIO.weight',
    resources: { blockIO: { weight: 500 } },
    v1: HAS_BFQ ? [['blkio.bfq.weight', '500']] : undefined,
    v2: HAS_BFQ ? [['io.bfq.weight', 'default 500']] : undefined,
    deviates: { crun: '1.8 knows blkio.weight only' },
  },
  {
    name: 'blockIO.weightDevice',
    resources: { blockIO: { weightDevice: [{ major: MAJOR, minor: MINOR, weight: 300 }] } },
    v1: USES_BFQ ? [['blkio.bfq.weight_device', `default 100\n${DISK} 300`]] : undefined,
    v2: USES_BFQ ? [['io.bfq.weight', `default 100\n${DISK} 300`]] : undefined,
    deviates: { crun: '1.8 knows blkio.weight_device only' },
  },
  {
    name: 'blockIO.throttleReadBpsDevice',
    resources: blockIo('throttleReadBpsDevice'),
    v1: [['blkio.throttle.read_bps_device', `${DISK} ${MIB}`]],
    v2: [['io.max', `${DISK} rbps=${MIB} wbps=max riops=max wiops=max`]],
  },
  {
    name: 'blockIO.throttleWriteBpsDevice',
    resources: blockIo('throttleWriteBpsDevice'),
    v1: [['blkio.throttle.write_bps_device', `${DISK} ${MIB}`]],
    v2: [['io.max', `${DISK} rbps=max wbps=${MIB} riops=max wiops=max`]],
  },
  {
    name: 'blockIO.throttleReadIOPSDevice',
    resources: blockIo('throttleReadIOPSDevice', 100),
    v1: [['blkio.throttle.read_iops_device', `${DISK} 100`]],
    v2: [['io.max', `${DISK} rbps=max wbps=max riops=100 wiops=max`]],
  },
  {
    name: 'blockIO.throttleWriteIOPSDevice',
    resources: blockIo('throttleWriteIOPSDevice', 100),
    v1: [['blkio.throttle.write_iops_device', `${DISK} 100`]],
    v2: [['io.max', `${DISK} rbps=max wbps=max riops=max wiops=100`]],
  },
  {
    name: 'hugepageLimits, pages in use and pages promised',
    resources: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MIB }] },
    v1: [
      ['hugetlb.2MB.limit_in_bytes', String(4 * MIB)],
      ['hugetlb.2MB.rsvd.limit_in_bytes', String(4 * MIB)],
    ],
    v2: [
      ['hugetlb.2MB.max', String(4 * MIB)],
      ['hugetlb.2MB.rsvd.max', String(4 * MIB)],
    ],
  },
  {
    name: 'network.classID',
    resources: { network: { classID: 1_048_577 } },
    v1: [['net_cls.classid', '1048577']],
    v2: undefined,
  },
  {
    name: 'network.priorities',
    resources: { network: { priorities: [{ name: 'lo', priority: 7 }] } },
    v1: [['net_prio.ifpriomap', 'lo 7']],
    v2: undefined,
  },
  {
    name: 'unified',
    resources: { unified: { 'memory.high': String(48 * MIB), 'pids.max': '44', 'cgroup.max.depth': '3' } },
    v1: undefined,
    v2: [
      ['memory.high', String(48 * MIB)],
      ['pids.max', '44'],
      ['cgroup.max.depth', '3'],
    ],
  },
  {
    name: 'unified wins over the field that means the same',
    resources: { pids: { limit: 5 }, unified: { 'pids.max': '44' } },
    v1: undefined,
    v2: [['pids.max', '44']],
  },
  {
    name: 'unified with a value of several lines',
    resources: { unified: { 'io.max': `${DISK} rbps=1048576\n${DISK} wiops=10` } },
    v1: undefined,
    v2: [['io.max', `${DISK} rbps=1048576 wbps=max riops=max wiops=10`]],
  },
];

function lacking(files: Expected | undefined): string | undefined {
  if (files === undefined) return `cgroup v${isUnified() ? 2 : 1} of this kernel has no such setting`;
  const noDisk = files.some(([, value]) => value.startsWith('0:0 ')) ? 'no disk on this host' : undefined;
  return lackingSettings(files) ?? noDisk;
}

for (const { name, resources, v1, v2, deviates } of ROWS) {
  const files = isUnified() ? v2 : v1;
  const options: CaseOptions = { lacking: lacking(files), ...(deviates === undefined ? {} : { deviates }) };
  forEachRuntime(
    `resources.${name}`,
    async (t, rt) => {
      let path = '';
      const container = await rt.created((config) => {
        Object.assign(config.linux.resources, resources);
        path = config.linux.cgroupsPath;
      });
      for (const [file, value] of files ?? []) {
        // Some files have a line for every device or interface, which must include the one that was set.
        const found = readCgroup(controllerOf(file), path, file);
        const lines = file === 'net_prio.ifpriomap' ? found.split('\n').find((line) => line === value) : found;
        t.equal(lines, value, file);
      }
      await container.remove('--force');
    },
    options,
  );
}

/** CPU time used so far by all processes of a cgroup, in microseconds. */
function processorTime(path: string): number {
  if (!isUnified()) return Number(readCgroup('cpuacct', path, 'cpuacct.usage')) / 1000;
  return Number(/^usage_usec (\d+)/m.exec(readCgroup('cpu', path, 'cpu.stat'))?.[1]);
}

forEachRuntime('cpu.quota of half a period gives half of one CPU', async (t, rt) => {
  let path = '';
  const container = await rt.started([], (config) => {
    // The shares keep other work on the host from taking the time that the quota grants.
    config.linux.resources['cpu'] = { quota: 50_000, period: 100_000, shares: 262_144 };
    config.process.args = ['/bin/sh', '-c', 'while :; do :; done'];
    path = config.linux.cgroupsPath;
  });
  await until('the loop runs', () => processorTime(path) > 200_000);
  const measure = async (): Promise<number> => {
    // The time is measured around the usage: a stalled process sees less than the quota, never more.
    const [timeBefore, usedBefore] = [performance.now(), processorTime(path)];
    await until('three seconds have passed', () => performance.now() - timeBefore >= 3000);
    return (processorTime(path) - usedBefore) / ((performance.now() - timeBefore) * 1000);
  };
  // A busy host may grant less than the quota for a while, but never more.
  let share = 0;
  for (let attempt = 0; attempt < 6 && share < 0.45; attempt++) {
    share = await measure();
    t.ok(share < 0.55, `${(share * 100).toFixed(1)} % of one processor`);
  }
  t.ok(share > 0.45, 'the quota is used up');
  await container.remove('--force');
});

forEachRuntime('pids.limit stops fork with EAGAIN', async (t, rt) => {
  const [forks] = await rt.observe<[{ made: number; errno: string }]>([['fork', '50']], (config) => {
    config.linux.resources['pids'] = { limit: 10 };
  });
  t.equal(forks.errno, 'EAGAIN');
  t.equal(forks.made, 9, 'the program itself is the tenth');
});

/** Kernels since Linux 6.12 may lack these for cgroup v1. */
const NEEDS_MEMORY = { lacking: lackingController('memory') };
const NEEDS_CPUSET = { lacking: lackingController('cpuset') };

forEachRuntime(
  'memory.limit: a process that needs more is killed, and the kernel counts it',
  async (t, rt) => {
    let path = '';
    const container = await rt.started(['memhog', String(200 * MIB)], (config) => {
      config.linux.resources['memory'] = { limit: 16 * MIB, swap: 16 * MIB };
      path = config.linux.cgroupsPath;
    });
    await until('the program was killed', async () => (await container.state()).status === 'stopped');
    const events = readCgroup('memory', path, isUnified() ? 'memory.events' : 'memory.oom_control');
    t.match(events, /^oom_kill [1-9]/m);
    await container.remove();
  },
  NEEDS_MEMORY,
);

forEachRuntime(
  'memory.limit: `run` ends with 137',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.linux.resources['memory'] = { limit: 16 * MIB, swap: 16 * MIB };
      config.process.args = ['/bin/probe', 'memhog', String(200 * MIB)];
    });
    t.equal(outcome.status, 137);
  },
  NEEDS_MEMORY,
);

forEachRuntime(
  'memory.limit too low for init itself: create reports it',
  async (t, rt) => {
    const outcome = await rt.create(rt.bundle((config) => (config.linux.resources['memory'] = { limit: 4096 })));
    t.equal(outcome.outcome.status, 1);
    // v1 refuses the limit because of the current usage; v2 accepts it and kills.
    t.match(
      outcome.outcome.stderr,
      isUnified()
        ? /container init was OOM-killed \(memory limit too low\?\)/
        : /unable to set memory limit to 4096 \(current usage: \d+, peak usage: \d+\)[^]*raise it; it is in bytes|OOM-killed/,
    );
  },
  { ...NEEDS_MEMORY, deviates: { runc: '1.1 has other messages', crun: 'other messages' } },
);

forEachRuntime(
  'memory.max too low for init, written long after the setup of init: create still reports it',
  async (t, rt) => {
    const lines = [...Array<string>(5000).fill('max'), '4096'].join('\n');
    const made = await rt.create(rt.bundle((config) => (config.linux.resources['unified'] = { 'memory.max': lines })));
    t.match(made.outcome, { status: 1, stderr: /container init was OOM-killed/ });
  },
  {
    lacking: isUnified() ? NEEDS_MEMORY.lacking : 'cgroup v1 refuses a limit below what is used',
    deviates: { runc: 'its limits are set before', crun: 'its limits are set before' },
  },
);

forEachRuntime(
  'memory.limit of 1 MiB still starts /bin/true',
  async (t, rt) => {
    let path = '';
    const container = await rt.created((config) => {
      config.linux.resources['memory'] = { limit: MIB };
      config.process.args = ['/bin/true'];
      path = config.linux.cgroupsPath;
    });
    t.equal(readCgroup('memory', path, isUnified() ? 'memory.max' : 'memory.limit_in_bytes'), String(MIB));
    t.equal((await container.start()).status, 0);
    await until('it has ended', async () => (await container.state()).status === 'stopped');
    const events = readCgroup('memory', path, isUnified() ? 'memory.events' : 'memory.oom_control');
    t.match(events, /^oom_kill 0$/m);
    await container.remove();
    const outcome = await rt.run((config) => {
      config.linux.resources['memory'] = { limit: MIB };
      config.process.args = ['/bin/true'];
    });
    t.equal(outcome.status, 0);
  },
  { ...NEEDS_MEMORY, deviates: { runc: 'needs more itself', crun: 'may need more itself' } },
);

forEachRuntime(
  'cpu.cpus applies to the program',
  async (t, rt) => {
    const [ids] = await rt.observe<[{ cpus: string }]>(
      [['ids']],
      (config) => (config.linux.resources['cpu'] = { cpus: '1' }),
    );
    t.equal(ids.cpus, '1');
  },
  NEEDS_CPUSET,
);

forEachRuntime(
  'resources.devices: a denied device in an allowed range is denied, or refused as a whole',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      grantCapabilities(config, 'CAP_MKNOD', 'CAP_DAC_OVERRIDE');
      config.linux.resources.devices = [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, access: 'rwm' },
        { allow: false, type: 'c', major: 1, minor: 11, access: 'rw' },
      ];
      config.linux.devices = [{ path: '/dev/log', type: 'c', major: 1, minor: 11, fileMode: 0o666 }];
      config.process.args = ['/bin/probe', 'open', '/dev/log', 'r'];
    });
    const outcome = await rt.runBundle(bundle);
    if (isUnified()) {
      t.equal((JSON.parse(outcome.stdout) as Attempt).errno, 'EPERM');
    } else {
      // The v1 controller has no exceptions from exceptions: it accepts the rule and does nothing.
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /1:11/);
    }
  },
  { deviates: { runc: '1.1 has other messages', crun: '1.8 leaves the hole open on v1' } },
);

forEachRuntime(
  'a v2 cgroup belongs to the user of a container that sees it as its own through a writable mount',
  async (t, rt) => {
    const [made] = await rt.observe<[Attempt]>([['mkdir', '/sys/fs/cgroup/child']], (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.linux.namespaces.push({ type: 'cgroup' });
      config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid'] });
    });
    t.equal(made.errno, null);
  },
  {
    lacking: isUnified() ? undefined : 'cgroup v1 cannot be delegated',
    deviates: { runc: '1.1 only with systemd', crun: '1.8 only with a user namespace' },
  },
);

const HAS_RDMA = lackingController('rdma') === undefined;

/** Configurations for which no cgroup can be made; the last column is the place. */
const REFUSED: readonly (readonly [Record<string, unknown>, RegExp, 1 | 2 | undefined])[] = [
  [{ memory: { limit: 1000, swap: 500 } }, /memory\+swap limit should be >= memory limit|swap/, undefined],
  [{ memory: { swap: 1_000_000 } }, /unable to set swap limit without memory limit|swap/, undefined],
  [{ cpu: { cpus: '99' } }, /cpuset\.cpus.*(?:out of range|invalid argument)/i, 1],
  [{ cpu: { mems: '99' } }, /cpuset\.mems.*(?:out of range|invalid argument)/i, undefined],
  [{ cpu: { shares: 1 } }, /the minimum allowed cpu-shares is 2/, 1],
  [{ cpu: { shares: 262_145 } }, /the maximum allowed cpu-shares is 262144/, 1],
  [
    { cpu: { quota: 10 } },
    /cpu\.quota must be at least 1000 microseconds|cpu\.(?:cfs_quota_us|max).*invalid argument/,
    undefined,
  ],
  [{ cpu: { period: 10 } }, /cpu\.period must be from 1000 to|cpu\.(?:cfs_period_us|max).*invalid argument/, undefined],
  [{ cpu: { realtimeRuntime: 1000 } }, /cpu realtimeRuntime: cgroup v2 has no such setting/, 2],
  [{ memory: { swappiness: 5 } }, /memory swappiness: cgroup v2 has no such setting/, 2],
  [{ memory: { disableOOMKiller: true } }, /memory disableOOMKiller: cgroup v2 has no such setting/, 2],
  [{ cpu: { realtimePeriod: 1000 } }, /cpu realtimePeriod: cgroup v2 has no such setting/, 2],
  [{ memory: { kernel: 4096 } }, /memory kernel: cgroup v2 has no such setting/, 2],
  [{ memory: { kernelTCP: 4096 } }, /memory kernelTCP: cgroup v2 has no such setting/, 2],
  [{ network: { classID: 5 } }, /network classID: cgroup v2 has no such setting/, 2],
  [{ network: { priorities: [{ name: 'lo', priority: 1 }] } }, /network priorities: cgroup v2 has no such setting/, 2],
  [
    { blockIO: { leafWeight: 10 } },
    /blkio\.leaf_weight.*no such file|leafWeight: cgroup v2 has no such setting/,
    undefined,
  ],
  [
    { blockIO: { weightDevice: [{ major: 4000, minor: 0, leafWeight: 100 }] } },
    /blkio\.leaf_weight_device.*no such file|leafWeight: cgroup v2 has no such setting/,
    undefined,
  ],
  [{ blockIO: { weight: 5 } }, /blockIO\.weight must be from 10 to 1000, found 5/, undefined],
  [
    { blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 0, rate: 5 }] } },
    /(?:read_bps_device|io\.max).*no such device/,
    undefined,
  ],
  [
    { blockIO: { weightDevice: [{ major: 4000, minor: 0, weight: 100 }] } },
    /weight.*(?:no such|not supported|invalid argument)/,
    undefined,
  ],
  [{ hugepageLimits: [{ pageSize: '3MB', limit: 5 }] }, /hugetlb/, undefined],
  [{ rdma: { nosuch: { hcaHandles: 3 } } }, HAS_RDMA ? /"nosuch hca_handle=3" to ".*rdma\.max"/ : /rdma/, undefined],
  [{ rdma: { nosuch: { hcaObjects: 4 } } }, HAS_RDMA ? /"nosuch hca_object=4" to ".*rdma\.max"/ : /rdma/, undefined],
  [{ unified: { 'memory.max': '1' } }, /cannot use unified on cgroup v1/, 1],
  [{ unified: { 'cgroup.procs': '1' } }, /unified resource "cgroup\.procs" is not a setting/, 2],
  [{ unified: { 'nosuch.max': '1' } }, /unified resource "nosuch\.max" can't be set: controller "nosuch"/, 2],
  [{ unified: { 'memory.nosuch': '1' } }, /memory\.nosuch.*no such file/, 2],
  [{ unified: { 'a/b': '1' } }, /unified resource "a\/b" must be a file name \(no slashes\)/, undefined],
];

for (const [resources, words, version] of REFUSED) {
  const otherVersion = version !== undefined && version !== (isUnified() ? 2 : 1);
  const lacking = words.source.startsWith('cpuset') ? NEEDS_CPUSET.lacking : undefined;
  forEachRuntime(
    `resources ${JSON.stringify(resources)} is refused`,
    async (t, rt) => {
      const outcome = await rt.run((config) => Object.assign(config.linux.resources, resources));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/linux\/resources\//);
    },
    {
      oursOnly: 'the messages and the places in config.json are specific to rt',
      lacking: otherVersion ? `cgroup v${version} only` : lacking,
    },
  );
}

forEachRuntime(
  'a failed limit is undone, and the cgroup is removed',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.resources['cpu'] = { mems: '99' };
    });
    t.not((await rt.runBundle(bundle)).status, 0);
    t.notOk(existsSync(cgroupDirectory('cpuset', bundle.config.linux.cgroupsPath)));
  },
  NEEDS_CPUSET,
);

forEachRuntime(
  'resources.memory.kernel of cgroup v1 is written, with a warning that kernels since 5.16 ignore it',
  async (t, rt) => {
    const warning = /^rt: warning: a limit of kernel memory has no effect since Linux 5\.16/;
    const bundle = rt.bundle((config) => {
      config.linux.resources = { ...config.linux.resources, memory: { kernel: 64 * MIB } };
      config.process.args = ['/bin/probe', 'wait'];
    });
    const { id, outcome } = await rt.create(bundle);
    t.match(outcome.stderr, warning);
    const updated = await rt.commandWith(
      { input: `{"memory": {"kernel": ${32 * MIB}}}` },
      'update',
      '--resources',
      '-',
      id,
    );
    t.strictSame([updated.status, warning.test(updated.stderr)], [0, true], updated.stderr);
    await rt.command('delete', '--force', id);
  },
  {
    oursOnly: 'the messages are specific to rt',
    lacking: isUnified() ? 'cgroup v1 only' : lackingController('memory'),
  },
);
