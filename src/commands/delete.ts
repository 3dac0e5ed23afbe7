import { Failure } from '../diag/diagnostic.ts';
import { checkId } from '../state/id.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../state/status.ts';
import { absent, directoryExists, readRecord, removeContainerDirectory } from '../state/store.ts';
import type { Context, Outcome } from './command.ts';
import { awaitKilled, destroyContainer, killContainer } from './end.ts';

/** Removes a container; with --force also one that has not stopped, or whose creation was interrupted. */
export function deleteContainer(context: Context): Outcome {
  const { native } = context;
  const id = context.operands[0] as string;
  const force = context.options.force === true;
  checkId(id);
  const root = stateRoot(native, context.globals.root).path;
  const record = find(context, root, id, force);
  if (record === undefined) {
    if (!force) throw absent(id);
    if (directoryExists(native, root, id)) removeContainerDirectory(native, root, id);
    return {};
  }
  const status = statusOf(native, root, record);
  if (status !== 'stopped' && !force && !awaitKilled(native, record)) {
    throw new Failure({
      code: 'delete.status',
      message: `cannot delete container ${id} that is not stopped: ${status}`,
      hint: 'kill it first, or use --force',
    });
  }
  // A stopped container may have left processes behind when it shares a pid namespace.
  killContainer(native, record);
  return { warnings: destroyContainer(native, root, record) };
}

/** With --force a record that cannot be read counts as none: the directory must go in any case. */
function find(context: Context, root: string, id: string, force: boolean): ContainerRecord | undefined {
  try {
    return readRecord(context.native, root, id);
  } catch (error) {
    if (force && error instanceof Failure) return undefined;
    throw error;
  }
}
