import type { Context } from '../options/command.ts';
import { replaceFile } from '../state/store.ts';

/** Independent of the umask: only the owner may change the pid that an engine takes for the container's. */
const mode = 0o644;

/** Writes the file of --pid-file. */
export function writePidFile({ native, options }: Context, pid: number): void {
  const path = options['pid-file'];
  if (path !== undefined) replaceFile(native, path, String(pid), mode);
}

/** Removes it after a start that failed: its pid is invalid. */
export function removePidFile({ native, options }: Context): void {
  const path = options['pid-file'];
  if (path !== undefined) native.unlink(path);
}
