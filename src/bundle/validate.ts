import type { Config } from '../../schema/generated/config.ts';
import { validateConfig as validateSchema } from '../../schema/generated/validate-config.js';
import { validatePlatforms } from '../../schema/generated/validate-platforms.js';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { didYouMean } from '../diag/near.ts';
import { dotted, shown, valueAt } from '../diag/pointer.ts';
import { withoutNulls } from './absent.ts';
import type { SchemaFault, SchemaVerdict } from './absent.ts';
import { checkRules } from './rules.ts';
import { holderOf, isWithin, removeAt, structure } from './sound.ts';
import { textFaults } from './text.ts';

/**
 * Every fault of a parsed config.json: first those of the schema, then those of the rules that a schema cannot express.
 * Integers that a number cannot represent exactly must be bigints. Optional members that are null are removed.
 *
 * `text` is the source of `value`; it can save a walk over all strings.
 */
export function validateConfig(value: unknown, text?: string): Diagnostic[] {
  return diagnose(value, checkSchema(value).faults, text);
}

/**
 * Every fault that the schema finds after optional members that are null have been removed from `value`. `document`:
 * the place in `value` of the parsed document, which is not itself a member.
 */
export function checkSchema(value: unknown, document = ''): SchemaVerdict {
  return withoutNulls(value, document, schemaFaults);
}

function schemaFaults(value: unknown): SchemaFault[] {
  const faults = validateSchema(value) ?? [];
  if (hasForeignPlatform(value)) faults.push(...(validatePlatforms(value) ?? []));
  return faults;
}

/** As validateConfig, given the faults of the schema. */
export function diagnose(value: unknown, faults: readonly SchemaFault[], text?: string): Diagnostic[] {
  if (faults.length === 0) {
    const config = value as Config;
    const found = checkRules(config);
    return text === undefined || mayHoldBadText(text) ? found.concat(textFaults(config)) : found;
  }
  return faults.map((fault) => diagnosticOf(fault, value)).concat(rulesDespite(faults, value));
}

const platforms = ['windows', 'solaris', 'vm', 'zos', 'freebsd'] as const;

function hasForeignPlatform(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return platforms.some((name) => (value as Config)[name] !== undefined);
}

/** NUL and unpaired surrogates can only come from escape sequences. */
function mayHoldBadText(text: string): boolean {
  return text.includes('\\u') && /\\u(?:0000|[dD])/.test(text);
}

function diagnosticOf(fault: SchemaFault, value: unknown): Diagnostic {
  const { pointer, missing } = fault;
  if (missing !== undefined) {
    const place = `${pointer}/${missing}`;
    const words = `${dotted(place)} is missing`;
    // The wording by which engines and their users know this fault.
    const known = place === '/process/cwd' ? 'Cwd property must not be empty: ' : '';
    return { code: 'config.missing', pointer: place, message: known + words };
  }
  const found = valueAt(value, pointer);
  const subject = pointer === '' ? 'the configuration' : dotted(pointer);
  const message = `${subject} must be ${fault.expected}, found ${shown(found)}`;
  const hint = hintFor(pointer, fault.expected ?? '', found);
  return { code: 'config.type', pointer, message, ...(hint === undefined ? {} : { hint }) };
}

const unlimited = 'an integer from 0 to 18446744073709551615';

function hintFor(pointer: string, expected: string, found: unknown): string | undefined {
  if (expected.startsWith('one of ') && typeof found === 'string') {
    return didYouMean(found, expected.slice('one of '.length).split(', '));
  }
  if (expected === unlimited && found === -1) return 'no limit is 18446744073709551615';
  if (expected === 'an array') return listHint(pointer, found);
  if (expected === 'true or false' && (found === 'true' || found === 'false')) return `write ${found} without quotes`;
  if (!expected.startsWith('an integer')) return undefined;
  if (typeof found === 'string' && /^-?\d+$/.test(found)) return numberHint(pointer, found);
  if (typeof found === 'string') return bytesHint(found);
  if (typeof found === 'number' && Number.isInteger(found) && !Number.isSafeInteger(found)) {
    return 'write the integer with all its digits: this form is not exact';
  }
  return undefined;
}

/** For a number that is a string. JSON has neither octal numbers nor leading zeros. */
function numberHint(pointer: string, digits: string): string {
  if (/\/(?:umask|fileMode)$/.test(pointer) && /^0[0-7]+$/.test(digits)) {
    return `write ${parseInt(digits, 8)}, which is octal ${digits}`;
  }
  return /^-?0\d/.test(digits) ? `write ${BigInt(digits)}` : 'write the number without quotes';
}

/** For the lists of words that are often written otherwise. */
function listHint(pointer: string, found: unknown): string | undefined {
  if (/^\/process\/(?:args|env)$|\/options$/.test(pointer) && typeof found === 'string') {
    const words = found.trim().split(pointer.endsWith('/options') ? /[\s,]+/ : /\s+/);
    return words.length > 8 ? 'write a list of words' : `write ${JSON.stringify(words)}`;
  }
  return pointer === '/process/env' && typeof found === 'object' ? 'write a list such as ["NAME=value"]' : undefined;
}

/** For a size as engines take it, such as 64M. */
function bytesHint(text: string): string | undefined {
  const [, number, unit = ''] = /^(\d+)([kmgtp])i?b?$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const bytes = BigInt(number) << BigInt(10 * (1 + 'kmgtp'.indexOf(unit.toLowerCase())));
  return `write ${bytes}, which is ${text} in bytes`;
}

/**
 * The rules run on a copy without the parts that violate the schema. Their faults at such a place are not reported, nor
 * is a missing namespace if the list of namespaces itself is faulty.
 */
function rulesDespite(faults: readonly SchemaFault[], value: unknown): Diagnostic[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const copy = structure(value) as Config;
  for (const fault of faults) remove(copy, fault);
  const places = faults.map(({ pointer, missing }) => (missing === undefined ? pointer : `${pointer}/${missing}`));
  const namespacesKnown = !places.some((place) => isWithin(place, '/linux/namespaces') || place === '/linux');
  return checkRules(copy)
    .concat(textFaults(copy))
    .filter(({ code, pointer = '' }) => {
      if (!namespacesKnown && code.startsWith('namespace.')) return false;
      return !places.some((place) => isWithin(place, pointer) || isWithin(pointer, place));
    });
}

/** An object that lacks a member remains, unless it is an element. */
function remove(copy: Config, { pointer, missing }: SchemaFault): void {
  if (missing === undefined || Array.isArray(holderOf(copy, pointer))) removeAt(copy, pointer);
}
