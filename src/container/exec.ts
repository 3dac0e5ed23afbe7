import type { Config } from '../../schema/generated/config.ts';
import { parseSavedConfig } from '../bundle/process.ts';
import { isFrozen, memoryNumbers, thawAboveHint, wasOutOfMemory } from '../cgroup/control.ts';
import { unifiedPath } from '../cgroup/files.ts';
import { mayBeTraced } from '../cgroup/tracers.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations, withoutPointers } from '../diag/failure.ts';
import { phase } from '../diag/trace.ts';
import { readFacts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import { enter } from '../launch/enter.ts';
import type { EnterOptions } from '../launch/enter.ts';
import { Watch } from '../launch/watch.ts';
import { requireOrigin } from '../launch/origin.ts';
import type { ContainerContext, Context } from '../options/command.ts';
import { execProcess } from '../options/exec-process.ts';
import { execCgroups, ownPlace } from '../plan/cgroup/exec.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import { planExec } from '../plan/exec.ts';
import type { ExecOptions } from '../plan/exec.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { keyringOf } from '../state/record.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord, savedConfig } from '../state/store.ts';
import type { SavedConfig } from '../state/store.ts';
import { describeShortfall } from '../words/shortfalls.ts';
import { watchMode } from './denied.ts';
import { openPidfdSocket, sendPidfd } from './descriptors.ts';
import { writePidFile } from './pid-file.ts';
import { openProcess } from './process.ts';
import { giveMaster, openConsole } from './terminal.ts';
import type { Console } from './terminal.ts';

export interface StartedProcess {
  readonly pid: number;
  readonly console: Console;
  /** That of the container. */
  readonly cgroup: CgroupRecord;
  readonly warnings: readonly Diagnostic[];
  /** Answers what the filter of the process asks; undefined if it does not ask this process. */
  readonly watch: Watch | undefined;
  /** With which the container was made. */
  readonly config: Config;
  /** Adds places in it. */
  readonly locate: (failure: Failure) => Failure;
}

/** Of a UTF-16 unit in UTF-8. */
const mostBytes = 3;

/**
 * Starts an additional process in a created container; it runs its program. `preserved`: number of descriptors from 3
 * on that the program inherits.
 */
export function startProcess(context: ContainerContext, detach: boolean, preserved: number): StartedProcess {
  const { native, options } = context;
  const [id, ...command] = context.operands;
  const { record, target, saved } = findSaved(context, id);
  const config = phase('parse', () => parseSavedConfig(saved.text, saved.path));
  const { process, warnings: mistakes } = phase('validate', () => execProcess(native, config, options, command));
  const cgroups = execCgroups(record.cgroup, options.cgroup ?? [], () => unifiedPath(native, record.pid));
  const { bundle, pid: initPid } = record;
  const origin = requireOrigin(native, config, record.origin);
  const keyring = keyringOf(record);
  const execOptions: ExecOptions = {
    id,
    bundle,
    initPid,
    origin,
    keyring,
    tasks: cgroups.tasks,
    watch: watchMode(options, detach),
  };
  const facts = readFacts(native);
  const plan = phase('plan', () => planExec(config, process, facts, execOptions));
  const isRemote = options.lifeline !== undefined;
  const console = openConsole(native, process, options['console-socket'], detach, '.', isRemote);
  const pidfdSocket = openPidfdSocket(native, options['pidfd-socket'], '.');
  const warnings = [...mistakes, ...plan.warnings];
  const watch = plan.watched === undefined ? undefined : new Watch(native, plan.watched);
  const enterOptions: EnterOptions = {
    target,
    cgroups: cgroups.directories,
    places: {
      file: cgroups.counted,
      own: () => ownPlace(facts.cgroups),
      mayBeTraced: () => mayBeTraced(native, initPid, record.cgroup),
    },
    preserved,
    watch,
    onTerminal: (master) => giveMaster(native, console, master),
    onShortfall: (shortfall) => {
      warnings.push(describeShortfall(shortfall, process));
    },
    onStarted: (child) => {
      sendPidfd(native, pidfdSocket, child, 'setns');
      writePidFile(context, child);
    },
  };
  const pid = phase('launch', () => explained(native, target, record, () => enter(native, plan, enterOptions)));
  context.debug(`process ${pid} runs in container ${id}`);
  let file: string | undefined;
  const locate = (failure: Failure): Failure =>
    withLocations(failure, saved.text, (file ??= editable(native, bundle, saved)));
  return {
    pid,
    console,
    watch,
    config,
    locate,
    cgroup: record.cgroup,
    warnings: withoutPointers(new Failure(warnings)).diagnostics,
  };
}

/** The file to change: that of the bundle, unless it is another one by now. */
function editable(native: Native, bundle: string, saved: SavedConfig): string {
  const path = `${bundle}/config.json`;
  return native.readText(path, saved.text.length * mostBytes) === saved.text ? path : saved.path;
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
  if (record.pid === 0) {
    throw new Failure({ code: 'exec.status', message: 'cannot exec in a container that is being created' });
  }
  const target = openProcess(native, record.pid, record.startTime);
  if (target === undefined) throw stopped();
  if (options['ignore-paused'] !== true) {
    // The process would stand still before its program runs, and exec with it.
    const hint = thawAboveHint(native, record.cgroup);
    if (hint !== undefined || isFrozen(native, record.cgroup)) {
      const message = 'cannot exec in a paused container (use --ignore-paused to override)';
      throw new Failure({ code: 'exec.status', message, ...(hint === undefined ? {} : { hint }) });
    }
  }
  return target;
}

/** Why `enters` fails, if it is not the process: the container has ended meanwhile, or its memory is used up. */
function explained<T>(native: Native, target: number, { cgroup }: ContainerRecord, enters: () => T): T {
  try {
    return enters();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Its namespaces and cgroups are gone.
    if (native.pidfdWait(target, 0) === 1) throw stopped();
    const { code } = error.diagnostics[0] ?? {};
    if ((code === 'exec.died' || code === 'launch.died') && wasOutOfMemory(native, cgroup)) {
      throw outOfMemory(memoryNumbers(native, cgroup));
    }
    throw error;
  }
}

function outOfMemory(numbers: string): Failure {
  return new Failure({
    code: 'exec.memory',
    message: `the process was OOM-killed before its program ran (memory limit too low?)${numbers}`,
    hint: 'the container is at linux.resources.memory.limit: raise it with rt update --memory',
  });
}

function stopped(): Failure {
  return new Failure({ code: 'exec.status', message: 'cannot exec in a stopped container' });
}
