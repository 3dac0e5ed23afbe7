import { Failure } from '../diag/diagnostic.ts';
import {
  EEXIST,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  expectDone,
  expectResult,
  systemFailure,
} from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../host/open-flags.ts';
import { checkId } from './id.ts';
import type { ContainerRecord } from './record.ts';
import type { StateRoot } from './root.ts';

/** Larger than any record: hooks and annotations are as large as config.json allows. */
const largestRecord = 16 << 20;
// Not O_SYNC: a container does not outlive the power failure from which a synchronous write protects its state.
const newFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const directoryMode = 0o700;

export function containerDirectory(root: string, id: string): string {
  return `${root}/${id}`;
}

/** Where init listens for `start`. */
export function startSocketPath(root: string, id: string): string {
  return `${root}/${id}/start.sock`;
}

/** What the container sees of its state, when a service manager waits for it. */
export function notifyDirectory(root: string, id: string): string {
  return `${root}/${id}/notify`;
}

/** Its config as it was at create: what a bundle says may change. */
export function configPath(root: string, id: string): string {
  return `${root}/${id}/config.json`;
}

function recordPath(root: string, id: string): string {
  return `${root}/${id}/state.json`;
}

/** Makes the directory of a container. That it can be made only once is what keeps ids unique. */
export function makeContainerDirectory(native: Native, root: StateRoot, id: string): void {
  const path = containerDirectory(root.path, id);
  let result = native.mkdir(path, directoryMode);
  if (result === -ENOENT) {
    makeRoot(native, root);
    result = native.mkdir(path, directoryMode);
  }
  if (result === -EEXIST) {
    throw new Failure({
      code: 'state.exists',
      message: `container with given ID already exists: "${id}"`,
      hint: `rt delete --force ${id} removes it`,
    });
  }
  expectDone(result, 'state.directory', `cannot create state directory "${path}"`, 'mkdir');
}

function makeRoot(native: Native, root: StateRoot): void {
  const parts = root.path.split('/');
  for (let count = 2; count <= parts.length; count += 1) {
    const path = parts.slice(0, count).join('/');
    const sticky = root.sticky && count === parts.length ? 0o1000 : 0;
    const result = native.mkdir(path, sticky | directoryMode);
    if (result === -EEXIST) continue;
    expectDone(result, 'state.directory', `cannot create state directory "${path}"`, 'mkdir');
  }
}

/** Keeps the text of the config; the directory is new, so nobody reads it yet. */
export function writeConfig(native: Native, root: string, id: string, text: string): void {
  const path = configPath(root, id);
  expectDone(native.writeText(path, text, newFile, 0o600), 'file.write', `cannot write "${path}"`, 'write');
}

/** Replaces the record in one step: readers see the old one or the new one. */
export function writeRecord(native: Native, root: string, record: ContainerRecord): void {
  replaceFile(native, recordPath(root, record.id), JSON.stringify(record), 0o600);
}

/** As writeRecord, in two steps: readers see the new record once the returned function was called. */
export function draftRecord(native: Native, root: string, record: ContainerRecord): () => void {
  return draftFile(native, recordPath(root, record.id), JSON.stringify(record), 0o600);
}

/** Writes a file beside `path` and renames it. The new file is exclusive, so it is never someone else's. */
export function replaceFile(native: Native, path: string, text: string, mode: number): void {
  draftFile(native, path, text, mode)();
}

/** Writes the file; the returned function renames it. */
function draftFile(native: Native, path: string, text: string, mode: number): () => void {
  const slash = path.lastIndexOf('/') + 1;
  const temporary = `${path.slice(0, slash)}.${path.slice(slash)}`;
  let result = native.writeText(temporary, text, newFile, mode);
  if (result === -EEXIST) {
    // Left by a command that was killed at this point.
    native.unlink(temporary);
    result = native.writeText(temporary, text, newFile, mode);
  }
  const action = `cannot write "${path}"`;
  if (result < 0) {
    native.unlink(temporary);
    throw systemFailure('file.write', action, 'write', result);
  }
  return () => {
    const renamed = native.rename(temporary, path);
    if (renamed >= 0) return;
    native.unlink(temporary);
    throw systemFailure('file.write', action, 'rename', renamed);
  };
}

