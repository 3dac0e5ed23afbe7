import { isBelow } from '../bundle/path.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EINVAL, ENOENT, ENOTDIR } from '../kernel/errno.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';

const mostLinks = 40;

/**
 * The mounts with their symbolic links resolved, each with the mounts before it in place, as init has done. Links come
 * from the root file system and from host directories that are mounted; a new filesystem has none.
 */
export function withoutLinks(native: Native, rootfs: string, planned: readonly PlannedMount[]): PlannedMount[] {
  const found: PlannedMount[] = [];
  for (const mount of planned) found.push({ ...mount, path: pathWithoutLinks(native, rootfs, found, mount.path) });
  return found;
}

/** A path of the container with the links resolved that can be seen before it is made; `onStep` gets each part of the way. */
export function pathWithoutLinks(
  native: Native,
  rootfs: string,
  mounts: readonly PlannedMount[],
  path: string,
  onStep?: (path: string) => void,
): string {
  let done = '';
  let rest = path.split('/');
  for (let links = 0; rest.length > 0;) {
    const [name = '', ...others] = rest;
    rest = others;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done = done.slice(0, Math.max(done.lastIndexOf('/'), 0));
      continue;
    }
    const target = linkAt(native, hostPath(rootfs, mounts, `${done}/${name}`));
    if (target === undefined) {
      done = `${done}/${name}`;
      onStep?.(done);
      continue;
    }
    links += 1;
    if (links > mostLinks) return path;
    if (target.startsWith('/')) done = '';
    rest = [...target.split('/'), ...rest];
  }
  return done === '' ? '/' : done;
}

function linkAt(native: Native, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const target = native.readLink(path);
  if (target === -EINVAL || target === -ENOENT || target === -ENOTDIR) return undefined;
  return expectResult(target, 'checkpoint.link', `cannot read "${path}"`, 'readlink');
}

/** The host path of the container's `path`; undefined if it is in a new filesystem. */
export function hostPath(rootfs: string, mounts: readonly PlannedMount[], path: string): string | undefined {
  let holder: PlannedMount | undefined;
  for (const mount of mounts) {
    if (!isBelow(path, mount.path)) continue;
    if (holder === undefined || mount.path.length >= holder.path.length) holder = mount;
  }
  if (holder === undefined || holder.kind === 'root') return `${rootfs}${path}`;
  return holder.external === undefined ? undefined : `${holder.external.source}${path.slice(holder.path.length)}`;
}
