import type { Native } from '../host/native.ts';
import { maximumStatus } from './process-status.ts';

const maximumMounts = 1 << 22;

/** A mount, as in proc_pid_mountinfo(5). */
interface MountInfo {
  readonly id: string;
  readonly device: string;
  /** What of its filesystem is mounted. */
  readonly root: string;
  readonly target: string;
  readonly options: string;
}

function mountsOf(native: Native, pid: number | 'self'): MountInfo[] {
  const text = native.readText(`/proc/${pid}/mountinfo`, maximumMounts);
  if (typeof text === 'number') return [];
  return text.split('\n').map((line) => {
    const [id = '', , device = '', root = '', target = '', options = ''] = line.split(' ');
    return { id, device, root: unescapedPath(root), target: unescapedPath(target), options };
  });
}

/** Spaces and the like are octal. */
function unescapedPath(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

/** The mount of a process that an open file is on; undefined if it is not known. */
export function mountOf(native: Native, pid: number | 'self', fd: number): MountInfo | undefined {
  const info = native.readText(`/proc/self/fdinfo/${fd}`, maximumStatus);
  const id = typeof info === 'string' ? /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] : undefined;
  return id === undefined ? undefined : mountsOf(native, pid).find((mount) => mount.id === id);
}

/**
 * The path by which the caller reaches the open file that the process `pid` has at `path`. Undefined if no mount of the
 * caller shows it. `status`: that of the file.
 */
export function pathOnHost(
  native: Native,
  pid: number,
  fd: number,
  path: string,
  [, , , inode, device]: readonly number[],
): string | undefined {
  const mount = mountOf(native, pid, fd);
  if (mount === undefined) return undefined;
  const inside = joined(mount.root, below(path, mount.target));
  for (const { device: other, root, target } of mountsOf(native, 'self')) {
    if (other !== mount.device || (root !== '/' && inside !== root && !inside.startsWith(`${root}/`))) continue;
    const found = joined(target, below(inside, root));
    const status = native.stat(found, 0);
    if (typeof status !== 'number' && status[3] === inode && status[4] === device) return found;
  }
  return undefined;
}

function below(path: string, directory: string): string {
  return directory === '/' ? path : path.slice(directory.length);
}

function joined(directory: string, path: string): string {
  return (directory === '/' ? '' : directory) + path || '/';
}
