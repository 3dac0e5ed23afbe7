import type { Native } from '../src/host/native.ts';
import { EAGAIN, EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTEMPTY, ESRCH, ETIMEDOUT } from '../src/kernel/errno.ts';
import { S_IFDIR } from '../src/kernel/files.ts';
import { O_APPEND, O_EXCL } from '../src/kernel/open-flags.ts';

export interface FakeProcess {
  readonly state: string;
  readonly startTime: number;
  readonly exe?: string;
  /** PF_* of linux/sched.h. */
  readonly flags?: number;
}

/** A host in memory for unit tests: files, processes and the output of a command. Has what light commands use. */
export class FakeHost {
  /** Path to text. */
  readonly files = new Map<string, string>();
  /** Path to mode. */
  readonly directories = new Map<string, number>([
    ['/', 0o755],
    ['/run', 0o755],
  ]);
  readonly fileModes = new Map<string, number>();
  /** Path to uid; other paths belong to root. */
  readonly owners = new Map<string, number>();
  readonly processes = new Map<number, FakeProcess>();
  readonly environment = new Map<string, string>();
  /** `pid signal`, in order. */
  readonly signals: string[] = [];
  stdout = '';
  stderr = '';
  uid = 0;
  /** Filesystem type of /sys/fs/cgroup. */
  fileSystem = 0;
  cwd = '/work';
  readonly pid = 77;
  /** Called with `function argument` (the first, or its path) before any change; a negative result is returned. */
  fault: (call: string) => number = () => 0;

  /** Paths of directories that another process has locked. */
  readonly locked = new Set<string>();
  /** Each open directory, by descriptor. */
  private readonly descriptors = new Map<number, { path: string; inode: number }>();
  /** Inode of each inspected directory; a directory that is made again gets a new one. */
  private readonly inodes = new Map<string, number>();
  private nextNumber = 500;

  readonly native: Native = this.withFaults(this.functions());

  private withFaults(functions: Partial<Native>): Native {
    const entries = Object.entries(functions).map(([name, call]) => {
      const faulty = (...args: unknown[]): unknown => {
        const subject = name.endsWith('At') ? this.nameIn(Number(args[0]), String(args[1])) : String(args[0]);
        const fault = this.fault(`${name} ${subject}`);
        return fault < 0 ? fault : (call as (...args: unknown[]) => unknown)(...args);
      };
      return [name, faulty] as const;
    });
    return Object.fromEntries(entries) as unknown as Native;
  }

  private inode(path: string): number {
    const known = this.inodes.get(path) ?? this.nextNumber++;
    this.inodes.set(path, known);
    return known;
  }

