import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import type { Plan } from '../plan/types.ts';
import type { ResctrlRecord } from '../plan/resctrl.ts';
import { encodeProgram } from './encode.ts';
import { describeOp } from './explain-failure.ts';

const ENOENT = 2;
const lastStatus = 'info/last_cmd_status';
const maximumFile = 4096;

/** What will be made for the plan: groups that are there already belong to somebody else. */
export function resctrlRecord(native: Native, { resctrl }: Plan): ResctrlRecord {
  const made = resctrl.groups.filter((path) => typeof native.stat(path, 0) === 'number');
  return { groups: resctrl.groups, made };
}

/** Makes and fills the groups. */
export function prepareResctrl(native: Native, { resctrl }: Plan): void {
  if (resctrl.host.length === 0) return;
  const result = native.runProgram(encodeProgram(resctrl.host));
  if (typeof result === 'number') throw systemFailure('launch.program', 'cannot run the plan', 'runProgram', result);
  const [index, errno] = result;
  const op = index === undefined ? undefined : resctrl.host[index];
  if (op === undefined || errno === undefined) return;
  const fault = describeOp(op, errno, op.op === 'write_file' ? 'write' : 'mkdir', '');
  const hint = kernelWords(native, resctrl.groups[0] ?? '');
  throw new Failure(hint === undefined ? fault : { ...fault, hint });
}

/** The kernel says in a file what was wrong with the last command. */
function kernelWords(native: Native, group: string): string | undefined {
  const root = group.slice(0, group.lastIndexOf('/'));
  const text = native.readText(`${root}/${lastStatus}`, maximumFile);
  if (typeof text === 'number' || text.trim() === '' || text.trim() === 'ok') return undefined;
  return `the kernel says: ${text.trim()}`;
}

/** Removes the groups that were made, the inner one first; their tasks go back to the default group. */
export function removeResctrl(native: Native, record: ResctrlRecord | undefined): void {
  for (const path of [...(record?.made ?? [])].reverse()) {
    const result = native.rmdir(path);
    if (result === 0 || result === -ENOENT) continue;
    throw systemFailure('resctrl.remove', `cannot remove resctrl group "${path}"`, 'rmdir', result);
  }
}
