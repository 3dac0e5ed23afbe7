import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../kernel/files.ts';
import type { Context } from '../options/command.ts';
import { replaceFile } from '../state/store.ts';

/** Independent of the umask: only the owner may change the pid that an engine takes for the container's. */
const mode = 0o644;

/** Writes the file of --pid-file. */
export function writePidFile({ native, options }: Context, pid: number): void {
  const path = options['pid-file'];
  if (path === undefined) return;
  requireFile(native, path);
  replaceFile(native, path, String(pid), mode);
}

/** The new file takes the place of what is there: for the caller's root that could be the null device of the host. */
function requireFile(native: Native, path: string): void {
  const status = native.stat(path, 1);
  // Absent, or refused later with the reason, as a directory is.
  const replaceable = typeof status === 'number' || [S_IFREG, S_IFDIR].includes((status[0] ?? 0) & S_IFMT);
  if (replaceable && !isStream(native, path)) return;
  throw new Failure({
    code: 'file.write',
    message: `cannot write "${path}": there is something else than a file`,
    hint: 'give the name of a new file',
  });
}

/** /dev/stdout and its like are links that every program of the host needs, whatever they lead to now. */
function isStream(native: Native, path: string): boolean {
  const target = native.readLink(path);
  return typeof target === 'string' && target.startsWith('/proc/');
}

/** Removes it after a start that failed: its pid is invalid. */
export function removePidFile({ native, options }: Context): void {
  const path = options['pid-file'];
  if (path !== undefined) native.unlink(path);
}
