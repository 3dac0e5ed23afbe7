import type { Config, LinuxResources } from '../../../schema/generated/config.ts';
import { isNew } from '../../bundle/namespaces.ts';
import { normalizePath } from '../../bundle/path.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Facts, Hierarchy } from '../../facts/facts.ts';
import type { PlanOptions } from '../plan.ts';
import { unifiedCgroup } from './record.ts';
import type { CgroupRecord, ContainerCgroup } from './record.ts';
import type { PlannedOp, Rootless } from '../types.ts';
import { delegationOps } from './delegate.ts';
import { innerCgroups } from './inner.ts';
import type { Limits } from './limits.ts';
import {
  annotatedProperties,
  deviceProperties,
  limitProperties,
  roundedResources,
  scopeProperties,
  unitPlace,
} from './unit.ts';
import type { UnitPlace, UnitPlan, UserManager } from './unit.ts';
import { versionOf } from './version.ts';
import type { CgroupVersion } from './version.ts';

type CgroupOptions = Pick<PlanOptions, 'id' | 'rootless' | 'cgroupManager' | 'userManager'>;

export interface CgroupPlan {
  readonly record: CgroupRecord;
  /** Makes the directories, before the clone. */
  readonly host: readonly PlannedOp[];
  /** Makes those that are needed only when init joins them. */
  readonly awaited: readonly PlannedOp[];
  /** Init waits until systemd has put it into the unit, before it joins any. */
  readonly awaitUnit: readonly PlannedOp[];
  /** Joins them, one write for each v1 hierarchy. */
  readonly join: readonly PlannedOp[];
  readonly limits: readonly PlannedOp[];
  /** v2 enforces a limit by killing, which must happen before init reports that it is ready. */
  readonly limitsAwaited: boolean;
  readonly warnings: readonly Diagnostic[];
  readonly unit?: UnitPlan;
  /** Joined by the clone itself: writing to cgroup.procs would wait for an RCU grace period. */
  readonly cloneCgroup: string;
}

/** The container's cgroups and the settings written there. */
export function cgroupPlan(config: Config, facts: Facts, options: CgroupOptions, faults: Diagnostic[]): CgroupPlan {
  const { id, cgroupManager } = options;
  const { version } = facts.cgroups;
  if (cgroupManager === 'disabled') return withoutCgroups(config, facts, faults);
  const systemd = cgroupManager === 'systemd';
  const rules = versionOf(facts.cgroups);
  const layout = layOut(config, facts, options, faults);
  const { located, place, leaf, isDivided, mayRestrictDevices, from } = layout;
  const hierarchies = located.map(({ cgroup }) => cgroup);
  // The v2 hierarchy, if there is one.
  const mount = hierarchies[0]?.mount ?? '';
  const divide: PlannedOp[] = isDivided
    ? [{ op: 'cgroup_create', hierarchy: mount, path: leaf, inherit: [], from: '/annotations' }]
    : [];
  const inside = isDivided ? { inside: mount + leaf } : {};
  const given = config.linux?.resources ?? {};
  const resources = systemd ? roundedResources(given) : given;
  const limits = limitsIn(layout, rules, resources, faults);
  const early = [
    ...(rules.unified ? unifiedOps(config, facts, leaf, limits, from) : []),
    ...limits.early,
    // Denying everything and allowing some devices is not atomic, so it is done before init makes its first node. Only
    // the host's root may write them; in a user namespace no device can be made either.
    ...(mayRestrictDevices ? limits.devices.filter(restricts) : []),
  ];
  const { host, awaited, join } = directoryOps(located, systemd, from);
  const common = {
    join,
    limits: limits.ops,
    limitsAwaited: rules.unified && limits.ops.length > 0,
    warnings: [...layout.warnings, ...limits.warnings, ...(hierarchies.length === 0 ? outOfReach(config) : [])],
  };
  if (place === undefined) {
    (rules.unified ? host : awaited).push(...divide, ...early);
    const record = { manager: 'cgroupfs', version, hierarchies, ...inside } as const;
    const cloneCgroup = unifiedCgroup(hierarchies) === undefined ? '' : mount + leaf;
    return { ...common, record, host, awaited, awaitUnit: [], cloneCgroup };
  }
  const lines = limits.devices.flatMap((op) => (op.op === 'write_device_rules' ? op.rules : []));
  const properties = [
    ...scopeProperties(place, id, rules.unit),
    ...deviceProperties(lines),
    ...limitProperties(resources, rules.unit),
    ...annotatedProperties(config.annotations ?? {}, faults),
  ];
  return {
    ...common,
    record: { manager: 'systemd', version, hierarchies, ...unitRecord(place), ...inside },
    host,
    awaited,
    awaitUnit: [{ op: 'await_unit', from }], // it is started with init in it
    cloneCgroup: '',
    unit: { name: place.name, manager: place.manager, properties, divide, inside: inside.inside ?? '', ops: early },
  };
}