/** Undefined when the container does not exist, or has no record (yet, or any more). */
export function readRecord(native: Native, root: string, id: string): ContainerRecord | undefined {
  return phase('read state', () => findRecord(native, root, id));
}

function findRecord(native: Native, root: string, id: string): ContainerRecord | undefined {
  checkId(id);
  const path = recordPath(root, id);
  const text = native.readText(path, largestRecord);
  if (text === -ENOENT || text === -ENOTDIR) return undefined;
  return parseRecord(expectResult(text, 'state.read', `cannot read "${path}"`, 'read'), path, id);
}

/** As readRecord, for commands that need the container to exist. */
export function requireRecord(native: Native, root: string, id: string): ContainerRecord {
  const record = readRecord(native, root, id);
  if (record === undefined) throw absent(id);
  return record;
}

export function absent(id: string): Failure {
  return new Failure({ code: 'state.absent', message: `container does not exist: "${id}"` });
}

function parseRecord(text: string, path: string, id: string): ContainerRecord {
  let record: Partial<ContainerRecord> | null = null;
  try {
    record = JSON.parse(text) as Partial<ContainerRecord> | null;
  } catch {
    // Reported below, like any other text that is no record.
  }
  if (record?.version !== 1 || record.id !== id) {
    throw new Failure({
      code: 'state.format',
      message: `cannot read "${path}": not a state that this version of rt wrote`,
      hint: `rt delete --force ${id} removes the directory`,
    });
  }
  return record as ContainerRecord;
}

/** Ids of all containers, sorted; undefined when there is no state root. */
export function listIds(native: Native, root: string): string[] | undefined {
  const names = native.readDirectory(root);
  if (names === -ENOENT) return undefined;
  return expectResult(names, 'state.list', `cannot read directory "${root}"`, 'getdents64')
    .split('\0')
    .filter((name) => name !== '' && !name.startsWith('.'))
    .sort();
}

/** True when the directory of the container is there, with or without a record. */
export function directoryExists(native: Native, root: string, id: string): boolean {
  return typeof native.stat(containerDirectory(root, id), 0) !== 'number';
}

/** True when the directory is that of a container, whatever its record says. */
export function directoryHasRecord(native: Native, root: string, id: string): boolean {
  return typeof native.stat(recordPath(root, id), 0) !== 'number';
}

/**
 * Removes the directory of a container. The record goes before the directory, so an id is free again only
 * when nothing is left. What is gone already is no error: two deletes may run at once. True for the one that
 * removed the record.
 */
export function removeContainerDirectory(native: Native, root: string, id: string): boolean {
  const path = containerDirectory(root, id);
  native.unlink(startSocketPath(root, id));
  native.unlink(configPath(root, id));
  const removed = native.unlink(recordPath(root, id)) === 0;
  let result = native.rmdir(path);
  if (result === -ENOTEMPTY) {
    removeEntries(native, path);
    result = native.rmdir(path);
  }
  if (result < 0 && result !== -ENOENT) {
    throw systemFailure('state.remove', `cannot remove state directory "${path}"`, 'rmdir', result);
  }
  return removed;
}

function removeEntries(native: Native, path: string): void {
  const names = native.readDirectory(path);
  if (typeof names === 'number') return;
  for (const name of names.split('\0')) {
    if (name === '') continue;
    const entry = `${path}/${name}`;
    const result = native.unlink(entry);
    if (result === -EISDIR || result === -EPERM) {
      removeEntries(native, entry);
      native.rmdir(entry);
    }
  }
}
