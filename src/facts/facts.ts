import { expectDone, expectIfPresent, expectResult, isAbsent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EINVAL } from '../kernel/errno.ts';
import { S_IFBLK, S_IFCHR, S_IFMT } from '../kernel/files.ts';
import { CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC, SELINUX_MAGIC } from '../kernel/file-systems.ts';
import { CAPABILITIES } from '../kernel/processes.ts';

/** Facts about the host that a plan may need. They are read lazily and cached. */
export interface Facts {
  readonly cgroups: CgroupFacts;
  /** Number of the kernel's last capability. */
  readonly lastCapability: number;
  /** The machine of uname(2), such as `x86_64`. */
  readonly architecture: string;
  /** True if the host has /proc/kcore, the target of /dev/core. */
  readonly hasKcore: boolean;
  /** Files of a v2 cgroup whose owner changes with a delegation, from /sys/kernel/cgroup/delegate. */
  readonly delegatedCgroupFiles: readonly string[];
  /** Mount point of resctrl, if mounted. */
  readonly resctrl: string | undefined;
  /** True if the kernel enforces AppArmor profiles. */
  readonly hasApparmor: boolean;
  /** True if the kernel enforces SELinux labels, or would in enforcing mode. */
  readonly hasSelinux: boolean;
  readonly user: UserFacts;
  /** Absolute paths of newuidmap and newgidmap; '' if missing. */
  readonly idMapTools: { readonly uid: string; readonly gid: string };
  /** Whether the runtime may make a directory at this path of a cgroup hierarchy. */
  readonly mayMakeCgroup: (path: string) => boolean;
  readonly isBlockDevice: (path: string) => boolean;
  /** Whether copying the mount namespace of the runtime would take longer than anything else. */
  readonly hasManyMounts: boolean;
  /**
   * The directory in /proc of the kernel thread that makes device nodes, whose mount namespace has a devtmpfs only; undefined
   * if the runtime cannot see it.
   */
  readonly deviceThread: string | undefined;
  /** Whether filesystems of the type are on block devices. True for a type that the kernel has yet to load. */
  readonly usesDevice: (type: string) => boolean;
  /** The target of a symbolic link; undefined if it is none. */
  readonly linkAt: (path: string) => string | undefined;
  /** The path without symbolic links; the path itself if there is nothing. */
  readonly realPath: (path: string) => string;
  /** A node of the device: `path` if that is one or none is known, else the one that the kernel names. */
  readonly nodeOfDevice: (path: string, type: 'char' | 'block', major: number, minor: number) => string;
}

/** The user who runs the runtime, as seen in its own user namespace. */
export interface UserFacts {
  /** Effective ids. */
  readonly uid: number;
  readonly gid: number;
  /** Whether that user namespace is the initial one, whose root has all capabilities on the host. */
  readonly initial: boolean;
}

export interface CgroupFacts {
  /** 2 if /sys/fs/cgroup is cgroup2; 1 also for a hybrid layout. */
  readonly version: 1 | 2;
  /** The v2 one first. */
  readonly hierarchies: readonly Hierarchy[];
}

/** One mounted cgroup hierarchy. */
export interface Hierarchy {
  /** Absolute mount point. */
  readonly mount: string;
  /** Controllers, `name=x` for a named v1 hierarchy; of the root on v2, none for the v2 half of a hybrid. */
  readonly controllers: readonly string[];
  /** The runtime's own cgroup, absolute below the mount point. */
  readonly own: string;
  readonly version: 1 | 2;
}

/** Where cgroups are mounted: cgroup v2 itself, or a tmpfs with a directory for each hierarchy of v1. */
export const cgroupRoot = '/sys/fs/cgroup';
const resctrlRoot = '/sys/fs/resctrl';
const maximumFile = 1 << 16;
/** Copying and removing that many takes about a millisecond, more than entering a namespace without them. */
const manyMounts = 256;
/** The kernel never gives another number to it (PROC_PID_INIT_INO). */
const initialPidNamespace = 'pid:[4026531836]';
/** At least that many of each processor are older than the thread for devices. */
const olderThreads = 4;
/** Pids below are looked at: enough for six threads of each of a thousand processors. */
const lastDeviceThread = 6144;

