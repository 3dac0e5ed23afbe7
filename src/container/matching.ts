import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import type { Outcome } from '../options/command.ts';
import { absentCode } from '../state/directory.ts';
import { listIds } from '../state/store.ts';

/**
 * Applies a command to every container whose id contains a match of the expression, also after one of them has failed;
 * then the failures are thrown, each with its id. One that another command removes meanwhile is none.
 */
export function forEachMatch(
  native: Native,
  root: string,
  expression: string,
  command: (id: string) => Outcome,
): Outcome {
  const pattern = compile(expression);
  const warnings: Diagnostic[] = [];
  const failures: Diagnostic[] = [];
  for (const id of listIds(native, root) ?? []) {
    if (!pattern.test(id)) continue;
    try {
      warnings.push(...(command(id).warnings ?? []));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const own = error.diagnostics.filter(({ code }) => code !== absentCode);
      failures.push(...own.map((one) => ({ ...one, message: `container ${id}: ${one.message}` })));
    }
  }
  if (failures.length > 0) throw new Failure(failures);
  return { warnings };
}

/** ECMAScript's expressions are those of POSIX, except for the classes, which would match something else. */
function compile(expression: string): RegExp {
  let cause = 'it has a class such as [:alpha:]';
  try {
    if (!/\[:\w+:\]/.test(expression)) return new RegExp(expression);
  } catch (error) {
    cause = error instanceof Error ? error.message : String(error);
  }
  throw new Failure({ code: 'usage.regex', message: `invalid regular expression "${expression}": ${cause}` });
}
