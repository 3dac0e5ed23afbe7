import { examine } from '../bundle/examine.ts';
import { readConfigText } from '../bundle/load.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import { expectResult } from '../diag/system.ts';
import type { Context, Outcome } from '../options/command.ts';

/**
 * Reports every fault of a bundle's config on standard output and exits with 1 if there is one. Valid settings that are
 * unsupported or have no effect are reported too, but do not count.
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
    const { faults, unsupported, ineffective } = examine(text, name);
    const lines = [
      ...faults.map((fault) => line(fault, '')),
      ...unsupported.map((note) => line(note, 'valid, but create refuses it: ')),
      ...ineffective.map((note) => line(note, 'valid, but without effect: ')),
    ];
    return faults.length > 0
      ? { exitCode: 1, output: lines.join('') }
      : { exitCode: 0, output: `${lines.join('')}${name} is valid\n` };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { exitCode: 1, output: error.diagnostics.map((fault) => line(fault, '')).join('') };
  }
}

/** `config.json:41:7 /mounts/3/source: message`, and the hint on a separate line. */
function line({ location, pointer = '', message, hint }: Diagnostic, mark: string): string {
  const place = location === undefined ? '' : `${location.file}:${location.line}:${location.column}`;
  const prefix = [place, pointer].filter((part) => part !== '').join(' ');
  const words = `${prefix === '' ? '' : `${prefix}: `}${mark}${message}`;
  return `${printable(words)}\n${hint === undefined ? '' : `  hint: ${printable(hint)}\n`}`;
}
