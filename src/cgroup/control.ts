import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EBUSY } from '../kernel/errno.ts';
import { cgroupWith, managerOf, unifiedCgroup } from '../plan/cgroup/record.ts';
import { mountHint } from '../plan/cgroup/v1.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { Stats } from './stats/types.ts';
import { stopUnit } from '../systemd/units.ts';
import type { CgroupDriver, MemoryWatch } from './driver.ts';
import { readCgroupFile, writeFreezer } from './files.ts';
import { milliseconds, wait } from '../host/poll.ts';
import { legacyDriver } from './legacy.ts';
import { unifiedDriver } from './unified.ts';

/** Milliseconds. A killed process leaves its cgroup with a delay, which is long on a busy host. */
const patience = 5000;
const longestPause = 128;
/** As in runc; a process that waits for a disk may take long to freeze. */
const freezeTimeoutMs = 10_000;

export function driverOf({ version }: Pick<CgroupRecord, 'version'>): CgroupDriver {
  return version === 2 ? unifiedDriver : legacyDriver;
}

/** Removes the container's cgroups and their descendants. A busy cgroup is retried with increasing pauses. */
export function removeCgroups(native: Native, cgroup: CgroupRecord): void {
  const { unit, hierarchies } = cgroup;
  // systemd removes the cgroups that it made, rt the others.
  if (unit !== undefined) stopUnit(native, managerOf(cgroup), unit);
  for (const { directory } of hierarchies) removeTree(native, directory);
}

/** The record without its unit, which may be another container's: only the command that started a unit may stop it. */
export function withoutUnit({ manager, version, hierarchies }: CgroupRecord): CgroupRecord {
  return { manager, version, hierarchies };
}

function removeTree(native: Native, directory: string): void {
  let pause = 1;
  for (let waited = 0; ; waited += pause, pause = Math.min(2 * pause, longestPause)) {
    const result = native.removeCgroups(directory);
    if (result === 0) return;
    if (result !== -EBUSY || waited >= patience) {
      throw systemFailure('cgroup.remove', `cannot remove cgroup "${directory}"`, 'rmdir', result);
    }
    wait(native, pause);
  }
}

/** For commands that work on a cgroup. `action` completes "cannot". */
export function requireCgroup({ hierarchies }: CgroupRecord, action: string): void {
  if (hierarchies.length > 0) return;
  throw new Failure({
    code: 'cgroup.none',
    message: `cannot ${action}: the container has no cgroup`,
    hint: 'create it without --cgroup-manager disabled, as a user who may make cgroups',
  });
}

export function isFrozen(native: Native, cgroup: Pick<CgroupRecord, 'version' | 'hierarchies'>): boolean {
  const driver = driverOf(cgroup);
  const freezer = driver.freezer(cgroup);
  return freezer !== undefined && driver.isFrozen(native, freezer);
}

/** The cure if a cgroup above that of the container is frozen: its processes stand still until that is thawed. */
export function thawAboveHint(
  native: Native,
  cgroup: Pick<CgroupRecord, 'version' | 'hierarchies'>,
): string | undefined {
  const driver = driverOf(cgroup);
  const freezer = driver.freezer(cgroup);
  if (freezer === undefined || !driver.isFrozenAbove(native, freezer)) return undefined;
  const [file, text] = driver.thaw;
  return `a cgroup above "${freezer}" is frozen: thaw it, by writing ${text} to its ${file}`;
}

/** Freezes the container and waits until all its processes are frozen; on failure it is thawed again. */
export function freeze(native: Native, cgroup: CgroupRecord): void {
  const freezer = requireFreezer(cgroup);
  let frozen = false;
  try {
    frozen = driverOf(cgroup).freeze(native, freezer, milliseconds(native) + freezeTimeoutMs);
  } finally {
    if (!frozen) thaw(native, cgroup);
  }
  if (frozen) return;
  throw new Failure({
    code: 'pause.timeout',
    message: 'unable to freeze: processes of the container did not stand still in time',
    hint: 'one of them may wait for a disk or for a file system that does not answer',
  });
}

