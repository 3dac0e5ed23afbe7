import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';

const root = 0;
const writableByOthers = 0o022;
const sticky = 0o1000;
const permissions = 0o7777;

/**
 * Refuses a directory that another user could have filled. The contents of the state root and of the directories of
 * containers are trusted: a record names processes to kill, directories to remove and hooks to run. So they must belong
 * to root or to the caller, and nobody else may write to them.
 *
 * An owner that this user namespace does not map appears as uid 65534. It counts as another user, unless the caller
 * itself has that uid: then the two cannot be told apart.
 */
export function requireOwn(native: Native, status: readonly number[], kind: 'root' | 'directory', path: string): void {
  if (isOwn(native, status)) return;
  const [mode = 0, owner = 0] = status;
  const caller = native.effectiveUid();
  const isOthers = owner !== root && owner !== caller;
  const reason = isOthers ? `belong to root or to the caller, uid ${caller}` : 'be writable by its owner alone';
  const modeText = (mode & permissions).toString(8).padStart(4, '0');
  throw new Failure({
    code: 'state.owner',
    message: `cannot use state ${kind} "${path}": it must ${reason}, and has owner uid ${owner}, mode ${modeText}`,
    hint: cure(kind, path, isOthers, (mode & sticky) !== 0),
  });
}

/** Whether no other user could have filled the directory. */
export function isOwn(native: Native, status: readonly number[]): boolean {
  const owner = status[1] ?? 0;
  if (((status[0] ?? 0) & writableByOthers) !== 0) return false;
  return owner === root || owner === native.effectiveUid();
}

function cure(kind: 'root' | 'directory', path: string, isOthers: boolean, shared: boolean): string {
  if (!isOthers && !shared) return `if nobody else has written to it: chmod go-w ${path}`;
  if (kind === 'directory') return `somebody else made it; remove it: rm -r ${path}`;
  return 'name a directory below it for --root that does not exist yet, which rt then makes';
}
