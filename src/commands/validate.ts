import { checkConfigText, readConfigText } from '../bundle/load.ts';
import { shadowedMembers } from '../bundle/shadowed.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import { printable } from '../diag/printable.ts';
import { expectResult } from '../diag/system.ts';
import type { Context, Outcome } from './command.ts';

/**
 * Reports every fault of a bundle's config on standard output and ends with 1 when there is one. What is
 * valid but not supported, or without effect, is reported too and does not count.
 */
export function validate({ native, options }: Context): Outcome {
  const directory = options.bundle ?? '.';
  const bundle = expectResult(
    native.realPath(directory),
    'bundle.open',
    `cannot open bundle "${directory}"`,
    'realpath',
  );
  const name = options.config ?? 'config.json';
  try {
    const text = readConfigText(native, options.config ?? `${bundle}/config.json`, name);
    const { faults, unsupported } = checkConfigText(text, name);
    const located = (list: readonly Diagnostic[]): readonly Diagnostic[] =>
      withLocations(new Failure(list), text, name).diagnostics;
    const notes = located(unsupported).map((note) => line(note, 'valid, but create refuses it: '));
    notes.push(...shadowedMembers(text, name).map((note) => line(note, 'valid, but without effect: ')));
    if (faults.length > 0)
      return {
        exitCode: 1,
        output: located(faults)
          .map((fault) => line(fault, ''))
          .concat(notes)
          .join(''),
      };
    return { exitCode: 0, output: `${notes.join('')}${name} is valid\n` };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { exitCode: 1, output: error.diagnostics.map((fault) => line(fault, '')).join('') };
  }
}

/** `config.json:41:7 /mounts/3/source: message`, and the hint on a line of its own. */
function line({ location, pointer = '', message, hint }: Diagnostic, mark: string): string {
  const place = location === undefined ? '' : `${location.file}:${location.line}:${location.column}`;
  const prefix = [place, pointer].filter((part) => part !== '').join(' ');
  return `${prefix === '' ? '' : `${printable(prefix)}: `}${mark}${message}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`;
}
