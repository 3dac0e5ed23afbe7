import { isNew } from '../bundle/namespaces.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { formatTime } from '../diag/time.ts';
import { phase } from '../diag/trace.ts';
import { runHooks } from '../hooks/run.ts';
import { removeCgroups, withoutUnit } from '../cgroup/control.ts';
import { prepare } from '../launch/make-cgroups.ts';
import { launch } from '../launch/session.ts';
import type { LaunchOptions } from '../launch/session.ts';
import type { Native } from '../host/native.ts';
import { prepareResctrl, removeResctrl, resctrlRecord } from '../launch/resctrl.ts';
import { returnNetDevices } from '../launch/net-devices.ts';
import type { MovedDevices } from '../launch/net-devices.ts';
import { bindProgramSocket, connectManager, makeNotifyDirectory, managerSocket } from '../systemd/notify.ts';
import type { NotifyProxy } from '../systemd/notify.ts';
import { findOrigin } from '../launch/origin.ts';
import { mountIdAt, releaseRoot } from '../launch/root.ts';
import { startHooks } from '../plan/hooks.ts';
import { mountsOnHost } from '../plan/rootfs.ts';
import { helperOps } from '../plan/plan.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { Plan } from '../plan/plan.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { startTimeOf } from './process.ts';
import type { ContainerRecord } from '../state/record.ts';
import { hookSurroundings } from './report.ts';
import { absolutePath, stateRoot } from '../state/root.ts';
import { thisProcess } from './status.ts';
import { notifyDirectory, pidFileMode, replaceFile, writeConfig, draftRecord, writeRecord } from '../state/store.ts';
import type { ContainerContext, Context } from '../options/command.ts';
import { compile, nonce } from './compile.ts';
import type { Compiled } from './compile.ts';
import { openPidfdSocket, sendPidfd } from './descriptors.ts';
import type { Handed } from './descriptors.ts';
import { killContainer, runPoststop } from './end.ts';
import { giveMaster, openConsole } from './terminal.ts';
import type { Console } from './terminal.ts';

export interface MadeContainer {
  /** Locked, so that nobody removes an incomplete container. The caller closes it. */
  readonly directory: ContainerDirectory;
  readonly record: ContainerRecord;
  /** Descriptor on which init waits for the go-ahead. */
  readonly control: number;
  /** Master of the container's terminal, -1 if there is none or it was sent. */
  readonly master: number;
  readonly console: Console;
  readonly plan: Plan;
  /** Network devices of the host, until the program runs. */
  readonly moved: MovedDevices | undefined;
  /** Sockets for reporting that the program is ready. */
  readonly notify: NotifyProxy | undefined;
  readonly locate: (failure: Failure) => Failure;
  readonly warnings: readonly Diagnostic[];
}

/** Progress of the creation, undone if it fails. */
export interface Progress {
  readonly directory: ContainerDirectory;
  record: ContainerRecord;
  moved?: MovedDevices | undefined;
  /** The cgroups made so far. */
  cgroup?: CgroupRecord;
  unitStarted: boolean;
  hooksBegan: boolean;
}

/**
 * The part that `create` and `run` share: on return init has completed its setup and waits, on its socket in the state
 * directory ('socket') or on the returned descriptor ('control'). A failure leaves nothing behind.
 */
export function makeContainer(
  context: ContainerContext,
  awaitStart: 'socket' | 'control',
  detach: boolean,
  handed: Handed,
): MadeContainer {
  const { native, options } = context;
  const [id] = context.operands;
  checkId(id);
  const root = stateRoot(native, context.globals.root);
  const managerPath = managerSocket(native);
  const notify = managerPath === undefined ? undefined : notifyDirectory(root.path, id);
  const compiled = compile(context, id, awaitStart, { env: handed.env, notify, nonce: nonce(native) });
  const console = openCallers(context, compiled, detach);
  // With `create`, it is `start` that forwards readiness.
  const manager = managerPath === undefined || awaitStart === 'socket' ? -1 : connectManager(native, managerPath);
  const pidfdSocket = openPidfdSocket(native, options['pidfd-socket'], compiled.bundle);
  context.debug(`planned ${compiled.plan.init.length} operations for container ${id}`);

  const first = firstRecord(context, id, compiled, notify !== undefined);
  const directory = ContainerDirectory.make(native, root, id);
  const progress: Progress = {
    directory,
    record: first,
    unitStarted: false,
    hooksBegan: false,
  };
  let master = -1;
  try {
    phase('save state', () => writeRecord(native, directory, progress.record));
    if (notify !== undefined) makeNotifyDirectory(native, notify);
    const proxy =
      notify === undefined || manager < 0 ? undefined : { program: bindProgramSocket(native, notify), manager };
    const onCgroups = (made: CgroupRecord): void => {
      progress.cgroup = made;
    };
    phase('make cgroups', () => prepare(native, compiled.plan, onCgroups));
    prepareResctrl(native, compiled.plan);
    // Written during init's setup, published after it.
    let record = progress.record;
    let publish = (): void => undefined;
    const draft = (pid: number): void => {
      record = { ...record, pid, startTime: startTimeOf(native, pid) };
      publish = draftRecord(native, directory, record);
    };
    const launchOptions: LaunchOptions = {
      onCgroups,
      onCloned: () => phase('save state', () => writeConfig(native, directory, compiled.saved)),
      onBorn: draft,
      listenPath: awaitStart === 'socket' ? directory.heldPath('startSocket') : '',
      onUnitStarted: (): void => {
        progress.unitStarted = true;
      },
      preserved: handed.count,
      onHostHooks: (initPid): void => {
        progress.hooksBegan = true;
        runCreationHooks(native, compiled, progress.record, initPid);
      },
      onTerminal: (descriptor): void => {
        master = descriptor;
        giveMaster(native, console, descriptor);
      },
    };
    const { pid, control, moved } = phase('launch', () => launch(native, compiled.plan, launchOptions));
    progress.moved = moved;
    // In a joined pid namespace init is a child of the process that was started.
    if (pid !== record.pid) draft(pid);
    progress.record = record;
    phase('save state', publish);
    sendPidfd(native, pidfdSocket, pid, 'standard');
    const pidFile = options['pid-file'];
    if (pidFile !== undefined) replaceFile(native, pidFile, String(pid), pidFileMode);
    context.debug(`container ${id} waits for start, pid ${pid}`);
    const { plan, locate, warnings } = compiled;
    return { directory, record, control, master, console, plan, moved, notify: proxy, locate, warnings };
  } catch (error) {
    const leftovers = undo(native, progress);
    if (!(error instanceof Failure)) throw error;
    throw inPhase(compiled.locate(new Failure([...error.diagnostics, ...leftovers], error.exitCode)), 'create failed');
  }
}

