import { Failure } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { bindProgramSocket, connectManager, managerSocket } from '../launch/notify.ts';
import type { NotifyProxy } from '../launch/notify.ts';
import { connectStart, release } from '../launch/start.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../state/status.ts';
import type { Status } from '../state/status.ts';
import { absent, notifyDirectory, requireRecord, startSocketName } from '../state/store.ts';
import type { Context, Outcome } from './command.ts';
import { runPoststart } from './poststart.ts';
import { awaitReadiness } from './readiness.ts';

/** Lets the init of a created container run its program, and waits until it does. */
export function start(context: Context): Outcome {
  const { native } = context;
  const id = context.operands[0];
  checkId(id);
  const root = stateRoot(native, context.globals.root).path;
  // Opened before it is read, so that both are of one container.
  const directory = ContainerDirectory.open(native, root, id);
  if (directory === undefined) throw absent(id);
  try {
    return startIn(context, directory);
  } finally {
    directory.close();
  }
}

function startIn(context: Context, directory: ContainerDirectory): Outcome {
  const { native } = context;
  const { root, id } = directory;
  const record = requireRecord(native, root, id);
  refuseUnlessCreated(statusOf(native, root, record));
  // The name may be another container's by the time its program runs.
  const socket = `${directory.held}/${startSocketName}`;
  const notify = openNotify(native, root, id);
  const { pid, startHooks, uncertainStart = false } = record;
  try {
    phase('start program', () => release(native, connectStart(native, socket), startHooks, pid, uncertainStart));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Another start may have been faster; otherwise the cause is the one that init reported.
    if (statusOf(native, root, record) === 'running') refuseUnlessCreated('running');
    throw inPhase(error, 'start failed');
  }
  // Only now: a start that is killed before this point can be repeated.
  native.unlink(socket);
  context.debug(`container ${id} runs`);
  runPoststart(native, directory, record);
  return { warnings: awaitReadiness(native, record, notify) };
}

function openNotify(native: Native, root: string, id: string): NotifyProxy | undefined {
  const path = managerSocket(native);
  if (path === undefined) return undefined;
  try {
    const manager = connectManager(native, path);
    return { program: bindProgramSocket(native, notifyDirectory(root, id)), manager };
  } catch (error) {
    throw error instanceof Failure ? inPhase(error, 'start failed') : error;
  }
}

function refuseUnlessCreated(status: Status): void {
  const reason = {
    creating: 'cannot start a container that is being created',
    created: undefined,
    running: 'cannot start an already running container',
    paused: 'cannot start a container in the paused state',
    stopped: 'cannot start a container that has stopped',
  }[status];
  if (reason !== undefined) throw new Failure({ code: 'start.status', message: reason });
}
