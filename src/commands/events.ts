import { eventsOf, usageOf } from '../container/events.ts';
import type { ContainerEvent } from '../container/events.ts';
import { findContainer } from '../container/find.ts';
import { Failure } from '../diag/diagnostic.ts';
import { exactJson } from '../diag/exact-json.ts';
import { requireCgroup } from '../cgroup/control.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { parseDuration } from '../options/duration.ts';

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
  if (options.stats === true) return { output: line(usageOf(native, record)) };
  return { stream: lines(eventsOf(native, record, interval)) };
}

function line(event: ContainerEvent): string {
  return `${exactJson(event)}\n`;
}

function* lines(events: Iterable<ContainerEvent>): Generator<string> {
  for (const event of events) yield line(event);
}
