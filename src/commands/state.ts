import { memoryKills } from '../cgroup/control.ts';
import { stateReport } from '../container/report.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { findContainer } from '../container/find.ts';

/** Prints the state of a container (runtime-spec, "Query State"). */
export function state(context: ContainerContext): Outcome {
  const { record, status } = findContainer(context);
  const report = stateReport(record, status, '', memoryKills(context.native, record.cgroup));
  return { output: JSON.stringify(report, null, 2) };
}
