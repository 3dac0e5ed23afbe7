import type { Config } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Facts, Hierarchy } from '../../facts/facts.ts';
import { normalizePath } from '../path.ts';
import type { CgroupRecord, PlannedOp } from '../types.ts';
import { legacyLimits } from './v1.ts';
import { unifiedLimits } from './v2.ts';

export interface CgroupPlan {
  readonly record: CgroupRecord;
  /** Make the directories. */
  readonly host: readonly PlannedOp[];
  /** Enter them, one write for each v1 hierarchy. */
  readonly join: readonly PlannedOp[];
  readonly limits: readonly PlannedOp[];
  /** Entered by the clone itself: writing cgroup.procs would wait for an RCU grace period. */
  readonly cloneCgroup: string;
}

/** Whether cgroups are the runtime's to make: root of the host has them all, others have what was given to them. */
export type Rootless = 'true' | 'false' | 'auto';

/** Where the container's cgroups are (contract: cgroupsPath, cgroupfs driver) and what is written there. */
export function cgroupPlan(
  config: Config,
  facts: Facts,
  id: string,
  rootless: Rootless,
  faults: Diagnostic[],
): CgroupPlan {
  const { version } = facts.cgroups;
  const { hierarchies, mayRestrictDevices } = permittedCgroups(config, facts, id, rootless, faults);
  const cgroupsPath = config.linux?.cgroupsPath ?? '';
  const from = cgroupsPath === '' ? 'default' : '/linux/cgroupsPath';
  const host: PlannedOp[] = [];
  const join: PlannedOp[] = [];
  const directories: string[] = [];
  let cloneCgroup = '';
  for (const hierarchy of hierarchies) {
    const path = locate(cgroupsPath, id, version, hierarchy);
    const directory = hierarchy.mount + path;
    directories.push(directory);
    host.push({ op: 'cgroup_create', hierarchy: hierarchy.mount, path, inherit: inherited(hierarchy), from });
    if (hierarchy.version === 2) cloneCgroup = directory;
    else join.push({ op: 'cgroup_join', file: `${directory}/tasks`, from });
  }
  const resources = config.linux?.resources ?? {};
  const limitFaults: Diagnostic[] = [];
  const limits =
    version === 2
      ? unifiedLimits(resources, hierarchies[0], directories[0] ?? '', limitFaults)
      : legacyLimits(resources, hierarchies, directories, limitFaults);
  // Device rules that are not written need no hierarchy to write them to.
  const counts = ({ pointer }: Diagnostic): boolean => mayRestrictDevices || pointer !== '/linux/resources/devices';
  faults.push(...limitFaults.filter(counts));
  if (version === 2 && hierarchies[0] !== undefined) {
    const path = directories[0]?.slice(hierarchies[0].mount.length) ?? '';
    host.push({
      op: 'cgroup_enable',
      hierarchy: hierarchies[0].mount,
      path,
      required: limits.controllers,
      optional: hierarchies[0].controllers.filter((name) => !limits.controllers.includes(name)),
      from,
    });
  }
  // Denying everything and allowing some is not one step: it is done before init makes its first node.
  const isDevices = ({ op }: PlannedOp): boolean => op === 'write_device_rules' || op === 'device_program';
  // Only root of the host may; in a user namespace no device can be made either.
  if (mayRestrictDevices) host.push(...limits.ops.filter(isDevices));
  const later = limits.ops.filter((op) => !isDevices(op));
  return { record: { manager: 'cgroupfs', version, directories }, host, join, limits: later, cloneCgroup };
}

/**
 * A user without rights has the hierarchies in which a directory was given to them, and does without the others as
 * long as the config asks for nothing of them.
 */
function permittedCgroups(
  config: Config,
  facts: Facts,
  id: string,
  rootless: Rootless,
  faults: Diagnostic[],
): { hierarchies: readonly Hierarchy[]; mayRestrictDevices: boolean } {
  const { version, hierarchies } = facts.cgroups;
  const { uid, initial } = facts.user;
  const isRoot = uid === 0 && initial;
  if (isRoot && rootless !== 'true') return { hierarchies, mayRestrictDevices: true };
  if (rootless === 'false') return { hierarchies, mayRestrictDevices: isRoot };
  const { cgroupsPath = '', resources = {} } = config.linux ?? {};
  const permitted = hierarchies.filter((hierarchy) =>
    facts.mayMakeCgroup(hierarchy.mount + locate(cgroupsPath, id, version, hierarchy)),
  );
  const limited = Object.keys(resources).some((name) => name !== 'devices');
  if (permitted.length < hierarchies.length && (cgroupsPath !== '' || limited)) {
    faults.push({
      code: 'rootless.cgroup',
      message: 'rootless needs no limits + no cgrouppath when no permission is granted for cgroups',
      pointer: limited ? '/linux/resources' : '/linux/cgroupsPath',
      hint: 'leave them out, or have the cgroup delegated: run rt in a user service or scope with Delegate=yes',
    });
  }
  return { hierarchies: permitted, mayRestrictDevices: isRoot };
}

/** Without an absolute path: beside the runtime's own cgroup on v2, at the top of each v1 hierarchy. */
function locate(cgroupsPath: string, id: string, version: 1 | 2, hierarchy: Hierarchy): string {
  if (cgroupsPath.startsWith('/')) return normalizePath(cgroupsPath);
  const name = cgroupsPath === '' ? id : cgroupsPath;
  if (version === 1) return normalizePath(`/${name}`);
  return normalizePath(`${hierarchy.own.slice(0, hierarchy.own.lastIndexOf('/'))}/${name}`);
}

function inherited(hierarchy: Hierarchy): string[] {
  return hierarchy.version === 1 && hierarchy.controllers.includes('cpuset') ? ['cpuset.cpus', 'cpuset.mems'] : [];
}
