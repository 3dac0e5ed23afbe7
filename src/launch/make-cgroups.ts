import type { Native } from '../host/native.ts';
import { EDEADLK, ENOTEMPTY } from '../kernel/errno.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlannedOp } from '../plan/types.ts';
import { hostFailure, runHostOps } from './host-ops.ts';
import { requireSystemd } from '../systemd/units.ts';

/** Receives the cgroups made so far, which must be removed if the container is not created. */
export type OnCgroups = (made: CgroupRecord) => void;

/** Makes the cgroups that the clone needs. */
export function prepare(native: Native, plan: Plan, onCgroups: OnCgroups): void {
  if (plan.unit !== undefined) requireSystemd(native);
  makeCgroups(native, plan, plan.host, 0, onCgroups);
}

/** Makes the cgroups that are only needed for the join. */
export function prepareJoin(native: Native, plan: Plan, onCgroups: OnCgroups): void {
  makeCgroups(native, plan, plan.awaited, plan.host.length, onCgroups);
}

/** `before`: number of cgroups made earlier, one per op. */
function makeCgroups(
  native: Native,
  { cgroup }: Plan,
  ops: readonly PlannedOp[],
  before: number,
  onCgroups: OnCgroups,
): void {
  const failed = runHostOps(native, ops);
  // An existing cgroup that has processes or is frozen is not ours; those before it in the plan are.
  const inUse = failed !== undefined && (failed.errno === ENOTEMPTY || failed.errno === EDEADLK);
  const made = failed === undefined ? ops.length : inUse ? failed.index : failed.index + 1;
  onCgroups({ ...cgroup, hierarchies: cgroup.hierarchies.slice(0, before + made) });
  if (failed !== undefined) throw hostFailure(native, failed);
}
