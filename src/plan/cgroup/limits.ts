import type { PlannedOp } from '../types.ts';

/** What the limits of a config come to. */
export interface Limits {
  readonly ops: readonly PlannedOp[];
  /** Controllers that must be enabled for them (v2). */
  readonly controllers: readonly string[];
}

export function isSet(value: number | bigint | undefined): value is number | bigint {
  return value !== undefined && Number(value) !== 0;
}

/** Errno that write_file may ignore: the kernel lacks the file. */
export const ENOENT = 2;
