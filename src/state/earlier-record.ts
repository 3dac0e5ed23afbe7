import { cgroupRoot } from '../facts/facts.ts';
import type { CgroupRecord, ContainerCgroup } from '../plan/cgroup/record.ts';

/**
 * Converts a record of version 1 to version 2; returns any other value unchanged. Version 1 had only the directories of
 * the cgroups, whose paths identify the hierarchies. The result has yet to be checked.
 */
export function convertRecord(value: unknown): unknown {
  const { version, cgroup } = (value ?? {}) as { version?: unknown; cgroup?: Earlier | null };
  if (version !== 1 || !Array.isArray(cgroup?.directories)) return value;
  const { directories, ...rest } = cgroup;
  const hierarchies = directories.map((one: unknown) => cgroupAt(rest.version, one));
  return { ...(value as object), version: 2, cgroup: { ...rest, hierarchies } };
}

type Earlier = Omit<CgroupRecord, 'hierarchies'> & { readonly directories?: unknown };

/** Undefined if it is not the directory of a cgroup. */
function cgroupAt(version: 1 | 2, directory: unknown): ContainerCgroup | undefined {
  if (typeof directory !== 'string' || !directory.startsWith(`${cgroupRoot}/`)) return undefined;
  if (version === 2) return { version, controllers: [], mount: cgroupRoot, directory };
  const [name = ''] = directory.slice(cgroupRoot.length + 1).split('/');
  const mount = `${cgroupRoot}/${name}`;
  if (name === 'unified') return { version: 2, controllers: [], mount, directory };
  return { version: 1, controllers: name.split(','), mount, directory };
}
