import { Failure } from '../diag/diagnostic.ts';
import { attempt } from '../diag/failure.ts';

/**
 * The effects of making a container, in the order in which they are undone: devices leave a network namespace before
 * its processes end, a cgroup can be removed once it is empty, and the id is free again when nothing is left but the
 * poststop hooks, which the specification runs last.
 */
const undoOrder = ['net devices', 'init', 'cgroups', 'root', 'resctrl', 'directory', 'hooks', 'images'] as const;

/** Sets how an effect is undone, just before it is made or once its extent is known; replaces an earlier undo of it. */
export type OnFailure = (effect: (typeof undoOrder)[number], undo: () => void) => void;

/**
 * Runs `body`. If it fails, every effect that has an undo is undone, even if another cannot be: the first failure, and
 * after it those of the undoing, are thrown as `describe` returns them.
 */
export function transact<T>(body: (onFailure: OnFailure) => T, describe: (failure: Failure) => Failure): T {
  const undos = new Map<string, () => void>();
  try {
    return body((effect, undo) => undos.set(effect, undo));
  } catch (error) {
    const leftovers = undoOrder.flatMap((effect) => attempt(() => undos.get(effect)?.()));
    if (!(error instanceof Failure)) throw error;
    throw describe(new Failure([...error.diagnostics, ...leftovers], error.exitCode));
  }
}
