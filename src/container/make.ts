import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic, Phase } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { phase } from '../diag/trace.ts';
import { prepare } from '../launch/make-cgroups.ts';
import { returnNetDevices } from '../launch/net-devices.ts';
import type { MovedDevices } from '../launch/net-devices.ts';
import { prepareResctrl, removeResctrl } from '../launch/resctrl.ts';
import { SmallMountsFailed } from '../launch/control.ts';
import { launch } from '../launch/session.ts';
import { Watch } from '../launch/watch.ts';
import type { ContainerContext, Context } from '../options/command.ts';
import { checkId } from '../state/id.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import type { StateRoot } from '../state/root.ts';
import { draftRecord, notifyDirectory, writeConfig } from '../state/store.ts';
import { bindProgramSocket, connectManager, makeNotifyDirectory, managerSocket } from '../systemd/notify.ts';
import { describeShortfall } from '../words/shortfalls.ts';
import { compile, mistakesIn, nonce } from './compile.ts';
import type { Compiled } from './compile.ts';
import { beginCreation, firstRecord, withInit } from './creation.ts';
import type { Creation, MadeContainer } from './creation.ts';
import { watchMode } from './denied.ts';
import { handedDescriptors, openPidfdSocket, sendPidfd } from './descriptors.ts';
import { endContainer, killContainer } from './end.ts';
import { becomeForeground } from './foreground.ts';
import { removePidFile, writePidFile } from './pid-file.ts';
import { recordCalls } from './recorded.ts';
import { smallMountsFor } from './small-mounts.ts';
import { giveMaster, openConsole } from './terminal.ts';
import type { Console } from './terminal.ts';

export interface WaitingContainer extends MadeContainer {
  /** Descriptor on which init waits for the go-ahead. */
  readonly control: number;
  /** Network devices of the host, until the program runs. */
  readonly moved: MovedDevices | undefined;
  readonly compiled: Compiled;
}

type AwaitStart = 'socket' | 'control';

/** What the container needs of its caller, opened before the first effect. */
interface Outside {
  readonly console: Console;
  readonly pidfdSocket: number;
  /** Of the service manager that waits for the program, -1 if it is `start` that forwards readiness. */
  readonly manager: number;
  readonly notify: string | undefined;
  readonly preserved: number;
}

/**
 * The part that `create` and `run` share: on return init has completed its setup and waits, on its socket in the state
 * directory ('socket') or on the returned descriptor ('control'). A failure leaves nothing behind.
 */
export function makeContainer(context: ContainerContext, awaitStart: AwaitStart): WaitingContainer {
  const { native, options } = context;
  const [id] = context.operands;
  const { env, count: preserved } = handedDescriptors(native, options['preserve-fds'], true);
  const detach = awaitStart === 'socket' || options.detach === true;
  // Signals that arrive during the creation are meant for the program, too.
  if (!detach) becomeForeground(context);
  checkId(id);
  const root = stateRoot(native, context.globals.root);
  const managerPath = managerSocket(native);
  const notify = managerPath === undefined ? undefined : notifyDirectory(root.path, id);
  const watch = watchMode(options, detach);
  const smallMounts = smallMountsFor(native);
  const compiled = compile(context, id, awaitStart, { env, notify, nonce: nonce(native), watch, smallMounts });
  const outside: Outside = {
    console: openCallers(context, compiled, detach),
    manager: managerPath === undefined || awaitStart === 'socket' ? -1 : connectManager(native, managerPath),
    pidfdSocket: openPidfdSocket(native, options['pidfd-socket'], compiled.bundle),
    notify,
    preserved,
  };
  context.debug(`planned ${compiled.plan.init.length} operations for container ${id}`);
  const made = makeWith(context, root, compiled, outside, awaitStart);
  context.debug(`container ${id} waits for start, pid ${made.record.pid}`);
  return made;
}

