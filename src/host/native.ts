/** A list packed into bytes: numbers as little-endian u32, strings as u32 length, UTF-8 and NUL, ArrayBuffers as is. */
export type Packed = readonly (number | string | ArrayBuffer)[];

/**
 * The functions that C provides to both hosts (native/host/functions.def lists the same names, in the same order, with
 * the kinds of their arguments; both bindings marshal from that table).
 *
 * No function throws. One that fails returns a negative errno in place of its result: a caller narrows with
 * `typeof result === 'number'` or uses `expect` of system.ts.
 */
export interface Native {
  /** Whole file as text, opened with O_NONBLOCK|O_NOCTTY. A file of more than `max` bytes gives -EFBIG. */
  readText(path: string, max: number): string | number;
  /** As readText, for a name in an open directory. A symbolic link is not followed: ELOOP. */
  readTextAt(directory: number, name: string, max: number): string | number;
  /** What one read(2) returns, at most `max` bytes: of a small file in procfs or cgroupfs, all of it. */
  readOnce(path: string, max: number): string | number;
  /** [character of the state, flags, start time] of /proc/<pid>/stat (proc_pid_stat(5)). */
  processStat(pid: number): number[] | number;
  /**
   * Compares a file below an open directory with a pattern of ASCII, in which a line feed stands for a value, and a tab for the same
   * one again: before a quote, printable ASCII without quotes and backslashes, else a non-negative integer of at most 15
   * digits. The values, each ended by NUL, or -EBADMSG if the file does not match or has `max` bytes.
   */
  matchAt(directory: number, name: string, max: number, pattern: ArrayBuffer): string | number;
  /** Whole file as bytes; same rules as readText. */
  readBytes(path: string, max: number): ArrayBuffer | number;
  /** open(path, flags|O_CLOEXEC, mode), write all of `text`, close. `flags`: src/kernel/open-flags.ts. */
  writeText(path: string, text: string, flags: number, mode: number): number;
  /** Writes all of `text` to an open descriptor. */
  writeFd(fd: number, text: string): number;
  /** open(path, flags|O_CLOEXEC, mode): a descriptor. `flags`: src/kernel/open-flags.ts. */
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  /** flock(2) with `operation` (LOCK_EX 2, LOCK_NB 4, LOCK_UN 8): [st_ino, st_dev] of the locked file. */
  flock(fd: number, operation: number): number[] | number;
  mkdir(path: string, mode: number): number;
  rmdir(path: string): number;
  unlink(path: string): number;
  rename(from: string, to: string): number;
  /** A symbolic link is not followed: EOPNOTSUPP. */
  chmod(path: string, mode: number): number;
  /** Names in a directory without `.` and `..`, each ended by `/`-free NUL: "a\0b\0". */
  readDirectory(path: string): string | number;
  /** The lines of `cgroup.procs` of a cgroup and its descendants. */
  cgroupProcesses(path: string): string | number;
  /** Writes THAWED to `freezer.state` (v1) of a cgroup and its descendants. */
  thawCgroups(path: string): number;
  /** Removes a cgroup and its descendants, except those with processes (-EBUSY). A missing one is no failure. */
  removeCgroups(path: string): number;
  readLink(path: string): string | number;
  /** Absolute path without symbolic links, realpath(3). */
  realPath(path: string): string | number;
  /** [st_mode, st_uid, st_gid, st_ino, st_dev, st_rdev, st_size, st_nlink]; `follow` 0 is lstat. */
  stat(path: string, follow: number): number[] | number;
  /** As stat without following, for a name in an open directory, or with '' for the open file itself. */
  statAt(fd: number, name: string): number[] | number;
  /** 1 if the file has the extended attribute (xattr(7)), else 0. A symbolic link is followed. */
  hasAttribute(path: string, name: string): number;
  /** [st_dev, st_ino] of the user namespace that owns the namespace at `path` (ioctl_ns(2)). */
  namespaceOwner(path: string): number[] | number;
  /** f_type of statfs(2). */
  fileSystemType(path: string): number;
  /** 1 if the mount namespace has at least `count` mounts, else 0. */
  hasMounts(count: number): number;
  /** Value of an environment variable, -ENOENT when absent. */
  getEnv(name: string): string | number;
  getCwd(): string | number;
  /**
   * Populates at once the memory that is written while a container is made: quicker than by page faults. Does nothing
   * on Node, whose heap is not part of its binary.
   */
  prefaultHeap(): number;
  effectiveUid(): number;
  /** getpid(2). */
  processId(): number;
  /** [seconds, nanoseconds] of CLOCK_REALTIME. */
  realTime(): number[];
  /** [year, month from 0, day, hour, minute] of seconds since 1970, in the time zone of this process: localtime(3). */
  localTime(seconds: number): number[] | number;
  /** Sixteen unguessable hexadecimal digits, from getrandom(2). */
  nonce(): string | number;
  /** uname(2): "release\0machine\0". */
  kernel(): string;
  /** The JSON schema of config.json (schema/config.schema.json). */
  configSchema(): string;
  /** 1 if the text has only characters from space to `~` and, if `lines` is 1, line feeds and tabs, else 0. */
  isPrintable(text: string, lines: number): number;
  isTerminal(fd: number): number;
  /** pidfd_open(2). */
  pidfdOpen(pid: number): number;
  /** pidfd_send_signal(2). */
  pidfdSignal(pidfd: number, signal: number): number;
  /** Waits until the process has ended: 1, or 0 after `timeoutMs` (-1: no limit). */
  pidfdWait(pidfd: number, timeoutMs: number): number;
  /** kill(2), for pids read from a cgroup. */
  signalProcess(pid: number, signal: number): number;
  /** PR_SET_CHILD_SUBREAPER. */
  becomeSubreaper(): number;
  /**
   * Gives the terminal of `master` the size of `console`, if that has one, and disables its carriage returns if
   * standard output is not a terminal.
   */
  matchTerminal(master: number, console: number): number;
  /** From now on signals are queued for superviseChild instead of ending this process. */
  catchSignals(): number;
  /**
   * Runs a program of host operations (schema/ops.json) in this process. [] if all succeeded, else the first failure;
   * `item` is the index of the failed part in an op with several, `call` the system call.
   */
  runProgram(
    program: Packed,
  ): readonly [] | readonly [index: number, errno: number, item: number, call: string] | number;
  /** The current settings of a device of this network namespace, for the op net_device to restore. */
  netDeviceState(name: string): ArrayBuffer | number;
  /**
   * One clone3(2) with `cloneFlags` followed by execveat(2) of the helper, which runs `program`. It starts in `cgroup`
   * (v2 directory, '' for none) by CLONE_INTO_CGROUP and listens for `start` on `listenPath` ('' for none). `target`
   * (-1 for none) is a pidfd of the container to enter; the program inherits `preserved` descriptors from 3 on. With
   * `filtered` 1 the seccomp filter is sent afterwards, over a stream socket that ends with it. `forks` 1: the helper
   * may continue as another process and report that, which only a child of this process may.
   * [pid, control descriptor, descriptor for the filter or -1], or the failure: [negative errno, call].
   */
  launch(
    program: Packed,
    cloneFlags: number,
    cgroup: string,
    listenPath: string,
    target: number,
    preserved: number,
    filtered: number,
    forks: number,
  ): readonly [pid: number, control: number, filter: number] | readonly [status: number, call: string] | number;
  /**
   * One record of the helper (src/launch/records.ts); empty at end of file; -ETIMEDOUT. The kernel supplies its value:
   * for TERMINAL the descriptor that came with it, ~0 for none; for FORKED the pid of its sender, 0 if that is not a
   * child of this process.
   */
  receive(control: number, timeoutMs: number): ArrayBuffer | number;
  /**
   * Receives one message of a SOCK_SEQPACKET socket: the descriptor that came with it (int32, -1 for none), then the
   * message, empty at end of file.
   */
  receiveMessage(fd: number): ArrayBuffer | number;
  /** Sends one record. */
  send(control: number, record: ArrayBuffer): number;
  /**
   * Connects a unix socket of the type (SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5) to an absolute path, or to an
   * abstract name prefixed with @: a descriptor.
   */
  connect(path: string, type: number): number;
  /** Sends one message, not empty, with one descriptor (SCM_RIGHTS). */
  sendDescriptor(socket: number, fd: number, text: string): number;
  /**
   * poll(2) of pairs of int32, descriptor and events (POLLIN 1, POLLPRI 2): index of the first that is ready,
   * -ETIMEDOUT after `timeoutMs` (-1: no limit). POLLPRI: the kernel file has changed since the last read.
   */
  poll(wanted: ArrayBuffer, timeoutMs: number): number;
  /** eventfd(2), close-on-exec and non-blocking. */
  eventDescriptor(): number;
  /** Text of an open file from its start, or the contents of a descriptor that cannot seek; at most `max` bytes. */
  readFd(fd: number, max: number): string | number;
  readFdBytes(fd: number, max: number): ArrayBuffer | number;
  /** Runs a program of the host to its end and returns its standard output, at most `max` bytes. -EIO if it fails. */
  capture(args: readonly string[], max: number): string | number;
  /** As connect, for a stream socket, with a timeout. */
  connectStream(path: string, timeoutMs: number): number;
  /** Sends all of `bytes`; the timeout applies to each wait for the peer. */
  sendStream(fd: number, bytes: ArrayBuffer, timeoutMs: number): number;
  sendText(fd: number, text: string, timeoutMs: number): number;
  /** Data received on a stream socket, at most `max` bytes; empty at its end. */
  receiveStream(fd: number, max: number, timeoutMs: number): ArrayBuffer | number;
  /** 1 for a connected stream socket, else 0. */
  isStream(fd: number): number;
  /**
   * Waits for a line on `lifeline` or the end of init, whose pidfd and pid are given, without this process's heap: the
   * binary executes itself with the same command line, and then sends the go-ahead on `control` by itself. Returns only
   * if that is impossible.
   */
  awaitStartLeanly(control: number, lifeline: number, pidfd: number, pid: number): number;
  /**
   * In the process that `awaitStartLeanly` executed: `control`, the pid, and 1 if init was sent the go-ahead, 0 if it had
   * ended, -1 if the lifeline was closed. -ENOENT in others.
   */
  awaitedStart(): number[] | number;
  /** waitpid(2) on a child: the raw status. */
  waitChild(pid: number): number;
  /** Memfd in which ops are recorded for --trace, made by the first call. */
  traceDescriptor(): number;
  /** The records in it, in the order in which the ops began: eight u32 each (native/helper/trace.h). */
  traceRecords(): ArrayBuffer | number;
  /**
   * For the foreground, after catchSignals: forwards every queued or new signal to `pid`, reaps all children, returns
   * the raw status of `pid`, and, if the relay has lost data, its direction (0 input, 1 output), errno and call.
   * Meanwhile relays between standard input and output and the terminal of `master` (-1 for none), with the caller's
   * terminal `console` (-1 for none) in raw mode; and receives the datagrams of `program` (-1 for none): after the first
   * with a line READY=1, `messages` are sent to `manager`, one datagram each. A line `ROWS COLUMNS` on the stream socket
   * `lifeline` (-1 for none) resizes that terminal; its end kills `pid`, for whose end nobody waits then.
   * Returns 2147483647 in place of the status if `listener` (-1 for none), that of a seccomp filter, has a
   * notification: the next call, with the same arguments, continues.
   */
  superviseChild(
    pid: number,
    master: number,
    console: number,
    program: number,
    manager: number,
    messages: readonly string[],
    lifeline: number,
    listener: number,
  ): readonly [status: number, direction?: number, errno?: number, call?: string] | number;
  /** A call that waits for the answer to it: struct seccomp_notif of seccomp_unotify(2). */
  receiveNotification(listener: number): ArrayBuffer | number;
  /** Answers the call `id` (u64) with an errno, or with `flags` (SECCOMP_USER_NOTIF_FLAG_*). -ENOENT if it no longer waits. */
  answerNotification(listener: number, id: ArrayBuffer, errno: number, flags: number): number;
  /** 0 if the call still waits, so that what was read about its thread was not of another one; else -ENOENT. */
  callWaits(listener: number, id: ArrayBuffer): number;
  /**
   * Ends the process `pid`, one of whose threads made the call `id`, by `signal`, or by SIGKILL if it outlives that. -ENOENT
   * if the call no longer waits.
   */
  endCaller(listener: number, id: ArrayBuffer, pid: number, signal: number): number;
  /** Sends `signal` to the thread `tid`, whose call fails with ENOSYS. -ENOENT if the call no longer waits. */
  signalCaller(listener: number, id: ArrayBuffer, tid: number, signal: number): number;
  /**
   * The bytes at an address (u64) of the thread `tid`, whose call `id` waits: at most `max`, which is at most 4096. -ENOENT if
   * the call no longer waits.
   */
  readMemory(listener: number, id: ArrayBuffer, tid: number, address: ArrayBuffer, max: number): ArrayBuffer | number;
  /** The same as a string, up to its NUL. */
  readMemoryText(listener: number, id: ArrayBuffer, tid: number, address: ArrayBuffer, max: number): string | number;
  /** A datagram socket at an absolute path, which must not exist yet: a descriptor. */
  bindDatagram(path: string): number;
  /** Receives one datagram without waiting: 1 if one of its lines is READY=1, else 0. */
  takeReady(socket: number): number;
  /** pipe2(2), close-on-exec: [read end, write end]. */
  pipe(): number[] | number;
  /**
   * Runs a hook to its end: execve(path, args, env) in `cwd`, with `input` on stdin. `inherit` 1: the environment is that
   * of this process, and `env` is not used. Output goes to the descriptors
   * `stdout` and `stderr`, or is captured if they are -1 (last 4 KiB of each, which begin with `...` if there was more). Its process group is killed after
   * `timeoutMs` (0: no limit). Result record: u32 outcome (0 exited, 1 signalled, 2 timed out, 3 exec failed), u32
   * value (status, signal or errno), u32 stdout length, stdout, u32 stderr length, stderr.
   */
  runHook(
    path: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    input: string,
    timeoutMs: number,
    stdout: number,
    stderr: number,
    inherit: number,
  ): ArrayBuffer | number;
  /** _exit(2). */
  exit(code: number): never;
}
