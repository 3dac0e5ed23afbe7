/** A list that arrives as bytes: a number as little-endian u32, a string as length (u32), UTF-8 and NUL, an ArrayBuffer as it is. */
export type Packed = readonly (number | string | ArrayBuffer)[];

/**
 * The functions that C provides to both hosts (native/host/functions.def lists the same names, in the
 * same order, with the kinds of their arguments; both bindings marshal from that table).
 *
 * Nothing here throws. A function that fails returns a negative errno in place of its result, so a
 * caller narrows with `typeof result === 'number'` or uses `expect` of system.ts.
 */
export interface Native {
  /** Whole file as text. Opened O_NONBLOCK|O_NOCTTY, `max` bytes at most, else -EFBIG. */
  readText(path: string, max: number): string | number;
  /** As readText, of a name in an open directory. A symbolic link is not followed: ELOOP. */
  readTextAt(directory: number, name: string, max: number): string | number;
  /** Whole file as bytes; same rules as readText. */
  readBytes(path: string, max: number): ArrayBuffer | number;
  /** open(path, flags|O_CLOEXEC, mode), write all of `text`, close. `flags`: src/kernel/open-flags.ts. */
  writeText(path: string, text: string, flags: number, mode: number): number;
  /** Writes all of `text` to an open descriptor. */
  writeFd(fd: number, text: string): number;
  /** open(path, flags|O_CLOEXEC, mode): a descriptor. `flags`: src/kernel/open-flags.ts. */
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  /** flock(2) with `operation` (LOCK_EX 2, LOCK_NB 4, LOCK_UN 8): [st_ino, st_dev] of what is locked. */
  flock(fd: number, operation: number): number[] | number;
  mkdir(path: string, mode: number): number;
  rmdir(path: string): number;
  unlink(path: string): number;
  rename(from: string, to: string): number;
  /** A symbolic link is not followed: EOPNOTSUPP. */
  chmod(path: string, mode: number): number;
  /** Names in a directory without `.` and `..`, each ended by `/`-free NUL: "a\0b\0". */
  readDirectory(path: string): string | number;
  /** The lines of `cgroup.procs` of a cgroup and of all below it. */
  cgroupProcesses(path: string): string | number;
  /** Writes THAWED to `freezer.state` (v1) of a cgroup and of all below it. */
  thawCgroups(path: string): number;
  /** Removes a cgroup and all below it, as far as they have no processes, else -EBUSY. One that is gone is no failure. */
  removeCgroups(path: string): number;
  readLink(path: string): string | number;
  /** Absolute path without symbolic links, realpath(3). */
  realPath(path: string): string | number;
  /** [st_mode, st_uid, st_gid, st_ino, st_dev, st_rdev, st_size, st_nlink]; `follow` 0 is lstat. */
  stat(path: string, follow: number): number[] | number;
  /** As stat without following, of a name in an open directory, or with '' of what is open. */
  statAt(fd: number, name: string): number[] | number;
  /** [st_dev, st_ino] of the user namespace that owns the namespace at `path` (ioctl_ns(2)). */
  namespaceOwner(path: string): number[] | number;
  /** f_type of statfs(2). */
  fileSystemType(path: string): number;
  /** Value of an environment variable, -ENOENT when absent. */
  getEnv(name: string): string | number;
  getCwd(): string | number;
  /**
   * Makes the memory that will be written to while a container is made the process's own at once: quicker than page
   * by page. Nothing on Node, whose heap is not part of its binary.
   */
  prefaultHeap(): number;
  effectiveUid(): number;
  /** getpid(2). */
  processId(): number;
  /** [seconds, nanoseconds] of CLOCK_REALTIME. */
  realTime(): number[];
  /** Sixteen hexadecimal digits that nobody can guess, from getrandom(2). */
  nonce(): string | number;
  /** uname(2): "release\0machine\0". */
  kernel(): string;
  isTerminal(fd: number): number;
  /** pidfd_open(2). */
  pidfdOpen(pid: number): number;
  /** pidfd_send_signal(2). */
  pidfdSignal(pidfd: number, signal: number): number;
  /** Waits until the process has ended: 1, or 0 after `timeoutMs` (-1 waits for ever). */
  pidfdWait(pidfd: number, timeoutMs: number): number;
  /** kill(2), for pids read from a cgroup. */
  signalProcess(pid: number, signal: number): number;
  /** PR_SET_CHILD_SUBREAPER. */
  becomeSubreaper(): number;
  /**
   * Gives the terminal of `master` the size of `console`, if that has one; and no carriage returns when standard
   * output is not a terminal.
   */
  matchTerminal(master: number, console: number): number;
  /** From now on signals are kept for superviseChild instead of ending this process. */
  catchSignals(): number;
  /**
   * Runs a program of host operations (schema/ops.json) in this process.
   * [] when all succeeded, else what is known of the first that failed; `item` is the place in an op that writes several
   * things, `call` the system call.
   */
  runProgram(
    program: Packed,
  ): readonly [] | readonly [index: number, errno: number, item: number, call: string] | number;
  /** What the op net_device needs to give a device of this network namespace back what it has now. */
  netDeviceState(name: string): ArrayBuffer | number;
  /**
   * One clone3(2) with `cloneFlags` followed by execveat(2) of the helper, which runs `program`.
   * `cgroup` (v2 directory, '' for none) is entered by CLONE_INTO_CGROUP; `listenPath` ('' for none) is where
   * the helper listens for `start`. `target` (-1 for none) is a pidfd of the container that it enters;
   * `preserved` descriptors from 3 on are the program's. With `filtered` 1 the seccomp filter is sent afterwards,
   * over a stream socket that ends with it. `forks` 1: the helper may go on as another process and tell so, which is
   * believed of a child of this process alone.
   * [pid, control descriptor, descriptor for the filter or -1].
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
  ): number[] | number;
  /**
   * One record of the helper (src/launch/records.ts); empty at end of file; -ETIMEDOUT. In its value is, by the
   * kernel's word: of TERMINAL the descriptor that came with it, ~0 for none; of FORKED the pid of its sender, 0 when
   * that is not a child of this process.
   */
  receive(control: number, timeoutMs: number): ArrayBuffer | number;
  /**
   * Waits for one message of a SOCK_SEQPACKET socket: a descriptor that came with it (int32, -1 for none), then the
   * message, empty at end of file.
   */
  receiveMessage(fd: number): ArrayBuffer | number;
  /** Sends one record. */
  send(control: number, record: ArrayBuffer): number;
  /**
   * Connects a unix socket of the type (SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5) to an absolute path, or to an
   * abstract name written with @ before it: a descriptor.
   */
  connect(path: string, type: number): number;
  /** Sends one message, not empty, with one descriptor (SCM_RIGHTS). */
  sendDescriptor(socket: number, fd: number, text: string): number;
  /**
   * poll(2) of pairs of int32, descriptor and events (POLLIN 1, POLLPRI 2): index of the first that is ready,
   * -ETIMEDOUT after `timeoutMs` (-1: no limit). A kernel file is ready for POLLPRI when it changed since it was read.
   */
  poll(wanted: ArrayBuffer, timeoutMs: number): number;
  /** eventfd(2), close-on-exec and non-blocking. */
  eventDescriptor(): number;
  /** Text of an open file from its start, or what a descriptor that cannot seek holds; at most `max` bytes. */
  readFd(fd: number, max: number): string | number;
  /** Runs a program of the host to its end: its standard output, at most `max` bytes. -EIO when it fails. */
  capture(args: readonly string[], max: number): string | number;
  /** As connect, to a stream socket, giving up after `timeoutMs`. */
  connectStream(path: string, timeoutMs: number): number;
  /** Sends all of `bytes`; each wait for the other side is limited. */
  sendStream(fd: number, bytes: ArrayBuffer, timeoutMs: number): number;
  /** What has arrived on a stream socket, at most `max` bytes; empty at its end. */
  receiveStream(fd: number, max: number, timeoutMs: number): ArrayBuffer | number;
  /** waitpid(2) on a child: the raw status. */
  waitChild(pid: number): number;
  /** Memfd with the memory in which ops are noted for --trace, made at the first call. */
  traceDescriptor(): number;
  /** What was noted there, in the order in which the ops began: records of eight u32 (native/helper/trace.h). */
  traceRecords(): ArrayBuffer | number;
  /**
   * Foreground, after catchSignals: forwards every signal that came or comes to `pid`, reaps all children, returns
   * the raw status of `pid`. Meanwhile relays between standard input and output and the terminal whose `master`
   * is given (-1 for none), with `console`, the caller's terminal, in raw mode; and takes the datagrams of `program`
   * (-1 for none): the first with a line READY=1 has `messages` sent to `manager`, a datagram each.
   */
  superviseChild(
    pid: number,
    master: number,
    console: number,
    program: number,
    manager: number,
    messages: readonly string[],
  ): number;
  /** A datagram socket at an absolute path, which must not exist yet: a descriptor. */
  bindDatagram(path: string): number;
  /** Takes one datagram without waiting: 1 when one of its lines is READY=1, else 0. */
  takeReady(socket: number): number;
  /** pipe2(2), close-on-exec: [end to read, end to write]. */
  pipe(): number[] | number;
  /**
   * Runs a hook to its end: execve(path, args, env) in `cwd`, `input` on stdin, outputs to the descriptors `stdout`
   * and `stderr`, or where these are -1 captured (first 4 KiB of each), its process group killed after `timeoutMs` (0: no limit).
   * Result record: u32 outcome (0 exited, 1 signalled, 2 timed out, 3 exec failed), u32 value (status, signal or errno),
   * u32 stdout length, stdout, u32 stderr length, stderr.
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
  ): ArrayBuffer | number;
  /** _exit(2). */
  exit(code: number): never;
}