/** If it fails for want of the host's mounts, it is undone, and the mount namespace begins as a copy of the host's. */
function makeWith(
  context: ContainerContext,
  root: StateRoot,
  compiled: Compiled,
  outside: Outside,
  awaitStart: AwaitStart,
): WaitingContainer {
  const { native } = context;
  const [id] = context.operands;
  const first = firstRecord(native, id, compiled, outside.notify !== undefined);
  const unfit: SmallMountsFailed[] = [];
  try {
    return beginCreation(native, root, compiled, first, 'create', (creation) => {
      try {
        return launchIn(context, compiled, outside, awaitStart, first, creation);
      } catch (error) {
        if (error instanceof SmallMountsFailed) unfit.push(error);
        throw error;
      }
    });
  } catch (error) {
    const [cause] = unfit;
    if (cause === undefined) throw error;
    context.debug(`container ${id} gets a copy of the host's mount namespace: ${cause.message}`);
    return makeWith(context, root, compiled.copying(), outside, awaitStart);
  }
}

function openCallers({ native, options }: Context, { config, bundle, locate }: Compiled, detach: boolean): Console {
  try {
    return openConsole(
      native,
      config.process ?? {},
      options['console-socket'],
      detach,
      bundle,
      options.lifeline !== undefined,
    );
  } catch (error) {
    throw error instanceof Failure ? locate(error) : error;
  }
}

function launchIn(
  context: Context,
  compiled: Compiled,
  { console, pidfdSocket, manager, notify, preserved }: Outside,
  awaitStart: AwaitStart,
  first: ContainerRecord,
  { directory, onFailure, ...effects }: Creation,
): WaitingContainer {
  const { native } = context;
  const { plan, saved } = compiled;
  if (notify !== undefined) makeNotifyDirectory(native, notify);
  const proxy =
    notify === undefined || manager < 0 ? undefined : { program: bindProgramSocket(native, notify), manager };
  phase('make cgroups', () => prepare(native, plan, effects.onCgroups));
  const shortfalls: Diagnostic[] = [];
  let mistakes: readonly Diagnostic[] = [];
  onFailure('resctrl', () => removeResctrl(native, first.resctrl));
  prepareResctrl(native, plan);
  const watch = plan.watched === undefined ? undefined : new Watch(native, plan.watched);
  const file = context.options['record-seccomp'];
  const recorded =
    watch === undefined || file === undefined
      ? undefined
      : recordCalls(native, watch, file, compiled.config.process?.noNewPrivileges === true);
  if ((compiled.config.hooks?.createContainer ?? []).length > 0) effects.onHooks();
  const { pid, control, moved, draft } = phase('launch', () =>
    launch(native, plan, {
      ...effects,
      onCloned: () => phase('save state', () => writeConfig(native, directory, saved)),
      draft: (initPid) => {
        mistakes = mistakesIn(compiled);
        const record = withInit(native, first, initPid);
        return { record, publish: draftRecord(native, directory, record) };
      },
      listenPath: awaitStart === 'socket' ? directory.heldPath('startSocket') : '',
      preserved,
      watch,
      onTerminal: (master) => giveMaster(native, console, master),
      onShortfall: (shortfall) => {
        const warning = describeShortfall(shortfall, compiled.config.process ?? { cwd: '/' });
        shortfalls.push(...compiled.locate(new Failure(warning)).diagnostics);
      },
    }),
  );
  const { record, publish } = draft;
  onFailure('net devices', () => returnNetDevices(native, moved));
  onFailure('init', () => killContainer(native, record));
  phase('save state', publish);
  sendPidfd(native, pidfdSocket, pid, 'standard');
  writePidFile(context, pid);
  const warned: Compiled = { ...compiled, warnings: [...mistakes, ...compiled.warnings, ...shortfalls] };
  return { directory, record, console, compiled: warned, notify: proxy, control, moved, watch, recorded };
}

/** Ends a container whose program could not be started; returns the failure with those of the end. */
export function abandon(
  context: Context,
  { directory, record, moved, compiled }: MadeContainer & Pick<WaitingContainer, 'moved'>,
  failure: Failure,
  action: Phase,
): Failure {
  const { native } = context;
  returnNetDevices(native, moved);
  removePidFile(context);
  const leftovers = endContainer(native, directory, record);
  return inPhase(compiled.locate(new Failure([...failure.diagnostics, ...leftovers])), action);
}
