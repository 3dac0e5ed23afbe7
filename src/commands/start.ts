import { Failure } from '../diag/diagnostic.ts';
import { attempt, inPhase, withLocations } from '../diag/failure.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { bindProgramSocket, connectManager, managerSocket } from '../systemd/notify.ts';
import type { NotifyProxy } from '../systemd/notify.ts';
import { connectStart, release } from '../launch/start.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../container/status.ts';
import type { Status } from '../container/status.ts';
import { notifyDirectory, requireRecord, savedConfig } from '../state/store.ts';
import type { ContainerContext, Context, Outcome } from '../options/command.ts';
import { runPoststart } from '../container/poststart.ts';
import { awaitReadiness } from '../container/readiness.ts';

/** Makes the init of a created container execute its program, and waits until it has. */
export function start(context: ContainerContext): Outcome {
  const { native } = context;
  const [id] = context.operands;
  checkId(id);
  const root = stateRoot(native, context.globals.root).path;
  return ContainerDirectory.use(native, root, id, (directory) => startIn(context, directory));
}

function startIn(context: Context, directory: ContainerDirectory): Outcome {
  const { native } = context;
  const { root, id } = directory;
  const record = requireRecord(directory);
  refuseUnlessCreated(statusOf(native, directory, record));
  // The name may belong to another container by the time the program runs.
  const socket = directory.heldPath('startSocket');
  const notify = openNotify(native, root, id);
  const { pid, startHooks, uncertainStart = false } = record;
  try {
    phase('start program', () =>
      release(native, connectStart(native, socket), { kind: 'saved', startHooks }, pid, uncertainStart),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Another start may have been faster; otherwise init has reported the cause.
    if (statusOf(native, directory, record) === 'running') refuseUnlessCreated('running');
    throw inPhase(located(directory, error), 'start');
  }
  // Not before: a start that is killed earlier can be repeated.
  native.unlink(socket);
  context.debug(`container ${id} runs`);
  runPoststart(native, directory, record);
  return { warnings: awaitReadiness(native, record, notify) };
}

/** With places in the saved config. */
function located(directory: ContainerDirectory, failure: Failure): Failure {
  let result = failure;
  attempt(() => {
    const { text, name } = savedConfig(directory);
    result = withLocations(failure, text, name);
  });
  return result;
}

function openNotify(native: Native, root: string, id: string): NotifyProxy | undefined {
  const path = managerSocket(native);
  if (path === undefined) return undefined;
  try {
    const manager = connectManager(native, path);
    return { program: bindProgramSocket(native, notifyDirectory(root, id)), manager };
  } catch (error) {
    throw error instanceof Failure ? inPhase(error, 'start') : error;
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
