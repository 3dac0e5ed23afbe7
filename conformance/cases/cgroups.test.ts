import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';
import { cgroupsWithPrefix, hierarchies, isUnified, readCgroup } from '../harness/cgroup.ts';
import { forEachRuntime } from '../harness/runtimes.ts';

/** Fields of `linux.resources`, and what the files of cgroup v1 and v2 must say for them. */
interface Row {
  readonly name: string;
  readonly resources: Record<string, unknown>;
  /** controller, file, value */
  readonly v1: readonly (readonly [string, string, string])[];
  readonly v2: readonly (readonly [string, string])[];
}

const MIB = 1_048_576;

const ROWS: readonly Row[] = [
  {
    name: 'memory.limit',
    resources: { memory: { limit: 64 * MIB } },
    v1: [['memory', 'memory.limit_in_bytes', String(64 * MIB)]],
    v2: [['memory.max', String(64 * MIB)]],
  },
  {
    name: 'memory.limit and reservation',
    resources: { memory: { limit: 64 * MIB, reservation: 32 * MIB } },
    v1: [
      ['memory', 'memory.limit_in_bytes', String(64 * MIB)],
      ['memory', 'memory.soft_limit_in_bytes', String(32 * MIB)],
    ],
    v2: [['memory.low', String(32 * MIB)]],
  },
  {
    name: 'memory.limit -1',
    resources: { memory: { limit: -1 } },
    v1: [['memory', 'memory.limit_in_bytes', '9223372036854771712']],
    v2: [['memory.max', 'max']],
  },
  {
    name: 'memory.swappiness',
    resources: { memory: { swappiness: 33 } },
    v1: [['memory', 'memory.swappiness', '33']],
    v2: [],
  },
  {
    name: 'memory.disableOOMKiller',
    resources: { memory: { limit: 64 * MIB, disableOOMKiller: true } },
    v1: [['memory', 'memory.oom_control', 'oom_kill_disable 1\nunder_oom 0\noom_kill 0']],
    v2: [],
  },
  {
    name: 'cpu.shares',
    resources: { cpu: { shares: 512 } },
    v1: [['cpu', 'cpu.shares', '512']],
    v2: [['cpu.weight', '59']],
  },
  {
    name: 'cpu.quota and period',
    resources: { cpu: { quota: 20_000, period: 50_000 } },
    v1: [
      ['cpu', 'cpu.cfs_quota_us', '20000'],
      ['cpu', 'cpu.cfs_period_us', '50000'],
    ],
    v2: [['cpu.max', '20000 50000']],
  },
  {
    name: 'cpu.quota alone',
    resources: { cpu: { quota: 30_000 } },
    v1: [['cpu', 'cpu.cfs_quota_us', '30000']],
    v2: [['cpu.max', '30000 100000']],
  },
  {
    name: 'cpu.quota and burst',
    resources: { cpu: { quota: 20_000, period: 50_000, burst: 10_000 } },
    v1: [['cpu', 'cpu.cfs_burst_us', '10000']],
    v2: [['cpu.max.burst', '10000']],
  },
  { name: 'cpu.idle', resources: { cpu: { idle: 1 } }, v1: [['cpu', 'cpu.idle', '1']], v2: [['cpu.idle', '1']] },
  {
    name: 'cpu.cpus and mems',
    resources: { cpu: { cpus: '0', mems: '0' } },
    v1: [
      ['cpuset', 'cpuset.cpus', '0'],
      ['cpuset', 'cpuset.mems', '0'],
    ],
    v2: [['cpuset.cpus', '0']],
  },
  {
    name: 'pids.limit',
    resources: { pids: { limit: 55 } },
    v1: [['pids', 'pids.max', '55']],
    v2: [['pids.max', '55']],
  },
  {
    name: 'pids.limit -1',
    resources: { pids: { limit: -1 } },
    v1: [['pids', 'pids.max', 'max']],
    v2: [['pids.max', 'max']],
  },
  { name: 'pids.limit absent', resources: {}, v1: [['pids', 'pids.max', 'max']], v2: [['pids.max', 'max']] },
];

const RUNC_LACKS: Record<string, string> = { 'cpu.idle': '1.1 has no idle', 'cpu.quota and burst': '1.1 has no burst' };

for (const { name, resources, v1, v2 } of ROWS) {
  forEachRuntime(
    `resources.${name}`,
    async (t, rt) => {
      let path = '';
      const container = await rt.created((config) => {
        Object.assign(config.linux.resources, resources);
        path = config.linux.cgroupsPath;
      });
      const files = isUnified() ? v2.map(([file, value]) => ['', file, value] as const) : v1;
      for (const [controller, file, value] of files) t.equal(readCgroup(controller, path, file), value, file);
      await container.remove('--force');
    },
    { deviates: name in RUNC_LACKS ? { runc: RUNC_LACKS[name] ?? '' } : {} },
  );
}

forEachRuntime(
  'pids.limit 0 becomes the smallest limit there is',
  async (t, rt) => {
    let path = '';
    const container = await rt.created((config) => {
      config.linux.resources['pids'] = { limit: 0 };
      path = config.linux.cgroupsPath;
    });
    t.equal(readCgroup('pids', path, 'pids.max'), '1');
    await container.remove('--force');
  },
  { deviates: { runc: '1.1 takes 0 as no limit', crun: 'takes 0 as no limit' } },
);

