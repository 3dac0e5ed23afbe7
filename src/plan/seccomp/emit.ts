import { FILTER_OPCODES } from '../../kernel/seccomp.ts';
import type { Architecture } from './architectures.ts';
import { ProgramBuilder, dataOffset } from './bpf.ts';
import type { Label } from './bpf.ts';
import { killThread } from './profile.ts';
import type { Condition } from './profile.ts';
import type { Chain, Outcome, Ranges } from './ranges.ts';

/** An architecture and the outcomes of its calls. */
export interface Section {
  readonly architecture: Architecture;
  readonly ranges: Ranges;
}

/**
 * The program selects the section by architecture, then the range by call number in a balanced tree, then compares
 * arguments. A call of an architecture without a section ends its thread, as in libseccomp.
 */
export function emitProgram(sections: readonly Section[], defaultAction: number): Uint8Array {
  const builder = new ProgramBuilder();
  // From the last instruction to the first, so the section of the machine itself is first and near.
  const entries = sections.toReversed().map(({ architecture, ranges }) => {
    const tree = emitTree(builder, ranges, defaultAction);
    return { audit: architecture.audit, label: builder.load(dataOffset.number, tree) };
  });
  let next = builder.return(killThread);
  for (const { audit, label } of entries) next = builder.compare(FILTER_OPCODES.ifEqual, audit, label, next);
  return builder.finish(builder.load(dataOffset.architecture, next));
}

/** Maximum number of single call numbers that are compared one by one; more would be deeper than the tree. */
const mostSingles = 4;

/**
 * A run of ranges with one outcome except for a few single call numbers. One equality comparison selects each of those;
 * otherwise each would need two order comparisons.
 */
interface Group {
  readonly from: number;
  readonly background: Outcome;
}

function emitTree(builder: ProgramBuilder, ranges: Ranges, defaultAction: number): Label {
  const { starts, outcomes } = ranges;
  const groups = groupsOf(ranges);
  const groupCount = groups.length;
  const emit = (from: number, to: number): Label => {
    const group = groups[from] as Group;
    if (to - from > 1) {
      const middle = (from + to) >>> 1;
      const upper = emit(middle, to);
      const border = starts[(groups[middle] as Group).from] as number;
      return builder.compare(FILTER_OPCODES.ifAtLeast, border, upper, emit(from, middle));
    }
    const { from: first, background } = group;
    const end = to < groupCount ? (groups[to] as Group).from : starts.length;
    let next = emitOutcome(builder, background, defaultAction);
    for (let at = end - 1; at >= first; at--) {
      const outcome = outcomes[at] as Outcome;
      if (outcome === background) continue;
      next = builder.compare(
        FILTER_OPCODES.ifEqual,
        starts[at] as number,
        emitOutcome(builder, outcome, defaultAction),
        next,
      );
    }
    return next;
  };
  return emit(0, groupCount);
}

/** From the lowest number on, each group as long as possible. */
function groupsOf({ starts, outcomes }: Ranges): Group[] {
  const groups: Group[] = [];
  const count = starts.length;
  let from = 0;
  let background: Outcome | undefined;
  let singles = 0;
  for (let at = 0; at < count; at++) {
    const outcome = outcomes[at] as Outcome;
    // The last range extends to the highest number.
    const isSingle = at + 1 < count && (starts[at + 1] as number) - (starts[at] as number) === 1;
    if (outcome === background) continue;
    if (isSingle ? singles < mostSingles : background === undefined) {
      if (isSingle) singles++;
      else background = outcome;
      continue;
    }
    groups.push({ from, background: background ?? (outcomes[from] as Outcome) });
    from = at;
    background = isSingle ? undefined : outcome;
    singles = isSingle ? 1 : 0;
  }
  groups.push({ from, background: background ?? (outcomes[from] as Outcome) });
  return groups;
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

/** Compares the low half and, before it (so emitted after it), the high half if the ABI has one. */
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
      return emitOrder(builder, FILTER_OPCODES.ifGreater, condition, wide, yes, no);
    case 'SCMP_CMP_GE':
      return emitOrder(builder, FILTER_OPCODES.ifAtLeast, condition, wide, yes, no);
    case 'SCMP_CMP_LE':
      return emitOrder(builder, FILTER_OPCODES.ifGreater, condition, wide, no, yes);
    case 'SCMP_CMP_LT':
      return emitOrder(builder, FILTER_OPCODES.ifAtLeast, condition, wide, no, yes);
  }
}

function emitEqual(builder: ProgramBuilder, offset: number, mask: number, value: number, yes: Label, no: Label): Label {
  if (mask === 0) return yes;
  const compare = builder.compare(FILTER_OPCODES.ifEqual, value, yes, no);
  return builder.load(offset, mask === 0xffff_ffff ? compare : builder.and(mask, compare));
}

function emitOrder(
  builder: ProgramBuilder,
  comparison: typeof FILTER_OPCODES.ifGreater | typeof FILTER_OPCODES.ifAtLeast,
  { index, value }: Condition,
  wide: boolean,
  yes: Label,
  no: Label,
): Label {
  const offset = dataOffset.arguments + index * 8;
  const low = builder.load(offset, builder.compare(comparison, value.low, yes, no));
  if (!wide) return low;
  const equal = builder.compare(FILTER_OPCODES.ifEqual, value.high, low, no);
  return builder.load(offset + 4, builder.compare(FILTER_OPCODES.ifGreater, value.high, yes, equal));
}
