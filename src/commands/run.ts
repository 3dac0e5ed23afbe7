import { Failure } from '../diag/diagnostic.ts';
import { phase } from '../diag/trace.ts';
import { leaveNetDevices } from '../launch/net-devices.ts';
import { release } from '../launch/start.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { attend } from '../container/foreground.ts';
import { abandon, makeContainer } from '../container/make.ts';

/** `create` and `start` in one; in the foreground also waits for the end, and deletes the container. */
export function run(context: ContainerContext): Outcome {
  const { native } = context;
  const made = makeContainer(context, 'control');
  const { directory, record, control, moved, compiled } = made;
  const { plan } = compiled;
  // From here on other commands can kill and remove it while this process continues.
  directory.unlock();
  try {
    phase('start program', () => release(native, control, { kind: 'plan', plan }, record.pid, plan.uncertainStart));
  } catch (error) {
    throw error instanceof Failure ? abandon(context, made, error, 'run') : error;
  }
  leaveNetDevices(native, moved);
  return attend(context, made, 'run');
}
