import { Failure } from '../diag/diagnostic.ts';
import { phase } from '../diag/trace.ts';
import { leaveNetDevices } from '../launch/net-devices.ts';
import { awaitProgram, release } from '../launch/start.ts';
import type { ContainerContext, Context, Outcome } from '../options/command.ts';
import { awaitedContainer, canBeAwaited } from '../container/awaited.ts';
import type { AwaitedContainer } from '../container/awaited.ts';
import { attend } from '../container/foreground.ts';
import { lifelineClosed, openLifeline } from '../container/lifeline.ts';
import type { Lifeline } from '../container/lifeline.ts';
import { abandon, makeContainer } from '../container/make.ts';
import type { WaitingContainer } from '../container/make.ts';

/**
 * `create` and `start` in one; in the foreground also waits for the end, and deletes the container. With --lifeline,
 * the program is started by its other end.
 */
export function run(context: ContainerContext): Outcome {
  const lifeline = openLifeline(context);
  return lifeline === undefined ? runWith(context) : lifeline.witness(() => runWith(context, lifeline));
}

function runWith(context: ContainerContext, lifeline?: Lifeline): Outcome {
  const made = (lifeline && awaitedContainer(context)) ?? makeContainer(context, 'control');
  // From here on other commands can kill and remove it while this process continues.
  made.directory.unlock();
  const moved = 'heard' in made ? undefined : made.moved;
  try {
    if ('heard' in made) awaitReleased(context, made);
    else startMade(context, made, lifeline);
  } catch (error) {
    throw error instanceof Failure ? abandon(context, { ...made, moved }, error, 'run') : error;
  }
  leaveNetDevices(context.native, moved);
  lifeline?.tell({ type: 'started', pid: made.record.pid, warnings: [] });
  return attend(context, made, 'run', lifeline);
}

function startMade({ native, globals }: Context, made: WaitingContainer, lifeline: Lifeline | undefined): void {
  const { record, control, compiled, watch } = made;
  const { plan, warnings } = compiled;
  if (lifeline !== undefined) {
    lifeline.tell({ type: 'created', id: record.id, pid: record.pid, warnings });
    const leave = (pidfd: number): void => {
      // The trace of the creation is in the engine.
      if (globals.trace === undefined && canBeAwaited(made))
        native.awaitStartLeanly(control, lifeline.descriptor, pidfd, record.pid);
    };
    if (!lifeline.awaitStart(record, leave)) throw lifelineClosed();
  }
  phase('start program', () =>
    release(native, control, { kind: 'plan', plan }, record.pid, plan.uncertainStart, watch),
  );
}

function awaitReleased({ native }: Context, { record, control, known, uncertain, heard }: AwaitedContainer): void {
  if (heard === undefined) throw lifelineClosed();
  phase('start program', () => awaitProgram(native, control, known, record.pid, uncertain, () => heard));
}
