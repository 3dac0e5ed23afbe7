import type { CgroupFacts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import type { CgroupRecord } from '../plan/types.ts';
import { StatFiles } from './stats/files.ts';
import type { Stats } from './stats/types.ts';
import { legacyStats } from './stats/v1.ts';
import { unifiedStats } from './stats/v2.ts';

/** Current resource usage. Values that the cgroups do not report are omitted, or 0 where runc prints a 0. */
export function readStats(native: Native, facts: CgroupFacts, cgroup: CgroupRecord): Stats {
  if (cgroup.version === 2) {
    const [directory = ''] = cgroup.directories;
    return unifiedStats(new StatFiles(native, () => directory));
  }
  const directoryOf = (controller: string): string | undefined => {
    const mount = facts.hierarchies.find(({ controllers }) => controllers.includes(controller))?.mount;
    return mount === undefined ? undefined : cgroup.directories.find((one) => one.startsWith(`${mount}/`));
  };
  return legacyStats(new StatFiles(native, directoryOf));
}
