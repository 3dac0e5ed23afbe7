import type { Op, OpCalls } from '../../schema/generated/ops.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { PlannedOp } from '../plan/types.ts';

export type OpName = Op['op'];

export type Planned<Name extends OpName> = Extract<PlannedOp, { readonly op: Name }>;

/** What is known of a failure. */
export interface Failed<Call extends string = string> {
  /** Of the errno, such as `ENOENT`. */
  readonly name: string;
  /** Of the errno, such as `no such file or directory`. */
  readonly text: string;
  readonly call: Call;
  /** What the kernel said besides, or the helper noted. */
  readonly detail: string;
}

/** What replaces the plain words where more is known of the cause. */
export type Known = Partial<Pick<Diagnostic, 'message' | 'pointer' | 'hint'>>;

/** The words for the failure of one op. */
export interface OpWords<Name extends OpName> {
  /** The action that failed, such as `cannot make link "/dev/fd"`; `item` is the part that failed of an op that has several. */
  readonly action: (op: Planned<Name>, item: number) => string;
  readonly known?: (op: Planned<Name>, failed: Failed<OpCalls[Name]>) => Known | undefined;
  /** No field asked for it: where the kernel lacks the call there is none to drop. */
  readonly essential?: true;
}

/** An entry for each of some ops. */
export type Words<Names extends OpName> = { readonly [Name in Names]: OpWords<Name> };

export function hinted(hint: string | undefined): Known | undefined {
  return hint === undefined ? undefined : { hint };
}

/** `linux.personality` for `/linux/personality`. */
export function fieldOf({ from }: PlannedOp): string {
  return from.slice(1).replaceAll('/', '.');
}
