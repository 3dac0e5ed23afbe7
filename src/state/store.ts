import { Failure } from '../diag/diagnostic.ts';
import { shown } from '../diag/pointer.ts';
import { expectDone, expectIfPresent, expectResult, systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { EEXIST, EFBIG, EISDIR, ELOOP, ENOENT, ENXIO } from '../kernel/errno.ts';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../kernel/open-flags.ts';
import { absent } from './directory.ts';
import type { ContainerDirectory } from './directory.ts';
import { isId } from './id.ts';
import { fileNames } from './names.ts';
import { requireOwn } from './owner.ts';
import { checkRecord, newerVersion } from './check-record.ts';
import { convertRecord } from './earlier-record.ts';
import type { ContainerRecord } from './record.ts';

/** Larger than any record: hooks and annotations are as large as config.json allows. */
const largestRecord = 16 << 20;
const largestConfig = 32 << 20;
/** Errors for a directory, a link, a socket and a larger file. */
const noRecord = [-EISDIR, -ELOOP, -ENXIO, -EFBIG];
// Not O_SYNC: the power failure against which it protects the state ends the container, too.
const newFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** Code of the Failure for a damaged record. */
export const damagedCode = 'state.format';

export function notifyDirectory(root: string, id: string): string {
  return `${root}/${id}/${fileNames.notify}`;
}

function configPath(root: string, id: string): string {
  return `${root}/${id}/${fileNames.config}`;
}

function recordPath(root: string, id: string): string {
  return `${root}/${id}/${fileNames.record}`;
}

/** Saves the text of the config; the directory is new, so nobody reads it yet. */
export function writeConfig(native: Native, directory: ContainerDirectory, text: string): void {
  const action = `cannot write "${configPath(directory.root, directory.id)}"`;
  expectDone(native.writeText(directory.heldPath('config'), text, newFile, 0o600), 'file.write', action, 'write');
}

/** Replaces the record in one step: readers see the old one or the new one. */
export function writeRecord(native: Native, directory: ContainerDirectory, record: ContainerRecord): void {
  draftRecord(native, directory, record)();
}

/** As writeRecord, in two steps: readers see the new record once the returned function has been called. */
export function draftRecord(native: Native, directory: ContainerDirectory, record: ContainerRecord): () => void {
  const shown = recordPath(directory.root, directory.id);
  return draftFile(native, directory.heldPath('record'), JSON.stringify(record), 0o600, shown);
}

/** Writes a file beside `path` and renames it. The new file is exclusive, so it is never someone else's. */
export function replaceFile(native: Native, path: string, text: string, mode: number): void {
  draftFile(native, path, text, mode, path)();
}

/** Writes the file, which errors call `shown`; the returned function renames it. */
function draftFile(native: Native, path: string, text: string, mode: number, shown: string): () => void {
  const slash = path.lastIndexOf('/') + 1;
  const temporary = `${path.slice(0, slash)}.${path.slice(slash)}`;
  let result = native.writeText(temporary, text, newFile, mode);
  if (result === -EEXIST) {
    // Left by a command that was killed here.
    native.unlink(temporary);
    result = native.writeText(temporary, text, newFile, mode);
  }
  const action = `cannot write "${shown}"`;
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

/** Undefined if the container has no record (yet, or any more). */
export function readRecord(directory: ContainerDirectory): ContainerRecord | undefined {
  return phase('read state', () => findRecord(directory));
}

function findRecord(directory: ContainerDirectory): ContainerRecord | undefined {
  const text = recordText(directory);
  return text === undefined ? undefined : parseRecord(text, directory);
}

/** As readRecord, for commands that require the container to exist. */
export function requireRecord(directory: ContainerDirectory): ContainerRecord {
  const record = readRecord(directory);
  if (record === undefined) throw absent(directory.id);
  return record;
}

function parseRecord(text: string, { root, id }: ContainerDirectory): ContainerRecord {
  const path = recordPath(root, id);
  const value = parsed(text);
  const record = checkRecord(value);
  if (typeof record !== 'string' && record.id === id) return record;
  const version = newerVersion(value);
  if (version !== undefined) {
    throw new Failure({
      code: 'state.version',
      message: `cannot read "${path}": written by a newer rt (state version ${version})`,
      hint: 'use that rt for this container',
    });
  }
  const fault = typeof record === 'string' ? record : `its id is ${shown(record.id)}`;
  throw new Failure({
    code: damagedCode,
    message: `cannot read "${path}": not a state that rt wrote: ${value === undefined ? 'it is no JSON' : fault}`,
    hint: `rt delete --force ${id} removes it, where what is left shows that nothing of the container runs`,
  });
}

/** Undefined if the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return convertRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Of a container whose record somebody else has removed; undefined where rt left none. It writes the record before the
 * config, and removes it after.
 */
export function missingRecord(directory: ContainerDirectory): Failure | undefined {
  if (!directory.has(fileNames.config)) return undefined;
  const path = recordPath(directory.root, directory.id);
  return new Failure({ code: damagedCode, message: `cannot read "${path}": no such file or directory` });
}

/** The text of a record, valid or not; undefined if there is none. */
export function recordText(directory: ContainerDirectory): string | undefined {
  return directory.read(fileNames.record, largestRecord, noRecord);
}

/** The config of a container at create, and its file. */
export interface SavedConfig {
  readonly text: string;
  readonly path: string;
  /** In messages: of the bundle's file, if that has the same lines; else of the saved one, which is compact. */
  readonly name: string;
}

export function savedConfig(directory: ContainerDirectory): SavedConfig {
  const path = configPath(directory.root, directory.id);
  const text = directory.read(fileNames.config, largestConfig);
  if (text !== undefined) return { text, path, name: text.includes('\n') ? 'config.json' : path };
  // Whoever deletes the container removes it before the record, and holds the lock.
  if (!directory.lock()) throw absent(directory.id);
  directory.unlock();
  throw new Failure({ code: 'state.read', message: `cannot read "${path}": no such file or directory (read)` });
}

/** Ids of all containers, sorted, without invalid names; undefined if there is no state root. */
export function listIds(native: Native, root: string): string[] | undefined {
  const action = `cannot look at state root "${root}"`;
  const status = expectIfPresent(native.stat(root, 1), 'state.list', action, 'stat');
  if (status !== undefined) requireOwn(native, status, 'root', root);
  const names = native.readDirectory(root);
  if (names === -ENOENT) return undefined;
  return expectResult(names, 'state.list', `cannot read directory "${root}"`, 'getdents64')
    .split('\0')
    .filter(isId)
    .sort();
}

/** True if the directory is a container's, whatever its record contains. */
export function directoryHasRecord(native: Native, root: string, id: string): boolean {
  return typeof native.stat(recordPath(root, id), 0) !== 'number';
}