function unitRecord({ name, manager }: UnitPlace): Pick<CgroupRecord, 'unit' | 'ofUser'> {
  return { unit: name, ...(manager === 'user' ? { ofUser: true } : {}) };
}

function limitsIn(
  { located, place, mayRestrictDevices }: Layout,
  rules: CgroupVersion,
  resources: LinuxResources,
  faults: Diagnostic[],
): Limits {
  const found: Diagnostic[] = [];
  const limits = rules.limits(
    resources,
    located.map(({ cgroup }) => cgroup),
    found,
  );
  // Device rules that are not written need no hierarchy to write them to.
  const heeded = found.filter(({ pointer }) => mayRestrictDevices || pointer !== '/linux/resources/devices');
  faults.push(...(place?.manager === 'user' ? heeded.map(withDelegation) : heeded));
  return limits;
}

/** A cgroup of the container, and its path below the mount point, without that of a subgroup. */
interface Located {
  readonly cgroup: ContainerCgroup;
  readonly path: string;
}

interface Layout {
  readonly located: readonly Located[];
  /** With systemd. */
  readonly place: UnitPlace | undefined;
  /** The path of the cgroup that has the processes; isDivided: it is below that of the first of `located`. */
  readonly leaf: string;
  readonly isDivided: boolean;
  readonly mayRestrictDevices: boolean;
  readonly warnings: readonly Diagnostic[];
  /** What determines the places. */
  readonly from: string;
}

/** The places of the container's cgroups, by the conventions of engines for cgroupsPath. */
function layOut(
  config: Config,
  facts: Facts,
  { id, rootless, cgroupManager, userManager }: CgroupOptions,
  faults: Diagnostic[],
): Layout {
  const systemd = cgroupManager === 'systemd';
  const rules = versionOf(facts.cgroups);
  const permitted =
    userManager === undefined
      ? permittedCgroups(config, facts, id, rootless, faults)
      : userCgroups(facts, userManager, faults);
  const cgroupsPath = config.linux?.cgroupsPath ?? '';
  const place = systemd ? unitPlace(cgroupsPath, id, userManager) : undefined;
  if (place === undefined) refuseUnitPath(config, cgroupsPath, faults);
  const { subgroup, delegated } = innerCgroups(config, rules.unified, systemd, faults);
  const located = permitted.hierarchies.map((hierarchy): Located => {
    const path = place?.path ?? locate(cgroupsPath, id, rules, hierarchy);
    const { version, controllers, mount } = hierarchy;
    return { path, cgroup: { version, controllers, mount, directory: mount + path + subgroup } };
  });
  return {
    located,
    place,
    leaf: `${located[0]?.path ?? ''}${subgroup}${delegated}`,
    isDivided: subgroup + delegated !== '' && located.length > 0,
    mayRestrictDevices: permitted.mayRestrictDevices,
    warnings: permitted.warnings,
    from: cgroupsPath === '' ? 'default' : '/linux/cgroupsPath',
  };
}

/** The same plan, but init joins the unified hierarchy when it is ready to: its first steps are outside of it. */
export function joinedLate(plan: CgroupPlan): CgroupPlan {
  if (plan.cloneCgroup === '') return plan;
  const file = `${plan.cloneCgroup}/cgroup.procs`;
  return { ...plan, join: [{ op: 'cgroup_join', file, from: 'default' }, ...plan.join], cloneCgroup: '' };
}

