import { OP_CODECS, PROGRAM_VERSION } from '../../schema/generated/ops.ts';
import type { FieldKind, Op } from '../../schema/generated/ops.ts';
import type { Packed } from '../host/native.ts';

/** `RTPG`, read as one little-endian word. */
const magic = 0x4750_5452;

/** Ops as what the native side packs into the bytes that the helper runs (docs/ops.md). */
export function encodeProgram(ops: readonly Op[]): Packed {
  const packed: (number | string | ArrayBuffer)[] = [magic, PROGRAM_VERSION, ops.length];
  for (const op of ops) {
    const { code, fields } = OP_CODECS[op.op];
    const values = op as unknown as Readonly<Record<string, unknown>>;
    packed.push(code);
    // By index: QuickJS takes a destructured pair apart through an iterator, and there are hundreds of fields.
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index] as (typeof fields)[number];
      pushField(packed, field[1], values[field[0]]);
    }
  }
  return packed;
}

/** The generated types of the ops guarantee that each value is of its kind. */
function pushField(packed: (number | string | ArrayBuffer)[], kind: FieldKind, value: unknown): void {
  switch (kind) {
    case 'u32':
    case 'i32':
    case 'slot':
    case 'str':
      packed.push(value as number | string);
      return;
    case 'u64':
      pushWide(packed, value as number | bigint);
      return;
    case 'strs':
    case 'u32s': {
      const list = value as readonly (number | string)[];
      packed.push(list.length);
      for (let index = 0; index < list.length; index++) packed.push(list[index] as number | string);
      return;
    }
    case 'bytes': {
      const bytes = value as Uint8Array;
      packed.push(bytes.length, bytes.slice().buffer);
      return;
    }
  }
}

/** The low word, then the high one; negative values as two's complement. */
function pushWide(packed: (number | string | ArrayBuffer)[], value: number | bigint): void {
  if (typeof value === 'number' && value >= 0) {
    packed.push(value % 0x1_0000_0000, Math.floor(value / 0x1_0000_0000));
    return;
  }
  const bits = BigInt.asUintN(64, BigInt(value));
  packed.push(Number(bits & 0xffff_ffffn), Number(bits >> 32n));
}
