import { changeNamespace, grantCapabilities } from '../../harness/config.ts';
import type { TestConfig } from '../../harness/config.ts';
import type { Trigger } from '../trigger.ts';

function sysctl(name: string, value: string) {
  return (config: TestConfig): void => {
    config.linux.sysctl = { [name]: value };
  };
}

function rlimit(type: string, soft: number, hard: number) {
  return (config: TestConfig): void => {
    config.process.rlimits = [{ type, soft, hard }];
  };
}

function device(value: Record<string, unknown>) {
  return (config: TestConfig): void => {
    config.linux.devices = [value];
  };
}

function ofProcess(name: string, value: unknown) {
  return (config: TestConfig): void => {
    (config.process as unknown as Record<string, unknown>)[name] = value;
  };
}

function ofLinux(name: string, value: unknown) {
  return (config: TestConfig): void => {
    (config.linux as unknown as Record<string, unknown>)[name] = value;
  };
}

export const kernels: readonly Trigger[] = [
  {
    what: 'namespace path missing',
    make: (config) => changeNamespace(config, 'network', '/run/netns/nosuch'),
    says: [/\/run\/netns\/nosuch/, /no such file/i],
    place: '/linux/namespaces/4/path',
    hint: /./,
  },
  {
    what: 'namespace path is a file',
    make: (config) => changeNamespace(config, 'network', '/etc/passwd'),
    says: [/\/etc\/passwd/, /not a namespace|inval/i],
    place: '/linux/namespaces/4/path',
    hint: /\/proc\/PID\/ns/,
  },
  {
    what: 'namespace path of another type',
    make: (config) => changeNamespace(config, 'network', '/proc/self/ns/ipc'),
    says: [/\/proc\/self\/ns\/ipc/, /network|invalid argument/i],
    place: '/linux/namespaces/4/path',
  },
  {
    what: 'namespace twice',
    make: (config) => config.linux.namespaces.push({ type: 'pid' }),
    says: [/duplicate/, /pid/],
    place: '/linux/namespaces/5',
  },
  {
    what: 'namespace type "net"',
    make: (config) => config.linux.namespaces.push({ type: 'net' }),
    says: [/"net|`net/, /network|invalid|does not exist/],
    place: '/linux/namespaces/5/type',
    hint: /network/,
  },
  {
    what: 'namespace type "Network"',
    make: (config) => config.linux.namespaces.push({ type: 'Network' }),
    says: [/Network/],
    place: '/linux/namespaces/5/type',
    hint: /network/,
  },
  {
    what: 'time offsets without a time namespace',
    make: ofLinux('timeOffsets', { monotonic: { secs: 5 } }),
    says: [/time/, /namespace/],
    place: '/linux/timeOffsets',
    hint: /time/,
    mayWork: true,
  },
  {
    what: 'host name of 70 letters',
    make: (config) => (config.hostname = 'h'.repeat(70)),
    says: [/host ?name/, /64/],
    place: '/hostname',
  },
  {
    what: 'sysctl of the network of the host',
    make: (config) => (changeNamespace(config, 'network'), sysctl('net.ipv4.ip_forward', '1')(config)),
    says: [/net\.ipv4\.ip_forward/, /network namespace/],
    place: '/linux/sysctl/net.ipv4.ip_forward',
    hint: /network/,
  },
  {
    what: 'sysctl that has no namespace',
    make: sysctl('vm.swappiness', '10'),
    says: [/vm\.swappiness/, /namespace/],
    place: '/linux/sysctl/vm.swappiness',
  },
  {
    what: 'sysctl unknown',
    make: sysctl('net.ipv4.foo', '1'),
    says: [/net.ipv4.foo/, /no such (file|sysctl)/i],
    place: '/linux/sysctl/net.ipv4.foo',
    hint: /kernel|module/,
  },
  {
    what: 'sysctl, invalid value',
    make: sysctl('net.ipv4.ip_forward', 'yes'),
    says: [/ip_forward/, /"?yes/],
    place: '/linux/sysctl/net.ipv4.ip_forward',
  },
  {
    what: 'sysctl kernel.hostname',
    make: sysctl('kernel.hostname', 'x'),
    says: [/kernel\.hostname/, /conflicts/],
    place: '/linux/sysctl/kernel.hostname',
    hint: /hostname/,
  },
  {
    what: 'hard limit above nr_open',
    make: rlimit('RLIMIT_NOFILE', 1 << 30, 1 << 30),
    says: [/RLIMIT_NOFILE/, /1073741824/, /nr_open/],
    place: '/process/rlimits/0',
    mayWork: true,
  },
  {
    what: 'soft above hard',
    make: rlimit('RLIMIT_NOFILE', 2048, 1024),
    says: [/2048/, /1024/],
    place: '/process/rlimits/0/soft',
  },
  {
    what: 'limit without RLIMIT_',
    make: rlimit('nofile', 1, 1),
    says: [/nofile/],
    place: '/process/rlimits/0/type',
    hint: /^\s*(write|did you mean) RLIMIT_NOFILE/m,
  },
  {
    what: 'limit misspelt',
    make: rlimit('RLIMIT_NOFILES', 1, 1),
    says: [/RLIMIT_NOFILES/],
    place: '/process/rlimits/0/type',
    hint: /RLIMIT_NOFILE\b/,
  },
  {
    what: 'limit of -1',
    make: (config) => (config.process.rlimits = [{ type: 'RLIMIT_MEMLOCK', soft: -1, hard: -1 }]),
    says: [/-1/, /integer|unlimited/],
    place: '/process/rlimits/0/soft',
    hint: /18446744073709551615/,
  },
  {
    what: 'limit of the address space too low',
    make: rlimit('RLIMIT_AS', 4096, 4096),
    says: [/RLIMIT_AS|memory/],
    mayWork: true,
  },
  {
    what: 'capability misspelt',
    make: (config) => grantCapabilities(config, 'CAP_SYSADMIN'),
    says: [/CAP_SYSADMIN/],
    place: '/process/capabilities/bounding/0',
    hint: /CAP_SYS_ADMIN/,
  },
  {
    what: 'capability without CAP_',
    make: (config) => grantCapabilities(config, 'SYS_ADMIN'),
    says: [/SYS_ADMIN/],
    place: '/process/capabilities/bounding/0',
    hint: /CAP_SYS_ADMIN/,
  },
  {
    what: 'capability in small letters',
    make: (config) => grantCapabilities(config, 'cap_sys_admin'),
    says: [/cap_sys_admin/],
    place: '/process/capabilities/bounding/0',
    hint: /CAP_SYS_ADMIN/,
  },
  {
    what: 'capability that the runtime lacks',
    make: (config) => grantCapabilities(config, 'CAP_SYS_RESOURCE'),
    says: [/CAP_SYS_RESOURCE/, /rt itself|runtime|unavailable/],
    place: '/process/capabilities/bounding/0',
    mayWork: true,
  },
  {
    what: 'capability ALL',
    make: (config) => grantCapabilities(config, 'ALL'),
    says: [/"?ALL/],
    place: '/process/capabilities/bounding/0',
  },
  {
    what: 'AppArmor profile without AppArmor',
    make: ofProcess('apparmorProfile', 'docker-default'),
    says: [/docker-default/, /AppArmor is not enabled|not enabled/],
    place: '/process/apparmorProfile',
    mayWork: true,
  },
  {
    what: 'SELinux label without SELinux',
    make: ofProcess('selinuxLabel', 'system_u:system_r:svirt_t:s0'),
    says: [/selinux/i, /not enabled|disabled|not supported/],
    place: '/process/selinuxLabel',
    mayWork: true,
  },
  {
    what: 'oomScoreAdj -1000',
    make: ofProcess('oomScoreAdj', -1000),
    says: [/oom_score_adj|oomScoreAdj/, /-1000/],
    place: '/process/oomScoreAdj',
    hint: /CAP_SYS_RESOURCE/,
    mayWork: true,
  },
  {
    what: 'oomScoreAdj 5000',
    make: ofProcess('oomScoreAdj', 5000),
    says: [/oom_?score_?adj/i, /1000/],
    place: '/process/oomScoreAdj',
  },
  {
    what: 'scheduler unknown',
    make: ofProcess('scheduler', { policy: 'SCHED_FIF' }),
    says: [/SCHED_FIF\b/],
    place: '/process/scheduler/policy',
    hint: /SCHED_FIFO/,
    mayWork: true,
  },
  {
    what: 'deadline impossible',
    make: ofProcess('scheduler', { policy: 'SCHED_DEADLINE', runtime: 100, deadline: 50, period: 10 }),
    says: [/runtime/, /deadline/],
    place: '/process/scheduler/runtime',
    mayWork: true,
  },
  {
    what: 'I/O class unknown',
    make: ofProcess('ioPriority', { class: 'IOPRIO_CLASS_BEE', priority: 4 }),
    says: [/IOPRIO_CLASS_BEE/],
    place: '/process/ioPriority/class',
    hint: /IOPRIO_CLASS_BE\b/,
    mayWork: true,
  },
  {
    what: 'I/O priority 9',
    make: ofProcess('ioPriority', { class: 'IOPRIO_CLASS_BE', priority: 9 }),
    says: [/priority/i, /9/],
    place: '/process/ioPriority/priority',
    mayWork: true,
  },
  {
    what: 'exec affinity of letters',
    make: ofProcess('execCPUAffinity', { initial: 'a-b' }),
    says: [/a-b|"a"/, /list of CPUs|invalid/],
    place: '/process/execCPUAffinity/initial',
    mayWork: true,
  },
  {
    what: 'personality unknown',
    make: ofLinux('personality', { domain: 'LINUX31' }),
    says: [/LINUX31/],
    place: '/linux/personality/domain',
    mayWork: true,
  },
  {
    what: 'memory policy of a missing node',
    make: ofLinux('memoryPolicy', { mode: 'MPOL_BIND', nodes: '99' }),
    says: [/memoryPolicy|set_mempolicy/, /node/],
    place: '/linux/memoryPolicy',
    hint: /node/,
    mayWork: true,
  },
  {
    what: 'network device missing',
    make: ofLinux('netDevices', { eth77: {} }),
    says: [/eth77/, /no such device|not found/i],
    place: '/linux/netDevices/eth77',
    hint: /ip link/,
    mayWork: true,
  },
  {
    what: 'network device without a network namespace',
    make: (config) => (changeNamespace(config, 'network'), ofLinux('netDevices', { eth77: {} })(config)),
    says: [/NET namespace|network namespace/i],
    place: '/linux/netDevices',
    hint: /network/,
    mayWork: true,
  },
  {
    what: 'device of type "q"',
    make: device({ path: '/dev/x', type: 'q', major: 1, minor: 3 }),
    says: [/"q"|device type/],
    place: '/linux/devices/0/type',
    mayWork: true,
  },
  {
    what: 'device without major',
    make: device({ path: '/dev/x', type: 'c' }),
    says: [/major/],
    place: '/linux/devices/0/major',
    mayWork: true,
  },
  {
    what: 'device path relative',
    make: device({ path: 'dev/x', type: 'c', major: 1, minor: 3 }),
    says: [/absolute/],
    place: '/linux/devices/0/path',
    mayWork: true,
  },
];

function seccomp(profile: Record<string, unknown>) {
  return (config: TestConfig): void => {
    config.linux.seccomp = profile;
  };
}

function rule(value: Record<string, unknown>) {
  return seccomp({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', ...value }],
  });
}

const least = (action: string) =>
  seccomp({ defaultAction: action, syscalls: [{ names: ['exit_group'], action: 'SCMP_ACT_ALLOW' }] });
const at = '/linux/seccomp';

export const filters: readonly Trigger[] = [
  {
    what: 'action unknown',
    make: seccomp({ defaultAction: 'SCMP_ACT_DENY' }),
    says: [/SCMP_ACT_DENY/],
    place: `${at}/defaultAction`,
  },
  {
    what: 'action misspelt',
    make: seccomp({ defaultAction: 'SCMP_ACT_ALOW' }),
    says: [/SCMP_ACT_ALOW/],
    place: `${at}/defaultAction`,
    hint: /SCMP_ACT_ALLOW/,
  },
  {
    what: 'flag misspelt',
    make: seccomp({ defaultAction: 'SCMP_ACT_ALLOW', flags: ['SECCOMP_FILTER_FLAG_LOGS'] }),
    says: [/SECCOMP_FILTER_FLAG_LOGS/],
    place: `${at}/flags/0`,
    hint: /SECCOMP_FILTER_FLAG_LOG\b/,
  },
  {
    what: 'architecture misspelt',
    make: seccomp({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86-64'] }),
    says: [/SCMP_ARCH_X86-64/],
    place: `${at}/architectures/0`,
    hint: /SCMP_ARCH_X86_64/,
  },
  {
    what: 'operator unknown',
    make: rule({ args: [{ index: 0, value: 1, op: 'EQ' }] }),
    says: [/EQ/],
    place: `${at}/syscalls/0/args/0/op`,
    hint: /SCMP_CMP_EQ/,
    mayWork: true,
  },
  {
    what: 'argument index 7',
    make: rule({ args: [{ index: 7, value: 1, op: 'SCMP_CMP_EQ' }] }),
    says: [/index/, /[57]/],
    place: `${at}/syscalls/0/args/0/index`,
    mayWork: true,
  },
  {
    what: 'notification without listenerPath',
    make: rule({ action: 'SCMP_ACT_NOTIFY' }),
    says: [/listenerPath/],
    place: `${at}/listenerPath`,
    hint: /socket/,
  },
  {
    what: 'profile forbids execve',
    make: least('SCMP_ACT_ERRNO'),
    says: [/seccomp/, /execve/],
    place: `${at}/defaultAction`,
    hint: /execve/,
  },
  {
    what: 'profile kills all',
    make: least('SCMP_ACT_KILL'),
    says: [/seccomp/, /execve/],
    place: `${at}/defaultAction`,
    hint: /execve/,
  },
  {
    what: 'profile forbids execve, with privileges',
    make: (config) => (least('SCMP_ACT_ERRNO')(config), (config.process.noNewPrivileges = false)),
    says: [/seccomp/, /execve/],
    place: `${at}/defaultAction`,
    hint: /allow/,
  },
  {
    what: 'errnoRet with ALLOW',
    make: rule({ action: 'SCMP_ACT_ALLOW', errnoRet: 1 }),
    says: [/errno/, /SCMP_ACT_ALLOW/],
    place: `${at}/syscalls/0/errnoRet`,
    mayWork: true,
  },
  {
    what: 'names empty',
    make: rule({ names: [] }),
    says: [/names/, /empty|at least one/],
    never: /found an array/,
    place: `${at}/syscalls/0/names`,
    mayWork: true,
  },
  {
    what: 'defaultAction missing',
    make: seccomp({}),
    says: [/defaultAction|string  is not/],
    place: `${at}/defaultAction`,
  },
];
