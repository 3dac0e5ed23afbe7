import { readConfigText } from '../bundle/load.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import { expectResult } from '../diag/system.ts';
import { examine } from '../explain/examine.ts';
import type { Context, Outcome } from '../options/command.ts';

/** How serious a finding is, and what precedes its message. Only errors make the config invalid. */
const marks = {
  error: '',
  unsupported: 'valid, but create refuses it: ',
  warning: 'warning: ',
  note: 'note: ',
} as const;

interface Finding {
  readonly level: keyof typeof marks;
  readonly diagnostic: Diagnostic;
}

/**
 * Reports everything that can be said about a bundle's config on standard output, and exits with 1 if it is not valid.
 * Valid settings that are unsupported, have no effect or are rarely meant are reported too, but do not count.
 */
export function validate(context: Context): Outcome {
  const { native, options } = context;
  const directory = options.bundle ?? '.';
  const bundle = expectResult(
    native.realPath(directory),
    'bundle.open',
    `cannot open bundle "${directory}"`,
    'realpath',
  );
  const name = options.config ?? 'config.json';
  const found = findings(context, bundle, name);
  const isValid = !found.some(({ level }) => level === 'error');
  const output =
    options.format === 'json'
      ? `${JSON.stringify(found.map(record), null, 2)}\n`
      : `${found.map(line).join('')}${isValid ? `${name} is valid\n` : ''}`;
  return { exitCode: isValid ? 0 : 1, output };
}

function findings({ native, options }: Context, bundle: string, name: string): Finding[] {
  const at = (level: Finding['level'], list: readonly Diagnostic[]): Finding[] =>
    list.map((diagnostic) => ({ level, diagnostic }));
  try {
    const text = readConfigText(native, options.config ?? `${bundle}/config.json`, name);
    const { faults, unsupported, ineffective, notes } = examine(text, name);
    return [
      ...at('error', faults),
      ...at('unsupported', unsupported),
      ...at('warning', ineffective),
      ...at('note', notes),
    ];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return at('error', error.diagnostics);
  }
}

/** `config.json:41:7 /mounts/3/source: message`, and the hint on a separate line. */
function line({ level, diagnostic }: Finding): string {
  const { location, pointer = '', message, hint } = diagnostic;
  const place = location === undefined ? '' : `${location.file}:${location.line}:${location.column}`;
  const prefix = [place, pointer].filter((part) => part !== '').join(' ');
  const words = `${prefix === '' ? '' : `${prefix}: `}${marks[level]}${message}`;
  return `${printable(words)}\n${hint === undefined ? '' : `  hint: ${printable(hint)}\n`}`;
}

/** As documented in the help of the command; what is not known is absent. */
function record({ level, diagnostic }: Finding): object {
  const { code, message, pointer, location, hint } = diagnostic;
  return { level, code, message, pointer, ...location, hint };
}