  /** As matchAt of Native. */
  private match(path: string, pattern: string): string | number {
    const text = this.files.get(path);
    if (text === undefined) return -ENOENT;
    let groups = 0;
    const expression = pattern
      .replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
      .replaceAll(/\n"/g, '([ !#-[\\]-~]*)"')
      .replaceAll('\n', String.raw`(0|[1-9]\d{0,14})`)
      .replaceAll(/\([[0]|\t/g, (found) => (found === '\t' ? `\\${groups}(?!\\d)` : ((groups += 1), found)));
    const values = new RegExp(`^${expression}$`).exec(text)?.slice(1);
    return values === undefined ? -EINVAL : values.map((value) => `${value}\0`).join('');
  }

  private openDirectory(path: string): number {
    if (!this.directories.has(path)) return -ENOENT;
    const descriptor = this.nextNumber++;
    this.descriptors.set(descriptor, { path, inode: this.inode(path) });
    return descriptor;
  }

  private functions(): Partial<Native> {
    const parent = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
    const children = (path: string): string[] =>
      [...this.files.keys(), ...this.directories.keys()]
        .filter((one) => one !== path && parent(one) === path)
        .map((one) => one.slice(one.lastIndexOf('/') + 1));
    return {
      readText: (path) => this.readProc(path) ?? this.files.get(path) ?? -ENOENT,
      readTextAt: (directory, name) => this.files.get(this.nameIn(directory, name)) ?? -ENOENT,
      matchAt: (directory, name, _max, pattern) =>
        this.match(this.nameIn(directory, name), String.fromCharCode(...new Uint8Array(pattern))),
      isPrintable: (text, lines) => ((lines === 1 ? /^[\t\n -~]*$/ : /^[ -~]*$/).test(text) ? 1 : 0),
      processStat: (pid) => {
        const process = this.processes.get(pid);
        if (process === undefined) return -ENOENT;
        return [process.state.charCodeAt(0), process.flags ?? 0, process.startTime];
      },
      readOnce: (path) => this.readProc(path) ?? this.files.get(path) ?? -ENOENT,
      writeText: (path, text, flags, mode) => {
        const absolute = path.startsWith('/') ? this.real(path) : `${this.cwd}/${path}`;
        if (this.files.has(absolute) && (flags & O_EXCL) !== 0) return -EEXIST;
        const before = (flags & O_APPEND) !== 0 ? (this.files.get(absolute) ?? '') : '';
        this.files.set(absolute, before + text);
        this.fileModes.set(absolute, mode);
        return 0;
      },
      writeFd: (fd, text) => {
        if (fd === 1) this.stdout += text;
        else this.stderr += text;
        return 0;
      },
      open: (path) => this.openDirectory(path),
      close: (fd) => {
        this.descriptors.delete(fd);
        return 0;
      },
      flock: (fd) => {
        const open = this.descriptors.get(fd);
        if (open === undefined) return -EBADF;
        return this.locked.has(open.path) ? -EAGAIN : [open.inode, 0];
      },
      poll: () => -ETIMEDOUT,
      mkdir: (path, mode) => {
        if (this.directories.has(path) || this.files.has(path)) return -EEXIST;
        if (!this.directories.has(parent(path))) return -ENOENT;
        this.directories.set(path, mode);
        return 0;
      },
      rmdir: (name) => {
        const path = this.real(name);
        if (!this.directories.has(path)) return -ENOENT;
        if (children(path).length > 0) return -ENOTEMPTY;
        this.directories.delete(path);
        this.inodes.delete(path);
        return 0;
      },
      unlink: (path) =>
        this.directories.has(this.real(path)) ? -EISDIR : this.files.delete(this.real(path)) ? 0 : -ENOENT,
      rename: (from, to) => {
        const [source, target] = [this.real(from), this.real(to)];
        const text = this.files.get(source);
        if (text === undefined) return -ENOENT;
        this.files.delete(source);
        this.files.set(target, text);
        return 0;
      },
      chmod: (path, mode) => {
        this.directories.set(path, mode);
        return 0;
      },
      readDirectory: (path) =>
        this.directories.has(this.real(path))
          ? children(this.real(path))
              .map((name) => `${name}\0`)
              .join('')
          : -ENOENT,
      cgroupProcesses: (path) => this.files.get(`${path}/cgroup.procs`) ?? -ENOENT,
      thawCgroups: () => -ENOENT,
      removeCgroups: () => 0,
      readLink: (path) => {
        const match = /^\/proc\/(\d+)\/exe$/.exec(path);
        return this.processes.get(Number(match?.[1]))?.exe ?? -ENOENT;
      },
      stat: (path) => this.status(path),
      statAt: (fd, name) => this.status(this.nameIn(fd, name)),
      fileSystemType: () => this.fileSystem,
      getEnv: (name) => this.environment.get(name) ?? -ENOENT,
      getCwd: () => this.cwd,
      prefaultHeap: () => 0,
      effectiveUid: () => this.uid,
      nonce: () => '0123456789abcdef',
      processId: () => this.pid,
      realTime: () => [1_700_000_000, 5],
      signalProcess: (pid) => (this.processes.has(pid) ? 0 : -ESRCH),
      pidfdOpen: (pid) => (this.processes.has(pid) ? 1000 + pid : -ESRCH),
      pidfdSignal: (pidfd, signal) => {
        if (signal > 64) return -EINVAL;
        this.signals.push(`${pidfd - 1000} ${signal}`);
        if (signal === 9) this.processes.delete(pidfd - 1000);
        return 0;
      },
      pidfdWait: (pidfd) => (this.processes.has(pidfd - 1000) ? 0 : 1),
    };
  }

  private nameIn(directory: number, name: string): string {
    const path = this.descriptors.get(directory)?.path ?? '';
    return name === '' ? path : name === '..' ? path.slice(0, path.lastIndexOf('/')) : `${path}/${name}`;
  }

  private status(path: string): number[] | number {
    const directory = this.directories.get(path);
    const mode = directory === undefined ? (this.files.has(path) ? 0o600 : undefined) : S_IFDIR | directory;
    return mode === undefined ? -ENOENT : [mode, this.owners.get(path) ?? 0, 0, this.inode(path), 0, 0, 0];
  }

  /** Resolves a path through /proc/self/fd to that of the open directory. */
  private real(path: string): string {
    const match = /^\/proc\/self\/fd\/(\d+)(\/.*)?$/.exec(path);
    return match === null ? path : `${this.descriptors.get(Number(match[1]))?.path ?? ''}${match[2] ?? ''}`;
  }

  private readProc(path: string): string | undefined {
    const match = /^\/proc\/(\d+)\/stat$/.exec(path);
    const process = this.processes.get(Number(match?.[1]));
    if (process === undefined) return undefined;
    const { state, startTime, flags = 0 } = process;
    return `${match?.[1]} (a b) c) ${state} 1 2 3 4 5 ${flags} 7 8 9 10 11 12 13 14 15 16 17 18 ${startTime} 19 20\n`;
  }
}
