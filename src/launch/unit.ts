import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { O_WRONLY } from '../kernel/open-flags.ts';
import type { UnitPlan } from '../plan/cgroup/unit.ts';
import { hostFailure, runHostOps } from './host-ops.ts';
import { startUnit } from '../systemd/units.ts';

/** Has systemd put a waiting process into the unit of a container, and configures the unit's cgroups. */
export function enterUnit(native: Native, unit: UnitPlan, pid: number, onStarted: () => void): void {
  startUnit(native, unit, pid);
  onStarted();
  const undivided = runHostOps(native, unit.divide);
  if (undivided !== undefined) throw hostFailure(native, undivided);
  if (unit.inside !== '') moveTo(native, unit.inside, pid);
  const failed = runHostOps(native, unit.ops);
  if (failed !== undefined) throw hostFailure(native, failed);
}

function moveTo(native: Native, directory: string, pid: number): void {
  const path = `${directory}/cgroup.procs`;
  const result = native.writeText(path, String(pid), O_WRONLY, 0);
  if (result < 0) {
    const action = `unable to apply cgroup configuration: cannot join through "${path}"`;
    throw systemFailure('cgroup.inside', action, 'write', result);
  }
}
