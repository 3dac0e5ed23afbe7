import { attend } from '../container/foreground.ts';
import { restoreContainer } from '../container/restore.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';

/** Makes a container from a bundle and the images of another one, whose processes continue. */
export function restore(context: ContainerContext): Outcome {
  const restored = restoreContainer(context);
  restored.directory.unlock();
  return attend(context, restored, 'restore');
}
