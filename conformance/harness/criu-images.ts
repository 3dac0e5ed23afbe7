import { readFileSync, writeFileSync } from 'node:fs';

/** Changes images of criu, as somebody may who hands a checkpoint on. */

/** A field of a message of protocol buffers: a number, or whatever has a length. */
export type Field = readonly [number: number, value: bigint | Buffer];

/** Two magic numbers precede the entries. */
const headSize = 8;
const lengthSize = 4;

/** Changes the entries of an image that has nothing but entries. */
export function changeImage(path: string, change: (entries: Field[][]) => void): void {
  const bytes = readFileSync(path);
  const entries: Field[][] = [];
  for (let at = headSize; at < bytes.length;) {
    const end = at + lengthSize + bytes.readUInt32LE(at);
    entries.push(fieldsOf(bytes.subarray(at + lengthSize, end)));
    at = end;
  }
  change(entries);
  const parts = entries.flatMap((fields) => {
    const body = messageOf(fields);
    const length = Buffer.alloc(lengthSize);
    length.writeUInt32LE(body.length);
    return [length, body];
  });
  writeFileSync(path, Buffer.concat([bytes.subarray(0, headSize), ...parts]));
}

/** Changes the message in the first field with this number. */
export function changeInner(fields: Field[], number: number, change: (inner: Field[]) => void): void {
  const index = fields.findIndex(([one]) => one === number);
  const inner = fieldsOf(bytesIn(fields, number));
  change(inner);
  fields[index] = [number, messageOf(inner)];
}

/** Replaces the fields with this number by one. */
export function setField(fields: Field[], number: number, value: bigint | Buffer | string): void {
  const others = fields.filter(([one]) => one !== number);
  fields.splice(0, fields.length, ...others, [number, typeof value === 'string' ? Buffer.from(value) : value]);
}

export function withoutField(fields: Field[], number: number): void {
  fields.splice(0, fields.length, ...fields.filter(([one]) => one !== number));
}

/** The message in the first field with this number; none if there is no such field. */
export function embedded(fields: readonly Field[], number: number): Field[] {
  return fields.some(([one]) => one === number) ? fieldsOf(bytesIn(fields, number)) : [];
}

export function numberIn(fields: readonly Field[], number: number): bigint {
  const value = fields.find(([one]) => one === number)?.[1];
  return typeof value === 'bigint' ? value : 0n;
}

export function textIn(fields: readonly Field[], number: number): string {
  return fields.some(([one]) => one === number) ? bytesIn(fields, number).toString() : '';
}

function bytesIn(fields: readonly Field[], number: number): Buffer {
  const value = fields.find(([one]) => one === number)?.[1];
  if (!Buffer.isBuffer(value)) throw new Error(`no field ${number} with a length`);
  return value;
}

function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const value = varint();
    if (key % 8 === 0) {
      fields.push([key >> 3, value]);
      continue;
    }
    if (key % 8 !== 2) throw new Error(`field ${key >> 3} is neither a number nor has a length`);
    fields.push([key >> 3, bytes.subarray(at, at + Number(value))]);
    at += Number(value);
  }
  return fields;
}

export function messageOf(fields: readonly Field[]): Buffer {
  const bytes: number[] = [];
  const push = (value: bigint): void => {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
  };
  for (const [number, value] of fields) {
    push(BigInt(number * 8 + (Buffer.isBuffer(value) ? 2 : 0)));
    if (Buffer.isBuffer(value)) {
      push(BigInt(value.length));
      bytes.push(...value);
    } else push(value);
  }
  return Buffer.from(bytes);
}
