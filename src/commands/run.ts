import { Failure } from '../diag/diagnostic.ts';
import { phase } from '../diag/trace.ts';
import { leaveNetDevices } from '../launch/net-devices.ts';
import { release } from '../launch/start.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { attend } from '../container/foreground.ts';
import { lifelineClosed, openLifeline } from '../container/lifeline.ts';
import type { Lifeline } from '../container/lifeline.ts';
import { abandon, makeContainer } from '../container/make.ts';

/**
 * `create` and `start` in one; in the foreground also waits for the end, and deletes the container. With --lifeline,
 * the program is started by its other end.
 */
export function run(context: ContainerContext): Outcome {
  const lifeline = openLifeline(context);
  return lifeline === undefined ? runWith(context) : lifeline.witness(() => runWith(context, lifeline));
}

function runWith(context: ContainerContext, lifeline?: Lifeline): Outcome {
  const { native } = context;
  const made = makeContainer(context, 'control');
  const { directory, record, control, moved, compiled, watch } = made;
  const { plan } = compiled;
  // From here on other commands can kill and remove it while this process continues.
  directory.unlock();
  try {
    if (lifeline !== undefined) {
      lifeline.tell({ type: 'created', id: record.id, pid: record.pid, warnings: compiled.warnings });
      if (!lifeline.awaitStart(record)) throw lifelineClosed();
    }
    phase('start program', () =>
      release(native, control, { kind: 'plan', plan }, record.pid, plan.uncertainStart, watch),
    );
  } catch (error) {
    throw error instanceof Failure ? abandon(context, made, error, 'run') : error;
  }
  leaveNetDevices(native, moved);
  lifeline?.tell({ type: 'started', pid: record.pid, warnings: [] });
  return attend(context, made, 'run', lifeline);
}
