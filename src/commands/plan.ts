import { explain } from '../plan/explain.ts';
import { checkId } from '../state/id.ts';
import type { Context, Outcome } from '../options/command.ts';
import { compile } from '../container/compile.ts';
import { smallMountsFor } from '../container/small-mounts.ts';

/** Prints the plan for a bundle, with the origin of each operation. Changes nothing. */
export function printPlan(context: Context): Outcome {
  const id = context.options.id ?? 'plan';
  checkId(id);
  const smallMounts = smallMountsFor(context.native);
  const { plan, warnings } = compile(context, id, 'socket', { smallMounts });
  return { output: explain(plan, context.options.format === 'json' ? 'json' : 'text'), warnings };
}
