import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFMT } from '../kernel/files.ts';
import { SmallMountsFailed } from '../launch/control.ts';
import { encodeProgram } from '../launch/encode.ts';
import { hostFailure, runHostOps } from '../launch/host-ops.ts';
import type { Plan } from '../plan/plan.ts';
import { smallMountsOrigin } from '../plan/small-mounts.ts';
import type { SmallMounts } from '../plan/small-mounts.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import { isId } from '../state/id.ts';

/** Seconds for which the namespace is kept after the last container, in a directory that the next boot empties. */
const grace = 60;
/** More entries than that are not only the remains of the last container. */
const fewLinks = 16;

const name = '.mount-namespace';

/** Where the namespace is pinned, below a state root. No container has such an id. */
function pinDirectory(root: string): string {
  return `${root}/${name}`;
}

/** Whether a state root ends with the boot, so that what is left there does not stand in anybody's way. */
function isTransient(root: string): boolean {
  return root.startsWith('/run/') || root.startsWith('/var/run/');
}

/** Undefined if the mount namespaces of containers are to be copies of the host's. */
export function smallMountsFor(native: Native, root: string): SmallMounts | undefined {
  const asked = native.getEnv(smallMountsOrigin);
  switch (asked) {
    case 'copy':
      return undefined;
    case 'small':
      return { directory: pinDirectory(root), always: true };
  }
  if (typeof asked === 'string' && asked !== '') {
    throw new Failure({
      code: 'cli.variable',
      message: `invalid value ${JSON.stringify(asked)} of the variable ${smallMountsOrigin}`,
      hint: 'set it to copy or small, or unset it',
    });
  }
  return isTransient(root) ? { directory: pinDirectory(root), always: false } : undefined;
}

/**
 * Makes the namespace that the plan needs, unless it is there: in the state root of the container's directory, even if its
 * name has become another one's.
 */
export function pinSmallMounts(native: Native, { smallMounts }: Plan, { held }: ContainerDirectory): void {
  if (smallMounts === undefined) return;
  const { pin } = smallMounts;
  const failed = runHostOps(native, [{ ...pin, directory: `${held}/../${name}` }]);
  if (failed !== undefined) throw new SmallMountsFailed(hostFailure(native, { ...failed, op: pin }), false);
}

/**
 * Removes the namespace with the last container of a state root, so that this can be removed. Until then it is in
 * nobody's way: a failure leaves it to the next one.
 */
export function releaseSmallMounts(native: Native, root: string): void {
  if (typeof native.stat(pinDirectory(root), 0) === 'number') return;
  const status = native.stat(root, 1);
  if (typeof status === 'number' || (status[7] ?? 0) > fewLinks) return;
  const names = native.readDirectory(root);
  if (typeof names === 'number') return;
  if (names.split('\0').some((entry) => isId(entry) && isDirectory(native, `${root}/${entry}`))) return;
  unpin(native, root, isTransient(root) ? grace : 0);
}

function isDirectory(native: Native, path: string): boolean {
  const status = native.stat(path, 0);
  return typeof status !== 'number' && ((status[0] ?? 0) & S_IFMT) === S_IFDIR;
}

/** Removes a namespace that is not what it should be. */
export function discardSmallMounts(native: Native, root: string): void {
  unpin(native, root, 0);
}

function unpin(native: Native, root: string, seconds: number): void {
  native.runProgram(encodeProgram([{ op: 'unpin_mount_namespace', directory: pinDirectory(root), grace: seconds }]));
}
