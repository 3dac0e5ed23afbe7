import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC } from '../../src/kernel/file-systems.ts';
import { until } from './wait.ts';

const MOUNT = '/sys/fs/cgroup';

/** True if the host has only cgroup v2. */
export function isUnified(): boolean {
  return existsSync(join(MOUNT, 'cgroup.controllers'));
}

/** True if engines of this host have systemd make the cgroups of containers unless told otherwise. */
export function isSystemdDriver(): boolean {
  return isUnified() && existsSync('/run/systemd/system');
}

/** The words of `--cgroup-parent` for an engine: with its driver a slice of systemd, else a cgroup below the root. */
export function cgroupParent(name: string): string[] {
  return ['--cgroup-parent', isSystemdDriver() ? `${name}.slice` : `/${name}`];
}

/** Every hierarchy's mount point, v1 and unified. Links for merged controllers are omitted. */
export function hierarchies(): string[] {
  if (isUnified()) return [MOUNT];
  return readdirSync(MOUNT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(MOUNT, entry.name))
    .filter((path) => [CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC].includes(statfsSync(path).type));
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
  return readFileSync(join(cgroupDirectory(controller, path), file), 'utf8').trim();
}

/** Directory of a container's cgroup; the controller matters only on v1. */
export function cgroupDirectory(controller: string, path: string): string {
  return join(isUnified() ? MOUNT : join(MOUNT, controller), path);
}

/** Why a case that needs a controller cannot run here; undefined if the host has it. */
export function lackingController(name: string): string | undefined {
  const has = isUnified()
    ? readFileSync(join(MOUNT, 'cgroup.controllers'), 'utf8').trim().split(' ').includes(name)
    : existsSync(join(MOUNT, name, 'cgroup.procs'));
  return has ? undefined : `no cgroup v${isUnified() ? 2 : 1} controller ${name} on this host`;
}

/** Why settings, files named CONTROLLER.SETTING, cannot be read here; undefined if the host has all of them. */
export function lackingSettings(files: readonly (readonly [file: string, value: string])[]): string | undefined {
  const names = files.map(([file]) => controllerOf(file));
  return names.map(lackingController).find((reason) => reason !== undefined);
}

/** Every controller has the files cgroup.*; memory serves as an example. */
export function controllerOf(file: string): string {
  const name = file.slice(0, file.indexOf('.'));
  return name === 'cgroup' ? 'memory' : name;
}

/**
 * Why engines cannot read the resource usage of a container; undefined if they can. They look up every cgroup of a
 * process, and a concurrent with-controllers.sh mounts some in another mount namespace.
 */
export function metricsLacking(): string | undefined {
  if (isUnified()) return undefined;
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  const controllers = lines.flatMap((line) => (line.split(':')[1] ?? '').split(','));
  const unseen = controllers.filter((name) => name !== '' && !name.startsWith('name=')).filter(lackingController);
  return unseen.length === 0 ? undefined : `mounted by somebody else, unseen here: ${unseen.join(', ')}`;
}

/** `major:minor` of a disk of the host, for limits of block devices; undefined without one. */
export function someDisk(): string | undefined {
  const name = readdirSync('/sys/block').find((one) => !/^(?:loop|ram|zram|fd|sr|md|dm-)/.test(one));
  return name === undefined ? undefined : readFileSync(join('/sys/block', name, 'dev'), 'utf8').trim();
}

/** The I/O schedulers of a disk, given as `major:minor`, with the current one in brackets. */
export function schedulersOf(disk: string): string {
  const file = `/sys/dev/block/${disk}/queue/scheduler`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Removes an empty tree of cgroups, deepest first. */
export function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  rmdirSync(path);
}

/**
 * Removes what an engine leaves by design: the parent of `cgroupParent`.
 *
 * @throws if the cgroup of a container remains in a slice
 */
export async function removeParent(name: string): Promise<void> {
  for (const path of cgroupsWithPrefix(name)) removeCgroup(path);
  if (!isSystemdDriver()) return;
  const words = name.split('-');
  const slices = words.map((_, index) => `${words.slice(0, index + 1).join('-')}.slice`);
  const path = join(MOUNT, ...slices);
  // systemd removes a scope some time after its last process has ended.
  await until(`${path} is empty`, () => !existsSync(path) || !holdsCgroups(path), 10_000);
  execFileSync('systemctl', ['stop', `${name}.slice`]);
}

function holdsCgroups(path: string): boolean {
  return readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory());
}
