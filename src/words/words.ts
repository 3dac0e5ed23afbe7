import type { Op, OpCalls } from '../../schema/generated/ops.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { PlannedOp } from '../plan/types.ts';

export type OpName = Op['op'];

export type Planned<Name extends OpName> = Extract<PlannedOp, { readonly op: Name }>;

/** The details of a failure. */
export interface Failed<Call extends string = string> {
  /** Name of the errno, such as `ENOENT`. */
  readonly name: string;
  /** Text of the errno, such as `no such file or directory`. */
  readonly text: string;
  readonly call: Call;
  /** Further text from the kernel or the helper. */
  readonly detail: string;
  /** The part that failed, in an op with several. */
  readonly item: number;
}

/** Replaces the plain words if more is known of the cause. */
export type Known = Partial<Pick<Diagnostic, 'message' | 'pointer' | 'hint'>>;

/** The words for the failure of one op. */
export interface OpWords<Name extends OpName> {
  /** The failed action, such as `cannot make link "/dev/fd"`; `item` is the failed part of an op with several. */
  readonly action: (op: Planned<Name>, item: number) => string;
  readonly known?: (op: Planned<Name>, failed: Failed<OpCalls[Name]>) => Known | undefined;
  /** No field requests it, so there is none to drop if the kernel lacks the call. */
  readonly essential?: true;
}

/** One entry per op. */
export type Words<Names extends OpName> = { readonly [Name in Names]: OpWords<Name> };

/** Those of one topic; describe.ts has them all. */
export type TopicWords = Partial<Words<OpName>>;

export function hinted(hint: string | undefined): Known | undefined {
  return hint === undefined ? undefined : { hint };
}

/** `linux.personality` for `/linux/personality`. */
export function fieldOf({ from }: PlannedOp): string {
  return from.slice(1).replaceAll('/', '.');
}