export function thaw(native: Native, cgroup: CgroupRecord): void {
  const [file, text] = driverOf(cgroup).thaw;
  writeFreezer(native, `${requireFreezer(cgroup)}/${file}`, text);
}

function requireFreezer(cgroup: CgroupRecord): string {
  requireCgroup(cgroup, 'freeze its processes');
  const directory = driverOf(cgroup).freezer(cgroup);
  if (directory !== undefined) return directory;
  throw new Failure({
    code: 'pause.freezer',
    message: 'unable to freeze: this host has no mounted cgroup hierarchy with the controller "freezer"',
    hint: mountHint('freezer'),
  });
}

/** Kills every process of the container, frozen or not. */
export function killCgroup(native: Native, cgroup: CgroupRecord): void {
  driverOf(cgroup).kill(native, cgroup);
}

/** Thaws processes that have been killed one by one, if frozen processes cannot end. */
export function thawForKill(native: Native, cgroup: CgroupRecord): void {
  driverOf(cgroup).thawForKill(native, cgroup);
}

/** Whether the kernel has OOM-killed a process of the container. */
export function wasOutOfMemory(native: Native, cgroup: CgroupRecord): boolean {
  return (memoryKills(native, cgroup) ?? 0) > 0;
}

/** The number of processes of a container that the kernel has killed for want of memory; undefined if it does not tell. */
export function memoryKills(native: Native, cgroup: CgroupRecord): number | undefined {
  const driver = driverOf(cgroup);
  const directory = driver.memory(cgroup);
  return directory === undefined ? undefined : driver.outOfMemoryKills(native, directory);
}

/** Whether memory was refused because of the container's own limit. */
export function hasReachedMemoryLimit(native: Native, cgroup: CgroupRecord): boolean {
  const driver = driverOf(cgroup);
  const directory = driver.memory(cgroup);
  return directory !== undefined && driver.hasReachedLimit(native, directory);
}

/** How often the container's limit of processes kept one from being made, fork(2); 0 if the kernel does not tell. */
export function refusedProcesses(native: Native, { hierarchies }: CgroupRecord): number {
  const found = cgroupWith(hierarchies, 'pids') ?? unifiedCgroup(hierarchies);
  const events = found === undefined ? undefined : readCgroupFile(native, `${found.directory}/pids.events`);
  return Number(/^max (\d+)/m.exec(events ?? '')?.[1] ?? 0);
}

/** `: limit 4096, peak usage 81920 bytes`, as far as the kernel tells; '' if it tells nothing. */
export function memoryNumbers(native: Native, cgroup: CgroupRecord): string {
  const driver = driverOf(cgroup);
  const directory = driver.memory(cgroup);
  if (directory === undefined) return '';
  const { limit, peak } = driver.memoryFiles;
  const parts = [
    ['limit', limit],
    ['peak usage', peak],
  ].flatMap(([words = '', file = '']) => {
    const text = native.readText(`${directory}/${file}`, 4096);
    return typeof text === 'string' ? [`${words} ${text.trim()}`] : [];
  });
  return parts.length === 0 ? '' : `: ${parts.join(', ')} bytes`;
}

/** Watches for out-of-memory events of the container; undefined if it has no memory controller. */
export function watchMemory(native: Native, cgroup: CgroupRecord): MemoryWatch | undefined {
  const driver = driverOf(cgroup);
  const directory = driver.memory(cgroup);
  return directory === undefined ? undefined : driver.watchMemory(native, directory);
}

/** Current resource usage. Values that the cgroups do not report are omitted, or 0 if runc prints a 0. */
export function readStats(native: Native, cgroup: CgroupRecord): Stats {
  return driverOf(cgroup).stats(native, cgroup);
}