/** Nothing is made: the container stays in the cgroups of the runtime. A limit that nobody would set is an error. */
function withoutCgroups(config: Config, { cgroups }: Facts, faults: Diagnostic[]): CgroupPlan {
  const { linux = {} } = config;
  const unmet: Diagnostic[] = [];
  const rules = versionOf(cgroups);
  const made = rules.limits({ ...linux.resources, devices: [] }, [], unmet);
  innerCgroups(config, false, false, unmet);
  for (const { pointer = '' } of unmet) {
    if (pointer === '/linux/resources/devices') continue;
    const what = pointer.startsWith('/annotations') ? 'this annotation' : pointer.slice(1).replaceAll('/', '.');
    const message = `${what} needs a cgroup, which --cgroup-manager disabled does not make`;
    faults.push({ code: 'cgroup.disabled', message, pointer, hint: 'remove it, or let rt make cgroups' });
  }
  const useless = [
    ...(linux.cgroupsPath === undefined || linux.cgroupsPath === '' ? [] : ['cgroupsPath']),
    ...(linux.resources?.devices === undefined ? [] : ['resources.devices']),
  ];
  const ignored = useless.map((name): Diagnostic => ({
    code: 'cgroup.disabled',
    message: `linux.${name} has no effect: --cgroup-manager disabled makes no cgroup`,
    pointer: `/linux/${name.replace('.', '/')}`,
  }));
  return {
    record: { manager: 'cgroupfs', version: cgroups.version, hierarchies: [] },
    host: [],
    awaited: [],
    awaitUnit: [],
    join: [],
    limits: [],
    limitsAwaited: false,
    warnings: [...made.warnings, ...ignored, ...outOfReach(config)],
    cloneCgroup: '',
  };
}

/** For a container without a cgroup. */
function outOfReach(config: Config): Diagnostic[] {
  if (isNew(config, 'pid')) return [];
  const message = 'kill and delete reach only the first process: there is neither a cgroup nor a new pid namespace';
  return [{ code: 'cgroup.reach', message, pointer: '/linux/namespaces' }];
}

/** Operations that make the cgroups and join those of v1. */
function directoryOps(
  located: readonly Located[],
  systemd: boolean,
  from: string,
): Record<'host' | 'awaited' | 'join', PlannedOp[]> {
  const ops: Record<'host' | 'awaited' | 'join', PlannedOp[]> = { host: [], awaited: [], join: [] };
  for (const { cgroup, path } of located) {
    const { unified, inherit, memberFile } = versionOf(cgroup);
    const { mount, controllers, directory } = cgroup;
    const create: PlannedOp = { op: 'cgroup_create', hierarchy: mount, path, inherit: inherit(controllers), from };
    (unified || systemd ? ops.host : ops.awaited).push(create);
    if (!unified) ops.join.push({ op: 'cgroup_join', file: `${directory}/${memberFile}`, from });
  }
  return ops;
}

/**
 * An engine configured for systemd sends a unit: used as a path, it would make a cgroup that nobody looks for, with the limits
 * of the container. Without limits it is a path: the BuildKit in dockerd sends a unit for each step of a build, and never asks
 * for systemd.
 */
function refuseUnitPath({ linux = {} }: Config, cgroupsPath: string, faults: Diagnostic[]): void {
  if (!/^[^/:]+\.slice:[^/:]*:[^/:]+$/.test(cgroupsPath)) return;
  const limits = Object.entries(linux.resources ?? {}).filter(
    ([name, value]) => name !== 'devices' && value !== undefined,
  );
  if (limits.length === 0) return;
  faults.push({
    code: 'cgroup.systemd',
    message: `linux.cgroupsPath "${cgroupsPath}" names a systemd unit`,
    pointer: '/linux/cgroupsPath',
    hint: 'call rt with --systemd-cgroup, or give a path',
  });
}

