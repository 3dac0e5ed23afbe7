import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EBUSY, ENOTEMPTY } from '../kernel/errno.ts';
import type { PlannedOp, SchedulerOp } from '../plan/types.ts';
import { encodeProgram } from './encode.ts';
import { notEmpty } from '../words/cgroups.ts';
import { describeOp } from '../words/describe.ts';

export interface FailedOp {
  readonly op: PlannedOp;
  readonly index: number;
  readonly errno: number;
  /** The part that failed, in an op with several. */
  readonly item: number;
  /** The system call. */
  readonly call: string;
}

/** Runs host ops; undefined if all succeeded, else the first failure. */
export function runHostOps(native: Native, ops: readonly PlannedOp[]): FailedOp | undefined {
  if (ops.length === 0) return undefined;
  const result = native.runProgram(encodeProgram(ops));
  if (typeof result === 'number') throw systemFailure('launch.program', 'cannot run the plan', 'runProgram', result);
  if (result.length === 0) return undefined;
  const [index, errno, item, call] = result;
  const op = ops[index];
  return op === undefined ? undefined : { op, index, errno, item, call };
}

/** Sets the scheduler of a child that waits for it. */
export function setScheduler(native: Native, op: SchedulerOp | undefined, pid: number): void {
  const failed = op === undefined ? undefined : runHostOps(native, [{ ...op, pid }]);
  if (failed !== undefined) throw hostFailure(native, failed);
}

/** Explains the failure of a host op, with the cause if the kernel reveals it. */
export function hostFailure(native: Native, { op, errno, item, call }: FailedOp): Failure {
  const plain = describeOp(op, errno, call, '', item);
  if (op.op === 'cgroup_create' && errno === ENOTEMPTY) {
    const process = processIn(native, op);
    return new Failure(process === undefined ? plain : { ...plain, message: notEmpty(op, process) });
  }
  const busy = errno === EBUSY ? memoryInUse(native, op, item) : undefined;
  const online = onlineOf(native, op, item);
  if (online !== undefined) return new Failure({ ...plain, hint: online });
  return new Failure(busy === undefined ? plain : { ...plain, message: busy, hint: 'raise it; it is in bytes' });
}

/** What a cpuset of this host can have; undefined for another file. */
function onlineOf(native: Native, op: PlannedOp, item: number): string | undefined {
  const path =
    op.op === 'write_file' ? op.path : op.op === 'write_files' || op.op === 'write_first' ? op.paths[item] : undefined;
  const [, kind] = /\/cpuset\.(cpus|mems)$/.exec(path ?? '') ?? [];
  if (kind === undefined) return undefined;
  const [directory, name] = kind === 'cpus' ? ['cpu', 'CPUs'] : ['node', 'memory nodes'];
  const online = native.readText(`/sys/devices/system/${directory}/online`, 4096);
  if (typeof online === 'number') return undefined;
  return `write a list such as 0-3,7: this host has the ${name} ${online.trim()}, the parent cgroup possibly less`;
}

/** One of the processes of a cgroup, and how many others; undefined if they are gone. */
function processIn(native: Native, op: PlannedOp & { op: 'cgroup_create' }): string | undefined {
  const text = native.readText(`${op.hierarchy}${op.path}/cgroup.procs`, 1 << 20);
  const pids = typeof text === 'number' ? [] : text.split('\n').filter(Boolean);
  if (pids.length === 0) return undefined;
  const [first = ''] = pids;
  const name = native.readText(`/proc/${first}/comm`, 4096);
  const which = typeof name === 'number' ? first : `${first} (${name.trim()})`;
  return `process ${which}${pids.length === 1 ? '' : ` and ${pids.length - 1} more`}`;
}

/** v1 rejects a memory limit below the current usage. */
function memoryInUse(native: Native, op: PlannedOp, item: number): string | undefined {
  const write =
    op.op === 'write_file'
      ? { path: op.path, data: op.data }
      : op.op === 'write_files'
        ? { path: op.paths[item] ?? '', data: op.data[item] ?? '' }
        : undefined;
  const file = '/memory.limit_in_bytes';
  if (write?.path.endsWith(file) !== true) return undefined;
  const directory = write.path.slice(0, -file.length);
  const read = (name: string): string => {
    const text = native.readText(`${directory}/${name}`, 4096);
    return typeof text === 'number' ? 'unknown' : text.trim();
  };
  const [current, peak] = [read('memory.usage_in_bytes'), read('memory.max_usage_in_bytes')];
  return `unable to set memory limit to ${write.data} (current usage: ${current}, peak usage: ${peak})`;
}
