import type { Hierarchy } from '../../facts/facts.ts';

/** The systemd of the host, or that of the caller. */
export type UnitManager = 'system' | 'user';

/** One cgroup of a container, with the properties of its hierarchy. */
export interface ContainerCgroup extends Pick<Hierarchy, 'version' | 'controllers' | 'mount'> {
  /** Absolute directory, below `mount`. */
  readonly directory: string;
}

/** The container's cgroups, saved at create: later commands lack the options that chose them. */
export interface CgroupRecord {
  readonly manager: 'cgroupfs' | 'systemd';
  /** The container's systemd unit. */
  readonly unit?: string;
  /** The unit is one of the systemd of the user who created the container. */
  readonly ofUser?: boolean;
  /** 1 also for a hybrid layout, in which one hierarchy is of version 2. */
  readonly version: 1 | 2;
  /** One cgroup for each hierarchy, the v2 one first. */
  readonly hierarchies: readonly ContainerCgroup[];
  /** The directory below the first of them that has the processes, if an annotation requests one. */
  readonly inside?: string;
}

/** The cgroup in the v1 hierarchy with the controller, alone or with others; undefined if the host has none. */
export function cgroupWith(cgroups: readonly ContainerCgroup[], controller: string): ContainerCgroup | undefined {
  for (const cgroup of cgroups) if (cgroup.version === 1 && cgroup.controllers.includes(controller)) return cgroup;
  return undefined;
}

/** The cgroup in the v2 hierarchy, which a hybrid layout has, too. */
export function unifiedCgroup(cgroups: readonly ContainerCgroup[]): ContainerCgroup | undefined {
  return cgroups.find(({ version }) => version === 2);
}

/** The cgroups in hierarchies of v1. */
export function legacyCgroups<Cgroup extends Pick<Hierarchy, 'version'>>(cgroups: readonly Cgroup[]): Cgroup[] {
  return cgroups.filter(({ version }) => version === 1);
}

/** Which systemd has the container's unit. */
export function managerOf({ ofUser }: CgroupRecord): UnitManager {
  return ofUser === true ? 'user' : 'system';
}
