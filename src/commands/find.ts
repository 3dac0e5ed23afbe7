import { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../state/status.ts';
import type { Status } from '../state/status.ts';
import { requireRecord } from '../state/store.ts';
import type { Context } from './command.ts';

/** The container that the first operand names, which must exist, and what it is doing. */
export function findContainer({ native, globals, operands }: Context): { record: ContainerRecord; status: Status } {
  const root = stateRoot(native, globals.root).path;
  return ContainerDirectory.use(native, root, operands[0] as string, (directory) => {
    const record = requireRecord(directory);
    return { record, status: statusOf(native, directory, record) };
  });
}
