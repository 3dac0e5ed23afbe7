import { readFileSync } from 'node:fs';
import type {
  Config,
  Hooks,
  LinuxNamespace,
  LinuxResources,
  LinuxSeccomp,
  Mount,
  NamespaceType,
  Process,
  Scheduler,
} from '../../../schema/generated/config.ts';
import type { Facts } from '../../facts/facts.ts';
import { plannedMounts } from '../checkpoint.ts';
import { planExec } from '../exec.ts';
import type { ExecOptions } from '../exec.ts';
import { explain, section } from '../explain.ts';
import { facts, hybrid, options, unified } from '../../../test/config.ts';
import { plan } from '../index.ts';
import type { PlanOptions } from '../plan.ts';
import { planAddedMounts, planRemovedMounts } from '../live-mounts.ts';
import { planProtection, planRestore } from '../restore.ts';
import { listing } from '../seccomp/listing.ts';
import { processOf } from '../process.ts';
import type { PlannedOp } from '../types.ts';

/** A plan as it is checked in, and the ops of each of its processes. */
export interface PrintedPlan {
  readonly text: string;
  readonly ops: readonly PlannedOp[];
}

/**
 * Plans that are checked in as text beside this file and rewritten by `make generate`, so that a change in the order of
 * operations shows up in review. Each case has a config that is no larger than its name requires.
 */
