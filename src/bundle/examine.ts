import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { checkConfigText } from './load.ts';
import { shadowedMembers } from './shadowed.ts';
import { unknownMembers } from './unknown.ts';

/** All there is to say about a config, each with its line and column. */
export interface Findings {
  /** What makes it invalid. */
  readonly faults: readonly Diagnostic[];
  /** What is valid, and refused by `create`; empty when there are faults. */
  readonly unsupported: readonly Diagnostic[];
  /** Members that are valid and ignored: unknown, or given again. */
  readonly ineffective: readonly Diagnostic[];
}

/** Throws a Failure when the text is not JSON. */
export function examine(text: string, name: string): Findings {
  const { value, faults, unsupported } = checkConfigText(text, name);
  const located = (list: readonly Diagnostic[]): readonly Diagnostic[] =>
    withLocations(new Failure(list), text, name).diagnostics;
  return {
    faults: located(faults),
    unsupported: located(unsupported),
    ineffective: [...shadowedMembers(text, name), ...located(unknownMembers(value))],
  };
}
