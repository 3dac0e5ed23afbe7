import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { cgroupProcesses, removeCgroups } from '../launch/cgroup.ts';
import type { CgroupRecord } from '../plan/types.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import { isCgroupOfContainer } from '../state/check-record.ts';
import { isRunning } from '../state/process.ts';
import { recordText } from '../state/store.ts';

// The order of the keys is that of ContainerRecord: the pid of the creator is the first of its object.
const ofInit = /,\s*"pid"\s*:\s*(\d{1,10})\s*,\s*"startTime"\s*:\s*(\d{1,16})\b/;
const ofCgroups = /"directories"\s*:\s*\[((?:\s*"\/sys\/fs\/cgroup\/[^"\\]*"\s*,?)*)\]/;

/**
 * Removes a container whose record is damaged, if what can still be read of it shows that nothing runs: where its init
 * and its cgroups are. Otherwise a Failure: with the directory, a container that runs would be lost.
 */
export function removeDamaged(native: Native, directory: ContainerDirectory, damage: Failure): Diagnostic[] {
  const { id, path } = directory;
  const text = recordText(directory) ?? '';
  const [, pid = '', startTime = ''] = ofInit.exec(text) ?? [];
  const cgroup = cgroupIn(text);
  const init = pid !== '' && isRunning(native, Number(pid), Number(startTime)) ? [Number(pid)] : [];
  const alive = [...new Set([...init, ...(cgroup === undefined ? [] : cgroupProcesses(native, cgroup))])];
  if (alive.length > 0) {
    throw new Failure(withHint(damage, `its processes still run: kill -KILL ${alive.join(' ')}, then try again`));
  }
  if (pid === '' || cgroup === undefined) {
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

/** Only the directories are of use: the unit of systemd may be damaged, too. */
function cgroupIn(text: string): CgroupRecord | undefined {
  const list = ofCgroups.exec(text)?.[1];
  if (list === undefined) return undefined;
  const directories = [...list.matchAll(/"([^"]*)"/g)].map(([, directory = '']) => directory);
  const version = /"version"\s*:\s*2\s*,\s*"directories"/.test(text) ? 2 : 1;
  if (!directories.every((directory) => isCgroupOfContainer(version, directory))) return undefined;
  return { manager: 'cgroupfs', version: 1, directories };
}

function withHint({ diagnostics }: Failure, hint: string): Diagnostic[] {
  return diagnostics.map((diagnostic) => ({ ...diagnostic, hint }));
}
