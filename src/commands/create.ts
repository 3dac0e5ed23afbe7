import { confirm } from '../launch/start.ts';
import type { Context, Outcome } from './command.ts';
import { handedDescriptors } from './descriptors.ts';
import { makeContainer } from './make.ts';

/** Sets a container up and leaves its init waiting for `start`. */
export function create(context: Context): Outcome {
  const { native, options } = context;
  const handed = handedDescriptors(native, options['preserve-fds'], true);
  const { directory, control, warnings } = makeContainer(context, 'socket', true, handed);
  try {
    confirm(native, control);
  } finally {
    directory.close();
  }
  return { warnings };
}
