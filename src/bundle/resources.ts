import type { LinuxResources } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { mayHoldLongIntegers, parseExactJson, parseJson } from './json.ts';
import { specVersion } from './spec-version.ts';
import { likelyMistakes, withMistakes } from './unknown.ts';
import { checkSchema, diagnose } from './validate.ts';

const place = '/linux/resources';

/**
 * Parses and checks a document that is one `linux.resources` object, the input of `update`. Throws a Failure with every
 * fault, each with its place in the text; `name` is the name of the text in messages. `warnings`: members that are
 * probably misspelt.
 */
export function parseResources(
  text: string,
  name: string,
): { readonly resources: LinuxResources; readonly warnings: readonly Diagnostic[] } {
  const around = (resources: unknown): unknown => ({ ociVersion: specVersion, linux: { resources } });
  let value = parseJson(text, name);
  let { faults } = checkSchema(around(value), place);
  if (faults.length > 0 && mayHoldLongIntegers(text)) {
    value = parseExactJson(text, name);
    ({ faults } = checkSchema(around(value), place));
  }
  const located = (found: readonly Diagnostic[]): Failure =>
    withLocations(new Failure(found.map(inDocument)), text, name);
  const found = withMistakes(diagnose(around(value), faults, text), value, place);
  if (found.length > 0) throw located(found);
  return { resources: value as LinuxResources, warnings: located(likelyMistakes(value, place)).diagnostics };
}

/** The same fault with its pointer into the document instead of into a config. */
function inDocument(fault: Diagnostic): Diagnostic {
  if (fault.pointer?.startsWith(place) !== true) return fault;
  return { ...fault, pointer: fault.pointer.slice(place.length) };
}
