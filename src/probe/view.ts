import type { Config } from '../../schema/generated/config.ts';
import { isBelow, normalizePath } from '../bundle/path.ts';
import { isAbsent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { S_IFLNK, S_IFMT } from '../kernel/files.ts';

/** What is at a path of a container that has yet to be made. */
export type Seen =
  /** `host`: its path on the host. */
  | { readonly kind: 'there'; readonly path: string; readonly host: string; readonly status: readonly number[] }
  /** `path`: the first component that is missing, in the container. */
  | { readonly kind: 'missing'; readonly path: string }
  /** In a filesystem that does not exist yet, or one that this process may not look at. */
  | { readonly kind: 'unknown' };

/** Looks at a path as a process in the container would see it: links are followed within its root. */
export type View = (path: string) => Seen;

interface Layer {
  readonly at: string;
  /** Path on the host; undefined for a filesystem that does not exist yet. */
  readonly host: string | undefined;
}

/** As linux/namei.h. */
const mostLinks = 40;

/** The view into the root filesystem `root` with the first `mounts` of the config on it, by default all. */
export function viewOf(native: Native, config: Config, bundle: string, root: string, mounts = Infinity): View {
  const layers: Layer[] = [{ at: '/', host: root === '/' ? '' : root }];
  for (const { destination, source = '', type, options = [] } of (config.mounts ?? []).slice(0, mounts)) {
    const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind');
    const real = isBind ? native.realPath(source.startsWith('/') ? source : `${bundle}/${source}`) : undefined;
    layers.push(layerAt(native, layers, normalizePath(`/${destination}`), typeof real === 'string' ? real : undefined));
  }
  return (path) => follow(native, layers, path);
}

/** A mount on `destination`, which may lead through links: /var/run is often one to /run. */
function layerAt(native: Native, layers: readonly Layer[], destination: string, host: string | undefined): Layer {
  const seen = follow(native, layers, destination);
  if (seen.kind === 'there') return { at: seen.path, host };
  if (seen.kind === 'missing' && seen.path !== destination && !isBelow(destination, seen.path)) {
    // Behind a link, in a directory that will be made.
    return { at: seen.path, host: undefined };
  }
  return { at: destination, host };
}

function follow(native: Native, layers: readonly Layer[], path: string): Seen {
  let links = 0;
  let at = '/';
  const ahead = path.split('/').reverse();
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '' || name === '.') continue;
    const next = normalizePath(`${at}/${name}`);
    const seen = look(native, layers, next);
    if (seen.kind !== 'there') return seen;
    if (((seen.status[0] ?? 0) & S_IFMT) === S_IFLNK) {
      const target = native.readLink(seen.host);
      if (typeof target === 'number' || ++links > mostLinks) return { kind: 'unknown' };
      ahead.push(...target.split('/').reverse());
      if (target.startsWith('/')) at = '/';
    } else {
      at = next;
    }
  }
  return look(native, layers, at);
}

/** What is there itself: a link is not followed. */
function look(native: Native, layers: readonly Layer[], path: string): Seen {
  const layer = layers.findLast(({ at }) => at === path || isBelow(path, at));
  if (layer?.host === undefined) return { kind: 'unknown' };
  const host = layer.at === '/' ? `${layer.host}${path}` : `${layer.host}${path.slice(layer.at.length)}`;
  const status = native.stat(host, 0);
  if (typeof status !== 'number') return { kind: 'there', path, host, status };
  // A directory that is missing on the way to a mount is made.
  const isMade = layers.some(({ at }) => isBelow(at, path));
  return isAbsent(status) && !isMade ? { kind: 'missing', path } : { kind: 'unknown' };
}
