import type { Hierarchy } from '../../facts/facts.ts';

/** One cgroup of a container, and what is known of its hierarchy. */
export interface ContainerCgroup extends Pick<Hierarchy, 'version' | 'controllers' | 'mount'> {
  /** Absolute directory, below `mount`. */
  readonly directory: string;
}

/** The container's cgroups, saved at create: later commands come without the options that chose them. */
export interface CgroupRecord {
  readonly manager: 'cgroupfs' | 'systemd';
  /** The unit that systemd keeps for the container. */
  readonly unit?: string;
  /** 1 also for a hybrid layout, in which one of the hierarchies is of version 2. */
  readonly version: 1 | 2;
  /** One cgroup for each hierarchy, the v2 one first. */
  readonly hierarchies: readonly ContainerCgroup[];
  /** The directory below the first of them that has the processes, where an annotation asks for one. */
  readonly inside?: string;
}

/** The cgroup in the v1 hierarchy that has the controller, alone or with others; undefined when the host has none. */
export function cgroupWith(cgroups: readonly ContainerCgroup[], controller: string): ContainerCgroup | undefined {
  return cgroups.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
}

/** The cgroup of the v2 hierarchy, which a hybrid layout has, too. */
export function unifiedCgroup(cgroups: readonly ContainerCgroup[]): ContainerCgroup | undefined {
  return cgroups.find(({ version }) => version === 2);
}
