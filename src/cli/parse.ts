import minimist from 'minimist';
import { Failure } from '../diag/diagnostic.ts';
import type { Code } from '../diag/diagnostic.ts';
import { commands } from '../options/options.ts';
import { optionHint } from './habits.ts';
import type { CommandName, CommandSpec, Operands, OptionSpec, Options } from '../options/options.ts';

/** An invalid command line; the help of `command` (undefined: of rt itself) is printed to stdout. */
export class UsageFailure extends Failure {
  readonly command: CommandName | undefined;

  constructor(code: Code, message: string, command?: CommandName, hint?: string) {
    super(hint === undefined ? { code, message } : { code, message, hint });
    this.name = 'UsageFailure';
    this.command = command;
  }
}

export interface Parsed {
  readonly options: Options;
  readonly operands: readonly string[];
}

/**
 * Parses the words up to the first operand, which is the name of the command. `rest` starts with that name and is empty
 * if there is none.
 */
export function parseGlobals(
  words: readonly string[],
  specs: readonly OptionSpec[],
): Parsed & { rest: readonly string[] } {
  const { normalised, given, rest } = normalise(words, specs, true, undefined);
  return { ...collect(normalised, given, undefined), rest };
}

/** Parses the words after the name of a command. Options may follow operands, except for a few commands. */
export function parseCommand(words: readonly string[], name: CommandName, spec: CommandSpec): Parsed {
  const first = spec.optionsFirst === true;
  const { normalised, given, rest } = normalise(words, spec.options, first, name);
  const { options, operands } = collect(normalised, given, name);
  return { options, operands: first ? rest : operands };
}

/** The same operands; throws unless their number fits the command. */
export function checkOperands<Name extends CommandName>(operands: readonly string[], name: Name): Operands<Name> {
  const { minimum, maximum } = commands[name];
  // The type is made from the same minimum.
  if (operands.length >= minimum && operands.length <= maximum) return operands as Operands<Name>;
  const rule =
    minimum === maximum
      ? `exactly ${minimum}`
      : operands.length < minimum
        ? `a minimum of ${minimum}`
        : `a maximum of ${maximum}`;
  throw new UsageFailure('usage.operands', `"${name}" requires ${rule} argument(s)`, name);
}

/**
 * Rewrites every option to the form `--name=value`. Otherwise minimist would read `-pid-file x` as bundled letters and
 * `--no-pivot` as a negation, and would let booleans take the next word.
 */
