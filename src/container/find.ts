import { Failure } from '../diag/diagnostic.ts';
import { ContainerDirectory, absent } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from './status.ts';
import type { Status } from './status.ts';
import { requireRecord } from '../state/store.ts';
import type { ContainerContext } from '../options/command.ts';

/** The container that the first operand names, which must exist, and its status. */
export function findContainer({ native, globals, operands }: ContainerContext): {
  record: ContainerRecord;
  status: Status;
} {
  const root = stateRoot(native, globals.root).path;
  return ContainerDirectory.use(native, root, operands[0], (directory) => {
    const record = requireRecord(directory);
    return { record, status: statusOf(native, directory, record) };
  });
}

/**
 * Changes the container that the first operand names, if `check` accepts its status. Meanwhile nobody can delete it and
 * make another container with its id, whose cgroups would have the same names.
 */
export function changeContainer<T>(
  { native, globals, operands }: ContainerContext,
  check: (status: Status) => void,
  change: (record: ContainerRecord) => T,
): T {
  const root = stateRoot(native, globals.root).path;
  const [id] = operands;
  return ContainerDirectory.use(native, root, id, (directory) => {
    const look = (): ContainerRecord => {
      const record = requireRecord(directory);
      check(statusOf(native, directory, record));
      return record;
    };
    if (!directory.lock(look)) throw absent(id);
    try {
      return change(look());
    } catch (error) {
      // If the container has ended meanwhile, that is the reason: its cgroups may be gone.
      if (error instanceof Failure) look();
      throw error;
    }
  });
}
