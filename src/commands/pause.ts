import { Failure } from '../diag/diagnostic.ts';
import { freeze, thaw } from '../launch/freezer.ts';
import type { Context, Outcome } from './command.ts';
import { findContainer } from './find.ts';

/** Stops every process of a container where it is, until `resume`. */
export function pause(context: Context): Outcome {
  const { record, status } = findContainer(context);
  if (status !== 'created' && status !== 'running') {
    throw new Failure({ code: 'pause.status', message: 'container not running' });
  }
  freeze(context.native, record.cgroup);
  return {};
}

/** Lets a paused container go on. */
export function resume(context: Context): Outcome {
  const { record, status } = findContainer(context);
  if (status !== 'paused') throw new Failure({ code: 'resume.status', message: 'container not paused' });
  thaw(context.native, record.cgroup);
  return {};
}
