import { stateReport } from '../state/report.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../state/status.ts';
import { requireRecord } from '../state/store.ts';
import type { Context, Outcome } from './command.ts';

/** Prints the state of a container (runtime-spec, "Query State"). */
export function state(context: Context): Outcome {
  const root = stateRoot(context.native, context.globals.root).path;
  const record = requireRecord(context.native, root, context.operands[0] as string);
  const report = stateReport(record, statusOf(context.native, root, record), '');
  return { output: JSON.stringify(report, null, 2) };
}
