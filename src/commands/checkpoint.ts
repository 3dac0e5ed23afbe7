import { dump } from '../container/checkpoint.ts';
import { endContainer } from '../container/end.ts';
import { statusOf } from '../container/status.ts';
import { refuseNamespaces } from '../criu/request.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord } from '../state/store.ts';

/** Writes images of a container and ends it, unless it is to keep running. */
export function checkpoint(context: ContainerContext): Outcome {
  const { native, options, operands } = context;
  refuseNamespaces(context);
  const root = stateRoot(native, context.globals.root).path;
  return ContainerDirectory.use(native, root, operands[0], (directory) => {
    const record = requireRecord(directory);
    const status = statusOf(native, directory, record);
    if (status !== 'running' && status !== 'paused') {
      throw new Failure({ code: 'checkpoint.status', message: `Container cannot be checkpointed in ${status} state` });
    }
    dump(context, directory, record);
    if (options['pre-dump'] === true || options['leave-running'] === true) return {};
    return { warnings: endContainer(native, directory, record) };
  });
}
