import type { Call } from '../harness/calls.ts';

const open = 'EACCES EIO EMFILE ENFILE ENOMEM';
const create = 'EACCES EDQUOT ENOMEM ENOSPC EPERM EROFS';
const remove = 'EACCES EBUSY ENOMEM EPERM EROFS';
const look = 'EACCES EIO ENOMEM';

/** The errors of each call according to its man page, except those excluded below. */
const errnos: Readonly<Record<string, string>> = {
  accept4: 'ECONNABORTED EINTR EMFILE ENFILE ENOBUFS ENOMEM',
  bind: 'EACCES ENOMEM ENOSPC EROFS',
  bpf: 'EACCES EAGAIN ENOMEM EPERM',
  brk: 'ENOMEM',
  capset: 'EPERM',
  chdir: look,
  chroot: look,
  clone: 'EAGAIN ENOMEM',
  clone3: 'EAGAIN ENOMEM ENOSPC EPERM',
  connect: 'EACCES EAGAIN EINTR ENOMEM',
  dup3: 'EMFILE',
  eventfd2: 'EMFILE ENFILE ENOMEM',
  execve: 'EACCES EIO EMFILE ENFILE ENOMEM EPERM',
  execveat: 'EACCES EIO EMFILE ENFILE ENOMEM EPERM',
  faccessat2: look,
  fchdir: look,
  fchmod: 'EIO EPERM EROFS',
  fchmodat2: create,
  fchown: 'EIO EPERM EROFS',
  fchownat: create,
  flock: 'EINTR ENOLCK',
  fsconfig: 'EACCES EBUSY EINVAL EIO ENODEV ENOMEM EPERM',
  fsmount: 'EBUSY EMFILE ENFILE ENOMEM EPERM',
  fsopen: 'EMFILE ENFILE ENODEV ENOMEM EPERM',
  fstat: 'EIO ENOMEM',
  fstatfs: 'EIO ENOMEM',
  getcwd: 'EACCES ENOENT ENOMEM',
  getdents64: 'EIO ENOMEM',
  keyctl: 'EACCES EDQUOT ENOMEM',
  kill: 'EPERM',
  listmount: 'ENOMEM EPERM',
  lstat: look,
  madvise: 'EAGAIN EINVAL ENOMEM',
  memfd_create: 'EACCES EMFILE ENFILE ENOMEM',
  mkdir: create,
  mkdirat: create,
  mknodat: create,
  mmap: 'ENOMEM',
  mount_setattr: 'EBUSY EINVAL ENOMEM ENOSPC EPERM',
  move_mount: 'EACCES EBUSY EINVAL ENOMEM ENOSPC EPERM',
  mremap: 'ENOMEM',
  newfstatat: look,
  open: open,
  open_tree: open,
  openat: open,
  openat2: open,
  pidfd_open: 'EMFILE ENFILE ENOMEM',
  pidfd_send_signal: 'EPERM',
  pipe2: 'EMFILE ENFILE',
  pivot_root: 'EBUSY EINVAL ENOMEM EPERM',
  poll: 'EINTR ENOMEM',
  ppoll: 'EINTR ENOMEM',
  prlimit64: 'EPERM',
  pwrite64: 'EIO ENOSPC',
  read: 'EINTR EIO ENOMEM',
  readlink: look,
  readlinkat: look,
  recvfrom: 'EINTR ENOMEM',
  recvmsg: 'EINTR EMFILE ENOMEM',
  rename: remove,
  rmdir: remove,
  sched_setaffinity: 'EPERM',
  seccomp: 'EACCES ENOMEM',
  sendmsg: 'EAGAIN EINTR ENOBUFS ENOMEM',
  sendto: 'EAGAIN EINTR ENOBUFS ENOMEM',
  setgroups: 'ENOMEM EPERM',
  sethostname: 'EPERM',
  setns: 'ENOMEM EPERM',
  setresgid: 'EPERM',
  setresuid: 'EAGAIN EPERM',
  setsockopt: 'ENOMEM',
  socket: 'EACCES EMFILE ENFILE ENOBUFS ENOMEM',
  socketpair: 'EMFILE ENFILE ENOMEM',
  stat: look,
  statfs: look,
  statx: look,
  symlinkat: create,
  umount2: 'EBUSY ENOMEM EPERM',
  unlink: remove,
  unlinkat: remove,
  unshare: 'ENOMEM ENOSPC EPERM',
  utimensat: 'EACCES EPERM EROFS',
  wait4: 'EINTR',
  waitid: 'EINTR',
  write: 'EACCES EBUSY EIO ENOMEM ENOSPC EPERM',
  writev: 'EINTR ENOBUFS ENOMEM',
};

