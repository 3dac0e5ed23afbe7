import { confirm } from '../launch/start.ts';
import { commands } from '../cli/options.ts';
import type { Context, Outcome } from './command.ts';
import { refuseUnsupported } from './compile.ts';
import { makeContainer } from './make.ts';

/** Sets a container up and leaves its init waiting for `start`. */
export function create(context: Context): Outcome {
  refuseUnsupported(context, commands.create.options);
  const { control, warnings } = makeContainer(context, 'socket', true);
  confirm(context.native, control);
  return { warnings };
}
