import { PROGRAM_VERSION } from '../../schema/generated/ops.ts';
import type { Op } from '../../schema/generated/ops.ts';
import { OP_PACKERS } from '../../schema/generated/pack.ts';
import { phase, traceProgram } from '../diag/trace.ts';
import { stepOf } from '../words/describe.ts';
import type { Packed } from '../host/native.ts';
import type { PackedList } from './fields.ts';

/** `RTPG`, read as one little-endian word. */
const magic = 0x4750_5452;

/** Ops in the form that the native side packs for the helper (docs/ops.md). The first `staged` form a stage. */
export function encodeProgram(ops: readonly Op[], staged = 0): Packed {
  return phase('pack', () => pack(ops, staged));
}

function pack(ops: readonly Op[], staged: number): Packed {
  const packed: PackedList = [magic, PROGRAM_VERSION, traceProgram(ops, staged, stepOf), ops.length];
  for (const op of ops) {
    const packOp = OP_PACKERS[op.op] as (op: Op, to: PackedList) => void;
    packOp(op, packed);
  }
  return packed;
}
