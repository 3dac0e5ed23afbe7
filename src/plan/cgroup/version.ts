import type { LinuxResources } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { CgroupFacts, Hierarchy } from '../../facts/facts.ts';
import type { Current, Limits } from './limits.ts';
import type { ContainerCgroup } from './record.ts';
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
  /** Controllers must be enabled, the cgroup can be divided and delegated to a user, and the helper starts in it. */
  readonly unified: boolean;
}

const legacy: CgroupVersion = {
  limits: legacyLimits,
  place: (_, name) => `/${name}`,
  unified: false,
};

const unified: CgroupVersion = {
  limits: (resources, [cgroup], faults, current) => unifiedLimits(resources, cgroup, faults, current),
  // A sibling of the runtime's own.
  place: ({ own }, name) => `${own.slice(0, own.lastIndexOf('/'))}/${name}`,
  unified: true,
};

export function versionOf({ version }: Pick<CgroupFacts, 'version'>): CgroupVersion {
  return version === 2 ? unified : legacy;
}
