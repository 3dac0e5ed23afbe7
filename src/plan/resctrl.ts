import type { Config, LinuxIntelRdt } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import type { PlannedOp } from './types.ts';

/** The resctrl groups of a container; saved at create, since exec joins them too. */
export interface ResctrlRecord {
  /** Absolute, the outer one first. */
  readonly groups: readonly string[];
  /** Those that rt made, and removes with the container. */
  readonly made: readonly string[];
}

export interface ResctrlPlan {
  readonly groups: readonly string[];
  /** Makes and configures the groups, before the clone. */
  readonly host: readonly PlannedOp[];
  /** Joins them. */
  readonly join: readonly PlannedOp[];
}

const place = '/linux/intelRdt';

const nothing: ResctrlPlan = { groups: [], host: [], join: [] };

/** Cache and memory bandwidth (runtime-spec config-linux.md, "IntelRdt"; kernel: Documentation/filesystems/resctrl). */
export function resctrlPlan(config: Config, facts: Facts, id: string, faults: Diagnostic[]): ResctrlPlan {
  const intelRdt = config.linux?.intelRdt;
  if (intelRdt === undefined) return nothing;
  const root = facts.resctrl;
  if (root === undefined) {
    faults.push({
      code: 'resctrl.missing',
      message: 'intelRdt is specified in config, but Intel RDT is not enabled: no resctrl on /sys/fs/resctrl',
      pointer: place,
      hint: 'mount it (mount -t resctrl resctrl /sys/fs/resctrl) on a CPU that supports it, or remove linux.intelRdt',
    });
    return nothing;
  }
  const { closID = '', enableMonitoring = false } = intelRdt;
  const from = closID === '' ? place : `${place}/closID`;
  const group = `${root}/${closID === '' ? id : closID}`;
  const written = schemaOps(group, intelRdt);
  // A closID without schemata refers to a group that the administrator has prepared.
  const mustExist = closID !== '' && written.length === 0;
  const host: PlannedOp[] = [{ op: 'resctrl_group', path: group, mustExist: Number(mustExist), from }];
  host.push(...written);
  const groups = [group];
  if (enableMonitoring) {
    const monitor = `${group}/mon_groups/${id}`;
    host.push({ op: 'resctrl_group', path: monitor, mustExist: 0, from: `${place}/enableMonitoring` });
    groups.push(monitor);
  }
  return { groups, host, join: resctrlJoinOps(groups, from) };
}

/** One write per line: the kernel treats each write as a command. */
export function schemaOps(group: string, intelRdt: LinuxIntelRdt): PlannedOp[] {
  const { l3CacheSchema = '', memBwSchema = '', schemata = [] } = intelRdt;
  const lines: [text: string, from: string][] = [
    ...l3CacheSchema.split('\n').map((line): [string, string] => [line, `${place}/l3CacheSchema`]),
    [memBwSchema, `${place}/memBwSchema`],
    ...schemata.map((line, index): [string, string] => [line, `${place}/schemata/${String(index)}`]),
  ];
  const path = `${group}/schemata`;
  return lines
    .filter(([line]) => line.trim() !== '')
    .map(([line, from]) => ({ op: 'write_file', path, data: `${line.trim()}\n`, ignore: 0, from }));
}

/** Joins the groups, the outer one first: a monitoring group accepts only tasks of its parent group. */
function resctrlJoinOps(groups: readonly string[], from: string): PlannedOp[] {
  return groups.map((path) => ({ op: 'cgroup_join', file: `${path}/tasks`, from }));
}
