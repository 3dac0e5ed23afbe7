import type { Config } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Facts } from '../../facts/facts.ts';
import type { PlannedOp } from '../types.ts';
import { compileSeccomp } from './compile.ts';

/** The filter of the config, if it asks for one. */
export function seccompOps(config: Config, facts: Facts, faults: Diagnostic[]): PlannedOp[] {
  const section = config.linux?.seccomp;
  if (section === undefined) return [];
  const compiled = compileSeccomp(section, { nativeArch: facts.architecture, diagnostics: faults });
  if (compiled === undefined) return [];
  return [{ op: 'seccomp', flags: compiled.flags, filter: compiled.filter, from: '/linux/seccomp' }];
}