/** For a container that failed to start: its pid is invalid. */
export function removePidFile({ native, options }: Context): void {
  const pidFile = options['pid-file'];
  if (pidFile !== undefined) native.unlink(pidFile);
}

function openCallers({ native, options }: Context, { config, bundle, locate }: Compiled, detach: boolean): Console {
  try {
    return openConsole(native, config.process ?? {}, options['console-socket'], detach, bundle);
  } catch (error) {
    throw error instanceof Failure ? locate(error) : error;
  }
}

export function firstRecord(
  { native }: Context,
  id: string,
  { bundle, config, plan, keyring }: Compiled,
  notified: boolean,
): ContainerRecord {
  const [seconds = 0, nanoseconds = 0] = native.realTime();
  const rootfs = config.root.path;
  const { startContainer = [], poststart, poststop } = config.hooks ?? {};
  const absoluteRoot = absolutePath(native, rootfs.startsWith('/') ? rootfs : `${bundle}/${rootfs}`);
  const origin = findOrigin(native, config);
  const rootMount = mountsOnHost(config, notified) ? mountIdAt(native, absoluteRoot) : undefined;
  return {
    version: 2,
    id,
    bundle,
    rootfs: absoluteRoot,
    ...(rootMount === undefined ? {} : { rootMount }),
    created: formatTime(seconds, nanoseconds),
    annotations: config.annotations ?? {},
    pid: 0,
    startTime: 0,
    creator: thisProcess(native),
    cgroup: plan.cgroup,
    ...(plan.resctrl.groups.length === 0 ? {} : { resctrl: resctrlRecord(native, plan) }),
    privatePidNamespace: isNew(config, 'pid'),
    ...(origin === undefined ? {} : { origin }),
    keyring: keyring !== undefined,
    ...(keyring === undefined ? {} : { keyringName: keyring }),
    hooks: { ...(poststart === undefined ? {} : { poststart }), ...(poststop === undefined ? {} : { poststop }) },
    ...(plan.uncertainStart ? { uncertainStart: true } : {}),
    ...(startContainer.length === 0 ? {} : { startHooks: startHooks(startContainer, helperOps(plan)) }),
  };
}

/** Hooks of the runtime namespace, run during init's setup, so that they can prepare its network namespace. */
export function runCreationHooks(native: Native, { config }: Compiled, record: ContainerRecord, pid: number): void {
  const { prestart = [], createRuntime = [] } = config.hooks ?? {};
  if (prestart.length === 0 && createRuntime.length === 0) return;
  const surroundings = hookSurroundings(record, 'created', pid);
  runHooks(native, 'prestart', prestart, surroundings);
  runHooks(native, 'createRuntime', createRuntime, surroundings);
}

/** Undoes every step if possible; failures to undo are reported with the first failure. */
export function undo(native: Native, progress: Progress): Diagnostic[] {
  const { directory, record, moved, cgroup, unitStarted, hooksBegan } = progress;
  const diagnostics: Diagnostic[] = [];
  const attempt = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      diagnostics.push(...error.diagnostics);
    }
  };
  returnNetDevices(native, moved);
  if (record.pid !== 0) attempt(() => killContainer(native, record));
  if (cgroup !== undefined) attempt(() => removeCgroups(native, unitStarted ? cgroup : withoutUnit(cgroup)));
  attempt(() => releaseRoot(native, record.rootfs, record.rootMount));
  if (cgroup !== undefined) attempt(() => removeResctrl(native, record.resctrl));
  // The directory is locked, but may no longer exist.
  attempt(() => {
    if (directory.lock()) directory.remove();
    else directory.close();
  });
  if (hooksBegan) diagnostics.push(...runPoststop(native, record));
  return diagnostics;
}
