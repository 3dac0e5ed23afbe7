import type { Config } from '../../../schema/generated/config.ts';
import { ANNOTATIONS, annotationPointer } from '../../bundle/annotations.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';

/** Cgroups below the one that `linux.cgroupsPath` names, each '' or a path that begins with a slash. */
export interface InnerCgroups {
  /** Has the limits, instead of systemd's scope. */
  readonly subgroup: string;
  /** Below `limits`: has the processes, and is delegated to the container. */
  readonly delegated: string;
}

/** The cgroups that annotations request. Only the unified hierarchy can be delegated without its limits. */
export function innerCgroups(
  { annotations }: Config,
  unified: boolean,
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
        hint: 'remove it, or leave it empty',
      });
    }
    return `/${value}`;
  };
  const lacking = unified ? undefined : 'cgroup v2';
  return {
    subgroup: path(ANNOTATIONS.systemdSubgroup, systemd ? lacking : '--systemd-cgroup'),
    delegated: path(ANNOTATIONS.delegateCgroup, lacking),
  };
}
