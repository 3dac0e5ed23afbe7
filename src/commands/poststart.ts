import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { runHooks } from '../launch/hooks.ts';
import type { ContainerRecord } from '../state/record.ts';
import { hookSurroundings } from '../state/report.ts';
import { destroyContainer, killContainer } from './end.ts';

/**
 * Runs the poststart hooks. When one fails the container is stopped and destroyed, as the specification
 * demands since 1.3 ("Lifecycle").
 */
export function runPoststart(native: Native, root: string, record: ContainerRecord): void {
  const hooks = record.hooks.poststart ?? [];
  if (hooks.length === 0) return;
  try {
    runHooks(native, 'poststart', hooks, hookSurroundings(record, 'running', record.pid));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    killContainer(native, record);
    throw new Failure([...error.diagnostics, ...destroyContainer(native, root, record)]);
  }
}
