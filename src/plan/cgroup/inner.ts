import type { Config } from '../../../schema/generated/config.ts';
import { ANNOTATIONS, annotationPointer } from '../../bundle/annotations.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';

/** Cgroups below the one that `linux.cgroupsPath` names, each '' or a path that begins with a slash. */
export interface InnerCgroups {
  /** Has the limits, in place of the scope that systemd keeps. */
  readonly subgroup: string;
  /** Below that one: has the processes, and is the container's to divide. */
  readonly delegated: string;
}

/** What annotations ask for. Only the unified hierarchy can be divided without giving its limits away. */
export function innerCgroups(
  { annotations }: Config,
  version: 1 | 2,
  systemd: boolean,
  faults: Diagnostic[],
): InnerCgroups {
  const path = (annotation: string, lacking: string | undefined): string => {
    const value = (annotations?.[annotation] ?? '').replace(/^\/+|\/+$/g, '');
    if (value === '') return '';
    if (lacking !== undefined) {
      faults.push({
        code: 'cgroup.annotation',
        message: `the annotation ${annotation} needs ${lacking}`,
        pointer: annotationPointer(annotation),
        hint: 'leave it out, or empty',
      });
    }
    return `/${value}`;
  };
  const unified = version === 2 ? undefined : 'cgroup v2';
  return {
    subgroup: path(ANNOTATIONS.systemdSubgroup, systemd ? unified : '--systemd-cgroup'),
    delegated: path(ANNOTATIONS.delegateCgroup, unified),
  };
}
