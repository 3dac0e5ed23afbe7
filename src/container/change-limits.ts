import type { LinuxResources } from '../../schema/generated/config.ts';
import { WRITE_FILES_PATHS_MOST } from '../../schema/generated/ops.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EINVAL } from '../kernel/errno.ts';
import { oldValue } from '../plan/cgroup/old-value.ts';
import { limitProperties, roundedResources } from '../plan/cgroup/unit.ts';
import { versionOf } from '../plan/cgroup/version.ts';
import { managerOf } from '../plan/cgroup/record.ts';
import type { CgroupRecord, ContainerCgroup } from '../plan/cgroup/record.ts';
import type { PlannedOp } from '../plan/types.ts';
import { driverOf, requireCgroup } from '../cgroup/control.ts';
import { ifPresent } from '../cgroup/files.ts';
import { hostFailure, runHostOps } from '../launch/host-ops.ts';
import { setUnitProperties } from '../systemd/units.ts';

const maximumFile = 1 << 16;

/**
 * Sets limits of an existing container, only those in `resources`. If one limit is refused, those already set get their
 * old values back. Returns warnings.
 */
export function changeLimits(
  native: Native,
  facts: Facts,
  cgroup: CgroupRecord,
  requested: LinuxResources,
): readonly Diagnostic[] {
  requireCgroup(cgroup, 'change its limits');
  const faults: Diagnostic[] = [];
  const { unit } = cgroup;
  const current = driverOf(cgroup).current(native, cgroup);
  const resources = unit === undefined ? requested : roundedResources(requested, current);
  const version = versionOf(cgroup);
  const limits = version.limits(resources, withControllers(cgroup, facts), faults, current);
  if (resources.memory?.checkBeforeUpdate === true) checkUsage(native, cgroup, resources, faults);
  if (faults.length > 0) throw new Failure(faults.map(withoutPlace));
  const ops = [...limits.early, ...limits.ops, ...(resources.devices === undefined ? [] : limits.devices)];
  const before = oldValues(native, ops);
  const failed = runHostOps(native, ops);
  if (failed === undefined) {
    if (unit !== undefined)
      setUnitProperties(native, managerOf(cgroup), unit, limitProperties(resources, version.unit, current));
    return limits.warnings.map(withoutPlace);
  }
  const failure = hostFailure(native, failed);
  throw new Failure([...failure.diagnostics.map(withoutPlace), ...restore(native, before)]);
}

/** The pointers lead into a config, but the source of an update is its document or the command line. */
function withoutPlace({ code, message, hint, errno, syscall }: Diagnostic): Diagnostic {
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
  };
}

/** The cgroups with the current controllers of their hierarchies: those of v2 may change. */
function withControllers({ hierarchies }: CgroupRecord, facts: Facts): ContainerCgroup[] {
  return hierarchies.map((cgroup) => {
    const now = facts.cgroups.hierarchies.find(({ mount }) => mount === cgroup.mount);
    return now === undefined ? cgroup : { ...cgroup, controllers: now.controllers };
  });
}

/** A limit below the current usage would make the kernel reclaim, and then kill (spec: checkBeforeUpdate). */
function checkUsage(native: Native, cgroup: CgroupRecord, { memory }: LinuxResources, faults: Diagnostic[]): void {
  const driver = driverOf(cgroup);
  const directory = driver.memory(cgroup);
  if (directory === undefined) return;
  const used = driver.memoryUsage(native, directory);
  const check = (name: string, limit: number | bigint | undefined, inUse: bigint): void => {
    if (limit === undefined || Number(limit) <= 0 || BigInt(limit) > inUse) return;
    faults.push({ code: 'update.usage', message: `rejecting ${name} ${String(limit)} <= usage ${String(inUse)}` });
  };
  check('memory limit', memory?.limit, used.memory);
  check('memory+swap limit', memory?.swap, used.withSwap);
}

interface OldValue {
  readonly path: string;
  readonly data: string;
}

/** The current contents of the files that `ops` write, in a form that can be written back. */
function oldValues(native: Native, ops: readonly PlannedOp[]): OldValue[] {
  const written = ops.flatMap((op) => {
    if (op.op === 'write_file') return [{ path: op.path, data: op.data }];
    if (op.op !== 'write_files' && op.op !== 'write_first') return [];
    return op.paths.map((path, index) => ({ path, data: op.data[index] ?? '' }));
  });
  return written.flatMap(({ path, data }) => {
    const text = readOld(native, path);
    return text === undefined ? [] : [{ path, data: oldValue(path, text, data) }];
  });
}

/** Undefined for a file that is write-only or missing: then the write reports the cause. */
function readOld(native: Native, path: string): string | undefined {
  const text = native.readText(path, maximumFile);
  return text === -EINVAL || text === -EACCES ? undefined : ifPresent(text, `cannot read "${path}"`, 'read');
}

function restore(native: Native, before: readonly OldValue[]): readonly Diagnostic[] {
  for (let at = 0; at < before.length; at += WRITE_FILES_PATHS_MOST) {
    const part = before.slice(at, at + WRITE_FILES_PATHS_MOST);
    const paths = part.map(({ path }) => path);
    const failed = runHostOps(native, [
      { op: 'write_files', paths, data: part.map(({ data }) => data), from: 'default' },
    ]);
    if (failed === undefined) continue;
    return hostFailure(native, failed).diagnostics.map((fault) => ({
      ...withoutPlace(fault),
      message: `cannot restore the old limits: ${fault.message}`,
    }));
  }
  return [];
}