export function readFacts(native: Native): Facts {
  let cgroups: CgroupFacts | undefined;
  let user: UserFacts | undefined;
  let lastCapability: number | undefined;
  let idMapTools: Facts['idMapTools'] | undefined;
  return {
    get cgroups(): CgroupFacts {
      return (cgroups ??= readCgroups(native));
    },
    get lastCapability(): number {
      return (lastCapability ??= readLastCapability(native));
    },
    get architecture(): string {
      return native.kernel().split('\0')[1] ?? '';
    },
    get delegatedCgroupFiles(): readonly string[] {
      const text = read(native, '/sys/kernel/cgroup/delegate');
      return text === undefined ? ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'] : lines(text);
    },
    get hasKcore(): boolean {
      return look(native, '/proc/kcore') !== undefined;
    },
    get resctrl(): string | undefined {
      // Only the kernel makes files in sysfs, and only root can mount there.
      return look(native, `${resctrlRoot}/schemata`) === undefined ? undefined : resctrlRoot;
    },
    get hasApparmor(): boolean {
      return read(native, '/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true;
    },
    get hasSelinux(): boolean {
      return fileSystemAt(native, '/sys/fs/selinux') === SELINUX_MAGIC;
    },
    get user(): UserFacts {
      return (user ??= readUser(native));
    },
    get idMapTools(): { uid: string; gid: string } {
      return (idMapTools ??= { uid: findTool(native, 'newuidmap'), gid: findTool(native, 'newgidmap') });
    },
    get hasManyMounts(): boolean {
      return native.hasMounts(manyMounts) === 1;
    },
    get deviceThread(): string | undefined {
      return findDeviceThread(native);
    },
    mayMakeCgroup(path): boolean {
      return mayMakeCgroup(native, path, this.user.uid);
    },
    isBlockDevice: (path) => isNode(native, path, S_IFBLK),
    usesDevice: (type) => usesDevice(native, type),
    linkAt: (path) => linkAt(native, path),
    realPath: (path) => realPath(native, path),
    nodeOfDevice(path, type, major, minor): string {
      const format = type === 'block' ? S_IFBLK : S_IFCHR;
      const device = deviceNumber(major, minor);
      if (isNode(native, path, format, device)) return path;
      // Its name below /dev, as devtmpfs has it.
      const event = native.readText(`/sys/dev/${type}/${major}:${minor}/uevent`, maximumFile);
      const name = typeof event === 'string' ? /^DEVNAME=(.+)$/m.exec(event)?.[1] : undefined;
      return name !== undefined && isNode(native, `/dev/${name}`, format, device) ? `/dev/${name}` : path;
    },
  };
}

/** The kernel starts it after the threads of each processor, and before any program: a look at each takes microseconds. */
function findDeviceThread(native: Native): string | undefined {
  if (native.readLink('/proc/self/ns/pid') !== initialPidNamespace) return undefined;
  const common = native.readLink('/proc/2/ns/mnt');
  const online = native.readText('/sys/devices/system/cpu/online', maximumFile);
  const last = typeof online === 'string' ? /(\d+)\n$/.exec(online)?.[1] : undefined;
  const start = Math.max(3, olderThreads * (1 + Number(last ?? 0)));
  return deviceThreadIn(native, common, start, lastDeviceThread) ?? deviceThreadIn(native, common, 3, start);
}

/** The only one in another mount namespace than the rest, unless the host has changed. */
function deviceThreadIn(native: Native, common: string | number, first: number, end: number): string | undefined {
  for (let pid = first; pid < end; pid++) {
    const space = native.readLink(`/proc/${pid}/ns/mnt`);
    if (typeof space === 'number' || space === common) continue;
    const mounts = native.readText(`/proc/${pid}/mountinfo`, maximumFile);
    return typeof mounts === 'string' && /^[^\n]* - devtmpfs [^\n]*\n$/.test(mounts) ? `/proc/${pid}` : undefined;
  }
  return undefined;
}

function linkAt(native: Native, path: string): string | undefined {
  const target = native.readLink(path);
  if (target === -EINVAL) return undefined;
  return expectIfPresent(target, 'host.read', `cannot read link "${path}"`, 'readlink');
}

function realPath(native: Native, path: string): string {
  const real = native.realPath(path);
  return typeof real === 'number' ? path : real;
}

function usesDevice(native: Native, type: string): boolean {
  const path = '/proc/filesystems';
  const list = expectResult(native.readText(path, maximumFile), 'host.read', `cannot read "${path}"`, 'read');
  return !list.split('\n').includes(`nodev\t${type}`);
}

/** Undefined if there is no such file. */
function read(native: Native, path: string): string | undefined {
  return expectIfPresent(native.readText(path, maximumFile), 'host.read', `cannot read "${path}"`, 'read');
}

/** Result of stat(2) for a path, undefined if it does not exist. */
function look(native: Native, path: string): number[] | undefined {
  return expectIfPresent(native.stat(path, 0), 'host.read', `cannot stat "${path}"`, 'stat');
}

/** What cannot be seen is none: the operation that needs it fails with its place. */
function isNode(native: Native, path: string, format: number, device?: number): boolean {
  const found = native.stat(path, 1);
  if (typeof found === 'number' || ((found[0] ?? 0) & S_IFMT) !== format) return false;
  return device === undefined || found[5] === device;
}

/** As st_rdev encodes it (makedev(3)). */
function deviceNumber(major: number, minor: number): number {
  const high = (major >>> 12) * 2 ** 44 + (minor >>> 8) * 2 ** 20;
  return high + (major & 0xfff) * 2 ** 8 + (minor & 0xff);
}

/** Magic number of the filesystem at a path; undefined if it does not exist. */
function fileSystemAt(native: Native, path: string): number | undefined {
  const type = native.fileSystemType(path);
  if (isAbsent(type)) return undefined;
  return expectDone(type, 'host.read', `cannot determine the filesystem at "${path}"`, 'statfs');
}

function readLastCapability(native: Native): number {
  const text = read(native, '/proc/sys/kernel/cap_last_cap');
  return text === undefined ? CAPABILITIES.CAP_CHECKPOINT_RESTORE : Number.parseInt(text, 10);
}

/** The map of the initial user namespace is the identity (user_namespaces(7)). */
function readUser(native: Native): UserFacts {
  // A kernel without user namespaces has no such file.
  const map = read(native, '/proc/self/uid_map');
  return {
    uid: native.effectiveUid(),
    get gid(): number {
      const text = expectResult(
        native.readText('/proc/self/status', maximumFile),
        'host.read',
        'cannot find own group',
        'read',
      );
      return Number(/^Gid:\s+\d+\s+(\d+)/m.exec(text)?.[1] ?? 0);
    },
    initial: map === undefined || /^\s*0\s+0\s+4294967295\s*$/.test(map),
  };
}

/** Engines may set no PATH, or one without the system's directories. */
function findTool(native: Native, name: string): string {
  const path = native.getEnv('PATH');
  const directories = [...(typeof path === 'string' ? path.split(':') : []), '/usr/bin', '/usr/local/bin', '/bin'];
  for (const directory of directories) {
    if (!directory.startsWith('/')) continue;
    const found = native.stat(`${directory}/${name}`, 1);
    if (typeof found !== 'number' && ((found[0] ?? 0) & 0o111) !== 0) return `${directory}/${name}`;
  }
  return '';
}

/** Checks the nearest existing directory: a hierarchy is delegated by giving its directory to the user. */
function mayMakeCgroup(native: Native, path: string, uid: number): boolean {
  for (let at = path.slice(0, path.lastIndexOf('/')); at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) {
    const result = native.stat(at, 1);
    if (result === -EACCES) return false;
    const found = expectIfPresent(result, 'host.read', `cannot stat "${at}"`, 'stat');
    if (found === undefined) continue;
    const [mode = 0, owner = 0] = found;
    return (owner === uid && (mode & 0o200) !== 0) || (mode & 0o002) !== 0;
  }
  return false;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** From /proc/self/cgroup (cgroups(7)), one line `id:controllers:path` for each hierarchy. */
function readCgroups(native: Native): CgroupFacts {
  // A kernel without cgroups has no such file.
  const lines = (read(native, '/proc/self/cgroup') ?? '').split('\n');
  const version = fileSystemAt(native, cgroupRoot) === CGROUP2_SUPER_MAGIC ? 2 : 1;
  const hierarchies: Hierarchy[] = [];
  for (const line of lines) {
    const first = line.indexOf(':');
    const second = line.indexOf(':', first + 1);
    if (first < 0 || second < 0) continue;
    const controllers = line.slice(first + 1, second);
    const own = line.slice(second + 1);
    if (controllers === '') addUnified(native, version, own, hierarchies);
    else if (version === 1) addLegacy(native, controllers, own, hierarchies);
  }
  return { version, hierarchies };
}

function addUnified(native: Native, version: 1 | 2, own: string, hierarchies: Hierarchy[]): void {
  const mount = version === 2 ? cgroupRoot : `${cgroupRoot}/unified`;
  if (fileSystemAt(native, mount) !== CGROUP2_SUPER_MAGIC) return;
  const text = version === 2 ? read(native, `${mount}/cgroup.controllers`) : '';
  const controllers = (text ?? '').trim().split(' ').filter(Boolean);
  hierarchies.unshift({ mount, controllers, own, version: 2 });
}

function addLegacy(native: Native, controllers: string, own: string, hierarchies: Hierarchy[]): void {
  const directory = controllers.startsWith('name=') ? controllers.slice('name='.length) : controllers;
  const mount = `${cgroupRoot}/${directory}`;
  // A hierarchy that is mounted elsewhere is not managed; a limit that needs it is refused by the plan.
  if (fileSystemAt(native, mount) !== CGROUP_SUPER_MAGIC) return;
  hierarchies.push({ mount, controllers: controllers.split(','), own, version: 1 });
}
