import { checkConfigText, readConfigText } from '../bundle/load.ts';
import type { RunnableConfig } from '../bundle/load.ts';
import { soundPart } from '../bundle/sound.ts';
import { bundleDirectory, compileConfig } from '../container/compile.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { attempt, withLocations } from '../diag/failure.ts';
import { dotted } from '../diag/pointer.ts';
import { printable } from '../diag/printable.ts';
import { examine } from '../explain/examine.ts';
import type { Context, Outcome } from '../options/command.ts';
import { checkHost } from '../probe/host.ts';

/** How serious a finding is, and what precedes its message. Only errors make the config invalid. */
const marks = {
  error: '',
  host: 'on this host: ',
  unsupported: 'valid, but create refuses it: ',
  warning: 'warning: ',
  note: 'note: ',
} as const;

interface Finding {
  readonly level: keyof typeof marks;
  readonly diagnostic: Diagnostic;
}

/** Of a valid config from which this host cannot make a container. */
const otherHostExitCode = 2;

/**
 * Reports everything that can be said about a bundle's config on standard output, and exits with 1 if it is not valid.
 * Valid settings that are unsupported, have no effect or are rarely meant are reported too, but do not count. With --host
 * also reports what on this host is against it; nothing is changed.
 */
export function validate(context: Context): Outcome {
  const { options } = context;
  const bundle = bundleDirectory(context);
  const name = options.config ?? 'config.json';
  const { found: ofConfig, read } = findings(context, bundle, name);
  const isValid = !ofConfig.some(({ level }) => level === 'error');
  const ofHost = options.host === true ? hostFindings(context, bundle, read, ofConfig) : [];
  const found = [...ofConfig.filter((finding) => !isSettled(finding, ofHost)), ...ofHost];
  const fits = !ofHost.some(({ level }) => level === 'host');
  const isRefused = ofConfig.some(({ level }) => level === 'unsupported');
  const onHost = options.host !== true ? '' : fits ? ' and suits this host' : ', but this host is against it';
  const verdict = `${name} is valid${isRefused ? ', but create refuses it' : onHost}\n`;
  const output =
    options.format === 'json'
      ? `${JSON.stringify(found.map(record), null, 2)}\n`
      : `${found.map(line).join('')}${isValid ? verdict : ''}`;
  return { exitCode: !isValid ? 1 : fits && (options.host !== true || !isRefused) ? 0 : otherHostExitCode, output };
}

const at = (level: Finding['level'], list: readonly Diagnostic[]): Finding[] =>
  list.map((diagnostic) => ({ level, diagnostic }));

/** What may be a mistake on some hosts, and is a fault on this one. */
function isSettled({ level, diagnostic }: Finding, ofHost: readonly Finding[]): boolean {
  const { code, pointer } = diagnostic;
  const isMistake = level === 'note' && !code.startsWith('weak.');
  return isMistake && ofHost.some(({ diagnostic: other }) => other.pointer === pointer);
}

/** A config of which the text is JSON, whatever its faults are. */
interface ReadConfig {
  readonly value: unknown;
  readonly text: string;
  readonly name: string;
}

/** Without those that hold on every host, which are `known`. */
function hostFindings(
  context: Context,
  bundle: string,
  read: ReadConfig | undefined,
  known: readonly Finding[],
): Finding[] {
  const faults = known.filter(({ level }) => level === 'error').map(({ diagnostic }) => diagnostic);
  const sound = read === undefined ? undefined : soundPart(read.value, faults);
  if (read === undefined || sound === undefined) return at('note', [unseen('this host was not looked at')]);
  const { value, text, name } = read;
  const { against, notes } = checkHost(context.native, sound, bundle);
  const located = (list: readonly Diagnostic[]): readonly Diagnostic[] =>
    withLocations(new Failure(list), text, name).diagnostics;
  const ofSound = [...at('note', located(notes)), ...at('host', located(against))];
  if (faults.length > 0) {
    const left = sound.left.map(dotted).join(', ');
    return [
      ...ofSound,
      ...at('note', [unseen(`only the sound parts of the config were compared with this host, not ${left}`)]),
    ];
  }
  let warnings: readonly Diagnostic[] = [];
  const unplanned = attempt(() => {
    const loaded = { config: value as RunnableConfig, text, name };
    ({ warnings } = compileConfig(context, bundle, loaded, 'validate', 'socket'));
  });
  const isNew = ({ message }: Diagnostic): boolean => !known.some(({ diagnostic }) => diagnostic.message === message);
  return [...ofSound, ...at('host', unplanned.filter(isNew)), ...at('warning', warnings.filter(isNew))];
}

function unseen(message: string): Diagnostic {
  return { code: 'host.unseen', message, hint: 'correct the config first: more of this host may be against it' };
}

/** `read`: absent if it is not JSON. */
function findings(
  { native, options }: Context,
  bundle: string,
  name: string,
): { readonly found: Finding[]; readonly read?: ReadConfig } {
  try {
    const text = readConfigText(native, options.config ?? `${bundle}/config.json`, name);
    const checked = checkConfigText(text, name);
    const { faults, unsupported, ineffective, notes } = examine(text, name, checked);
    const found = [
      ...at('error', faults),
      ...at('unsupported', unsupported),
      ...at('warning', ineffective),
      ...at('note', notes),
    ];
    return { found, read: { value: checked.value, text, name } };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { found: at('error', error.diagnostics) };
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
