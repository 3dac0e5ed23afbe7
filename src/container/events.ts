import type { MemoryWatch } from '../cgroup/driver.ts';
import { readStats, watchMemory } from '../cgroup/control.ts';
import type { Stats } from '../cgroup/stats/types.ts';
import type { Native } from '../host/native.ts';
import { milliseconds, waitList } from '../host/poll.ts';
import { POLLIN } from '../kernel/sockets.ts';
import type { ContainerRecord } from '../state/record.ts';
import { openProcess } from './process.ts';

export type ContainerEvent =
  { readonly type: 'stats'; readonly id: string; readonly data: Stats } | { readonly type: 'oom'; readonly id: string };

/** The longest timeout of poll(2), in milliseconds. */
const longestWait = 2 ** 31 - 1;

export function usageOf(native: Native, { id, cgroup }: ContainerRecord): ContainerEvent {
  return { type: 'stats', id, data: readStats(native, cgroup) };
}

/** The usage of a container every `interval` milliseconds, and its OOM kills; until its init has ended. */
export function* eventsOf(native: Native, record: ContainerRecord, interval: number): Generator<ContainerEvent> {
  const { id, pid, startTime, cgroup } = record;
  const pidfd = openProcess(native, pid, startTime);
  if (pidfd === undefined) return;
  let oom: MemoryWatch | undefined;
  try {
    oom = watchMemory(native, cgroup);
    let next = milliseconds(native) + interval;
    for (let alive = true; alive;) {
      const wait = Math.max(0, Math.min(longestWait, Math.ceil(next - milliseconds(native))));
      const ready = native.poll(waitList([[pidfd, POLLIN], ...(oom === undefined ? [] : [oom.wanted])]), wait);
      alive = ready !== 0;
      for (let count = oom?.count() ?? 0; count > 0; count--) yield { type: 'oom', id };
      if (!alive || milliseconds(native) < next) continue;
      yield usageOf(native, record);
      next = Math.max(next + interval, milliseconds(native));
    }
  } finally {
    oom?.close();
    native.close(pidfd);
  }
}
