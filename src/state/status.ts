import type { Native } from '../host/native.ts';
import { isFrozen } from '../launch/cgroup.ts';
import { isRunning, readProcess } from './process.ts';
import type { ContainerRecord } from './record.ts';
import { startSocketPath } from './store.ts';

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/**
 * What a container is doing now, found from the kernel alone: nothing watches a container, so a saved status
 * could be out of date. `root` is the state root.
 */
export function statusOf(native: Native, root: string, record: ContainerRecord): Status {
  if (record.pid === 0) {
    return isRunning(native, record.creator.pid, record.creator.startTime) ? 'creating' : 'stopped';
  }
  if (isFrozen(native, record.cgroup)) return 'paused';
  if (!isRunning(native, record.pid, record.startTime)) return 'stopped';
  return awaitsStart(native, root, record) ? 'created' : 'running';
}

/**
 * True while init is the helper, which runs from a memfd, and listens. Both are asked: the socket outlives a
 * `start` that was killed, and a container's own program may run from a memfd.
 */
function awaitsStart(native: Native, root: string, record: ContainerRecord): boolean {
  if (typeof native.stat(startSocketPath(root, record.id), 0) === 'number') return false;
  const program = native.readLink(`/proc/${record.pid}/exe`);
  // Unreadable for a caller with fewer rights than the container: then the socket decides.
  return typeof program === 'number' || program.includes('memfd:');
}

/** [pid, start time] of this process. */
export function thisProcess(native: Native): { pid: number; startTime: number } {
  const pid = native.processId();
  return { pid, startTime: readProcess(native, pid)?.startTime ?? 0 };
}