export const planCases: Readonly<Record<string, () => PrintedPlan>> = {
  'spec-v1': () => made(read('spec-default')),
  'spec-v2': () => made(read('spec-default'), v2),
  'spec-run': () => made(read('spec-default'), v1, { awaitStart: 'control' }),
  'docker-v1': () => made(read('docker')),
  'small-mounts': () => made(read('spec-default'), manyMounts, { smallMounts }),
  'small-mounts-joined': () =>
    made(
      {
        ...full({ linux: { namespaces: joined('network', 'pid'), seccomp: notify } }),
        mounts: [...mounts, ...everyMount],
      },
      { ...v2, hasManyMounts: true, deviceThread: '/proc/25' },
      { smallMounts, cgroupManager: 'cgroupfs', notify: '/run/rt/c1/notify' },
    ),
  'small-mounts-user-namespace': () => made(user(), manyMounts, { smallMounts }),
  'kubernetes-v2': () => made(read('kubernetes'), v2),
  'v1-only': () => made(full(), facts({ version: 1, hierarchies: hybrid.hierarchies.slice(1) })),
  'limits-v1': () => made(full({ linux: { resources } })),
  'limits-v2': () => made(full({ linux: { resources } }), v2),
  'limits-of-every-kind-v1': () => made(full({ linux: { resources: everyLimit } })),
  'limits-of-every-kind-v2': () => made(full({ linux: { resources: everyUnifiedLimit } }), v2),
  'cgroups-divided': () => made(full({ annotations: divided, linux: { resources } }), v2),
  'cgroups-divided-systemd': () =>
    made(full({ annotations: divided, linux: { cgroupsPath: unit } }), v2, { cgroupManager: 'systemd' }),
  'cgroup-delegated': () => {
    const namespaces = own('mount', 'pid', 'cgroup');
    const cgroup = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' };
    return made({ ...full({ linux: { namespaces } }, { user: { uid: 5, gid: 5 } }), mounts: [...mounts, cgroup] }, v2);
  },
  'cgroup-disabled': () =>
    made({ ...full(), mounts: [...mounts, ...everyMount] }, merged, { cgroupManager: 'disabled' }),
  'cgroup-mount-merged-controllers': () => made({ ...full(), mounts: [...mounts, ...everyMount] }, merged),
  resctrl: () => made(full({ linux: { intelRdt } }), { ...v1, resctrl: '/sys/fs/resctrl' }),
  'systemd-v1': () => made(full({ linux: { resources, cgroupsPath: unit } }), v1, { cgroupManager: 'systemd' }),
  'systemd-v2': () => made(full({ linux: { resources, cgroupsPath: unit } }), v2, { cgroupManager: 'systemd' }),
  'user-namespace-v1': () => made(user()),
  'user-namespace-v2': () => made(user(), v2),
  'user-namespace-systemd': () => made(user({ linux: { cgroupsPath: unit } }), v2, { cgroupManager: 'systemd' }),
  'user-namespace-joined': () => made(full({ linux: { namespaces: joined('user', 'pid', 'network') } })),
  'user-namespace-joined-maps': () => {
    const limits = (['RLIMIT_NOFILE', 'RLIMIT_CORE'] as const).map((type) => ({ type, hard: 1024, soft: 512 }));
    return made(full({ linux: { namespaces: joined('user', 'pid', 'network'), ...maps } }, { rlimits: limits }));
  },
  'user-namespace-rootless': () => made(rootlessConfig, rootless, { rootless: 'true' }),
  'user-namespace-rootless-systemd': () =>
    made(
      { ...rootlessConfig, linux: { ...rootlessConfig.linux, cgroupsPath: unit, resources: { pids: { limit: 5 } } } },
      rootless,
      {
        cgroupManager: 'systemd',
        userManager: { cgroup: '/user.slice/user-1000.slice/user@1000.service', controllers: ['memory', 'pids'] },
      },
    ),
  'user-namespace-subordinate-ids': () => made(user(), rootless, { rootless: 'true' }),
  'pid-namespace-joined': () => made(full({ linux: { namespaces: [...joined('pid'), ...own('cgroup')] } })),
  'pid-namespace-joined-deadline': () =>
    made(full({ linux: { namespaces: joined('pid'), seccomp } }, { scheduler: deadline, noNewPrivileges: false })),
  'pid-namespace-joined-deadline-no-new-privileges': () =>
    made(full({ linux: { namespaces: joined('pid'), seccomp } }, { scheduler: deadline, noNewPrivileges: true })),
  'pid-namespace-joined-filter': () =>
    made(full({ linux: { namespaces: joined('pid'), seccomp: notify } }, { noNewPrivileges: false })),
  'pid-namespace-of-host': () => made(full({ linux: { namespaces: own('mount', 'ipc', 'uts') } })),
  'pod-joined': () => made(full({ linux: { namespaces: joined('network', 'ipc', 'uts') } })),
  'mount-namespace-joined': () =>
    made(full({ linux: { namespaces: [...own('pid'), { type: 'mount', path: '/proc/7/ns/mnt' }] } })),
  'no-mount-namespace': () => made({ ...full({ linux: { namespaces: own('pid') } }), mounts: [] }),
  'no-mount-namespace-mounts': () => made(full({ linux: { namespaces: own('pid') } })),
  'no-pivot': () => made(full(), v1, { pivot: false }),
  'time-namespace': () =>
    made(full({ linux: { namespaces: own('mount', 'pid', 'time'), timeOffsets: { monotonic: { secs: 5 } } } })),
  'time-namespace-mount-namespace-joined': () =>
    made(full({ linux: { namespaces: [...own('pid', 'time'), { type: 'mount', path: '/proc/7/ns/mnt' }] } })),
  'time-namespace-user-namespace': () => {
    const network = { type: 'network', path: '/proc/7/ns/net' } as const;
    const namespaces = [...own('user', 'mount', 'pid', 'time'), network];
    return made(user({ linux: { namespaces, timeOffsets: { boottime: { secs: 5 } } } }));
  },
  'cgroup-namespace': () => made(full({ linux: { namespaces: own('mount', 'pid', 'cgroup') } })),
  'idmapped-mounts': () => made({ ...full(), mounts: [...mounts, { ...idmapped, ...maps }] }),
  'idmapped-mounts-user-namespace': () => made({ ...user(), mounts: [...mounts, idmapped] }),
  'mounts-of-every-kind': () => made({ ...full(), mounts: [...mounts, ...everyMount] }),
  'bind-in-earlier-mount': () => made({ ...full(), mounts: [...mounts, inEarlier, { ...inEarlier, ...maps }] }),
  'bind-in-earlier-mount-user-namespace': () => made({ ...user(), mounts: [...mounts, inEarlier] }),
  'block-device': () => made({ ...full(), mounts: [...mounts, blockDevice] }),
  'block-device-v2': () => made({ ...full(), mounts: [...mounts, blockDevice] }, v2),
  terminal: () => made(full({}, { terminal: true, consoleSize: { height: 24, width: 80 } })),
  'terminal-user-namespace': () => made(user({}, { terminal: true })),
  hooks: () => made(full({ hooks })),
  'hooks-user-namespace': () => made(user({ hooks })),
  'hooks-create-runtime': () => {
    const createRuntime = [{ path: '/bin/create-runtime' }];
    return made({ ...full({ hooks: { createRuntime } }), mounts: [...mounts, ...everyMount] });
  },
  'hooks-logged': () => made(full({ hooks, annotations: logged })),
  'hooks-logged-user-namespace': () =>
    made({ ...user({ hooks, annotations: logged }), mounts: [...mounts, { ...idmapped, ...maps }] }),
  'hooks-filter': () => made(full({ hooks, linux: { seccomp } }, { noNewPrivileges: true })),
  'filter-no-new-privileges': () => made(full({ linux: { seccomp } }, { noNewPrivileges: true })),
  'filter-with-privileges': () => made(full({ linux: { seccomp } }, { noNewPrivileges: false })),
  'filter-with-admin': () => {
    const admin = { effective: ['CAP_SYS_ADMIN'], permitted: ['CAP_SYS_ADMIN'] };
    return made(full({ linux: { seccomp } }, { noNewPrivileges: false, capabilities: admin }));
  },
  'filter-notify': () => made(full({ linux: { seccomp: notify } }, { noNewPrivileges: true })),
  labels: () => made(full({}, { apparmorProfile: 'p' }), { ...v1, hasApparmor: true }),
  'labels-selinux': () => made(full({}, { selinuxLabel: 'u:r:t:s0' }), { ...v1, hasSelinux: true }),
  scheduling: () => made(full({ linux: memory }, scheduling)),
  names: () => made({ ...full(), domainname: 'd' }),
  sysctl: () => made(full({ linux: { sysctl: { 'net.ipv4.ip_forward': '1' }, namespaces: own('mount', 'network') } })),
  'sysctl-pid-namespace-joined': () =>
    made(full({ linux: { sysctl: { 'kernel.msgmax': '1' }, namespaces: joined('pid', 'ipc') } })),
  devices: () =>
    made(full({ linux: { devices: [{ path: '/vol/x', type: 'c', major: 1, minor: 3, fileMode: 0o644 }] } })),
  'network-devices': () => made(full({ linux: { namespaces: own('mount', 'pid', 'network'), netDevices } })),
  notify: () => made(full(), v1, { notify: '/run/rt/c1/notify' }),
  'unprivileged-user': () => made(full({}, { user: { uid: 1000, gid: 1000, additionalGids: [5] } })),
  exec: () => entered(full()),
  'exec-v2': () => entered(full(), {}, v2, { tasks: [] }),
  'exec-user-namespace': () => entered(user()),
  'exec-terminal': () => entered(full(), { terminal: true }),
  'exec-filter': () => entered(full({ linux: { seccomp } }), { noNewPrivileges: true }),
  'exec-filter-with-privileges': () => entered(full({ linux: { seccomp } })),
  'exec-labels': () => entered(full(), { apparmorProfile: 'p' }, { ...v1, hasApparmor: true }),
  'exec-labels-selinux': () => entered(full(), { selinuxLabel: 'u:r:t:s0' }, { ...v1, hasSelinux: true }),
  'exec-filter-notify': () => entered(full({ linux: { seccomp: notify } }), { noNewPrivileges: true }),
  'exec-filter-notify-user-namespace': () => entered(user({ linux: { seccomp: notify } }), { noNewPrivileges: true }),
  'exec-scheduling': () => entered(full({ linux: memory }), scheduling),
  'exec-deadline': () => entered(full(), { ...scheduling, scheduler: deadline }),
  'exec-deadline-rootless': () => entered(user(), { scheduler: deadline }, rootless, { tasks: [] }),
  'exec-no-mount-namespace': () => entered(full({ linux: { namespaces: own('pid') } })),
  'exec-no-mount-namespace-terminal': () => entered(full({ linux: { namespaces: own('pid') } }), { terminal: true }),
  'exec-pid-namespace-of-host': () => entered(full({ linux: { namespaces: own('mount') } })),
  'mounts-added': () => added(full(), []),
  'mounts-added-user-namespace': () => added(user(), [idmapped]),
  'mounts-removed': () => listed('mounts remove', planRemovedMounts(full(), everyMount, v1, running)),
  'mounts-removed-user-namespace': () => listed('mounts remove', planRemovedMounts(user(), everyMount, v1, running)),
  restore: () => restored(full()),
  'restore-joined-network': () => restored(full({ linux: { namespaces: joined('network', 'pid') } })),
  'restore-cgroup-namespace': () => restored(full({ linux: { namespaces: own('mount', 'pid', 'cgroup') } })),
  'restore-user-namespace': () => restored(user()),
  'restore-systemd': () => restored(full({ linux: { cgroupsPath: unit } }), { cgroupManager: 'systemd' }),
  'restore-mount-in-a-mount': () =>
    restored({
      ...full(),
      mounts: ['/outer', '/outer/inner'].map((destination) => {
        return { destination, type: 'bind', source: `/srv${destination}`, options: ['bind'] };
      }),
    }),
  'restore-protection': () => protectedMounts({ ...full(), root: { path: 'rootfs', readonly: true } }),
  'restore-protection-user-namespace': () => protectedMounts(user()),
};

