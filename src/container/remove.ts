import { memoryKills } from '../cgroup/control.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { absent } from '../state/directory.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { damagedCode, missingRecord, readRecord } from '../state/store.ts';
import { killedForMemory } from './cause.ts';
import { removeDamaged } from './damaged.ts';
import { awaitKilled, destroyContainer, killContainer } from './end.ts';
import { statusOf } from './status.ts';

/** Removes a container whose directory is locked, by force also one that has not stopped. Returns warnings. */
export function removeContainer(native: Native, directory: ContainerDirectory, force: boolean): Diagnostic[] {
  const { id } = directory;
  let record: ContainerRecord | undefined;
  try {
    record = force ? readRecord(directory) : refuseUnlessStopped(native, directory);
  } catch (error) {
    if (!force || !(error instanceof Failure) || error.diagnostics[0]?.code !== damagedCode) throw error;
    return removeDamaged(native, directory, error);
  }
  if (record === undefined) {
    if (!force) throw absent(id);
    const missing = missingRecord(directory);
    if (missing !== undefined) return removeDamaged(native, directory, missing);
    directory.remove();
    return [];
  }
  // This fails if its process cannot be inspected. A stopped container in a shared pid namespace may have left
  // processes behind.
  killContainer(native, record);
  const kills = memoryKills(native, record.cgroup) ?? 0;
  const told: Diagnostic[] = kills === 0 ? [] : [{ code: 'delete.memory', message: killedForMemory(kills) }];
  return [...told, ...destroyContainer(native, directory, record)];
}

/** The record of a container that has stopped, or ends now; undefined if it has none. */
export function refuseUnlessStopped(native: Native, directory: ContainerDirectory): ContainerRecord | undefined {
  const record = readRecord(directory);
  const status = record === undefined ? 'stopped' : statusOf(native, directory, record);
  if (record === undefined || status === 'stopped' || awaitKilled(native, record)) return record;
  throw new Failure({
    code: 'delete.status',
    message: `cannot delete container ${directory.id} that is not stopped: ${status}`,
    hint: 'kill it first, or use --force',
  });
}
