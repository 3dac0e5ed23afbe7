import { Failure } from '../diag/diagnostic.ts';
import { freeze, thaw } from '../cgroup/control.ts';
import type { Status } from '../container/status.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { changeContainer } from '../container/find.ts';

/** Suspends every process of a container until `resume`. */
export function pause(context: ContainerContext): Outcome {
  changeContainer(context, requireRunning, ({ cgroup }) => freeze(context.native, cgroup));
  return {};
}

/** Resumes a paused container. */
export function resume(context: ContainerContext): Outcome {
  changeContainer(context, requirePaused, ({ cgroup }) => thaw(context.native, cgroup));
  return {};
}

function requireRunning(status: Status): void {
  if (status !== 'created' && status !== 'running') {
    const message = status === 'paused' ? 'container not running: it is already paused' : 'container not running';
    throw new Failure({ code: 'pause.status', message });
  }
}

function requirePaused(status: Status): void {
  if (status !== 'paused') throw new Failure({ code: 'resume.status', message: 'container not paused' });
}
