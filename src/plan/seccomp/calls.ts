import * as tables from '../../../schema/generated/syscalls.ts';
import type { Run } from '../../../schema/generated/syscalls.ts';

/**
 * A system call by name, as an index that is the same for all architectures: rules are found by it in an array,
 * which is several times quicker than by name. For the binary all of this is made when it is built
 * (native/host/arena.h).
 */
export type Call = number;

/** Calls of consecutive numbers. */
export interface CallRun {
  /** Number of the first one. */
  readonly first: number;
  /** In the order of their numbers; 0 where a number has no call. */
  readonly calls: Uint16Array;
}

const hole = '-';
const names: string[] = [hole];
const indexes = new Map<string, Call>();

function callOf(name: string): Call {
  if (name === hole) return 0;
  const known = indexes.get(name);
  if (known !== undefined) return known;
  indexes.set(name, names.length);
  return names.push(name) - 1;
}

function callRuns(runs: readonly Run[]): CallRun[] {
  return runs.map(([first, text]) => ({ first, calls: Uint16Array.from(text.split('\n').map(callOf)) }));
}

export const x86_64 = callRuns(tables.x86_64);
export const x32 = callRuns(tables.x32);
export const x86 = callRuns(tables.x86);
export const aarch64 = callRuns(tables.aarch64);
export const arm = callRuns(tables.arm);
export const armPrivate = callRuns(tables.armPrivate);

/** Calls by the value of the first argument. */
export const multiplexed = {
  socketcall: { call: callOf('socketcall'), runs: callRuns(tables.socketcall) },
  ipc: { call: callOf('ipc'), runs: callRuns(tables.ipc) },
} as const;

/** Names that a table has. */
export const callsByName: ReadonlyMap<string, Call> = indexes;

/** Names by index. */
export const callNames: readonly string[] = names;
