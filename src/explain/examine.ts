import type { Config } from '../../schema/generated/config.ts';
import { checkConfigText } from '../bundle/load.ts';
import { collect, ineffectiveSettings } from '../bundle/rules.ts';
import { shadowedMembers } from '../bundle/shadowed.ts';
import { unknownMembers } from '../bundle/unknown.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { placesIn } from '../diag/locate.ts';
import { kernelMemoryWarnings } from '../plan/cgroup/v1.ts';
import { mountOptionFindings } from '../plan/mount-options.ts';
import { mistakeRules } from './mistakes.ts';
import { unusualWeaknesses } from './weaknesses.ts';

/** All findings about a config, each with its line and column. */
export interface Findings {
  /** Reasons why it is invalid. */
  readonly faults: readonly Diagnostic[];
  /** Valid settings that `create` refuses; empty if there are faults. */
  readonly unsupported: readonly Diagnostic[];
  /** Settings without effect, and members that are unknown or duplicate. */
  readonly ineffective: readonly Diagnostic[];
  /** Settings that are rarely meant as they are; empty if there are faults. */
  readonly notes: readonly Diagnostic[];
}

/** Throws a Failure if the text is not JSON. `checked`: what checkConfigText has returned for it. */
export function examine(text: string, name: string, checked = checkConfigText(text, name)): Findings {
  const { value, faults, unsupported } = checked;
  const config = faults.length === 0 ? (value as Config) : undefined;
  const located = (list: readonly Diagnostic[]): readonly Diagnostic[] =>
    withLocations(new Failure(list), text, name).diagnostics;
  const ofMounts = config === undefined ? { faults: [], warnings: [] } : mountOptionFindings(config);
  const ineffective = config === undefined ? [] : ineffectiveSettings(config);
  return {
    faults: located(faults),
    unsupported: located([...unsupported, ...ofMounts.faults]),
    ineffective: [
      ...replacedBytes(text, name),
      ...shadowedMembers(text, name),
      ...located([
        ...unknownMembers(value),
        ...ineffective,
        ...ofMounts.warnings,
        ...kernelMemoryWarnings(config?.linux?.resources ?? {}),
      ]),
    ],
    notes: config === undefined ? [] : located(collect([...mistakeRules, ...unusualWeaknesses], config)),
  };
}

/** JSON is UTF-8 (RFC 8259): the reader of the file has replaced other bytes. */
function replacedBytes(text: string, name: string): Diagnostic[] {
  const at = text.indexOf('\uFFFD');
  if (at < 0) return [];
  const message = `${name} is not UTF-8: a byte was replaced by "\uFFFD"`;
  return [{ code: 'config.encoding', message, location: placesIn(text, name).atOffset(at), hint: 'save it as UTF-8' }];
}
