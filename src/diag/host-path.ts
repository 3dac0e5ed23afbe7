import type { Native } from '../host/native.ts';
import { largestTable, mountsIn } from './mountinfo.ts';
import type { SeenMount } from './mountinfo.ts';
import { maximumStatus } from './process-status.ts';

/** None if they cannot be read: what is told without them is less exact. */
function mountsOf(native: Native, pid: number | 'self'): SeenMount[] {
  const text = native.readText(`/proc/${pid}/mountinfo`, largestTable);
  return typeof text === 'number' ? [] : mountsIn(text);
}

/** The mount of a process that an open file is on; undefined if it is not known. */
export function mountOf(native: Native, pid: number | 'self', fd: number): SeenMount | undefined {
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
  const inside = joined(mount.root, below(path, mount.path));
  for (const { device: other, root, path: target } of mountsOf(native, 'self')) {
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
