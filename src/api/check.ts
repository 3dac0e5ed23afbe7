/** Checks of arguments, before anything happens: callers may be JavaScript. Each throws a TypeError that names the argument. */
import { nearest } from '../diag/near.ts';

/** What an option may be; the words of the message. */
const kinds = {
  string: ['a string without NUL', isText],
  boolean: ['a boolean', (value: unknown) => typeof value === 'boolean'],
  count: ['an integer of 0 or more', isCount],
  size: ['an integer above 0', (value: unknown) => isCount(value) && value !== 0],
  milliseconds: [
    'a number of milliseconds above 0',
    (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0,
  ],
  number: ['a number above 0', (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0],
  strings: ['an array of strings without NUL', (value: unknown) => Array.isArray(value) && value.every(isText)],
  object: ['an object', isObject],
  function: ['a function', (value: unknown) => typeof value === 'function'],
  signal: ['an AbortSignal', (value: unknown) => value instanceof AbortSignal],
  killed: [
    'the name or the number of a signal',
    (value: unknown) => (typeof value === 'string' && /^[A-Za-z0-9+-]+$/.test(value)) || isCount(value),
  ],
  array: ['an array', (value: unknown) => Array.isArray(value)],
  any: ['given', () => true],
} as const satisfies Readonly<Record<string, readonly [words: string, holds: (value: unknown) => boolean]>>;

export type Kind = keyof typeof kinds;

function isText(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  // Of a Map its members are not the entries, which would be ignored.
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value);
}

/** `name must be a string without NUL, not 5`; of an array, the element that is wrong. */
export function check(name: string, value: unknown, kind: Kind): void {
  const [words, holds] = kinds[kind];
  if (kind === 'strings' && Array.isArray(value)) {
    for (const [index, element] of value.entries()) check(`${name}[${index}]`, element, 'string');
  }
  if (!holds(value)) throw new TypeError(`${name} must be ${words}, not ${shown(value)}`);
}

/** Variables: the kernel takes what precedes the first `=` for the name. */
export function checkEnvironment(name: string, variables: Readonly<Record<string, unknown>>): void {
  for (const [variable, value] of Object.entries(variables)) {
    if (variable === '' || variable.includes('=') || variable.includes('\0')) {
      throw new TypeError(`${name}: ${JSON.stringify(variable)} must be a name without = and NUL`);
    }
    check(`${name}.${variable}`, value, 'string');
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return Symbol.iterator in value ? 'an iterable' : 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/**
 * Options are an object with members of `table`, each undefined or of its kind; an unknown one is refused. `misplaced`: what to
 * say of those that belong elsewhere.
 */
export function checkOptions(
  name: string,
  options: unknown,
  table: Readonly<Record<string, Kind>>,
  misplaced: Readonly<Record<string, string>> = {},
): void {
  check(name, options, 'object');
  if (!isObject(options)) return;
  for (const [key, value] of Object.entries(options)) {
    const kind = Object.hasOwn(table, key) ? table[key] : undefined;
    if (kind === undefined) {
      const meant = nearest(key, Object.keys(table));
      const near = meant === undefined ? undefined : `${name}.${meant} may be meant`;
      const cure = Object.hasOwn(misplaced, key) ? misplaced[key] : near;
      throw new TypeError(`${name}.${key} is unknown${cure === undefined ? '' : `; ${cure}`}`);
    }
    if (value !== undefined) check(`${name}.${key}`, value, kind);
  }
}
