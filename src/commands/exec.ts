import { Failure } from '../diag/diagnostic.ts';
import { inPhase, withoutPointers } from '../diag/failure.ts';
import { systemFailure } from '../diag/system.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { causesOfEnd } from '../container/cause.ts';
import { inWordsOfExec } from '../options/exec-words.ts';
import { reportDenied } from '../container/denied.ts';
import { handedDescriptors } from '../container/descriptors.ts';
import { startProcess } from '../container/exec.ts';
import type { StartedProcess } from '../container/exec.ts';
import { catchSignals, supervise } from '../container/foreground.ts';
import { endEvent, openLifeline } from '../container/lifeline.ts';
import type { Lifeline } from '../container/lifeline.ts';

/** Distinguishes a failure of exec from one of the program, as engines expect. */
const failedExitCode = 255;

/** Runs an additional program in a created container. */
export function exec(context: ContainerContext): Outcome {
  const lifeline = openLifeline(context);
  return lifeline === undefined ? execWith(context) : lifeline.witness(() => execWith(context, lifeline));
}

function execWith(context: ContainerContext, lifeline?: Lifeline): Outcome {
  const { native, options } = context;
  const foreground = options.detach !== true;
  let started: StartedProcess;
  try {
    const { count } = handedDescriptors(native, options['preserve-fds'], false);
    if (foreground) catchSignals(native);
    started = startProcess(context, !foreground, count);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // The process does not come from config.json, so a pointer into it would be misleading.
    const { diagnostics } = withoutPointers(error);
    const named = diagnostics.map((fault) => inWordsOfExec(fault, options, context.operands.slice(1)));
    throw inPhase(new Failure(named, failedExitCode), 'exec');
  }
  const { pid, console, cgroup, watch } = started;
  const warnings = started.warnings.map((warning) => inWordsOfExec(warning, options, []));
  if (!foreground) return { warnings };
  lifeline?.tell({ type: 'started', pid, warnings });
  const denied = watch && reportDenied(context, watch, console, started);
  const ended = supervise(native, pid, console, { lifeline, watch });
  if (typeof ended === 'number') throw systemFailure('exec.wait', 'cannot wait for the program', 'waitpid', ended);
  const { exitCode, signal } = ended;
  const unreported = watch === undefined ? started.config : undefined;
  const causes = causesOfEnd(native, { exitCode, signal, cgroup, config: undefined, unreported });
  const told = denied === undefined ? causes : [...denied(), ...(watch?.hasEndedProgram === true ? [] : causes)];
  const atEnd = [...ended.warnings, ...told];
  lifeline?.tell(endEvent(ended, atEnd));
  return { exitCode, warnings: [...warnings, ...atEnd] };
}
