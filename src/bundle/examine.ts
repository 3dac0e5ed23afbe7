import type { Config } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { checkConfigText } from './load.ts';
import { ineffectiveSettings } from './rules.ts';
import { shadowedMembers } from './shadowed.ts';
import { unknownMembers } from './unknown.ts';

/** All findings about a config, each with its line and column. */
export interface Findings {
  /** Reasons why it is invalid. */
  readonly faults: readonly Diagnostic[];
  /** Valid settings that `create` refuses; empty if there are faults. */
  readonly unsupported: readonly Diagnostic[];
  /** Settings without effect, and members that are unknown or duplicate. */
  readonly ineffective: readonly Diagnostic[];
}

/** Throws a Failure if the text is not JSON. */
export function examine(text: string, name: string): Findings {
  const { value, faults, unsupported } = checkConfigText(text, name);
  const located = (list: readonly Diagnostic[]): readonly Diagnostic[] =>
    withLocations(new Failure(list), text, name).diagnostics;
  return {
    faults: located(faults),
    unsupported: located(unsupported),
    ineffective: [
      ...shadowedMembers(text, name),
      ...located([...unknownMembers(value), ...(faults.length > 0 ? [] : ineffectiveSettings(value as Config))]),
    ],
  };
}
