import { createHash } from 'node:crypto';
import type { Call } from '../harness/calls.ts';
import { errnosOf } from './errnos.ts';
import { constants } from 'node:os';

/** A fault in a system call. */
export interface Point {
  readonly call: Call;
  readonly kind: 'kill' | 'errno';
  /** In the syntax of fault.c. */
  readonly action: string;
  /** Key of the point in the journal. */
  readonly key: string;
}

const runtime = '0';

/** Every point of a command: a kill at each call, and each possible error of the call. */
export function pointsOf(calls: readonly Call[]): Point[] {
  return calls.flatMap((call) => {
    const { process, name, nth } = call;
    const place = `${process} ${name} ${nth}`;
    const victims = process === runtime ? [runtime] : [process, runtime];
    return [
      ...victims.map((victim): Point => {
        const action = `kill:${victim}`;
        return { call, kind: 'kill', action, key: `${place} ${action}` };
      }),
      ...errnosOf(call).map((error): Point => {
        return { call, kind: 'errno', action: `errno:${numberOf(error)}`, key: `${place} ${error}` };
      }),
    ];
  });
}

function numberOf(error: string): number {
  const value = (constants.errno as Record<string, number | undefined>)[error];
  if (value === undefined) throw new Error(`no error is called ${error}`);
  return value;
}

/**
 * The shard of a point. Processes of a command interleave differently in each run, so the position is not used.
 */
export function shardOf({ key }: Point, count: number): number {
  return createHash('sha256').update(key).digest().readUInt32BE() % count;
}

/** `count` of them, evenly spread. */
export function spread<Item>(items: readonly Item[], count: number): Item[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, index) => items[Math.floor(((index + 0.5) * items.length) / count)] as Item);
}
