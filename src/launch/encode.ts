import { PROGRAM_VERSION } from '../../schema/generated/ops.ts';
import type { Op } from '../../schema/generated/ops.ts';
import { OP_PACKERS } from '../../schema/generated/pack.ts';
import type { Packed } from '../host/native.ts';
import type { PackedList } from './fields.ts';

/** `RTPG`, read as one little-endian word. */
const magic = 0x4750_5452;

/** Ops as what the native side packs into the bytes that the helper runs (docs/ops.md). */
export function encodeProgram(ops: readonly Op[]): Packed {
  const packed: PackedList = [magic, PROGRAM_VERSION, ops.length];
  for (const op of ops) {
    const pack = OP_PACKERS[op.op] as (op: Op, to: PackedList) => void;
    pack(op, packed);
  }
  return packed;
}
