import { isAbsent, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EPERM } from '../kernel/errno.ts';
import { isFrozen } from '../cgroup/control.ts';
import { isRunning, startTimeOf } from './process.ts';
import type { BriefRecord } from '../state/record.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import { fileNames } from '../state/names.ts';

/** Where the files of a container are. */
type Files = Pick<ContainerDirectory, 'has'>;

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/**
 * The current status of a container, found from the kernel alone: no process watches a container, so a saved status
 * could be out of date.
 */
export function statusOf(native: Native, directory: Files, record: BriefRecord): Status {
  if (record.pid === 0) {
    return isRunning(native, record.creator.pid, record.creator.startTime) ? 'creating' : 'stopped';
  }
  if (isFrozen(native, record.cgroup)) return 'paused';
  if (!isRunning(native, record.pid, record.startTime)) return 'stopped';
  return awaitsStart(native, directory, record) ? 'created' : 'running';
}

/**
 * True while init is the helper, which runs from a memfd, and listens. Both are checked: the socket outlives a killed
 * `start`, and a container's own program may run from a memfd.
 */
function awaitsStart(native: Native, directory: Files, { pid }: BriefRecord): boolean {
  if (!directory.has(fileNames.startSocket)) return false;
  const path = `/proc/${pid}/exe`;
  const program = native.readLink(path);
  if (typeof program !== 'number') return program.includes('memfd:');
  // The caller has fewer privileges than the container, or it has just ended: then the socket decides.
  if (program === -EACCES || program === -EPERM || isAbsent(program)) return true;
  throw systemFailure('process.read', `cannot read "${path}"`, 'readlink', program);
}

/** [pid, start time] of this process. */
export function thisProcess(native: Native): { pid: number; startTime: number } {
  const pid = native.processId();
  return { pid, startTime: startTimeOf(native, pid) };
}