function normalise(
  words: readonly string[],
  specs: readonly OptionSpec[],
  stopAtOperand: boolean,
  command: CommandName | undefined,
): { normalised: string[]; given: readonly OptionSpec[]; rest: readonly string[] } {
  const normalised: string[] = [];
  const given: OptionSpec[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (word === '--') {
      if (stopAtOperand) return { normalised, given, rest: words.slice(index + 1) };
      return { normalised: [...normalised, ...words.slice(index)], given, rest: [] };
    }
    if (word === '-' || !word.startsWith('-')) {
      if (stopAtOperand) return { normalised, given, rest: words.slice(index) };
      normalised.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const name = word.slice(word.startsWith('--') ? 2 : 1, equals < 0 ? undefined : equals);
    if (name === '' || name.startsWith('-')) {
      throw new UsageFailure('usage.syntax', `bad flag syntax: ${word}`, command);
    }
    const spec = specs.find((one) => (one.long ?? one.name) === name || one.short === name || one.alias === name);
    if (spec === undefined) {
      const apart = word.startsWith('--') ? undefined : separate(word.slice(1), specs);
      if (apart !== undefined) {
        words = [...words.slice(0, index), ...apart, ...words.slice(index + 1)];
        index -= 1;
        continue;
      }
      const hint = optionHint(name, specs, command === undefined);
      throw new UsageFailure('usage.unknown-option', `flag provided but not defined: -${name}`, command, hint);
    }
    let value = equals < 0 ? undefined : word.slice(equals + 1);
    if (spec.kind === 'flag') {
      value = String(value === undefined || parseBoolean(value, name, command));
    } else if (value === undefined && spec.kind === 'text' && spec.bare !== undefined) {
      value = spec.bare;
    } else if (value === undefined) {
      index += 1;
      value = words[index];
      if (value === undefined) {
        throw new UsageFailure('usage.missing-value', `flag needs an argument: -${name}`, command);
      }
    }
    normalised.push(`--${spec.name}=${value}`);
    if (!given.includes(spec)) given.push(spec);
  }
  return { normalised, given, rest: [] };
}

/**
 * Letters after one dash, as crun takes them: flags, then possibly an option with its value. Undefined for anything else,
 * also for a value that begins like a word: that is a misspelt name, such as -bundel.
 */
function separate(letters: string, specs: readonly OptionSpec[]): string[] | undefined {
  const words: string[] = [];
  for (let at = 0; at < letters.length; at += 1) {
    const spec = specs.find(({ short }) => short === letters[at]);
    const value = spec?.kind === 'flag' ? '' : letters.slice(at + 1);
    if (spec === undefined || /^[a-z-]/.test(value)) return undefined;
    words.push(`--${spec.long ?? spec.name}`, ...(value === '' ? [] : [value]));
    if (spec.kind !== 'flag') break;
  }
  return words;
}

/** `specs` are only those of the given options: the run time of minimist grows with the number of known options. */
function collect(normalised: string[], specs: readonly OptionSpec[], command: CommandName | undefined): Parsed {
  const raw = minimist(normalised, {
    // '_' keeps operands as strings: an id may look like a number.
    string: ['_', ...specs.filter((spec) => spec.kind !== 'flag').map((spec) => spec.name)],
    boolean: specs.filter((spec) => spec.kind === 'flag').map((spec) => spec.name),
  });
  const options: Record<string, string | boolean | number | readonly string[]> = {};
  for (const spec of specs) {
    const given = raw[spec.name] as string | boolean | readonly string[] | undefined;
    if (spec.kind === 'list') {
      if (given !== undefined) options[spec.name] = typeof given === 'object' ? given : [String(given)];
      continue;
    }
    const value = typeof given === 'object' ? given[given.length - 1] : given;
    if (value === undefined || value === '') continue;
    options[spec.name] =
      spec.kind === 'integer'
        ? parseInteger(String(value), spec.name, command)
        : spec.kind === 'text' && spec.choices !== undefined
          ? parseChoice(String(value), spec.name, spec.choices, command)
          : value;
  }
  return { options, operands: raw._ };
}

/** A choice that includes true and false accepts every spelling of the two. */
function parseChoice(text: string, name: string, choices: readonly string[], command: CommandName | undefined): string {
  const choice = choices.includes('true') ? String(truthValue(text) ?? text) : text;
  if (choices.includes(choice)) return choice;
  throw new UsageFailure('usage.choice', `invalid ${name}: ${text}`, command, `use one of: ${choices.join(', ')}`);
}

function parseBoolean(text: string, name: string, command: CommandName | undefined): boolean {
  const value = truthValue(text);
  if (value !== undefined) return value;
  throw new UsageFailure('usage.boolean', `invalid boolean value "${text}" for -${name}`, command);
}

/** As Go's ParseBool reads it; undefined for anything else. */
function truthValue(text: string): boolean | undefined {
  switch (text) {
    case '1':
    case 't':
    case 'T':
    case 'true':
    case 'TRUE':
    case 'True':
      return true;
    case '0':
    case 'f':
    case 'F':
    case 'false':
    case 'FALSE':
    case 'False':
      return false;
    default:
      return undefined;
  }
}

/** Base by prefix: 10, 0x10, 0o10, 010 (octal), 0b10; with sign. */
function parseInteger(text: string, name: string, command: CommandName | undefined): number {
  const match = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/.exec(text);
  if (match !== null) {
    const [, sign, hexadecimal, binary, octal, decimal] = match;
    const value =
      hexadecimal !== undefined
        ? parseInt(hexadecimal, 16)
        : binary !== undefined
          ? parseInt(binary, 2)
          : octal !== undefined
            ? parseInt(octal, 8)
            : parseInt(decimal ?? '', 10);
    if (Number.isSafeInteger(value)) return sign === '-' ? -value : value;
  }
  throw new UsageFailure('usage.integer', `invalid value "${text}" for flag -${name}`, command, 'give an integer');
}
