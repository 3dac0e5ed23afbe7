import { confirm } from '../launch/start.ts';
import type { Context, Outcome } from './command.ts';
import { makeContainer } from './make.ts';

/** Sets a container up and leaves its init waiting for `start`. */
export function create(context: Context): Outcome {
  const { control, warnings } = makeContainer(context, 'socket', true);
  confirm(context.native, control);
  return { warnings };
}
