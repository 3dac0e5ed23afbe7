import { mountsOf } from '../criu/mountinfo.ts';
import type { SeenMount } from '../diag/mountinfo.ts';
import { Failure } from '../diag/diagnostic.ts';
import { statusFields } from '../diag/process-status.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../kernel/files.ts';
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../kernel/open-flags.ts';
import type { Place } from '../plan/seccomp/needs.ts';

/** MAXSYMLINKS of the kernel. */
const mostLinks = 40;

/**
 * What an absolute path leads to for a process that waits; 'none' if its directory is missing, undefined if that cannot be
 * told. The links of its root are followed component by component: each descriptor (O_PATH) is of a name in the directory
 * before it, so that no change of the tree leads out of it. Nothing is asked of a file system that a process or another machine
 * may answer: that process may be the one that waits.
 */
export function placeOf(native: Native, pid: number, path: string, follows: boolean): Place | 'none' | undefined {
  // After chroot(2) the mounts are not those of the config.
  if (native.readLink(`/proc/${pid}/root`) !== '/') return undefined;
  const opened: number[] = [];
  try {
    return walk(native, { pid, mounts: mountsOf(native, pid), opened }, path, follows);
  } catch (error) {
    // The process is gone.
    if (error instanceof Failure) return undefined;
    throw error;
  } finally {
    for (const fd of opened) native.close(fd);
  }
}

interface Walk {
  readonly pid: number;
  readonly mounts: readonly SeenMount[];
  readonly opened: number[];
}

function walk(
  native: Native,
  { pid, mounts, opened }: Walk,
  path: string,
  follows: boolean,
): Place | 'none' | undefined {
  const rest = partsOf(path).reverse();
  const isDirectory = path.endsWith('/');
  const above: { readonly path: string; readonly fd: number; readonly mode: number; readonly owner: number }[] = [];
  const open = (name: string, flags: number): number => {
    const fd = native.open(name, O_PATH | flags, 0);
    if (fd >= 0) opened.push(fd);
    return fd;
  };
  const first = mountAt(mounts, '/');
  if (first === undefined || mayWait(first)) return undefined;
  const root = { path: '/', fd: open(`/proc/${pid}/root`, O_DIRECTORY), mode: S_IFDIR, owner: -1 };
  if (root.fd < 0) return undefined;
  let links = 0;
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    const from = above.at(-1) ?? root;
    if ((from.mode & S_IFMT) !== S_IFDIR) return 'none';
    if (part === '..') {
      above.pop();
      continue;
    }
    const next = `${from.path === '/' ? '' : from.path}/${part}`;
    const mount = mountAt(mounts, next);
    if (mount === undefined || mayWait(mount)) return undefined;
    const name = `/proc/self/fd/${from.fd}/${part}`;
    const fd = open(name, O_NOFOLLOW);
    if (fd === -ENOENT) {
      // There nobody makes names: the kernel does not get to ask whether the mount may be written to.
      const isFixed = mount.type === 'proc' || mount.type === 'sysfs';
      return rest.length > 0 || isFixed ? 'none' : { path: next, mode: undefined, isOwn: false, mount };
    }
    const status = fd < 0 ? fd : native.statAt(fd, '');
    if (typeof status === 'number') return undefined;
    const mode = status[0] ?? 0;
    if ((mode & S_IFMT) === S_IFLNK && (rest.length > 0 || follows || isDirectory)) {
      const target = native.readLink(name);
      // Those of procfs depend on who reads them.
      if (mount.type === 'proc' || typeof target !== 'string' || ++links > mostLinks) return undefined;
      if (target.startsWith('/')) above.length = 0;
      rest.push(...partsOf(target).reverse());
    } else above.push({ path: next, fd, mode, owner: status[1] ?? -1 });
  }
  const end = above.at(-1) ?? root;
  const mount = mountAt(mounts, end.path);
  const [, , , fsuid] = statusFields(native, pid)('Uid').split(/\s+/);
  return mount && { path: end.path, mode: end.mode, isOwn: fsuid === String(end.owner), mount };
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function mayWait({ type }: SeenMount): boolean {
  return /^(fuse|autofs|nfs|9p|cifs|smb|ceph|afs|virtiofs)/.test(type);
}

/** The mount that a path without links is on: from the root on, each that is mounted on the one before. */
function mountAt(mounts: readonly SeenMount[], path: string): SeenMount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  let mount = mounts.find((one) => one.path === '/' && (one.parent === one.id || !ids.has(one.parent)));
  const parts = partsOf(path);
  for (let length = 0; length <= parts.length; length += 1) {
    const at = `/${parts.slice(0, length).join('/')}`;
    for (let on = mount; on !== undefined;) {
      const below: SeenMount = on;
      on = mounts.find((one) => one.parent === below.id && one.path === at && one.id !== below.id);
      mount = on ?? mount;
    }
  }
  return mount;
}
