import type { Config } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Facts, Hierarchy } from '../../facts/facts.ts';
import { normalizePath } from '../path.ts';
import type { CgroupRecord, PlannedOp } from '../types.ts';
import { delegationOps } from './delegate.ts';
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

/** Where the container's cgroups are (contract: cgroupsPath, cgroupfs driver) and what is written there. */
export function cgroupPlan(config: Config, facts: Facts, id: string, faults: Diagnostic[]): CgroupPlan {
  const { version, hierarchies } = facts.cgroups;
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
  const limits =
    version === 2
      ? unifiedLimits(resources, hierarchies[0], directories[0] ?? '', faults)
      : legacyLimits(resources, hierarchies, directories, faults);
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
    host.push(...delegationOps(config, facts, directories[0] ?? ''));
  }
  // Denying everything and allowing some is not one step: it is done before init makes its first node.
  host.push(...limits.early, ...limits.devices.filter(restricts));
  return {
    record: { manager: 'cgroupfs', version, directories },
    host,
    join,
    limits: limits.ops,
    cloneCgroup,
  };
}

function restricts(op: PlannedOp): boolean {
  return op.op !== 'device_program' || op.program.length > 0;
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
