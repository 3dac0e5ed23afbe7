import { MOUNT_ATTR } from '../kernel/mounts.ts';
import { attributesLeft, noAttributes } from './stage.ts';
import type { Attributes, Stage } from './stage.ts';
import type { PlannedOp } from './types.ts';

/** Origin of the mount and the variable: the environment of the runtime. */
export const notifyOrigin = 'NOTIFY_SOCKET';

const directory = '/run/notify';

/** Name of the socket in the bound directory; the container finds its path in the environment. */
export const notifySocketName = 'notify.sock';
export const notifyVariable = `NOTIFY_SOCKET=${directory}/${notifySocketName}`;

/** Binds the directory of the runtime's socket, as if listed last in the mounts. */
export function notifyOps(source: string | undefined, stage: Stage): PlannedOp[] {
  if (source === undefined) return [];
  const { RDONLY, NOSUID, NODEV, NOEXEC } = MOUNT_ATTR;
  const attributes: Attributes = { ...noAttributes, set: RDONLY | NOSUID | NODEV | NOEXEC };
  const tree = stage.openTree(source, { recursive: false, attributes }, notifyOrigin);
  return [
    {
      op: 'mount_bind',
      slot: 0,
      source,
      destination: directory,
      ...attributesLeft(stage, tree, attributes),
      flags: 0,
      tree,
      from: notifyOrigin,
    },
  ];
}
