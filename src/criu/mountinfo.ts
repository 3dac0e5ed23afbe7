import { largestTable, mountsIn } from '../diag/mountinfo.ts';
import type { SeenMount } from '../diag/mountinfo.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';

/** The mounts of a process. Throws if it is gone. */
export function mountsOf(native: Native, pid: number | 'self'): SeenMount[] {
  const path = `/proc/${pid}/mountinfo`;
  return mountsIn(
    expectResult(native.readText(path, largestTable), 'checkpoint.mounts', `cannot read "${path}"`, 'read'),
  );
}
