import type { Config, RootfsPropagation } from '../../schema/generated/config.ts';
import { MS } from '../kernel/mounts.ts';

/** Of the container's root, and with `recursive` of all mounts below it (mount_namespaces(7)). */
export interface Propagation {
  readonly type: keyof typeof MS;
  readonly recursive: boolean;
}

const meanings: Readonly<Record<RootfsPropagation, Propagation>> = {
  private: { type: 'private', recursive: false },
  rprivate: { type: 'private', recursive: true },
  shared: { type: 'shared', recursive: false },
  rshared: { type: 'shared', recursive: true },
  slave: { type: 'slave', recursive: false },
  rslave: { type: 'slave', recursive: true },
  unbindable: { type: 'unbindable', recursive: false },
  runbindable: { type: 'unbindable', recursive: true },
};

/** What linux.rootfsPropagation asks for; undefined if it is absent. */
export function rootPropagation(config: Config): Propagation | undefined {
  const value = config.linux?.rootfsPropagation;
  return value === undefined ? undefined : meanings[value];
}

/**
 * The MS_* type that the host's mounts get in the mount namespace of the container, 0 to leave them as they are. A slave
 * by default: later mounts of the host still propagate to the volumes of the container, its own stay inside. `shared`
 * does not change the tree, so that volumes stay peers of the host's mounts.
 */
export function treePropagation(config: Config): number {
  const type = rootPropagation(config)?.type;
  switch (type) {
    case 'shared':
      return 0;
    case 'private':
    case 'unbindable':
      return MS.private;
    case 'slave':
    case undefined:
      return MS.slave;
  }
}
