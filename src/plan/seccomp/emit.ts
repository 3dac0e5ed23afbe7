import type { Architecture } from './architectures.ts';
import { ProgramBuilder, dataOffset, opcode } from './bpf.ts';
import type { Label } from './bpf.ts';
import { killThread } from './profile.ts';
import type { Condition } from './profile.ts';
import type { Chain, Outcome, Ranges } from './ranges.ts';

/** An architecture and what its calls get. */
export interface Section {
  readonly architecture: Architecture;
  readonly ranges: Ranges;
}

/**
 * The program: picks the section by architecture, then the range by call number in a balanced tree, then compares
 * arguments. A call of an architecture without a section ends its thread, which is libseccomp's choice too.
 */
export function emitProgram(sections: readonly Section[], defaultAction: number): Uint8Array {
  const builder = new ProgramBuilder();
  // From the last instruction to the first, so the section of the machine itself comes out first and near.
  const entries = sections.toReversed().map(({ architecture, ranges }) => {
    const tree = emitTree(builder, ranges, defaultAction);
    return { audit: architecture.audit, label: builder.load(dataOffset.number, tree) };
  });
  let next = builder.return(killThread);
  for (const { audit, label } of entries) next = builder.compare(opcode.ifEqual, audit, label, next);
  return builder.finish(builder.load(dataOffset.architecture, next));
}

/** Up to so many numbers in a row are compared one by one; more would be deeper than the tree. */
const longestRow = 4;

function emitTree(builder: ProgramBuilder, ranges: Ranges, defaultAction: number): Label {
  const { starts, outcomes } = ranges;
  const emit = (from: number, to: number): Label => {
    const background = backgroundOf(ranges, from, to);
    if (background === undefined) {
      const middle = (from + to) >>> 1;
      const upper = emit(middle, to);
      return builder.compare(opcode.ifAtLeast, starts[middle] ?? 0, upper, emit(from, middle));
    }
    let next = emitOutcome(builder, background, defaultAction);
    for (let at = to - 1; at >= from; at--) {
      const outcome = outcomes[at] ?? killThread;
      if (outcome === background) continue;
      next = builder.compare(opcode.ifEqual, starts[at] ?? 0, emitOutcome(builder, outcome, defaultAction), next);
    }
    return next;
  };
  return emit(0, starts.length);
}

/**
 * The outcome of all numbers in these ranges but a few single ones, which one comparison each can pick out. Two
 * comparisons of order would be needed for each of them otherwise. Undefined when the ranges are not like that.
 * A single number in front of the first wide range is counted even when it has the same outcome; that only costs a split.
 */
function backgroundOf({ starts, outcomes }: Ranges, from: number, to: number): Outcome | undefined {
  if (to - from > 2 * longestRow + 1) return undefined;
  let background: Outcome | undefined;
  let singles = 0;
  let start = starts[from];
  for (let at = from; at < to; at++) {
    const next = starts[at + 1];
    const isSingle = next !== undefined && start !== undefined && next - start === 1;
    if (!isSingle && background === undefined) background = outcomes[at];
    else if (!isSingle && background !== outcomes[at]) return undefined;
    else if (outcomes[at] !== background) singles++;
    start = next;
  }
  return singles > longestRow ? undefined : (background ?? outcomes[from]);
}

function emitOutcome(builder: ProgramBuilder, outcome: Outcome, defaultAction: number): Label {
  if (typeof outcome === 'number') return builder.return(outcome);
  return emitChain(builder, outcome, defaultAction);
}

function emitChain(builder: ProgramBuilder, { rules, wide }: Chain, defaultAction: number): Label {
  return rules.reduceRight((otherwise, { action, conditions }) => {
    return conditions.reduceRight(
      (holds, condition) => emitCondition(builder, condition, wide, holds, otherwise),
      builder.return(action),
    );
  }, builder.return(defaultAction));
}

/** Compares the low half, and before it (that is: emitted after it) the high half where the ABI has one. */
function emitCondition(builder: ProgramBuilder, condition: Condition, wide: boolean, yes: Label, no: Label): Label {
  const { mask, value } = condition;
  const offset = dataOffset.arguments + condition.index * 8;
  switch (condition.operator) {
    case 'SCMP_CMP_EQ':
    case 'SCMP_CMP_MASKED_EQ': {
      const low = emitEqual(builder, offset, mask.low, value.low, yes, no);
      return wide ? emitEqual(builder, offset + 4, mask.high, value.high, low, no) : low;
    }
    case 'SCMP_CMP_NE': {
      const low = emitEqual(builder, offset, mask.low, value.low, no, yes);
      return wide ? emitEqual(builder, offset + 4, mask.high, value.high, low, yes) : low;
    }
    case 'SCMP_CMP_GT':
      return emitOrder(builder, opcode.ifGreater, condition, wide, yes, no);
    case 'SCMP_CMP_GE':
      return emitOrder(builder, opcode.ifAtLeast, condition, wide, yes, no);
    case 'SCMP_CMP_LE':
      return emitOrder(builder, opcode.ifGreater, condition, wide, no, yes);
    case 'SCMP_CMP_LT':
      return emitOrder(builder, opcode.ifAtLeast, condition, wide, no, yes);
  }
}

function emitEqual(builder: ProgramBuilder, offset: number, mask: number, value: number, yes: Label, no: Label): Label {
  if (mask === 0) return yes;
  const compare = builder.compare(opcode.ifEqual, value, yes, no);
  return builder.load(offset, mask === 0xffff_ffff ? compare : builder.and(mask, compare));
}

function emitOrder(
  builder: ProgramBuilder,
  comparison: typeof opcode.ifGreater | typeof opcode.ifAtLeast,
  { index, value }: Condition,
  wide: boolean,
  yes: Label,
  no: Label,
): Label {
  const offset = dataOffset.arguments + index * 8;
  const low = builder.load(offset, builder.compare(comparison, value.low, yes, no));
  if (!wide) return low;
  const equal = builder.compare(opcode.ifEqual, value.high, low, no);
  return builder.load(offset + 4, builder.compare(opcode.ifGreater, value.high, yes, equal));
}