const v1 = facts();
const v2 = facts(unified);
const merged = facts({
  version: 1,
  hierarchies: [
    { mount: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu', 'cpuacct'], own: '/', version: 1 },
    { mount: '/sys/fs/cgroup/devices', controllers: ['devices'], own: '/', version: 1 },
  ],
});
const manyMounts: Facts = { ...v1, hasManyMounts: true, deviceThread: '/proc/25' };
const smallMounts = 'beside-many';
const rootless: Facts = { ...v2, user: { uid: 1000, gid: 1000, initial: true } };

const inEarlier: Mount = { destination: '/inner', source: 'rootfs/data/inner', options: ['bind'] };
const blockDevice: Mount = { destination: '/disk', type: 'ext4', source: '/dev/sdb1', options: ['ro', 'rslave'] };
const unit = 'machine.slice:rt:c1';
const maps = {
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
};
const mounts: Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
  { destination: '/data', type: 'bind', source: '/srv/data', options: ['rbind', 'ro'] },
];
const idmapped = { destination: '/idmapped', type: 'bind', source: '/srv/data', options: ['bind', 'idmap'] };
const everyMount: Mount[] = [
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
  { destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'tmpcopyup'] },
  { destination: '/shared', type: 'bind', source: 'shared', options: ['bind', 'rslave', 'rshared', 'nodev'] },
];
const resources: LinuxResources = {
  memory: { limit: 1 << 26, swap: 1 << 27 },
  cpu: { shares: 512, quota: 50_000, cpus: '0' },
  pids: { limit: 10 },
  devices: [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  ],
};
/** Limits of both cgroup versions. */
const commonLimits: LinuxResources = {
  ...resources,
  cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 1000, idle: 1, cpus: '0', mems: '0' },
  blockIO: {
    weight: 10,
    weightDevice: [{ major: 8, minor: 0, weight: 20 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 4 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 1 << 21 }],
  rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 4 } },
};
const everyLimit: LinuxResources = {
  ...commonLimits,
  memory: {
    limit: 1 << 26,
    swap: 1 << 27,
    reservation: 1 << 25,
    kernel: -1,
    kernelTCP: -1,
    swappiness: 10,
    disableOOMKiller: true,
    useHierarchy: true,
  },
  cpu: { ...commonLimits.cpu, realtimePeriod: 1_000_000, realtimeRuntime: 500_000 },
  blockIO: {
    ...commonLimits.blockIO,
    leafWeight: 30,
    weightDevice: [{ major: 8, minor: 0, weight: 20, leafWeight: 40 }],
  },
  network: { classID: 5, priorities: [{ name: 'eth0', priority: 6 }] },
};
const everyUnifiedLimit: LinuxResources = {
  ...commonLimits,
  memory: { limit: 1 << 26, swap: 1 << 27, reservation: 1 << 25 },
  unified: { 'memory.high': '1', 'cgroup.max.depth': '2' },
};
const divided = { 'run.oci.delegate-cgroup': 'payload', 'run.oci.systemd.subgroup': '' };
const intelRdt = { closID: 'group', schemata: ['L3:0=f', 'MB:0=10'], enableMonitoring: true };
const netDevices = { eth1: { name: 'eth0' }, eth2: {} };
const logged = { 'run.oci.hooks.stdout': 'out.log', 'run.oci.hooks.stderr': 'err.log' };
const memory = {
  personality: { domain: 'LINUX32' },
  memoryPolicy: { mode: 'MPOL_BIND', nodes: '0' },
} as const;
const seccomp: LinuxSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: ['SCMP_ARCH_X86_64'],
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
};
const notify: LinuxSeccomp = {
  ...seccomp,
  listenerPath: '/run/receiver.sock',
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
};
const scheduling: Partial<Process> = {
  scheduler: { policy: 'SCHED_BATCH', nice: 5 },
  ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 3 },
  execCPUAffinity: { initial: '0', final: '1' },
};
const deadline: Scheduler = { policy: 'SCHED_DEADLINE', runtime: 1_000_000, deadline: 2_000_000, period: 2_000_000 };
const running = { initPid: 42, origin: { user: { device: 4, inode: 5 } } } as const;
const hooks: Hooks = {
  prestart: [{ path: '/bin/prestart' }],
  createRuntime: [{ path: '/bin/create-runtime' }],
  createContainer: [
    { path: '/bin/create-container', args: ['create-container', 'a'], env: ['A=1'] },
    { path: '/bin/create-container-too' },
  ],
  startContainer: [{ path: '/bin/start-container', timeout: 5 }],
  poststart: [{ path: '/bin/poststart' }],
  poststop: [{ path: '/bin/poststop' }],
};

