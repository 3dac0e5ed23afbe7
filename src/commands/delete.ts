import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { ContainerDirectory, absent } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../container/status.ts';
import { damagedCode, missingRecord, readRecord } from '../state/store.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { forEachMatch } from '../container/matching.ts';
import { removeDamaged } from '../container/damaged.ts';
import { awaitKilled, destroyContainer, killContainer } from '../container/end.ts';

/**
 * Removes a container; with --force also one that has not stopped, or whose creation was interrupted. With --regex,
 * several containers.
 */
export function deleteContainer({ native, globals, options, operands }: ContainerContext): Outcome {
  const [id] = operands;
  const root = stateRoot(native, globals.root).path;
  const one = (each: string): Outcome => deleteOne(native, root, each, options.force === true);
  return options.regex === true ? forEachMatch(native, root, id, one) : one(id);
}

function deleteOne(native: Native, root: string, id: string, force: boolean): Outcome {
  checkId(id);
  const directory = ContainerDirectory.open(native, root, id);
  try {
    // A container that is being created is refused at once: it does not stop by itself.
    const locked = directory?.lock(force ? undefined : () => refuseUnlessStopped(native, directory)) === true;
    if (directory !== undefined && locked) return removeLocked(native, directory, force);
  } finally {
    directory?.close();
  }
  if (!force) throw absent(id);
  return {};
}

function removeLocked(native: Native, directory: ContainerDirectory, force: boolean): Outcome {
  const { id } = directory;
  let record: ContainerRecord | undefined;
  try {
    record = force ? readRecord(directory) : refuseUnlessStopped(native, directory);
  } catch (error) {
    if (!force || !(error instanceof Failure) || error.diagnostics[0]?.code !== damagedCode) throw error;
    return { warnings: removeDamaged(native, directory, error) };
  }
  if (record === undefined) {
    if (!force) throw absent(id);
    const missing = missingRecord(directory);
    if (missing !== undefined) return { warnings: removeDamaged(native, directory, missing) };
    directory.remove();
    return {};
  }
  // This fails if its process cannot be inspected. A stopped container in a shared pid namespace may have left
  // processes behind.
  killContainer(native, record);
  return { warnings: destroyContainer(native, directory, record) };
}

function refuseUnlessStopped(native: Native, directory: ContainerDirectory): ContainerRecord | undefined {
  const record = readRecord(directory);
  const status = record === undefined ? 'stopped' : statusOf(native, directory, record);
  if (record === undefined || status === 'stopped' || awaitKilled(native, record)) return record;
  throw new Failure({
    code: 'delete.status',
    message: `cannot delete container ${directory.id} that is not stopped: ${status}`,
    hint: 'kill it first, or use --force',
  });
}
