import type {
  Config,
  LinuxResources,
  LinuxSeccomp,
  LinuxSyscall,
  Mount,
  SeccompAction,
} from '../../schema/generated/config.ts';
import { ENOSYS } from '../kernel/errno.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
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
  const none: string[] = [];
  const resources = resourcesOf(limits);
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
        { type: 'RLIMIT_CORE', hard: 0, soft: 0 },
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
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: 'nosuid noexec newinstance ptmxmode=0666 mode=0620'.split(' '),
    },
    mount('/dev/shm', 'tmpfs', 'noexec mode=1777 size=16m'),
    mount('/tmp', 'tmpfs', `mode=1777 size=${tmp}`),
  ];
}

const period = 100_000;

/** Undefined if there is nothing to limit, for those who may not. */
function resourcesOf({ memory, pids, cpus }: HardenedLimits): LinuxResources | undefined {
  if (memory === undefined && pids === undefined && cpus === undefined) return undefined;
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
  'pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2 read ' +
  'readahead readlink readlinkat readv recvfrom recvmmsg recvmsg removexattr rename renameat renameat2 restart_syscall ' +
  'rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait ' +
  'rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam ' +
  'sched_getscheduler sched_rr_get_interval sched_setaffinity sched_yield seccomp select sendfile sendmmsg sendmsg sendto ' +
  'set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority ' +
  'setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shutdown sigaltstack splice stat ' +
  'statfs statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete ' +
  'timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate ' +
  'umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev';

/** Of clone(2). */
const newNamespaces = Object.values(CLONE_NEW).reduce((all, flag) => all | flag, 0);
/** AF_UNIX, AF_INET, AF_INET6. */
const families = [1, 2, 10];

function filterOf(denied: HardenedProgram['denied']): LinuxSeccomp {
  const allow: SeccompAction = 'SCMP_ACT_ALLOW';
  const only = (names: string[], value: number): LinuxSyscall => ({
    names,
    action: allow,
    args: [{ index: 0, op: 'SCMP_CMP_EQ', value }],
  });
  return {
    defaultAction: denied === 'kill' ? 'SCMP_ACT_KILL_PROCESS' : 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: calls.split(' '), action: allow },
      {
        names: ['clone'],
        action: allow,
        args: [{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: newNamespaces, valueTwo: 0 }],
      },
      // Its flags are in memory, where a filter cannot look. C libraries then call clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
      ...families.map((family) => only(['socket', 'socketpair'], family)),
      // The personality of a plain Linux process, and the question for it.
      ...[0, 0xffff_ffff].map((value) => only(['personality'], value)),
    ],
  };
}
