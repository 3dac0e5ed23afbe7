import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isUnified } from '../harness/cgroup.ts';
import type { Mutation } from '../harness/config.ts';
import { answers } from '../harness/guest.ts';
import type { Text } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';

const MIB = 1_048_576;

/** Why no v1 hierarchy of a controller can be mounted: the kernel must have it, and it must not be in use elsewhere. */
function lackingFree(controller: string): string | undefined {
  if (isUnified()) return 'cgroup v1 only';
  const line = readFileSync('/proc/cgroups', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${controller}\t`));
  if (line === undefined) return `this kernel has no cgroup v1 controller ${controller}`;
  return existsSync(join('/sys/fs/cgroup', controller)) ? 'resources.test.ts: the host has its hierarchy' : undefined;
}

const network = (value: Record<string, unknown>): Mutation => {
  return (config) => (config.linux.resources = { ...config.linux.resources, network: value });
};

/** Controller, setting, file, and the file's expected contents. */
const settings: readonly (readonly [string, Mutation, string, RegExp])[] = [
  ['net_cls', network({ classID: 0x10_0001 }), 'net_cls.classid', /^1048577$/],
  ['net_prio', network({ priorities: [{ name: 'lo', priority: 7 }] }), 'net_prio.ifpriomap', /^lo 7$/m],
  [
    'hugetlb',
    (config) => {
      const hugepageLimits = [{ pageSize: '2MB', limit: 4 * MIB }];
      config.linux.resources = { ...config.linux.resources, hugepageLimits };
    },
    'hugetlb.2MB.limit_in_bytes',
    new RegExp(`^${4 * MIB}$`),
  ],
  [
    'rdma',
    (config) => {
      config.linux.resources = { ...config.linux.resources, rdma: { mlx5_0: { hcaHandles: 2 } } };
    },
    'rdma.max',
    /^mlx5_0 hca_handle=2/,
  ],
];

function withController(controller: string): string[] {
  const script = join(REPOSITORY, 'conformance/harness/with-controllers.sh');
  return ['unshare', '--mount', '--propagation=private', script, controller];
}

void t.test(
  'a hierarchy mounted for one run stays when another run gives it back',
  { skip: lackingFree('hugetlb') ?? false },
  async (t) => {
    const [command = '', ...words] = withController('hugetlb');
    const script = 'echo mounted; read line; mountpoint --quiet /sys/fs/cgroup/hugetlb';
    const first = spawn(command, [...words, 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(first, 'exit');
    await once(first.stdout, 'data');
    t.equal((await run([command, ...words, 'true'])).status, 0);
    first.stdin.end();
    t.strictSame(await ended, [0, null]);
  },
);

for (const [controller, mutate, file, value] of settings) {
  // No test machine has such a device, and the kernel accepts only limits of existing ones.
  const lacking =
    controller === 'rdma' && !existsSync('/sys/class/infiniband/mlx5_0')
      ? 'this host has no RDMA device'
      : lackingFree(controller);
  forEachRuntime(
    `resources of ${controller} on cgroup v1, with a hierarchy mounted for the case`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => {
        config.linux.namespaces.push({ type: 'cgroup' });
        config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] });
        config.process.args = ['/bin/probe', 'read', `/sys/fs/cgroup/${controller}/${file}`, '--'];
        config.process.args.push('read', '/proc/self/cgroup');
        mutate(config);
      });
      const outcome = await rt.commandThrough(withController(controller), 'run', '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 0, outcome.stderr);
      const [setting, own] = answers(outcome.stdout) as [Text, Text];
      t.match(setting.text.trim(), value, `${file} as the container sees it`);
      t.match(own.text, new RegExp(`:${controller}:/$`, 'm'), 'the container is in a cgroup of this hierarchy');
    },
    { lacking, deviates: { crun: 'wants more controllers than these' } },
  );
}
