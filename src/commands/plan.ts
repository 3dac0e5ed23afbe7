import { explain } from '../plan/explain.ts';
import { checkId } from '../state/id.ts';
import type { Context, Outcome } from '../options/command.ts';
import { compile } from '../container/compile.ts';

/** Prints the plan for a bundle, with the origin of each operation. Changes nothing. */
export function printPlan(context: Context): Outcome {
  const id = context.options.id ?? 'plan';
  checkId(id);
  const { plan, warnings } = compile(context, id, 'socket');
  return { output: explain(plan, context.options.format === 'json' ? 'json' : 'text'), warnings };
}
