import type { LinuxIntelRdt } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { withoutPointers } from '../diag/failure.ts';
import { expectIfPresent, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import type { Plan } from '../plan/plan.ts';
import { schemaOps } from '../plan/resctrl.ts';
import type { ResctrlRecord } from '../plan/resctrl.ts';
import type { PlannedOp } from '../plan/types.ts';
import { describeOp } from '../words/describe.ts';
import { runHostOps } from './host-ops.ts';

const lastStatus = 'info/last_cmd_status';
const maximumFile = 4096;

/** The groups that the plan needs, and those of them that will be made: existing groups are not ours. */
export function resctrlRecord(native: Native, { resctrl }: Plan): ResctrlRecord {
  const made = resctrl.groups.filter((path) => {
    return expectIfPresent(native.stat(path, 0), 'resctrl.read', `cannot look at "${path}"`, 'stat') === undefined;
  });
  return { groups: resctrl.groups, made };
}

/** Makes and fills the groups. */
export function prepareResctrl(native: Native, { resctrl }: Plan): void {
  runGroupOps(native, resctrl.host, resctrl.groups[0] ?? '');
}

function runGroupOps(native: Native, ops: readonly PlannedOp[], group: string): void {
  const failed = runHostOps(native, ops);
  if (failed === undefined) return;
  const fault = describeOp(failed.op, failed.errno, failed.call, '');
  const hint = kernelWords(native, group);
  throw new Failure(hint === undefined ? fault : { ...fault, hint });
}

/** Changes the schemata of an existing container, then runs `body`; a failure of either restores the old ones. */
export function withSchemata(
  native: Native,
  record: ResctrlRecord | undefined,
  intelRdt: LinuxIntelRdt,
  body: () => void,
): void {
  const [group] = record?.groups ?? [];
  if (group === undefined) {
    const message = 'cannot change the schemata of resctrl: the container is in no group of it';
    throw new Failure({
      code: 'resctrl.missing',
      message,
      hint: 'a container with linux.intelRdt in config.json has one',
    });
  }
  const before = native.readText(`${group}/schemata`, maximumFile);
  try {
    runGroupOps(native, schemaOps(group, intelRdt), group);
    body();
  } catch (error) {
    if (typeof before === 'string') runGroupOps(native, schemaOps(group, { schemata: before.split('\n') }), group);
    throw error instanceof Failure ? withoutPointers(error) : error;
  }
}

/** The kernel's explanation why the last command failed. */
function kernelWords(native: Native, group: string): string | undefined {
  const root = group.slice(0, group.lastIndexOf('/'));
  const text = native.readText(`${root}/${lastStatus}`, maximumFile);
  if (typeof text === 'number' || text.trim() === '' || text.trim() === 'ok') return undefined;
  return `the kernel says: ${text.trim()}`;
}

/** Removes the groups that were made, the inner one first; their tasks return to the default group. */
export function removeResctrl(native: Native, record: ResctrlRecord | undefined): void {
  for (const path of [...(record?.made ?? [])].reverse()) {
    const result = native.rmdir(path);
    if (result === 0 || result === -ENOENT) continue;
    throw systemFailure('resctrl.remove', `cannot remove resctrl group "${path}"`, 'rmdir', result);
  }
}
