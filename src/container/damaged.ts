import { parseSavedConfig } from '../bundle/process.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { expectIfPresent } from '../diag/system.ts';
import { readFacts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import { removeCgroups } from '../cgroup/control.ts';
import { cgroupProcesses } from '../cgroup/files.ts';
import { cgroupPlan } from '../plan/cgroup/index.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import { isContainerCgroup } from '../state/check-record.ts';
import { isRunning } from './process.ts';
import { recordText, savedConfig } from '../state/store.ts';

// In the key order of ContainerRecord, the creator's pid is the first key of its object: no comma precedes it.
const ofInit = /,\s*"pid"\s*:\s*(\d{1,10})\s*,\s*"startTime"\s*:\s*(\d{1,16})\b/;
// In only one way to match, so that no text takes long.
const ofCgroups = /"hierarchies"\s*:\s*(\[[^\]{}]*(?:\{[^{}]*\}[^\]{}]*)*\])/;

/**
 * Removes a container with a damaged record if no process is left in it: none in the init and the cgroups that the
 * record still names, or in existing cgroups that the config names. Otherwise a Failure: without the directory, a
 * running container would be lost.
 */
export function removeDamaged(native: Native, directory: ContainerDirectory, damage: Failure): Diagnostic[] {
  const { id, path } = directory;
  const text = recordText(directory) ?? '';
  const [, pid = '', startTime = ''] = ofInit.exec(text) ?? [];
  const cgroup = (pid === '' ? undefined : cgroupIn(text)) ?? cgroupOfConfig(native, directory);
  const init = pid !== '' && isRunning(native, Number(pid), Number(startTime)) ? [Number(pid)] : [];
  const alive = [...new Set([...init, ...(cgroup === undefined ? [] : cgroupProcesses(native, cgroup))])];
  if (alive.length > 0) {
    throw new Failure(withHint(damage, `its processes still run: kill -KILL ${alive.join(' ')}, then try again`));
  }
  if (cgroup === undefined) {
    const search = `find /sys/fs/cgroup -name ${id}`;
    throw new Failure(
      withHint(damage, `end its processes and remove its cgroups (${search}), then remove it: rm -r ${path}`),
    );
  }
  removeCgroups(native, cgroup);
  directory.remove();
  const message = `the state of container ${id} was damaged: its poststop hooks are unknown and did not run`;
  return [{ code: 'delete.damaged', message }];
}

/** Only the directories are used: the systemd unit may be damaged, too. A record of version 1 is ignored. */
function cgroupIn(text: string): CgroupRecord | undefined {
  const list = ofCgroups.exec(text)?.[1];
  if (list === undefined) return undefined;
  const hierarchies: unknown = parse(list);
  if (!Array.isArray(hierarchies) || !hierarchies.every(isContainerCgroup)) return undefined;
  return { manager: 'cgroupfs', version: 1, hierarchies };
}

/** Undefined if the text is damaged. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The place that its config names, if it exists in each hierarchy. */
function cgroupOfConfig(native: Native, directory: ContainerDirectory): CgroupRecord | undefined {
  try {
    const { text, path } = savedConfig(directory);
    const config = parseSavedConfig(text, path);
    const facts = readFacts(native);
    // With systemd, a path that names no unit is a Failure.
    for (const cgroupManager of ['cgroupfs', 'systemd'] as const) {
      const options = { id: directory.id, rootless: 'auto', cgroupManager } as const;
      const { version, hierarchies } = cgroupPlan(config, facts, options, []).record;
      const all = hierarchies.every((one) => isContainerCgroup(one) && isThere(native, one.directory));
      if (all && hierarchies.length > 0) return { manager: 'cgroupfs', version, hierarchies };
    }
    return undefined;
  } catch (error) {
    // The damaged record is reported instead.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function isThere(native: Native, path: string): boolean {
  return expectIfPresent(native.stat(path, 0), 'delete.cgroup', `cannot look at "${path}"`, 'stat') !== undefined;
}

function withHint({ diagnostics }: Failure, hint: string): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({ ...diagnostic, hint }));
}
