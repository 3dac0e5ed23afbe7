import { refuseUnlessStopped, removeContainer } from '../container/remove.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import type { Native } from '../host/native.ts';
import { forEachMatch } from '../container/matching.ts';
import { ContainerDirectory, absent } from '../state/directory.ts';
import { stateRoot } from '../state/root.ts';

/**
 * Removes a container; with --force also one that has not stopped, or whose creation was interrupted. With --regex,
 * several containers.
 */
export function deleteContainer({ native, globals, options, operands: [id] }: ContainerContext): Outcome {
  const root = stateRoot(native, globals.root).path;
  const one = (each: string): Outcome => deleteOne(native, root, each, options.force === true);
  return options.regex === true ? forEachMatch(native, root, id, one) : one(id);
}

function deleteOne(native: Native, root: string, id: string, force: boolean): Outcome {
  const directory = ContainerDirectory.open(native, root, id);
  try {
    // A container that is being created is refused at once: it does not stop by itself.
    const locked = directory?.lock(force ? undefined : () => refuseUnlessStopped(native, directory)) === true;
    if (directory !== undefined && locked) return { warnings: removeContainer(native, directory, force) };
  } finally {
    directory?.close();
  }
  if (!force) throw absent(id);
  return {};
}
