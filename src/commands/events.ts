import { Failure } from '../diag/diagnostic.ts';
import { exactJson } from '../diag/exact-json.ts';
import type { Native } from '../host/native.ts';
import { POLLIN } from '../kernel/sockets.ts';
import type { MemoryWatch } from '../cgroup/driver.ts';
import { readStats, requireCgroup, watchMemory } from '../cgroup/control.ts';
import { milliseconds, waitList } from '../host/poll.ts';
import { openProcess } from '../container/process.ts';
import type { ContainerRecord } from '../state/record.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { parseDuration } from '../options/duration.ts';
import { findContainer } from '../container/find.ts';

const defaultInterval = '5s';

/**
 * Prints the resource usage of a container, once or repeatedly, and its out-of-memory events, one JSON object per line.
 */
export function events(context: ContainerContext): Outcome {
  const { native, options } = context;
  const text = options.interval ?? defaultInterval;
  const interval = parseDuration(text);
  if (interval === undefined) {
    throw new Failure({
      code: 'events.interval',
      message: `invalid value "${text}" for flag -interval`,
      hint: 'give a duration such as 500ms, 5s or 1m30s',
    });
  }
  if (interval <= 0) {
    throw new Failure({ code: 'events.interval', message: 'duration interval must be greater than 0' });
  }
  const { record, status } = findContainer(context);
  if (status === 'stopped' || status === 'creating') {
    throw new Failure({ code: 'events.status', message: `container with id ${record.id} is not running` });
  }
  requireCgroup(record.cgroup, 'measure what it uses');
  if (options.stats === true) return { output: statsLine(native, record) };
  return { stream: lines(native, record, interval) };
}

/** The longest timeout of poll(2), in milliseconds. */
const longestWait = 2 ** 31 - 1;

function statsLine(native: Native, { id, cgroup }: ContainerRecord): string {
  const data = readStats(native, cgroup);
  return `${exactJson({ type: 'stats', id, data })}\n`;
}

/** Ends when the container's init has ended. */
function* lines(native: Native, record: ContainerRecord, interval: number): Generator<string> {
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
      for (let count = oom?.count() ?? 0; count > 0; count--) yield `${exactJson({ type: 'oom', id })}\n`;
      if (!alive || milliseconds(native) < next) continue;
      yield statsLine(native, record);
      next = Math.max(next + interval, milliseconds(native));
    }
  } finally {
    oom?.close();
    native.close(pidfd);
  }
}
