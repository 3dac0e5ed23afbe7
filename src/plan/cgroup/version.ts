import type { LinuxResources } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Hierarchy } from '../../facts/facts.ts';
import type { PlannedOp } from '../types.ts';
import type { Current, Limits } from './limits.ts';
import { legacyMountOps, unifiedMountOps } from './mount.ts';
import type { CgroupMount } from './mount.ts';
import type { ContainerCgroup } from './record.ts';
import { legacyUnit, unifiedUnit } from './unit.ts';
import type { UnitVersion } from './unit.ts';
import { legacyLimits } from './v1.ts';
import { unifiedLimits } from './v2.ts';

/** The parts of a plan that differ between the cgroup versions. */
export interface CgroupVersion {
  readonly limits: (
    resources: LinuxResources,
    cgroups: readonly ContainerCgroup[],
    faults: Diagnostic[],
    current?: Current,
  ) => Limits;
  /** The path in a hierarchy for a cgroup that is given only by name. */
  readonly place: (hierarchy: Hierarchy, name: string) => string;
  readonly mount: (mount: CgroupMount) => PlannedOp[];
  readonly unit: UnitVersion;
  /** The file that moves a process into a cgroup. */
  readonly memberFile: string;
  /** Files that the kernel leaves empty in a new cgroup, whose processes then could not run. */
  readonly inherit: (controllers: readonly string[]) => string[];
  /** Controllers must be enabled, the cgroup can be divided and delegated to a user, and the helper starts in it. */
  readonly unified: boolean;
}

const legacy: CgroupVersion = {
  limits: legacyLimits,
  place: (_, name) => `/${name}`,
  mount: legacyMountOps,
  unit: legacyUnit,
  memberFile: 'tasks',
  inherit: (controllers) => (controllers.includes('cpuset') ? ['cpuset.cpus', 'cpuset.mems'] : []),
  unified: false,
};

const unified: CgroupVersion = {
  limits: (resources, [cgroup], faults, current) => unifiedLimits(resources, cgroup, faults, current),
  // A sibling of the runtime's own.
  place: ({ own }, name) => `${own.slice(0, own.lastIndexOf('/'))}/${name}`,
  mount: unifiedMountOps,
  unit: unifiedUnit,
  memberFile: 'cgroup.procs',
  inherit: () => [],
  unified: true,
};

/** That of a host, a container's cgroups, or one hierarchy. */
export function versionOf({ version }: Pick<Hierarchy, 'version'>): CgroupVersion {
  return version === 2 ? unified : legacy;
}
