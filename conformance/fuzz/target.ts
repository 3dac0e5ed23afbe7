/** A part of rt that reads untrusted data. */
export interface Target {
  readonly name: string;
  /** The unit that is counted, such as `messages`. */
  readonly unit: string;
  /** Number of inputs in the unit tests. */
  readonly rounds: number;
  /** An input, determined by the numbers. Bytes are characters up to 0xff. */
  readonly make: (next: Random) => string;
  /** Feeds an input and throws if the result is a defect. Returns its number of units. */
  readonly check: (input: string) => number;
}

/** Random numbers from 0 to below 1. */
export type Random = () => number;

export function below(limit: number, next: Random): number {
  return Math.floor(next() * limit);
}

export function pick<T>(list: readonly T[], next: Random): T {
  return list[below(list.length, next)] as T;
}

/** Numbers derived from an input, to choose the data combined with it. */
export function seedOf(input: string): number {
  let seed = 0;
  for (let at = 0; at < input.length; at++) seed = (Math.imul(seed, 31) + input.charCodeAt(at)) >>> 0;
  return seed;
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function textOf(bytes: Iterable<number>): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

const notable = [
  '\0\0\0\0',
  '\xff\xff\xff\xff',
  '\xff\xff\xff\x7f',
  '\0\0\0\x80',
  '\x01\0\0\0',
  '\x10\0\0\0',
  '\0\x01\0\0',
];

/** A text with some characters changed, removed, repeated or inserted. */
export function damage(text: string, next: Random, characters = 256): string {
  let result = text;
  for (let changes = 1 + below(3, next); changes > 0; changes--) {
    const at = below(result.length + 1, next);
    const size = 1 + below(next() < 0.8 ? 4 : 64, next);
    const rest = result.slice(at + size);
    switch (below(6, next)) {
      case 0:
        result = result.slice(0, at) + String.fromCharCode(below(characters, next)) + result.slice(at + 1);
        break;
      case 1:
        result = result.slice(0, at) + rest;
        break;
      case 2:
        result = result.slice(0, at) + result.slice(at, at + size) + result.slice(at);
        break;
      case 3:
        result = result.slice(0, at) + pick(notable, next) + result.slice(at + 4);
        break;
      case 4:
        result = result.slice(0, at);
        break;
      default:
        result = result.slice(0, at) + String.fromCharCode(below(characters, next)) + result.slice(at);
    }
  }
  return result;
}
