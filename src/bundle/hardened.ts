import type {
  Config,
  LinuxResources,
  LinuxSeccomp,
  LinuxSeccompArg,
  LinuxSyscall,
  Mount,
  SeccompAction,
} from '../../schema/generated/config.ts';
import { ENOSYS, EPERM, EPROTONOSUPPORT } from '../kernel/errno.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { RLIMITS } from '../kernel/processes.ts';
import { usuallyMasked, usuallyReadonly } from './protected-paths.ts';
import { specVersion } from './spec-version.ts';

/** Ids of the host that are the container's ids from 0 on. */
export interface HostIds {
  readonly uid: number;
  readonly gid: number;
  /** 1 for an unprivileged caller, whose own ids these are. */
  readonly size: number;
}

const rangeSize = 65536;
/** Above the ids that systemd-nspawn takes, and below those that some programs take for negative. */
const firstId = 0x7000_0000;
const ranges = (0x7fff_0000 - firstId) / rangeSize;

/** Ids that are nobody's. Containers with different numbers share none, and so no quota of a user. */
export function unusedIds(number: number): HostIds {
  const first = firstId + (number % ranges) * rangeSize;
  return { uid: first, gid: first, size: rangeSize };
}

/** Without a limit: undefined. */
export interface HardenedLimits {
  /** Bytes; there is no swap beyond. */
  readonly memory?: number | undefined;
  /** Processes and threads. */
  readonly pids?: number | undefined;
  /** Processors, such as 0.5. */
  readonly cpus?: number | undefined;
  /** Bytes of /tmp. */
  readonly tmp: number;
  /** Open descriptors of a process. */
  readonly files: number;
}

export const hardenedLimits: HardenedLimits = {
  memory: 256 << 20,
  pids: 64,
  cpus: 1,
  tmp: 64 << 20,
  files: 256,
};

export interface HardenedProgram {
  readonly root: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** Mounts after those of every hardened config. */
  readonly mounts: readonly Mount[];
  /** What a system call that is not on the list does: fail with EPERM, or kill the program. */
  readonly denied: 'error' | 'kill';
}

/**
 * A config for a program that nobody trusts: ids of its own on the host, no capability, no way to a new one, an empty network,
 * a root that it cannot write to, and only the system calls of a list.
 */
export function hardenedConfig(program: HardenedProgram, limits: HardenedLimits, ids: HostIds): Config {
  // Without a second id there is no other user to be; that root has no capability.
  const id = ids.size > 1 ? 1000 : 0;
  // With 1 the kernel makes no core dump at all, with 0 it still starts the program that core_pattern pipes them to, as root of the host
  // (core(5)). An unprivileged caller may be unable to raise it.
  const core = ids.size > 1 ? 1 : 0;
  const none: string[] = [];
  const resources = resourcesOf(limits, ids);
  return {
    ociVersion: specVersion,
    process: {
      user: { uid: id, gid: id, umask: 0o022 },
      args: [...program.args],
      env: [...program.env],
      cwd: program.cwd,
      capabilities: { bounding: none, effective: none, inheritable: none, permitted: none, ambient: none },
      rlimits: [
        { type: 'RLIMIT_NOFILE', hard: limits.files, soft: limits.files },
        { type: 'RLIMIT_CORE', hard: core, soft: core },
      ],
      noNewPrivileges: true,
    },
    root: { path: program.root, readonly: true },
    hostname: 'sandbox',
    mounts: [...mountsOf(limits), ...program.mounts],
    linux: {
      namespaces: ['user', 'pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
      uidMappings: [{ containerID: 0, hostID: ids.uid, size: ids.size }],
      gidMappings: [{ containerID: 0, hostID: ids.gid, size: ids.size }],
      ...(resources === undefined ? {} : { resources }),
      seccomp: filterOf(program.denied),
      maskedPaths: usuallyMasked.filter((path) => path.startsWith('/proc/')),
      readonlyPaths: [...usuallyReadonly],
    },
  } as Config;
}

function mountsOf({ tmp }: HardenedLimits): Mount[] {
  const mount = (destination: string, type: string, options: string): Mount => ({
    destination,
    type,
    source: type,
    options: `nosuid nodev ${options}`.split(' '),
  });
  return [
    mount('/proc', 'proc', 'noexec'),
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: 'nosuid noexec mode=755 size=64k'.split(' ') },
    // All containers of the host share kernel.pty.max.
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: 'nosuid noexec newinstance ptmxmode=0666 mode=0620 max=64'.split(' '),
    },
    mount('/dev/shm', 'tmpfs', 'noexec mode=1777 size=16m'),
    mount('/tmp', 'tmpfs', `mode=1777 size=${tmp}`),
  ];
}

const period = 100_000;