/** By their second argument. */
const ofFcntl: Readonly<Record<number, string>> = { 0x406: 'EMFILE' };
/** By their first argument: PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_SET_KEEPCAPS. */
const ofPrctl: Readonly<Record<number, string>> = { 24: 'EPERM', 47: 'EPERM', 8: 'EPERM' };
/** By their second argument: TIOCGPTPEER, TIOCSPTLCK, TIOCSCTTY, TIOCSWINSZ, TCSETS, SIOCSIFFLAGS, SIOCGIFFLAGS, NS_GET_USERNS. */
const ofIoctl: Readonly<Record<number, string>> = {
  0x5441: 'EIO EMFILE ENFILE ENOMEM',
  0x40045431: 'EIO',
  0x540e: 'EPERM',
  0x5414: 'EIO',
  0x5402: 'EIO',
  0x8914: 'ENOMEM EPERM',
  0x8913: 'ENODEV',
  0xb701: 'EMFILE EPERM',
};

/**
 * Errors that no kernel returns for these calls of the runtime, or that have exactly the meaning that the runtime
 * assumes. They are not tried.
 */
const leftOut: readonly (readonly [calls: string, errors: string, why: string])[] = [
  ['all', 'EBADF EFAULT ENAMETOOLONG EINVAL EOVERFLOW', 'the arguments are right, and of the right length'],
  ['all', 'ENOSYS EOPNOTSUPP', 'an older kernel: what is done then has cases of its own (kernel-support)'],
  ['all but open of a cgroup', 'ENOENT ENOTDIR ESRCH ENODEV', 'it is not there, and that is what it is taken for'],
  ['mkdir mkdirat mknodat symlinkat', 'EEXIST', 'it is there already, which is then looked at'],
  ['close', 'EINTR EIO', 'of files of /proc, cgroups, tmpfs, sockets and pipes: nothing is written then'],
  [
    'arch_prctl capget clock_gettime getsockopt listen lseek munmap rt_sigaction rt_sigprocmask set_tid_address',
    'any',
    'they fail for wrong arguments only',
  ],
  [
    'exit_group getegid geteuid getgid getgroups getpid getppid getrandom getresgid getresuid getuid rt_sigreturn setpgid setsid',
    'any',
    'they cannot fail here',
  ],
  ['umask uname', 'any', 'they cannot fail'],
  [
    'fcntl',
    'any but of F_DUPFD_CLOEXEC',
    'F_GETFD, F_SETFD, F_SETFL and sealing of a fresh memfd fail for wrong arguments only',
  ],
  [
    'prctl',
    'any but of capabilities',
    'PR_SET_NAME, PDEATHSIG, DUMPABLE, NO_NEW_PRIVS, SUBREAPER fail for wrong arguments only',
  ],
  ['close_range', 'EMFILE ENOMEM', 'with CLOSE_RANGE_UNSHARE only'],
  ['flock', 'EAGAIN', 'somebody else has the lock'],
  ['sendto sendmsg writev', 'EPIPE ECONNRESET', 'the other side has ended'],
  ['wait4 waitid', 'ECHILD', 'the child is there: nobody else reaps it'],
  ['ioctl', 'ENOTTY', 'it is no terminal'],
  ['open read write', 'EINTR', 'open and write: of a FIFO, or of a file of FUSE or NFS only'],
  ['memfd_create', 'EINVAL', 'a kernel that does not know the flag: see ENOSYS'],
];

/** A cgroup can disappear at any time: systemd removes empty ones. */
const cgroupFile = /\/(?:tasks|cgroup\.procs)$/;

const explained = new Set(leftOut.flatMap(([calls]) => calls.split(' ')));

/** Whether the errors of the call are listed or deliberately excluded. */
export function isKnown({ name }: Call): boolean {
  return name in errnos || explained.has(name);
}

export function errnosOf({ name, arguments: [first = 0, second = 0], path }: Call): readonly string[] {
  const words =
    name === 'fcntl'
      ? ofFcntl[second]
      : name === 'prctl'
        ? ofPrctl[first]
        : name === 'ioctl'
          ? ofIoctl[second]
          : errnos[name];
  const all = words === undefined ? [] : words.split(' ');
  return name.startsWith('open') && cgroupFile.test(path) ? [...all, 'ENOENT', 'ENODEV'] : all;
}
