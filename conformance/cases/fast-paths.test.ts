/** Optimizations do not change the result: the container is the same if they are switched off. */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { isUnified, lackingController } from '../harness/cgroup.ts';
import type { TestConfig, TestMount } from '../harness/config.ts';
import { answers, guestProgram } from '../harness/guest.ts';
import type { Text } from '../harness/guest.ts';
import { parseMountinfo } from '../harness/mountinfo.ts';
import type { Mount } from '../harness/mountinfo.ts';
import { run } from '../harness/process.ts';
import { PLAIN_NODE, REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

const OURS = { oursOnly: 'what is switched off is ours', lacking: lackingController('pids') };

/** Of the cases that compare with the Node host. */
const OF_BOTH = {
  ...OURS,
  lacking: existsSync(join(REPOSITORY, 'build', 'node', 'rt.js')) ? OURS.lacking : 'there is no Node host here',
};

/** A container that uses each kind of operation. */
function configure(config: TestConfig): void {
  config.mounts.push(
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'size=64k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1700', 'size=8k'] },
  );
  config.linux.resources = { ...config.linux.resources, pids: { limit: 77 } };
  config.linux.maskedPaths = ['/proc/kcore', '/proc/acpi', '/proc/scsi', '/sys/firmware', '/proc/timer_list'];
  config.linux.readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
  config.linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['acct', 'swapon'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
  };
  config.linux.sysctl = { 'net.ipv4.ip_unprivileged_port_start': '0' };
  config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
  const pids = isUnified() ? '/sys/fs/cgroup/pids.max' : '/sys/fs/cgroup/pids/pids.max';
  const verbs = [
    ['read', '/proc/self/mountinfo'],
    ['read', '/proc/self/cgroup'],
    ['read', '/proc/self/attr/current'],
    ['read', '/proc/sys/net/ipv4/ip_unprivileged_port_start'],
    ['read', pids],
    ...['ids', 'fds', 'rlimits', 'env', 'uts', 'sched', 'cwd'].map((verb) => [verb]),
    ['list', '/dev'],
    ...['/dev', '/dev/null', '/dev/zero', '/dev/tty', '/dev/ptmx', '/dev/fd', '/dev/shm', '/tmp', '/proc/kcore'].map(
      (path) => ['stat', path],
    ),
    ['list', '/proc/scsi'],
    ['write', '/proc/sys/kernel/hostname', 'x'],
    ['open', '/proc/kcore', 'r'],
    ['syscall', 'acct'],
    ['mknod', '/tmp/disk', 'b', '8', '0'],
  ];
  config.process.args = ['/bin/probe', ...verbs.flatMap((verb, index) => (index === 0 ? verb : ['--', ...verb]))];
}

/** An object without values that differ between containers. */
function without(value: unknown, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value as object).filter(([name]) => !names.includes(name)));
}

interface Observation {
  /** By target. */
  readonly mounts: readonly Mount[];
  readonly others: readonly unknown[];
}

/** Everything that a container can observe, except for numbers that always differ. */
async function observe(t: Test, argv: readonly string[], rt: Sandbox): Promise<Observation> {
  const outcome = await run(argv, { env: rt.env });
  t.equal(outcome.status, 0, outcome.stderr);
  const [mountinfo, ...lines] = answers(outcome.stdout);
  const mounts = parseMountinfo((mountinfo as Text).text)
    .map((mount) => ({ ...mount, id: 0, parent: 0, device: '' }))
    .toSorted((one, other) => one.target.localeCompare(other.target));
  t.ok(mounts.length > 12 && lines.length > 20);
  const others = lines.map((line) =>
    Array.isArray(line) ? line.map((file) => without(file, 'target')) : without(line, 'pid', 'inode', 'device'),
  );
  return { mounts, others };
}

function words(rt: Sandbox, bundle: Bundle, id: string): string[] {
  return ['--root', rt.root, 'run', '--bundle', bundle.dir, id];
}

forEachRuntime(
  'a container is the same on both hosts',
  async (t, rt) => {
    const bundle = rt.bundle(configure);
    const id = rt.nextId();
    const build = join(REPOSITORY, 'build');
    const other = rt.runtime.name === 'rt' ? [...PLAIN_NODE, join(build, 'node', 'rt.js')] : [join(build, 'rt')];
    const wanted = await observe(t, [...rt.runtime.argv, ...words(rt, bundle, id)], rt);
    t.strictSame(await observe(t, [...other, ...words(rt, bundle, id)], rt), wanted);
  },
  OF_BOTH,
);

forEachRuntime(
  'a container is the same if its cgroups are made before init',
  async (t, rt) => {
    const bundle = rt.bundle(configure);
    const id = rt.nextId();
    const data: TestMount = { destination: '/data', type: 'bind', source: rt.dir, options: ['bind', 'private'] };
    bundle.config.mounts.push(data);
    bundle.save();
    const argv = [...rt.runtime.argv, ...words(rt, bundle, id)];
    const wanted = await observe(t, argv, rt);
    // With its own mappings: a process before init opens the mount on the host, and needs all cgroups.
    data.uidMappings = data.gidMappings = [{ containerID: 0, hostID: 0, size: 100_000 }];
    bundle.save();
    const { stdout } = await rt.command('plan', '--bundle', bundle.dir);
    t.match(stdout, /^stage: /m);
    t.notMatch(stdout, /until init joins them/);
    const { mounts, others } = await observe(t, argv, rt);
    const plain = mounts.map((mount) => ({ ...mount, options: mount.options.filter((word) => word !== 'idmapped') }));
    t.strictSame({ mounts: plain, others }, wanted);
  },
  OURS,
);

forEachRuntime(
  'a container is the same if memory is not prefaulted',
  async (t, rt) => {
    const bundle = rt.bundle(configure);
    const id = rt.nextId();
    const denied = (call: string): string[] => [
      guestProgram('deny'),
      call,
      ...rt.runtime.argv,
      ...words(rt, bundle, id),
    ];
    // Both inherit a filter, which the container's status shows.
    t.strictSame(await observe(t, denied('madvise'), rt), await observe(t, denied('set_mempolicy'), rt));
  },
  { ...OURS, deviates: { node: 'its heap is not part of a program, and V8 does not run without madvise' } },
);

forEachRuntime(
  'a container is the same if Node compiles the program itself',
  async (t, rt) => {
    const bundle = rt.bundle(configure);
    const id = rt.nextId();
    const copy = join(rt.dir, 'node');
    mkdirSync(copy);
    cpSync(join(REPOSITORY, 'build', 'node'), copy, { recursive: true });
    rmSync(join(copy, 'program.cache'));
    const wanted = await observe(t, [...rt.runtime.argv, ...words(rt, bundle, id)], rt);
    t.strictSame(await observe(t, [...PLAIN_NODE, join(copy, 'rt.js'), ...words(rt, bundle, id)], rt), wanted);
  },
  OF_BOTH,
);

forEachRuntime(
  'a container is the same if its operations are timed',
  async (t, rt) => {
    const bundle = rt.bundle(configure);
    const id = rt.nextId();
    const wanted = await observe(t, [...rt.runtime.argv, ...words(rt, bundle, id)], rt);
    const trace = ['--trace', join(rt.dir, 'trace.json')];
    t.strictSame(await observe(t, [...rt.runtime.argv, ...trace, ...words(rt, bundle, id)], rt), wanted);
  },
  OURS,
);
