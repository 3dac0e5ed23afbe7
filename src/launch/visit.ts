import { Failure } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import type { PlannedOp } from '../plan/types.ts';
import { encodeProgram } from './encode.ts';
import { isUnborn, startHelper } from './helper.ts';
import { failureOf, receive } from './control.ts';

/** The failure of a visit: `index` is that of the op, or the number of ops if it is unknown. */
export interface FailedVisit {
  readonly failure: Failure;
  readonly index: number;
}

/**
 * Runs ops in a process that joins the container of `target`, a pidfd, and ends after the last op, await_start. The
 * process stays in the runtime's cgroup and pid namespace.
 */
export function visit(native: Native, ops: readonly PlannedOp[], target: number): FailedVisit | undefined {
  const result = startHelper(native, { program: encodeProgram(ops), target });
  if (isUnborn(result)) throw systemFailure('visit.clone', 'cannot start a process', result.call, result.status);
  const { pid, control } = result;
  try {
    const record = receive(native, control);
    if (record.kind === 'ready') return undefined;
    if (record.kind === 'failed') return { failure: failureOf(record, ops), index: record.op };
    const message = 'the process that should enter the container ended';
    return { failure: new Failure({ code: 'visit.died', message }), index: ops.length };
  } finally {
    native.close(control);
    native.waitChild(pid);
  }
}