forEachRuntime('pids.limit stops fork with EAGAIN', async (t, rt) => {
  const [forks] = await rt.observe<[{ made: number; errno: string }]>([['fork', '50']], (config) => {
    config.linux.resources['pids'] = { limit: 10 };
  });
  t.equal(forks.errno, 'EAGAIN');
  t.equal(forks.made, 9, 'the program itself is the tenth');
});

forEachRuntime('memory.limit kills what needs more', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.linux.resources['memory'] = { limit: 16 * MIB, swap: 16 * MIB };
    config.process.args = ['/bin/probe', 'memhog', String(200 * MIB)];
  });
  t.equal(outcome.status, 137);
});

forEachRuntime(
  'memory.limit of 1 MiB still starts a small program',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.linux.resources['memory'] = { limit: MIB };
      config.process.args = ['/bin/probe', 'echo', 'small'];
    });
    t.equal(outcome.stdout, 'small');
  },
  { deviates: { runc: 'needs more itself', crun: 'may need more itself' } },
);

forEachRuntime('cpu.cpus holds for the program', async (t, rt) => {
  const [ids] = await rt.observe<[{ cpus: string }]>(
    [['ids']],
    (config) => (config.linux.resources['cpu'] = { cpus: '1' }),
  );
  t.equal(ids.cpus, '1');
});

forEachRuntime(
  'linux.cgroupsPath: the program is in it, in every hierarchy, as soon as create has returned',
  async (t, rt) => {
    let path = '';
    const container = await rt.created((config) => (path = config.linux.cgroupsPath));
    const { pid } = await container.state();
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
    // A hierarchy may exist without being mounted anywhere: nobody can put a process there.
    const mounted = (line: string): boolean => {
      const names = (line.split(':')[1] ?? '').replace('name=', '').split(',');
      return names.some((name) => hierarchies().some((hierarchy) => hierarchy.endsWith(`/${name || 'unified'}`)));
    };
    for (const line of lines.filter(mounted)) t.equal(line.split(':').slice(2).join(':'), path, line);
    for (const hierarchy of hierarchies()) {
      t.match(readFileSync(join(hierarchy, path, 'cgroup.procs'), 'utf8'), String(pid), hierarchy);
    }
    await container.remove('--force');
  },
);

forEachRuntime('linux.cgroupsPath may have several components', async (t, rt) => {
  let path = '';
  const container = await rt.created((config) => {
    path = `${config.linux.cgroupsPath}/inner/leaf`;
    config.linux.cgroupsPath = path;
  });
  const { pid } = await container.state();
  t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `:${path}\n`);
  await container.remove('--force');
  for (const hierarchy of hierarchies()) {
    t.notOk(existsSync(join(hierarchy, path)), hierarchy);
    // The parents are the engine's to remove.
    for (const parent of ['/inner', '']) {
      const dir = join(hierarchy, path.replace('/inner/leaf', parent));
      if (existsSync(dir)) rmdirSync(dir);
    }
  }
});

for (const path of ['../escape', '/../../escape', '/a/../../escape']) {
  forEachRuntime(`linux.cgroupsPath ${path} does not leave the hierarchy`, async (t, rt) => {
    const outcome = await rt.run(
      (config) => (config.linux.cgroupsPath = path.replace('escape', config.linux.cgroupsPath.slice(1))),
    );
    for (const hierarchy of hierarchies()) t.notOk(existsSync(join(hierarchy, '..', rt.prefix)));
    t.ok([0, 1].includes(outcome.status));
  });
}

forEachRuntime(
  'a cgroup that is not empty is not taken over',
  async (t, rt) => {
    const first = await rt.created();
    const second = await rt.create(
      rt.bundle((config) => (config.linux.cgroupsPath = `/${first.id.replace(/\d+$/, '0')}`)),
    );
    t.equal(second.outcome.status, 1);
    t.match(second.outcome.stderr, /cgroup is not empty/);
    t.equal((await first.state()).status, 'created');
    await first.remove('--force');
  },
  { deviates: { runc: '1.1 only warns', crun: 'joins it' } },
);

forEachRuntime('an empty cgroup made by the engine is used and removed', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'echo', 'here']));
  mkdirSync(join('/sys/fs/cgroup', isUnified() ? '' : 'memory', bundle.config.linux.cgroupsPath));
  t.equal((await rt.runBundle(bundle)).stdout, 'here');
  t.strictSame(cgroupsWithPrefix(rt.prefix), []);
});

forEachRuntime('delete kills what a program left in a shared pid namespace', async (t, rt) => {
  const container = await rt.started([], (config: TestConfig) => {
    config.process.args = ['/bin/sh', '-c', 'busybox sleep 1000 & echo $!'];
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
  });
  const { until } = await import('../harness/wait.ts');
  await until('the program ended', async () => (await container.state()).status === 'stopped');
  t.equal((await container.remove('--force')).status, 0);
});

for (const [resources, words] of [
  [{ memory: { limit: 1000, swap: 500 } }, /memory\+swap limit should be >= memory limit|swap/],
  [{ memory: { swap: 1_000_000 } }, /unable to set swap limit without memory limit|swap/],
  [{ cpu: { cpus: '99' } }, /cpuset|cpus|numerical result out of range|invalid argument/i],
  [{ unified: { 'memory.max': '1' } }, /cannot use unified on cgroup v1|unified/],
] as const) {
  forEachRuntime(
    `resources ${JSON.stringify(resources)} is refused`,
    async (t, rt) => {
      const outcome = await rt.run((config) => Object.assign(config.linux.resources, resources));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
    },
    { deviates: { crun: 'other words', ...('memory' in resources ? { runc: '1.1 leaves it to the kernel' } : {}) } },
  );
}
