import { Failure } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { returnNetDevices } from '../launch/net-devices.ts';
import { confirm } from '../launch/start.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { handedDescriptors } from '../container/descriptors.ts';
import { endContainer } from '../container/end.ts';
import { makeContainer, removePidFile } from '../container/make.ts';

/** Sets up a container and leaves its init waiting for `start`. */
export function create(context: ContainerContext): Outcome {
  const { native, options } = context;
  const handed = handedDescriptors(native, options['preserve-fds'], true);
  const { directory, record, control, plan, moved, warnings } = makeContainer(context, 'socket', true, handed);
  try {
    confirm(native, plan, control, record.pid);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    returnNetDevices(native, moved);
    removePidFile(context);
    throw inPhase(new Failure([...error.diagnostics, ...endContainer(native, directory, record)]), 'create failed');
  } finally {
    directory.close();
  }
  return { warnings };
}
