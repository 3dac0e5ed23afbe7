import { OP_CODECS, PROGRAM_VERSION } from '../../schema/generated/ops.ts';
import type { FieldKind, Op } from '../../schema/generated/ops.ts';

const headerSize = 16;
const firstSize = 16384;
const magic = [0x52, 0x54, 0x50, 0x47];

/** Ops as the bytes that the helper runs (docs/ops.md). */
export function encodeProgram(ops: readonly Op[]): ArrayBuffer {
  const writer = new Writer();
  for (const byte of magic) writer.byte(byte);
  writer.u32(PROGRAM_VERSION);
  writer.u32(ops.length);
  writer.u32(0);
  for (const op of ops) writeOp(writer, op);
  writer.patch(headerSize - 4, writer.at);
  return writer.buffer.slice(0, writer.at);
}

function writeOp(writer: Writer, op: Op): void {
  const codec = OP_CODECS[op.op];
  const values = op as unknown as Readonly<Record<string, unknown>>;
  writer.u32(codec.code);
  const sizeAt = writer.at;
  writer.u32(0);
  for (const [name, kind] of codec.fields) writeField(writer, kind, values[name]);
  writer.patch(sizeAt, writer.at - sizeAt - 4);
}

/** The generated types of the ops guarantee that each value is of its kind. */
function writeField(writer: Writer, kind: FieldKind, value: unknown): void {
  switch (kind) {
    case 'u32':
    case 'i32':
    case 'slot':
      writer.u32(value as number);
      return;
    case 'u64':
      writer.u64(value as number | bigint);
      return;
    case 'str':
      writer.string(value as string);
      return;
    case 'strs':
      writer.u32((value as readonly string[]).length);
      for (const item of value as readonly string[]) writer.string(item);
      return;
    case 'u32s':
      writer.u32((value as readonly number[]).length);
      for (const item of value as readonly number[]) writer.u32(item);
      return;
    case 'bytes':
      writer.u32((value as Uint8Array).length);
      writer.bytes(value as Uint8Array);
      return;
  }
}

class Writer {
  buffer = new ArrayBuffer(firstSize);
  at = 0;
  private data = new Uint8Array(this.buffer);

  private reserve(size: number): void {
    if (this.at + size <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.data.length * 2, this.at + size));
    grown.set(this.data);
    this.data = grown;
    this.buffer = grown.buffer;
  }

  byte(value: number): void {
    this.reserve(1);
    this.data[this.at++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.patch(this.at, value);
    this.at += 4;
  }

  patch(at: number, value: number): void {
    this.data[at] = value;
    this.data[at + 1] = value >>> 8;
    this.data[at + 2] = value >>> 16;
    this.data[at + 3] = value >>> 24;
  }

  /** Negative values as two's complement. */
  u64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.u32(value);
      this.u32(Math.floor(value / 0x1_0000_0000));
      return;
    }
    const bits = BigInt.asUintN(64, BigInt(value));
    this.u32(Number(bits & 0xffff_ffffn));
    this.u32(Number(bits >> 32n));
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.data.set(value, this.at);
    this.at += value.length;
  }

  /** UTF-8, which neither engine encodes for us alike; a lone surrogate becomes U+FFFD. */
  string(value: string): void {
    // Three bytes are enough for any UTF-16 unit, the length before and the NUL behind take five more.
    this.reserve(value.length * 3 + 5);
    const lengthAt = this.at;
    const { data } = this;
    let at = lengthAt + 4;
    for (let index = 0; index < value.length; index++) {
      let unit = value.charCodeAt(index);
      if (unit < 0x80) {
        data[at++] = unit;
        continue;
      }
      if (unit >= 0xd800 && unit < 0xe000) {
        const point = value.codePointAt(index) as number;
        if (point > 0xffff) {
          index++;
          data[at++] = 0xf0 | (point >> 18);
          data[at++] = 0x80 | ((point >> 12) & 0x3f);
          data[at++] = 0x80 | ((point >> 6) & 0x3f);
          data[at++] = 0x80 | (point & 0x3f);
          continue;
        }
        unit = 0xfffd;
      }
      if (unit < 0x800) {
        data[at++] = 0xc0 | (unit >> 6);
      } else {
        data[at++] = 0xe0 | (unit >> 12);
        data[at++] = 0x80 | ((unit >> 6) & 0x3f);
      }
      data[at++] = 0x80 | (unit & 0x3f);
    }
    this.patch(lengthAt, at - lengthAt - 4);
    data[at++] = 0;
    this.at = at;
  }
}
