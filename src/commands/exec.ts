import { parseSavedConfig } from '../bundle/process.ts';
import { Failure } from '../diag/diagnostic.ts';
import { inPhase, withoutPointers } from '../diag/failure.ts';
import { systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import { readFacts } from '../facts/facts.ts';
import { enter } from '../launch/enter.ts';
import type { EnterOptions } from '../launch/enter.ts';
import { isFrozen } from '../cgroup/control.ts';
import { unifiedPath } from '../cgroup/files.ts';
import { requireOrigin } from '../launch/origin.ts';
import { mayBeTraced } from '../cgroup/tracers.ts';
import { execCgroups, ownPlace } from '../plan/cgroup/exec.ts';
import { planExec } from '../plan/exec.ts';
import type { ExecOptions } from '../plan/exec.ts';
import { openProcess } from '../container/process.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { keyringOf } from '../state/record.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { pidFileMode, replaceFile, requireRecord, savedConfig } from '../state/store.ts';
import type { SavedConfig } from '../state/store.ts';
import type { ContainerContext, Context, Outcome } from '../options/command.ts';
import { handedDescriptors, openPidfdSocket, sendPidfd } from '../container/descriptors.ts';
import { execProcess } from '../options/exec-process.ts';
import { catchSignals, supervise } from '../container/foreground.ts';
import { giveMaster, openConsole } from '../container/terminal.ts';
import type { Console } from '../container/terminal.ts';

/** Distinguishes a failure of exec from one of the program, as engines expect. */
const failedExitCode = 255;

/** Runs an additional program in a created container. */
export function exec(context: ContainerContext): Outcome {
  const { native, options } = context;
  const foreground = options.detach !== true;
  let started: Started;
  try {
    const { count } = handedDescriptors(native, options['preserve-fds'], false);
    if (foreground) catchSignals(native);
    started = startProcess(context, !foreground, count);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // The process does not come from config.json, so a pointer into it would be misleading.
    throw inPhase(withoutPointers(error, failedExitCode), 'exec failed');
  }
  if (!foreground) return {};
  const { pid, master, console } = started;
  const ended = supervise(native, { pid, master, console });
  if (typeof ended === 'number') throw systemFailure('exec.wait', 'cannot wait for the program', 'waitpid', ended);
  return ended;
}

interface Started {
  readonly pid: number;
  readonly master: number;
  readonly console: Console;
}

function startProcess(context: ContainerContext, detach: boolean, preserved: number): Started {
  const { native, options } = context;
  const [id, ...command] = context.operands;
  const { record, target, saved } = findSaved(context, id);
  const config = phase('parse', () => parseSavedConfig(saved.text, saved.path));
  const process = phase('validate', () => execProcess(native, config, options, command));
  const cgroups = execCgroups(record.cgroup, options.cgroup ?? [], () => unifiedPath(native, record.pid));
  const { bundle, pid: initPid } = record;
  const origin = requireOrigin(native, config, record.origin);
  const keyring = keyringOf(record);
  const execOptions: ExecOptions = { id, bundle, initPid, origin, keyring, tasks: cgroups.tasks };
  const facts = readFacts(native);
  const plan = phase('plan', () => planExec(config, process, facts, execOptions));
  const console = openConsole(native, process, options['console-socket'], detach, '.');
  const pidfdSocket = openPidfdSocket(native, options['pidfd-socket'], '.');
  let master = -1;
  const enterOptions: EnterOptions = {
    target,
    cgroups: cgroups.born,
    places: {
      file: cgroups.counted,
      own: () => ownPlace(facts.cgroups),
      mayBeTraced: () => mayBeTraced(native, initPid, record.cgroup),
    },
    preserved,
    onTerminal: (descriptor) => {
      master = descriptor;
      giveMaster(native, console, descriptor);
    },
    onStarted: (child) => {
      sendPidfd(native, pidfdSocket, child, 'setns');
      const pidFile = options['pid-file'];
      if (pidFile !== undefined) replaceFile(native, pidFile, String(child), pidFileMode);
    },
  };
  const pid = phase('launch', () => enter(native, plan, enterOptions));
  context.debug(`process ${pid} runs in container ${id}`);
  return { pid, master, console };
}

/** The record, the saved config and a pidfd of init, all of the same container. */
function findSaved(context: Context, id: string): { record: ContainerRecord; target: number; saved: SavedConfig } {
  const { native } = context;
  const root = stateRoot(native, context.globals.root).path;
  return ContainerDirectory.use(native, root, id, (directory) => {
    const record = requireRecord(directory);
    const target = phase('find container', () => openContainer(context, record));
    return { record, target, saved: phase('read config', () => savedConfig(directory)) };
  });
}

/** A pidfd of the container's init, which must exist to be joined. */
function openContainer({ native, options }: Context, record: ContainerRecord): number {
  const target = record.pid === 0 ? undefined : openProcess(native, record.pid, record.startTime);
  if (target === undefined) {
    const message =
      record.pid === 0 ? 'cannot exec in a container that is being created' : 'cannot exec in a stopped container';
    throw new Failure({ code: 'exec.status', message });
  }
  if (options['ignore-paused'] !== true && isFrozen(native, record.cgroup)) {
    const message = 'cannot exec in a paused container (use --ignore-paused to override)';
    throw new Failure({ code: 'exec.status', message });
  }
  return target;
}
