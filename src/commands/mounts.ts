import { parseMounts } from '../bundle/mount-list.ts';
import { changeMounts } from '../container/change-mounts.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Context, Outcome } from '../options/command.ts';
import { readDocument } from '../options/document.ts';
import type { Operands } from '../options/options.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { stateRoot } from '../state/root.ts';

/** Adds mounts to a created container, all or none; or removes mounts, up to the first missing one. */
export function mounts(context: Context<Operands<'mounts'>>): Outcome {
  const [action, id, file] = context.operands;
  if (action !== 'add' && action !== 'remove') {
    throw new Failure({
      code: 'mounts.action',
      message: `unknown mounts command ${JSON.stringify(action)}`,
      hint: 'use one of: add, remove',
    });
  }
  const { native } = context;
  const root = stateRoot(native, context.globals.root).path;
  const warnings = ContainerDirectory.use(native, root, id, (directory) =>
    changeMounts(native, directory, action, () => {
      const { text, name } = readDocument(native, file, 'mounts.read');
      return parseMounts(text, name, action);
    }),
  );
  return { warnings };
}
