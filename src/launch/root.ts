import { Failure } from '../diag/diagnostic.ts';
import { expectDone, expectResult, isAbsent, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_NOFOLLOW, O_PATH } from '../kernel/open-flags.ts';
import { encodeProgram } from './encode.ts';

const maximumFile = 1 << 12;

/** Id of the mount visible at a path (`mnt_id` of proc_pid_fdinfo(5)); undefined if the path is gone. */
export function mountIdAt(native: Native, path: string): number | undefined {
  const action = `cannot find out which mount "${path}" is on`;
  const fd = native.open(path, O_PATH | O_NOFOLLOW, 0);
  if (isAbsent(fd)) return undefined;
  expectDone(fd, 'root.mount', action, 'open');
  const text = native.readText(`/proc/self/fdinfo/${String(fd)}`, maximumFile);
  native.close(fd);
  const id = /^mnt_id:\s*(\d+)$/m.exec(expectResult(text, 'root.mount', action, 'read'))?.[1];
  // Reported since Linux 3.15.
  if (id === undefined) throw new Failure({ code: 'root.mount', message: `${action}: the kernel does not say` });
  return Number(id);
}

/** Removes a container's mounts on the host, which lie on top of the mount `below`. */
export function releaseRoot(native: Native, rootfs: string, below: number | undefined): void {
  if (below === undefined) return;
  const id = mountIdAt(native, rootfs);
  if (id === undefined || id === below) return;
  const result = native.runProgram(encodeProgram([{ op: 'unmount', path: rootfs }]));
  const errno = typeof result === 'number' ? -result : (result[1] ?? 0);
  if (errno !== 0) throw systemFailure('root.release', `cannot unmount "${rootfs}"`, 'umount2', -errno);
}
