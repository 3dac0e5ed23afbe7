import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { passReadiness } from '../systemd/notify.ts';
import type { NotifyProxy } from '../systemd/notify.ts';
import { openProcess } from './process.ts';
import type { ContainerRecord } from '../state/record.ts';

/** With a service manager, `start` and a detached `run` return once the program is ready, or has ended. */
export function awaitReadiness(native: Native, record: ContainerRecord, notify: NotifyProxy | undefined): Diagnostic[] {
  if (notify === undefined) return [];
  const pidfd = openProcess(native, record.pid, record.startTime);
  const warnings = passReadiness(native, notify, record.pid, pidfd);
  for (const descriptor of [notify.program, notify.manager, pidfd ?? -1]) {
    if (descriptor >= 0) native.close(descriptor);
  }
  return warnings;
}
