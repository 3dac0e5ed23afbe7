import { validateCgroup, validateRecord } from '../../schema/generated/validate-record.js';
import { dotted, shown, valueAt } from '../diag/pointer.ts';
import { cgroupRoot } from '../facts/facts.ts';
import type { ContainerCgroup } from '../plan/cgroup/record.ts';
import type { ContainerRecord } from './record.ts';

/** The version written by this rt. Version 1 is converted (earlier-record.ts). */
const currentVersion = 2;

/** A record whose every part is of its kind, so that its users need not check, or what is wrong with it. */
export function checkRecord(value: unknown): ContainerRecord | string {
  const [fault] = validateRecord(value) ?? [];
  if (fault !== undefined) {
    const { pointer, missing, expected = '' } = fault;
    if (missing !== undefined) return `${dotted(`${pointer}/${missing}`)} is missing`;
    return `${pointer === '' ? 'it' : dotted(pointer)} must be ${expected}, found ${shown(valueAt(value, pointer))}`;
  }
  const record = value as ContainerRecord;
  const { version, hierarchies, inside } = record.cgroup;
  // The first process of the system, or of the runtime's pid namespace, is never the init of a container.
  if (record.pid === 1) return 'pid cannot be 1';
  if (!hierarchies.every((one) => isBelowItsMount(one, version))) return 'cgroup.hierarchies do not fit together';
  if (inside !== undefined && !hierarchies.some(({ directory }) => inside.startsWith(`${directory}/`)))
    return 'cgroup.inside is not in a cgroup of the container';
  return record;
}

/** The directory has at least one level below the mount, which with v1 is one level below the cgroup root. */
function isBelowItsMount({ version, mount, directory }: ContainerCgroup, layout: 1 | 2): boolean {
  if (layout === 2) return version === 2 && mount === cgroupRoot;
  const end = directory.indexOf('/', cgroupRoot.length + 1);
  return end > 0 && mount === directory.slice(0, end);
}

/** True for a cgroup that is not the root of its hierarchy. */
export function isContainerCgroup(value: unknown): value is ContainerCgroup {
  if (validateCgroup(value) !== null) return false;
  const cgroup = value as ContainerCgroup;
  return isBelowItsMount(cgroup, cgroup.mount === cgroupRoot ? 2 : 1);
}

/** The version of a record written by a later rt; undefined for anything else. */
export function newerVersion(value: unknown): number | undefined {
  const version = (value as { version?: unknown } | null | undefined)?.version;
  return Number.isSafeInteger(version) && (version as number) > currentVersion ? (version as number) : undefined;
}
