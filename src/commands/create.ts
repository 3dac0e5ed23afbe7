import { Failure } from '../diag/diagnostic.ts';
import { confirm } from '../launch/start.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { abandon, makeContainer } from '../container/make.ts';

/** Sets up a container and leaves its init waiting for `start`. */
export function create(context: ContainerContext): Outcome {
  const made = makeContainer(context, 'socket');
  const { directory, record, control, compiled } = made;
  try {
    confirm(context.native, compiled.plan, control, record.pid);
  } catch (error) {
    throw error instanceof Failure ? abandon(context, made, error, 'create') : error;
  } finally {
    directory.close();
  }
  return { warnings: compiled.warnings };
}
