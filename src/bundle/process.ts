import type { Config, Process } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withoutPointers } from '../diag/failure.ts';
import { placesIn } from '../diag/locate.ts';
import { mayHoldLongIntegers, parseExactJson, parseJson } from './json.ts';
import { checkRequirements } from './rules.ts';
import { likelyMistakes, withMistakes } from './unknown.ts';
import { unsupportedFaults } from './unsupported.ts';
import { checkSchema, diagnose } from './validate.ts';

export type RunnableProcess = Process & { args: string[] };

const place = '/process';

/**
 * Parses a JSON text that is one `process` object. Throws a Failure with every fault. `warnings`: members that are
 * probably misspelt.
 */
export function readProcess(
  text: string,
  file: string,
): { readonly process: RunnableProcess; readonly warnings: readonly Diagnostic[] } {
  const value = mayHoldLongIntegers(text) ? parseExactJson(text, file) : parseJson(text, file);
  if (typeof value === 'object' && value !== null && 'process' in value) {
    const message = `"${file}" is a whole config, not a process`;
    throw new Failure({ code: 'config.kind', message, hint: 'give a file with the value of its property process' });
  }
  const located = (list: readonly Diagnostic[]): Diagnostic[] => {
    if (list.length === 0) return [];
    const { atPointer } = placesIn(text, file);
    return list.map((found) =>
      found.pointer === undefined ? found : { ...found, location: atPointer(found.pointer.slice(place.length)) },
    );
  };
  const faults = located(withMistakes(processFaults(value), value, place));
  if (faults.length > 0) throw new Failure(faults);
  return { process: value as RunnableProcess, warnings: located(likelyMistakes(value, place)) };
}

/** Throws unless this process can be run. */
export function checkProcess(process: Process): RunnableProcess {
  // There is no text in which a fault could have a place.
  const faults = processFaults(process);
  if (faults.length > 0) throw withoutPointers(new Failure(faults));
  return process as RunnableProcess;
}

/** Its faults and unsupported settings, by the rules for a config. */
function processFaults(process: unknown): Diagnostic[] {
  const config = { ociVersion: '1.0.0', process } as Config;
  const invalid = diagnose(config, checkSchema(config, place).faults);
  invalid.push(...checkRequirements(config).filter(({ pointer = '' }) => pointer.startsWith(place)));
  return invalid.length > 0 ? invalid : unsupportedFaults(config);
}

/**
 * The config of a container as it was saved. It was valid then, and is checked against the schema again: one that was
 * damaged since could leave out namespaces that exec has to join.
 */
export function parseSavedConfig(text: string, file: string): Config {
  const read = (parse: typeof parseJson): unknown => {
    const value = parse(text, file);
    return checkSchema(value).faults.length === 0 ? value : undefined;
  };
  const value = unlessFailed(() => read(parseJson) ?? (mayHoldLongIntegers(text) ? read(parseExactJson) : undefined));
  if (value !== undefined) return value as Config;
  throw new Failure({
    code: 'state.config',
    message: `cannot use "${file}": not a config that rt saved`,
    hint: 'nothing can be run or mounted in the container any more; kill and delete still work',
  });
}

function unlessFailed<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}
