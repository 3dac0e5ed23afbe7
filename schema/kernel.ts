/**
 * The numbers of the kernel's interface that TypeScript uses. `make generate` writes them to src/kernel, by the name of
 * the file (build/kernel.ts).
 */
import { callTables } from './architectures.ts';

export interface Group {
  readonly doc: string;
  /** Headers of the kernel; those of the C library if the kernel publishes none. */
  readonly headers: readonly string[];
  /** Makes one object of the group instead of a constant for each number. */
  readonly object?: string;
  /** Decimal unless given. */
  readonly base?: 8 | 16;
  /** The name in TypeScript and, if it differs, the expression in C. */
  readonly numbers: readonly (string | readonly [name: string, expression: string])[];
  /** Numbers in no header, or not yet in that of Debian 12; nothing checks them. */
  readonly unpublished?: Readonly<Record<string, number>>;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** For an object whose names omit the prefix of the C names. */
function prefixed(prefix: string, text: string): [name: string, expression: string][] {
  return words(text).map((word) => [word, prefix + word]);
}

export const openFlags: Group = {
  doc:
    'Flags of `open` and `writeText` of Native, on every architecture: the numbers of asm-generic/fcntl.h. On some ' +
    'architectures some of them differ (arm64: O_DIRECTORY, O_NOFOLLOW), so C converts them (native/host/files.c) ' +
    'and rejects unknown ones.',
  headers: ['asm-generic/fcntl.h'],
  base: 8,
  numbers: words(`O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_NOCTTY O_TRUNC O_APPEND O_NONBLOCK O_DIRECTORY O_NOFOLLOW
    O_SYNC O_PATH`),
};

export const kernelFiles: Readonly<Record<string, readonly Group[]>> = {
  errno: [
    {
      doc: 'Error numbers that the code tests for.',
      headers: ['asm/errno.h'],
      numbers:
        words(`EPERM ENOENT ESRCH EINTR ENXIO ENOEXEC EBADF EAGAIN EACCES EBUSY EEXIST ENODEV ENOTDIR EISDIR EINVAL EMFILE EFBIG EPIPE
        EDEADLK ENOSYS ENOTEMPTY ELOOP EPROTONOSUPPORT EOPNOTSUPP EADDRINUSE ECONNRESET ETIMEDOUT ECONNREFUSED`),
    },
  ],
  'open-flags': [openFlags],
  files: [
    {
      doc: 'File types in the mode reported by stat(2): inode(7).',
      headers: ['sys/stat.h'],
      base: 8,
      numbers: words('S_IFMT S_IFIFO S_IFCHR S_IFDIR S_IFBLK S_IFREG S_IFLNK'),
    },
    { doc: 'Operations of flock(2).', headers: ['asm/fcntl.h'], numbers: words('LOCK_EX LOCK_NB LOCK_UN') },
  ],
  'file-systems': [
    {
      doc: 'File system types reported by statfs(2).',
      headers: ['linux/magic.h'],
      base: 16,
      numbers: words('CGROUP_SUPER_MAGIC CGROUP2_SUPER_MAGIC NSFS_MAGIC SELINUX_MAGIC'),
    },
  ],
  mounts: [
    {
      doc: 'Attributes of mount_setattr(2).',
      headers: ['linux/mount.h'],
      object: 'MOUNT_ATTR',
      base: 16,
      numbers: prefixed('MOUNT_ATTR_', 'RDONLY NOSUID NODEV NOEXEC _ATIME NOATIME STRICTATIME NODIRATIME NOSYMFOLLOW'),
    },
    {
      doc: 'Propagation types (mount_namespaces(7)).',
      headers: ['linux/mount.h'],
      object: 'MS',
      base: 16,
      numbers: words('unbindable private slave shared').map((name) => [name, `MS_${name.toUpperCase()}`]),
    },
  ],
  namespaces: [
    {
      doc: 'Flags of clone(2) by the name of the namespace in config.json.',
      headers: ['linux/sched.h'],
      object: 'CLONE_NEW',
      base: 16,
      numbers: [
        ['mount', 'CLONE_NEWNS'],
        ['cgroup', 'CLONE_NEWCGROUP'],
        ['uts', 'CLONE_NEWUTS'],
        ['ipc', 'CLONE_NEWIPC'],
        ['user', 'CLONE_NEWUSER'],
        ['pid', 'CLONE_NEWPID'],
        ['network', 'CLONE_NEWNET'],
        ['time', 'CLONE_NEWTIME'],
      ],
    },
  ],
  signals: [
    { doc: 'Signals with a special role in the code.', headers: ['signal.h'], numbers: words('SIGKILL SIGSYS') },
    {
      doc: 'The real-time signals; the C library reserves the first two.',
      headers: ['signal.h'],
      numbers: ['SIGRTMIN', ['SIGRTMAX', '_NSIG - 1']],
      unpublished: { SIGRTMIN: 32 },
    },
    {
      doc: 'Signals by name, without SIG, in the order of their numbers (signal(7)).',
      headers: ['signal.h'],
      object: 'SIGNALS',
      numbers: prefixed(
        'SIG',
        `HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG
        XCPU XFSZ VTALRM PROF WINCH IO PWR SYS`,
      ),
    },
  ],
  processes: [
    {
      doc: 'Capabilities, in the order of their numbers (capabilities(7)).',
      headers: ['linux/capability.h'],
      object: 'CAPABILITIES',
      numbers: words(
        `CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP
        CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER
        CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE
        CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL
        CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON
        CAP_BPF CAP_CHECKPOINT_RESTORE`,
      ),
    },
    {
      doc: 'Resources of getrlimit(2).',
      headers: ['asm/resource.h'],
      object: 'RLIMITS',
      numbers: words(`RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE RLIMIT_RSS RLIMIT_NPROC RLIMIT_NOFILE
        RLIMIT_MEMLOCK RLIMIT_AS RLIMIT_LOCKS RLIMIT_SIGPENDING RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME`),
    },
    {
      doc: 'Execution domains of personality(2).',
      headers: ['linux/personality.h'],
      object: 'PERSONALITIES',
      numbers: prefixed('PER_', 'LINUX LINUX32'),
    },
    {
      doc: 'The flag of an exiting process, in the 9th field of proc_pid_stat(5): linux/sched.h.',
      headers: [],
      base: 16,
      numbers: ['PF_EXITING'],
      unpublished: { PF_EXITING: 4 },
    },
    {
      doc: 'Permissions to search a keyring, for its user and for others (keyctl(2)): keyutils.h.',
      headers: [],
      base: 16,
      numbers: ['KEY_USR_SEARCH', 'KEY_OTH_SEARCH'],
      unpublished: { KEY_USR_SEARCH: 0x80000, KEY_OTH_SEARCH: 8 },
    },
  ],
  scheduling: [
    {
      doc: 'Policies of sched(7). SCHED_ISO is reserved in the kernel, but not implemented.',
      headers: ['linux/sched.h'],
      object: 'SCHEDULER_POLICIES',
      numbers: [
        ['SCHED_OTHER', 'SCHED_NORMAL'],
        ...words('SCHED_FIFO SCHED_RR SCHED_BATCH SCHED_ISO SCHED_IDLE SCHED_DEADLINE'),
      ],
      unpublished: { SCHED_ISO: 4 },
    },
    {
      doc: 'Flags of sched_setattr(2).',
      headers: ['linux/sched.h'],
      object: 'SCHEDULER_FLAGS',
      base: 16,
      numbers: words(`SCHED_FLAG_RESET_ON_FORK SCHED_FLAG_RECLAIM SCHED_FLAG_DL_OVERRUN SCHED_FLAG_KEEP_POLICY
        SCHED_FLAG_KEEP_PARAMS SCHED_FLAG_UTIL_CLAMP_MIN SCHED_FLAG_UTIL_CLAMP_MAX`),
    },
    {
      doc: 'Classes of ioprio_set(2).',
      headers: ['linux/ioprio.h'],
      object: 'IO_PRIORITY_CLASSES',
      numbers: words('IOPRIO_CLASS_RT IOPRIO_CLASS_BE IOPRIO_CLASS_IDLE'),
    },
    { doc: 'Position of the class in its argument.', headers: ['linux/ioprio.h'], numbers: ['IOPRIO_CLASS_SHIFT'] },
    {
      doc: 'Modes of set_mempolicy(2).',
      headers: ['linux/mempolicy.h'],
      object: 'MEMORY_POLICY_MODES',
      numbers: words(`MPOL_DEFAULT MPOL_PREFERRED MPOL_BIND MPOL_INTERLEAVE MPOL_LOCAL MPOL_PREFERRED_MANY
        MPOL_WEIGHTED_INTERLEAVE`),
      unpublished: { MPOL_WEIGHTED_INTERLEAVE: 6 },
    },
    {
      doc: 'Flags of these modes.',
      headers: ['linux/mempolicy.h'],
      object: 'MEMORY_POLICY_FLAGS',
      base: 16,
      numbers: words('MPOL_F_STATIC_NODES MPOL_F_RELATIVE_NODES MPOL_F_NUMA_BALANCING'),
    },
  ],
  seccomp: [
    {
      doc: 'Return values of a filter; the low half is data (seccomp(2)).',
      headers: ['linux/seccomp.h'],
      object: 'SECCOMP_RET',
      base: 16,
      numbers: prefixed(
        'SECCOMP_RET_',
        'KILL_PROCESS KILL_THREAD TRAP ERRNO USER_NOTIF TRACE LOG ALLOW ACTION_FULL DATA',
      ),
    },
    {
      doc: 'The operation of seccomp(2) that loads a filter.',
      headers: ['linux/seccomp.h'],
      numbers: ['SECCOMP_SET_MODE_FILTER'],
    },
    {
      doc: 'Flags of seccomp(2).',
      headers: ['linux/seccomp.h'],
      base: 16,
      numbers: words(
        'SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW SECCOMP_FILTER_FLAG_NEW_LISTENER ' +
          'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
      ),
    },
    {
      doc: 'The answer to a notification that has the kernel make the call.',
      headers: ['linux/seccomp.h'],
      numbers: ['SECCOMP_USER_NOTIF_FLAG_CONTINUE'],
    },
    {
      doc: 'The architecture of a call, as a filter sees it.',
      headers: ['linux/audit.h'],
      base: 16,
      numbers: [...new Set(Object.values(callTables).map(({ audit }) => audit))],
    },
    {
      doc: 'The bit of x32 in the number of a call, and the number of the first call of ARM alone: asm/unistd.h there.',
      headers: [],
      base: 16,
      numbers: ['X32_SYSCALL_BIT', 'ARM_NR_BASE'],
      unpublished: { X32_SYSCALL_BIT: 0x40000000, ARM_NR_BASE: 0xf0000 },
    },
    {
      doc: 'The longest program that the kernel accepts.',
      headers: ['linux/bpf_common.h'],
      numbers: ['BPF_MAXINSNS'],
    },
    {
      doc: 'The opcodes of classic BPF that a filter may use here; seccomp(2) accepts all of them.',
      headers: ['linux/filter.h'],
      object: 'FILTER_OPCODES',
      base: 16,
      numbers: [
        ['load', 'BPF_LD | BPF_W | BPF_ABS'],
        ['and', 'BPF_ALU | BPF_AND | BPF_K'],
        ['goto', 'BPF_JMP | BPF_JA'],
        ['ifEqual', 'BPF_JMP | BPF_JEQ | BPF_K'],
        ['ifGreater', 'BPF_JMP | BPF_JGT | BPF_K'],
        ['ifAtLeast', 'BPF_JMP | BPF_JGE | BPF_K'],
        ['return', 'BPF_RET | BPF_K'],
      ],
    },
  ],
  'device-programs': [
    {
      doc: 'Opcodes of 32-bit arithmetic, jumps and loads (kernel: Documentation/bpf/standardization/instruction-set.rst).',
      headers: ['linux/bpf.h'],
      object: 'DEVICE_OPCODES',
      base: 16,
      numbers: [
        ['load', 'BPF_LDX | BPF_MEM | BPF_W'],
        ['and', 'BPF_ALU | BPF_AND | BPF_K'],
        ['shiftRight', 'BPF_ALU | BPF_RSH | BPF_K'],
        ['move', 'BPF_ALU | BPF_MOV | BPF_K'],
        ['moveRegister', 'BPF_ALU | BPF_MOV | BPF_X'],
        ['jump', 'BPF_JMP | BPF_JA'],
        ['ifNot', 'BPF_JMP32 | BPF_JNE | BPF_K'],
        ['ifSet', 'BPF_JMP32 | BPF_JSET | BPF_K'],
        ['exit', 'BPF_JMP | BPF_EXIT'],
      ],
    },
    {
      doc: 'Types of devices, and bits of access to them, in struct bpf_cgroup_dev_ctx.',
      headers: ['linux/bpf.h'],
      numbers: words(
        `BPF_DEVCG_DEV_BLOCK BPF_DEVCG_DEV_CHAR BPF_DEVCG_ACC_MKNOD BPF_DEVCG_ACC_READ BPF_DEVCG_ACC_WRITE`,
      ),
    },
  ],
  sockets: [
    {
      doc: 'Types of socket(2).',
      headers: ['sys/socket.h'],
      numbers: words('SOCK_STREAM SOCK_DGRAM SOCK_SEQPACKET'),
    },
    { doc: 'Events of poll(2).', headers: ['asm/poll.h'], numbers: words('POLLIN POLLPRI') },
  ],
  'call-flags': [
    {
      doc: 'What O_TMPFILE of open(2) is besides O_DIRECTORY.',
      headers: ['asm-generic/fcntl.h'],
      base: 8,
      numbers: ['__O_TMPFILE'],
    },
    {
      doc: 'Flags of mount(2).',
      headers: ['linux/mount.h'],
      object: 'MOUNT_FLAGS',
      base: 16,
      numbers: prefixed(
        'MS_',
        'RDONLY NOSUID NODEV NOEXEC SYNCHRONOUS REMOUNT DIRSYNC NOATIME NODIRATIME BIND MOVE REC SILENT UNBINDABLE ' +
          'PRIVATE SLAVE SHARED RELATIME STRICTATIME',
      ),
    },
    {
      doc: 'Families of socket(2).',
      headers: ['sys/socket.h'],
      object: 'SOCKET_FAMILIES',
      numbers: prefixed('AF_', 'UNIX INET INET6 NETLINK PACKET BLUETOOTH ALG VSOCK XDP'),
    },
    {
      doc: 'Names of types of socket(2).',
      headers: ['sys/socket.h'],
      object: 'SOCKET_TYPES',
      numbers: prefixed('SOCK_', 'STREAM DGRAM RAW SEQPACKET'),
    },
    {
      doc: 'Flags beside the type of socket(2).',
      headers: ['sys/socket.h'],
      object: 'SOCKET_FLAGS',
      base: 16,
      numbers: prefixed('SOCK_', 'NONBLOCK CLOEXEC'),
    },
  ],
  elf: [
    { doc: 'The program header that names the loader (elf(5)).', headers: ['linux/elf.h'], numbers: ['PT_INTERP'] },
    {
      doc: 'The architecture of a program.',
      headers: ['linux/elf-em.h'],
      numbers: words('EM_386 EM_MIPS EM_PPC EM_PPC64 EM_S390 EM_ARM EM_X86_64 EM_AARCH64 EM_RISCV EM_LOONGARCH'),
    },
  ],
};
