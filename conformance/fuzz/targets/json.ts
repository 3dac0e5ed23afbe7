import { isDeepStrictEqual } from 'node:util';
import { parseExactJson, parseJson } from '../../../src/bundle/json.ts';
import { Failure } from '../../../src/diag/diagnostic.ts';
import { exactJson } from '../../../src/diag/exact-json.ts';
import { placesIn } from '../../../src/diag/locate.ts';
import { below, damage, pick } from '../target.ts';
import type { Random, Target } from '../target.ts';

const scalars = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1.5e3',
  '1E400',
  '9007199254740993',
  '-18446744073709551616',
  '00',
  '01',
  '+1',
  '.5',
  '1.',
  '"x"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\x"',
  "'x'",
  '"é\u2028"',
  'NaN',
  '//',
  '""',
  '\ufeff',
  '"\t"',
];
const keys = ['a', 'b', '', '__proto__', 'constructor', 'toString', 'length', '0', 'a/b', 'a~b'];

/** The two JSON parsers and the locator. */
export const json: Target = {
  name: 'json',
  unit: 'texts',
  rounds: 1000,
  make: (next) => {
    const text = value(next, 4);
    return next() < 0.6 ? text : damage(text, next, 0x80);
  },
  check: (input) => {
    const plain = outcome(() => parseJson(input, 'x'));
    const exact = outcome(() => parseExactJson(input, 'x'));
    if ((plain === undefined) !== (exact === undefined)) throw new Error('one parser takes it, one does not');
    if (plain !== undefined && exact !== undefined) {
      if (!isDeepStrictEqual(rounded(exact.value), plain.value)) throw new Error('the parsers read different values');
      const again = outcome(() => parseExactJson(exactJson(exact.value), 'x'));
      if (!isDeepStrictEqual(again?.value, written(exact.value)))
        throw new Error('what is written is not what was read');
    }
    const { atPointer } = placesIn(input, 'x');
    for (const pointer of ['', '/a', '/a/0', '/__proto__/a', '/a~1b', '/-']) {
      const { line, column } = atPointer(pointer);
      if (!(line >= 1 && column >= 1)) throw new Error(`${pointer} is at ${line}:${column}`);
    }
    return 1;
  },
};

function value(next: Random, depth: number): string {
  const chance = next();
  if (depth === 0 || chance < 0.3) return pick(scalars.slice(0, next() < 0.9 ? 9 : undefined), next);
  const list = Array.from({ length: below(4, next) }, () => value(next, depth - 1));
  if (chance < 0.5) return `[${list.join(pick([',', ' , ', ',\n'], next))}]`;
  return `{${list.map((item) => `${JSON.stringify(pick(keys, next))}:${item}`).join(',')}}`;
}

function outcome(parse: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/**
 * As in JSON.stringify: infinity is null, and there is only one 0. A large number is written without the fraction or the
 * exponent that it was read with.
 */
function written(value: unknown): unknown {
  if (value === 0) return 0;
  if (typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value))) {
    return BigInt(String(value));
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, written(member)]));
}

/** The same value, with numbers as parsed by JSON.parse. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)]));
}
