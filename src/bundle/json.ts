import { parse } from 'lossless-json';
import { Failure } from '../diag/diagnostic.ts';
import { syntaxFault } from '../diag/locate.ts';

/** Maximum nesting of objects and arrays; a config has less than ten levels. */
export const maximumDepth = 512;

/** Up to this length the parser detects a stack overflow itself; longer texts are checked before. */
const harmlessLength = 65536;

/** Number of digits up to which integers are read exactly. Longer ones are out of every range. */
const maximumDigits = 40;

/**
 * Parses a JSON text (RFC 8259). As with JSON.parse, numbers beyond 2^53 are rounded, and of duplicate members the last
 * counts. Throws a Failure with the place at which `file` is not JSON.
 */
export function parseJson(text: string, file: string): unknown {
  if (text.length > harmlessLength) refuseDepth(text, file);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw syntaxFailure(text, file, error);
  }
}

/** As parseJson, with a bigint for each integer that a number cannot represent exactly. Slower. */
export function parseExactJson(text: string, file: string): unknown {
  refuseDepth(text, file);
  try {
    return parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });
  } catch (error) {
    throw syntaxFailure(text, file, error);
  }
}

/** Whether the text may contain an integer that JSON.parse rounds: 2^53 has 16 digits. */
export function mayHoldLongIntegers(text: string): boolean {
  return /\d{16}/.test(text);
}

function exactNumber(literal: string): number | bigint {
  const value = Number(literal);
  if (Number.isSafeInteger(value) || literal.length > maximumDigits || !/^-?\d+$/.test(literal)) return value;
  return BigInt(literal);
}

function syntaxFailure(text: string, file: string, error: unknown): Failure {
  const code = 'config.syntax';
  refuseDepth(text, file);
  if (text.trim() === '') return new Failure({ code, message: `${file} is empty` });
  const fault = syntaxFault(text, file);
  if (fault === undefined) {
    const cause = error instanceof Error ? error.message : String(error);
    return new Failure({ code, message: `${file} is not valid JSON: ${cause}` });
  }
  return new Failure({ code, message: `${file} is not valid JSON: ${fault.words}`, location: fault.location });
}

/**
 * Throws a Failure if the values are nested too deeply for recursive code: the hosts handle a stack overflow
 * differently. Counting the opening brackets is cheap and sufficient for every real config; only beyond the limit the
 * nesting is computed.
 */
export function refuseDepth(text: string, file: string): void {
  if (text.length <= maximumDepth || count(text, '[') + count(text, '{') <= maximumDepth) return;
  if (depth(text) <= maximumDepth) return;
  throw new Failure({
    code: 'config.depth',
    message: `${file} is not usable: its values are nested more than ${maximumDepth} levels deep`,
  });
}

function count(text: string, wanted: string): number {
  let found = 0;
  for (let at = text.indexOf(wanted); at >= 0 && found <= maximumDepth; at = text.indexOf(wanted, at + 1)) found++;
  return found;
}

function depth(text: string): number {
  let level = 0;
  let deepest = 0;
  for (let at = 0; at < text.length && deepest <= maximumDepth; at++) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
    } else if (character === '[' || character === '{') {
      level++;
      if (level > deepest) deepest = level;
    } else if (character === ']' || character === '}') {
      level--;
    }
  }
  return deepest;
}

/** Offset of the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}
