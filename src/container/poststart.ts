import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { runHooks } from '../hooks/run.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { hookSurroundings } from './report.ts';
import { endContainer } from './end.ts';

/**
 * Runs the poststart hooks. If one fails, the container is stopped and destroyed, as the specification demands since
 * 1.3 ("Lifecycle").
 */
export function runPoststart(native: Native, directory: ContainerDirectory, record: ContainerRecord): void {
  const hooks = record.hooks.poststart ?? [];
  if (hooks.length === 0) return;
  try {
    runHooks(native, 'poststart', hooks, hookSurroundings(record, 'running', record.pid));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure([...error.diagnostics, ...endContainer(native, directory, record)]);
  }
}