/** Controllers for the cgroup, and its owner. */
function unifiedOps(config: Config, facts: Facts, path: string, limits: Limits, from: string): PlannedOp[] {
  const hierarchy = facts.cgroups.hierarchies[0];
  if (hierarchy === undefined) return [];
  const optional = hierarchy.controllers.filter((name) => !limits.controllers.includes(name));
  return [
    { op: 'cgroup_enable', hierarchy: hierarchy.mount, path, required: limits.controllers, optional, from },
    ...delegationOps(config, facts, hierarchy.mount + path),
  ];
}

function restricts(op: PlannedOp): boolean {
  return op.op !== 'device_program' || op.program.length > 0;
}

function withDelegation(fault: Diagnostic): Diagnostic {
  if (fault.code !== 'cgroup.controller') return fault;
  const hint =
    'have root delegate it: Delegate=cpu cpuset io memory pids below [Service] in /etc/systemd/system/user@.service.d/delegate.conf, ' +
    'then systemctl daemon-reload, and log in again';
  return { ...fault, hint };
}

interface Permitted {
  readonly hierarchies: readonly Hierarchy[];
  readonly mayRestrictDevices: boolean;
  readonly warnings: readonly Diagnostic[];
}

/** The user's systemd makes the cgroup, with the controllers that it has. */
function userCgroups({ cgroups }: Facts, { controllers }: UserManager, faults: Diagnostic[]): Permitted {
  if (cgroups.version === 1) {
    faults.push({
      code: 'systemd.user',
      message: 'cannot make a cgroup through the systemd of a user: the host has cgroup v1, which users get no part of',
      hint: 'leave --systemd-cgroup out, or boot the host with systemd.unified_cgroup_hierarchy=1',
    });
  }
  const hierarchies = cgroups.hierarchies.map((hierarchy) => ({ ...hierarchy, controllers }));
  return { hierarchies, mayRestrictDevices: false, warnings: [] };
}

/**
 * An unprivileged user can use the hierarchies in which a directory is delegated to them; the others are skipped unless
 * the config needs them.
 */
function permittedCgroups(
  config: Config,
  facts: Facts,
  id: string,
  rootless: Rootless,
  faults: Diagnostic[],
): Permitted {
  const { hierarchies } = facts.cgroups;
  const rules = versionOf(facts.cgroups);
  const { uid, initial } = facts.user;
  const isRoot = uid === 0 && initial;
  if (isRoot && rootless !== 'true') return { hierarchies, mayRestrictDevices: true, warnings: [] };
  if (rootless === 'false') return { hierarchies, mayRestrictDevices: isRoot, warnings: [] };
  const { cgroupsPath = '', resources = {} } = config.linux ?? {};
  const permitted = hierarchies.filter((hierarchy) =>
    facts.mayMakeCgroup(hierarchy.mount + locate(cgroupsPath, id, rules, hierarchy)),
  );
  const limited = Object.keys(resources).some((name) => name !== 'devices');
  const missing = hierarchies.filter((hierarchy) => !permitted.includes(hierarchy));
  const warnings: Diagnostic[] = [];
  if (missing.length > 0 && (cgroupsPath !== '' || limited)) {
    const pointer = limited ? '/linux/resources' : '/linux/cgroupsPath';
    // The v2 half of a hybrid layout has no controllers, so limits do not need it.
    if (permitted.length > 0 && !rules.unified && missing.every(({ version }) => version === 2)) {
      const message = `the container has no cgroup in ${missing[0]?.mount ?? ''}, which is not delegated`;
      warnings.push({ code: 'rootless.unified', message, pointer });
    } else {
      faults.push({
        code: 'rootless.cgroup',
        message: 'rootless needs no limits + no cgrouppath when no permission is granted for cgroups',
        pointer,
        hint: 'leave them out, or have the cgroup delegated: run rt in a user service or scope with Delegate=yes',
      });
    }
  }
  return { hierarchies: permitted, mayRestrictDevices: isRoot, warnings };
}

/** Without an absolute path: next to the runtime's own cgroup on v2, at the top of each v1 hierarchy. */
function locate(cgroupsPath: string, id: string, rules: CgroupVersion, hierarchy: Hierarchy): string {
  if (cgroupsPath.startsWith('/')) return normalizePath(cgroupsPath);
  return normalizePath(rules.place(hierarchy, cgroupsPath === '' ? id : cgroupsPath));
}
