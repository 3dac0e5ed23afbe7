/** Protocol buffers (protobuf.dev, "Encoding"), as far as CRIU's messages need them. */

/** Number of a field and its value; an embedded message is given as bytes. */
export type Field = readonly [number, number | boolean | string | Uint8Array];

/** Values of a message by field number. Varints above 2^53 are bigints. */
export type Message = ReadonlyMap<number, readonly (number | bigint | Uint8Array)[]>;

const varint = 0;
const fixed64 = 1;
const delimited = 2;
const fixed32 = 5;
const wordSize = 2 ** 32;

export function encodeMessage(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number' || typeof value === 'boolean') {
      pushVarint(bytes, number * 8 + varint);
      pushVarint(bytes, Number(value));
    } else {
      const content = typeof value === 'string' ? utf8(value) : value;
      pushVarint(bytes, number * 8 + delimited);
      pushVarint(bytes, content.length);
      for (const byte of content) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x1_0000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f));
      bytes.push(0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}

/** Undefined if the bytes are not a message. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const message = new Map<number, (number | bigint | Uint8Array)[]>();
  const position = { at: 0 };
  while (position.at < bytes.length) {
    const key = readVarint(bytes, position);
    if (typeof key !== 'number') return undefined;
    const value = readValue(bytes, position, key % 8);
    if (value === undefined) return undefined;
    const number = Math.floor(key / 8);
    const list = message.get(number);
    if (list === undefined) message.set(number, [value]);
    else list.push(value);
  }
  return message;
}

function readValue(
  bytes: Uint8Array,
  position: { at: number },
  type: number,
): number | bigint | Uint8Array | undefined {
  if (type === varint) return readVarint(bytes, position);
  const length = type === delimited ? readVarint(bytes, position) : { [fixed64]: 8, [fixed32]: 4 }[type];
  if (typeof length !== 'number' || position.at + length > bytes.length) return undefined;
  position.at += length;
  return bytes.subarray(position.at - length, position.at);
}

function readVarint(bytes: Uint8Array, position: { at: number }): number | bigint | undefined {
  let value = 0;
  let high = 0n;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = bytes[position.at];
    if (byte === undefined) return undefined;
    position.at += 1;
    if (shift < 49) value += (byte % 0x80) * 2 ** shift;
    else high |= BigInt(byte % 0x80) << BigInt(shift);
    if (byte < 0x80) return high === 0n ? value : BigInt.asUintN(64, high | BigInt(value));
  }
  return undefined;
}

/** All of a number field, of 64 bits: the last one, as protocol buffers require. */
export function wideOf(message: Message, field: number): bigint | undefined {
  const value = message.get(field)?.at(-1);
  return value === undefined || typeof value === 'object' ? undefined : BigInt(value);
}

/** The value of a number field of 32 bits. Of one with more bits, parsers take the low ones. */
export function numberOf(message: Message, field: number): number | undefined {
  const value = message.get(field)?.at(-1);
  return value === undefined || typeof value === 'object' ? undefined : lowBits(value);
}

/** As numberOf, of one with a sign (int32). */
export function signedOf(message: Message, field: number): number | undefined {
  const value = numberOf(message, field);
  return value === undefined ? undefined : value | 0;
}

/** As signedOf, in the other encoding (sint32): 0, -1, 1, -2 and so on. */
export function zigzagOf(message: Message, field: number): number | undefined {
  const value = numberOf(message, field);
  return value === undefined ? undefined : value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export function isTrue(message: Message, field: number): boolean {
  return (wideOf(message, field) ?? 0n) !== 0n;
}

function lowBits(value: number | bigint): number {
  return typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value % wordSize;
}

/** All values of a repeated number field of 32 bits, packed or not; undefined if the bytes of a packed one are malformed. */
export function numbersOf(message: Message, field: number): number[] | undefined {
  const numbers: number[] = [];
  for (const value of message.get(field) ?? []) {
    if (typeof value !== 'object') {
      numbers.push(lowBits(value));
      continue;
    }
    const position = { at: 0 };
    while (position.at < value.length) {
      const number = readVarint(value, position);
      if (number === undefined) return undefined;
      numbers.push(lowBits(number));
    }
  }
  return numbers;
}

export function bytesOf(message: Message, field: number): Uint8Array | undefined {
  const value = message.get(field)?.at(-1);
  return typeof value === 'object' ? value : undefined;
}

/** The text of a string field, one character per byte, for comparison with `byteText`. */
export function textOf(message: Message, field: number): string | undefined {
  const bytes = bytesOf(message, field);
  return bytes === undefined ? undefined : fromBytes(bytes);
}

/** The bytes of a text, one character per byte. */
export function byteText(text: string): string {
  return fromBytes(utf8(text));
}

function fromBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The embedded messages of a field. */
export function messagesOf(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).flatMap((value) => {
    const inner = typeof value === 'object' ? decodeMessage(value) : undefined;
    return inner === undefined ? [] : [inner];
  });
}
