import { existsSync, readdirSync, readFileSync, rmdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const MOUNT = '/sys/fs/cgroup';
const CGROUP_MAGIC = 0x27e0eb;
const CGROUP2_MAGIC = 0x63677270;

/** True when the host has only cgroup v2. */
export function isUnified(): boolean {
  return existsSync(join(MOUNT, 'cgroup.controllers'));
}

/** Every hierarchy's mount point, v1 controllers and the unified one alike. Links for merged ones are left out. */
export function hierarchies(): string[] {
  if (isUnified()) return [MOUNT];
  return readdirSync(MOUNT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(MOUNT, entry.name))
    .filter((path) => [CGROUP_MAGIC, CGROUP2_MAGIC].includes(statfsSync(path).type));
}

/** Directories of all hierarchies whose name, right below the root, starts with a prefix. */
export function cgroupsWithPrefix(prefix: string): string[] {
  return hierarchies().flatMap((hierarchy) =>
    readdirSync(hierarchy, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.startsWith(prefix))
      .map((entry) => join(hierarchy, entry.name)),
  );
}

/**
 * Value of a cgroup file of a container.
 *
 * @param controller v1 controller name; ignored on a v2-only host
 */
export function readCgroup(controller: string, path: string, file: string): string {
  return readFileSync(join(isUnified() ? MOUNT : join(MOUNT, controller), path, file), 'utf8').trim();
}

/** Removes an empty tree of cgroups, deepest first. */
export function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  rmdirSync(path);
}