/** Undefined if there is nothing to limit, for those who may make no cgroup and, in a user namespace, no device either. */
function resourcesOf({ memory, pids, cpus }: HardenedLimits, ids: HostIds): LinuxResources | undefined {
  if (memory === undefined && pids === undefined && cpus === undefined && ids.size === 1) return undefined;
  return {
    devices: [{ allow: false, access: 'rwm' }],
    ...(memory === undefined ? {} : { memory: { limit: memory, swap: memory } }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...(cpus === undefined ? {} : { cpu: { quota: Math.max(1000, Math.round(cpus * period)), period } }),
  };
}

/**
 * What programs call that compute, read and write files, and start and talk to others. Not here: what needs a capability;
 * what makes or enters namespaces; mounts; tracing; keys; io_uring, bpf, userfaultfd, perf, where kernels had
 * most faults.
 */
const calls =
  'accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_getres clock_gettime ' +
  'clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl ' +
  'epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 ' +
  'fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr ' +
  'fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat ' +
  'get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer ' +
  'getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid ' +
  'getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 ' +
  'inotify_rm_watch ioctl ioprio_get kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown ' +
  'lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier ' +
  'memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock ' +
  'munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc ' +
  'pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 pselect6 pwrite64 pwritev pwritev2 read ' +
  'readahead readlink readlinkat readv recvfrom recvmmsg recvmsg removexattr rename renameat renameat2 restart_syscall ' +
  'rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait ' +
  'rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam ' +
  'sched_getscheduler sched_rr_get_interval sched_setaffinity sched_yield seccomp select sendfile sendmmsg sendmsg sendto ' +
  'set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority ' +
  'setregid setresgid setresuid setreuid setsid setsockopt setuid setxattr shutdown sigaltstack splice stat ' +
  'statfs statx symlink symlinkat sync_file_range sysinfo tee tgkill time timer_create timer_delete ' +
  'timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate ' +
  'umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev';

/** Of clone(2). */
const newNamespaces = Object.values(CLONE_NEW).reduce((all, flag) => all | flag, 0);
const AF_UNIX = 1;
/** AF_INET, AF_INET6. */
const internet = [2, 10];
/** The usual one, TCP, UDP. Others have had more faults, and the kernel loads their modules for anybody who asks. */
const protocols = [0, 6, 17];
const IPPROTO_MPTCP = 262;

function filterOf(denied: HardenedProgram['denied']): LinuxSeccomp {
  const allow: SeccompAction = 'SCMP_ACT_ALLOW';
  const equal = (index: number, value: number): LinuxSeccompArg => ({ index, op: 'SCMP_CMP_EQ', value });
  const masked = (index: number, mask: number, value: number): LinuxSeccompArg => ({
    index,
    op: 'SCMP_CMP_MASKED_EQ',
    value: mask,
    valueTwo: value,
  });
  const allowed = (names: string[], ...args: LinuxSeccompArg[]): LinuxSyscall => ({ names, action: allow, args });
  const failing = (names: string[], errnoRet: number, ...args: LinuxSeccompArg[]): LinuxSyscall => ({
    names,
    action: 'SCMP_ACT_ERRNO',
    errnoRet,
    args,
  });
  // The kernel reads 32 bits of the resource: it is another one if any of these bits differs.
  const otherThanCore = (call: string, index: number): LinuxSyscall[] =>
    [1, 2, 4, 8].map((bit) => allowed([call], masked(index, bit, bit & ~RLIMITS.RLIMIT_CORE)));
  const core = (index: number): LinuxSeccompArg => masked(index, 0xffff_ffff, RLIMITS.RLIMIT_CORE);
  // Those for which a program is not killed. Otherwise this is what the default does.
  const failsAnyway = (...rules: LinuxSyscall[]): LinuxSyscall[] => (denied === 'kill' ? rules : []);
  return {
    defaultAction: denied === 'kill' ? 'SCMP_ACT_KILL_PROCESS' : 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: calls.split(' '), action: allow },
      allowed(['clone'], masked(0, newNamespaces, 0)),
      // Its flags are in memory, where a filter cannot look. C libraries then call clone.
      failing(['clone3'], ENOSYS),
      // They would have the host write all that it has not yet written.
      ...failsAnyway(failing(['sync', 'syncfs'], EPERM)),
      allowed(['socket', 'socketpair'], equal(0, AF_UNIX)),
      ...internet.flatMap((family) => [
        ...protocols.map((protocol) => allowed(['socket'], equal(0, family), equal(2, protocol))),
        // Programs in Go try it, and then do without.
        failing(['socket'], EPROTONOSUPPORT, equal(0, family), equal(2, IPPROTO_MPTCP)),
      ]),
      // Programs may ask for all limits and change all but the one that prevents core dumps.
      ...otherThanCore('setrlimit', 0),
      ...otherThanCore('prlimit64', 1),
      allowed(['prlimit64'], equal(2, 0)),
      ...failsAnyway(
        failing(['setrlimit'], EPERM, core(0)),
        failing(['prlimit64'], EPERM, core(1), { index: 2, op: 'SCMP_CMP_NE', value: 0 }),
      ),
      // The personality of a plain Linux process, and the question for it.
      ...[0, 0xffff_ffff].map((value) => allowed(['personality'], equal(0, value))),
    ],
  };
}
