import { checkConfigText } from '../../src/bundle/load.ts';
import { Failure } from '../../src/diag/diagnostic.ts';
import { facts, hybrid, options, unified } from '../../test/config.ts';
import { plan } from '../../src/plan/index.ts';
import { violations } from '../../src/plan/invariants.ts';
import type { Config } from '../../schema/generated/config.ts';
import { PATIENCE } from './wait.ts';

/** Checks that the plan of every case's config satisfies src/plan/invariants.ts. */
export function checkPlanOrder(text: string): void {
  // Independent of the machine, so slow machines skip it.
  if (PATIENCE > 1) return;
  const config = validConfig(text);
  if (config === undefined) return;
  for (const cgroups of [hybrid, unified]) {
    for (const awaitStart of ['socket', 'control'] as const) {
      const broken = brokenBy(() => plan(config, facts(cgroups), { ...options, awaitStart }));
      if (broken.length > 0) throw new Error(`the plan for ${text} breaks an invariant: ${broken.join('; ')}`);
    }
  }
}

function validConfig(text: string): Config | undefined {
  try {
    const { value, faults, unsupported } = checkConfigText(text, 'config.json');
    return faults.length + unsupported.length > 0 ? undefined : (value as Config);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** Skips configs that this example host cannot run. */
function brokenBy(compile: () => ReturnType<typeof plan>): string[] {
  try {
    const { stage, init } = compile();
    return violations([...stage, ...init]);
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}
