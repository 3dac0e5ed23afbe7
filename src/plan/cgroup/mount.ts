import type { Config } from '../../../schema/generated/config.ts';
import { MOUNT_BIND_FLAGS } from '../../../schema/generated/ops.ts';
import { hasNamespace } from '../../bundle/namespaces.ts';
import type { Facts, Hierarchy } from '../../facts/facts.ts';
import { MOUNT_ATTR } from '../../kernel/mounts.ts';
import { attributesOfNew } from '../mount-options.ts';
import type { MountOptions } from '../mount-options.ts';
import { attributesLeft, noAttributes } from '../stage.ts';
import type { Attributes, Stage } from '../stage.ts';
import { legacyCgroups } from './record.ts';
import type { CgroupRecord, ContainerCgroup } from './record.ts';
import type { PlannedOp } from '../types.ts';

/** A mount of type `cgroup` on `destination` of the root. */
export interface CgroupMount {
  readonly config: Config;
  readonly facts: Facts;
  readonly cgroup: CgroupRecord;
  readonly destination: string;
  readonly options: MountOptions;
  readonly stage: Stage;
  readonly from: string;
}

/** The unified hierarchy as seen from the cgroup namespace. */
export function unifiedMountOps(mount: CgroupMount): PlannedOp[] {
  const { config, facts, cgroup, destination, options, stage, from } = mount;
  // Without a cgroup of its own, the container sees those of the host, or of the runtime, which it must not change.
  const readOnly = cgroup.hierarchies.length === 0 ? MOUNT_ATTR.RDONLY : 0;
  const set = options.set | readOnly;
  // A mount made in the host's cgroup namespace resets the options of all mounts of the hierarchy: the host would
  // lose nsdelegate and memory_recursiveprot (kernel: cgroup.c, apply_cgroup_root_flags).
  return hasNamespace(config, 'cgroup')
    ? [{ ...filesystem(destination, 'cgroup2', [], attributesOfNew(options) | readOnly, from), slot: cgroupSlot }]
    : facts.cgroups.hierarchies.map(({ mount }) => ({
        ...bind(
          mount,
          destination,
          {
            set,
            clear: options.clear & ~set,
            recursiveSet: options.recursiveSet,
            recursiveClear: options.recursiveClear & ~readOnly,
          },
          stage,
          from,
        ),
        slot: cgroupSlot,
      }));
}

/** A directory with one mount for each v1 hierarchy. */
export function legacyMountOps({ config, facts, cgroup, destination, options, stage, from }: CgroupMount): PlannedOp[] {
  const isPrivate = hasNamespace(config, 'cgroup');
  const clear = options.clear | options.recursiveClear;
  const attributes = ((MOUNT_ATTR.NOSUID | MOUNT_ATTR.NODEV | MOUNT_ATTR.NOEXEC) & ~clear) | attributesOfNew(options);
  const readOnly = attributes & MOUNT_ATTR.RDONLY;
  const ops: PlannedOp[] = [
    { ...filesystem(destination, 'tmpfs', ['mode=755'], attributes & ~MOUNT_ATTR.RDONLY, from), slot: cgroupSlot },
  ];
  for (const hierarchy of legacyCgroups(facts.cgroups.hierarchies)) {
    const name = hierarchy.mount.slice(hierarchy.mount.lastIndexOf('/') + 1);
    const target = `${destination}/${name}`;
    const own = cgroupAt(cgroup.hierarchies, hierarchy.mount);
    const set = attributes | (own === undefined ? MOUNT_ATTR.RDONLY : 0); // as above
    ops.push(
      isPrivate
        ? filesystem(target, 'cgroup', mountOptions(hierarchy), set, from)
        : bind(own?.directory ?? hierarchy.mount, target, { ...noAttributes, set, clear: clear & ~set }, stage, from),
    );
    if (hierarchy.controllers.length < 2) continue;
    for (const controller of hierarchy.controllers) {
      ops.push({ op: 'make_link', path: `${destination}/${controller}`, target: name, exact: 0, from });
    }
  }
  if (readOnly !== 0) {
    ops.push({ op: 'mount_attributes', slot: cgroupSlot, set: MOUNT_ATTR.RDONLY, clear: 0, recursive: 0, from });
  }
  return ops;
}

function cgroupAt(cgroups: readonly ContainerCgroup[], mount: string): ContainerCgroup | undefined {
  for (const cgroup of cgroups) if (cgroup.mount === mount) return cgroup;
  return undefined;
}

/**
 * Slot of the mount (on v1 the outer one) until the ops of the next mount; outside of the range that is counted for
 * mounts.
 */
export const cgroupSlot = 1023;

/** A named hierarchy has no controller: `none,name=x` (cgroups(7)). */
function mountOptions(hierarchy: Hierarchy): string[] {
  const [first = ''] = hierarchy.controllers;
  return first.startsWith('name=') ? ['none', first] : [...hierarchy.controllers];
}

function filesystem(
  destination: string,
  type: string,
  options: string[],
  attributes: number,
  from: string,
): PlannedOp & { op: 'mount_filesystem' } {
  return {
    op: 'mount_filesystem',
    slot: 0,
    destination,
    type,
    source: 'cgroup',
    options,
    attributes,
    flags: 0,
    pidNamespace: 0,
    tree: 0,
    from,
  };
}

function bind(
  source: string,
  destination: string,
  attributes: Attributes,
  stage: Stage,
  from: string,
): PlannedOp & { op: 'mount_bind' } {
  const tree = stage.openTree(source, { recursive: true, attributes }, from);
  return {
    op: 'mount_bind',
    slot: 0,
    source,
    destination,
    ...attributesLeft(stage, tree, attributes),
    flags: MOUNT_BIND_FLAGS.recursive,
    tree,
    from,
  };
}
