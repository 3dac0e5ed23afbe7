import type { CgroupRecord, ContainerCgroup } from '../plan/cgroup/record.ts';

/**
 * A record of version 1 as one of version 2, any other value as it is. Version 1 had no more of the cgroups than their
 * directories, whose paths tell the hierarchies. What it makes is yet to be checked.
 */
export function convertRecord(value: unknown): unknown {
  const { version, cgroup } = (value ?? {}) as { version?: unknown; cgroup?: Earlier | null };
  if (version !== 1 || !Array.isArray(cgroup?.directories)) return value;
  const { directories, ...rest } = cgroup;
  const hierarchies = directories.map((one: unknown) => cgroupAt(rest.version, one));
  return { ...(value as object), version: 2, cgroup: { ...rest, hierarchies } };
}

type Earlier = Omit<CgroupRecord, 'hierarchies'> & { readonly directories?: unknown };

const root = '/sys/fs/cgroup';

/** Undefined for what is no directory of a cgroup. */
function cgroupAt(version: 1 | 2, directory: unknown): ContainerCgroup | undefined {
  if (typeof directory !== 'string' || !directory.startsWith(`${root}/`)) return undefined;
  if (version === 2) return { version, controllers: [], mount: root, directory };
  const [name = ''] = directory.slice(root.length + 1).split('/');
  const mount = `${root}/${name}`;
  if (name === 'unified') return { version: 2, controllers: [], mount, directory };
  return { version: 1, controllers: name.split(','), mount, directory };
}
