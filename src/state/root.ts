import { normalizePath } from '../bundle/path.ts';
import { Failure } from '../diag/diagnostic.ts';
import { expectIfPresent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';

export interface StateRoot {
  /** Absolute, without a trailing slash. */
  readonly path: string;
  /** Made sticky, so that services that clean the user's runtime directory leave it alone. */
  readonly sticky: boolean;
  /** Chosen by --root. */
  readonly explicit: boolean;
}

/**
 * Parent of the containers' directories. Without --root it is /run/rt, or rt below XDG_RUNTIME_DIR for a user who is
 * not the host's root.
 */
export function stateRoot(native: Native, option: string | undefined): StateRoot {
  if (option !== undefined) {
    const path = absolutePath(native, option);
    if (path === '/') {
      throw new Failure({ code: 'state.root', message: 'Option --root argument should not be set to /' });
    }
    return { path, sticky: false, explicit: true };
  }
  const runtimeDirectory = environment(native, 'XDG_RUNTIME_DIR');
  // An empty variable counts as unset: Podman passes one for root.
  if (runtimeDirectory !== '' && !isHostRoot(native)) {
    return { path: absolutePath(native, `${runtimeDirectory}/rt`), sticky: true, explicit: false };
  }
  return { path: '/run/rt', sticky: false, explicit: false };
}

/** In a user namespace, uid 0 is the host's root only if $USER is root, as after `unshare -r`. */
function isHostRoot(native: Native): boolean {
  if (native.effectiveUid() !== 0) return false;
  if (environment(native, 'USER') === 'root') return true;
  const path = '/proc/self/uid_map';
  // A kernel without user namespaces has no such file.
  const map = expectIfPresent(native.readText(path, 4096), 'state.root', `cannot read "${path}"`, 'read');
  return map === undefined || map.trim().split(/\s+/).join(' ') === '0 0 4294967295';
}

function environment(native: Native, name: string): string {
  const value = native.getEnv(name);
  return typeof value === 'number' ? '' : value;
}

/** Absolute form of a path, without `.`, `..` and doubled slashes; symbolic links are not followed. */
export function absolutePath(native: Native, path: string): string {
  let full = path;
  if (!path.startsWith('/')) {
    const cwd = native.getCwd();
    if (typeof cwd === 'number') {
      throw new Failure({ code: 'cli.cwd', message: 'cannot find the current directory', syscall: 'getcwd' });
    }
    full = `${cwd}/${path}`;
  }
  return normalizePath(full);
}