function own(...types: NamespaceType[]): LinuxNamespace[] {
  return types.map((type) => ({ type }));
}

/** These by path, and a new mount namespace. */
function joined(...types: NamespaceType[]): LinuxNamespace[] {
  return [{ type: 'mount' }, ...types.map((type) => ({ type, path: `/proc/7/ns/${type}` }))];
}

function read(name: string): Config {
  const file = new URL(`../../../conformance/configs/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Config;
}

/** A config with one instance of most settings. */
function full(change: Partial<Config> = {}, process: Partial<Process> = {}): Config {
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    hostname: 'h',
    mounts,
    ...change,
    process: {
      cwd: '/work',
      args: ['program', 'a'],
      env: ['PATH=/bin'],
      capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 512 }],
      oomScoreAdj: 100,
      ...process,
    },
    linux: {
      namespaces: own('mount', 'pid', 'ipc', 'uts', 'network'),
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      ...change.linux,
    },
  };
}

function user(change: Partial<Config> = {}, process: Partial<Process> = {}): Config {
  const namespaces = own('user', 'mount', 'pid', 'ipc', 'uts', 'network', 'cgroup');
  return full({ ...change, linux: { namespaces, ...maps, ...change.linux } }, process);
}

const rootlessConfig = user({
  linux: {
    uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
  },
});

function made(config: Config, host: Facts = v1, change: Partial<PlanOptions> = {}): PrintedPlan {
  const compiled = plan(config, host, { ...options, ...change });
  return { text: explain(compiled, 'text'), ops: [...compiled.stage, ...compiled.init] };
}

function listed(title: string, ops: readonly PlannedOp[], filter?: Uint8Array): PrintedPlan {
  const lines = filter === undefined ? [] : ['filter: sent to it, meanwhile', ...listing(filter), ''];
  return { text: [...section(title, ops), ...lines].join('\n'), ops };
}

function entered(
  config: Config,
  process: Partial<Process> = {},
  host: Facts = v1,
  change: Partial<ExecOptions> = {},
): PrintedPlan {
  const { ops, filter, scheduler } = planExec(config, { ...processOf(config), ...process }, host, {
    id: 'c1',
    bundle: '/bundle',
    ...running,
    keyring: '_ses.c1',
    tasks: ['/sys/fs/cgroup/memory/c1/tasks', '/sys/fs/cgroup/pids/c1/tasks'],
    ...change,
  });
  const printed = listed('exec: a further process', ops, filter?.());
  if (scheduler === undefined) return printed;
  const lines = section('scheduler: the runtime, while it waits', [scheduler]);
  return { ...printed, text: [printed.text, ...lines].join('\n') };
}

function added(config: Config, more: readonly Mount[]): PrintedPlan {
  const cgroup = { manager: 'cgroupfs', version: 1, hierarchies: [] } as const;
  const { ops } = planAddedMounts(
    config,
    [...mounts.slice(0, 1), ...mounts.slice(3), ...everyMount.slice(2), ...more],
    v1,
    { bundle: '/bundle', ...running, cgroup },
  );
  return listed('mounts add: a process that enters the container', ops);
}

function restored(config: Config, change: Partial<PlanOptions> = {}): PrintedPlan {
  const container = plan(config, v1, { ...options, ...change });
  const { ops } = planRestore(config, container, plannedMounts(config, container), {
    rootfs: '/bundle/rootfs',
    images: '/images',
    directoryAt: (source) => source,
  });
  return listed('restore: a process that becomes criu', ops);
}

function protectedMounts(config: Config): PrintedPlan {
  const ops = planProtection(
    config,
    plannedMounts(config, plan(config, v1, options)).filter(({ flags }) => flags !== 0),
    running.initPid,
    running.origin,
  );
  return listed('restore: a process that enters the container before it goes on', ops);
}
