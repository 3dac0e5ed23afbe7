import type { Architecture, Multiplexer } from './architectures.ts';
import type { Call } from './calls.ts';
import { callRules, killThread } from './profile.ts';
import type { CallRules, Condition, Profile, Rule, RulesByCall } from './profile.ts';

/** Outcome of a call: return this value, or compare its arguments. */
export type Outcome = number | Chain;

/** Rules that are tried in turn; if none matches, the default action applies. None of them is unconditional. */
export interface Chain {
  readonly rules: readonly Rule[];
  /** Whether all 64 bits of an argument are compared. */
  readonly wide: boolean;
}

/** All 2^32 call numbers of an architecture: `outcomes[i]` applies from `starts[i]` up to the next start. */
export interface Ranges {
  readonly starts: readonly number[];
  readonly outcomes: readonly Outcome[];
}

/** The outcome of a call number. */
export function outcomeAt({ starts, outcomes }: Ranges, number: number): Outcome | undefined {
  return outcomes[starts.findLastIndex((start) => start <= number)];
}

/** A tracer that cancels a call sets its number to -1, which no ABI uses. */
const cancelled = 0xffff_ffff;

/** Turns rules by call into ranges of call numbers. */
export function rangesOf(architecture: Architecture, profile: Profile): Ranges {
  const { defaultAction } = profile;
  const starts: number[] = [];
  const outcomes: Outcome[] = [];
  let last: Outcome | undefined;
  const append = (start: number, outcome: Outcome): void => {
    // The previous outcome would have an empty range.
    if (starts[starts.length - 1] === start) {
      starts.pop();
      outcomes.pop();
      last = outcomes[outcomes.length - 1];
    }
    if (last === outcome) return;
    last = outcome;
    outcomes[starts.length] = outcome;
    starts[starts.length] = start;
  };
  // Calls above the highest known one; the default if the profile has no call of the architecture.
  let newer = defaultAction;
  for (const space of architecture.spaces) {
    if (space.runs === undefined) {
      if (newer !== defaultAction) continue;
      append(space.first, killThread);
      append(cancelled, defaultAction);
      continue;
    }
    const rules = space.multiplexers ? withMultiplexers(profile, space.multiplexers) : profile.rules;
    let known = space.first;
    append(known, defaultAction);
    for (const { first, calls } of space.runs) {
      const begin = space.first + first;
      // Read once: on QuickJS the length of a typed array is a call.
      const count = calls.length;
      let previous: CallRules | undefined;
      for (let at = 0; at < count; at++) {
        const own = rules[calls[at] as Call];
        if (own === previous) continue;
        previous = own;
        if (own === undefined) {
          known = begin + at;
          append(known, defaultAction);
        } else {
          append(begin + at, own.always ?? { rules: own.rules, wide: space.wide });
        }
      }
      if (previous === undefined) continue;
      known = begin + count;
      append(known, defaultAction);
    }
    if (known > space.first) newer = profile.newerAction;
    append(known, newer);
  }
  return { starts, outcomes };
}

/**
 * Adds to the rules of a multiplexing call those of the calls that its first argument selects. Their own arguments are
 * then behind a pointer, which a filter cannot follow, so conditions on them are dropped.
 */
function withMultiplexers({ rules, defaultAction }: Profile, multiplexers: readonly Multiplexer[]): RulesByCall {
  // After an unconditional rule for the multiplexing call itself, as engines write it, the others have no effect.
  const restricted = multiplexers.filter(
    ({ call }) => rules[call]?.always === undefined || rules[call].rules.length === 0,
  );
  if (restricted.length === 0) return rules;
  const all = rules.slice();
  for (const { call: multiplexer, runs } of restricted) {
    const behind = runs.flatMap(({ first, calls }) =>
      Array.from(calls).flatMap((call, at) =>
        (rules[call]?.rules ?? []).map((rule) => behindMultiplexer(rule, first + at)),
      ),
    );
    if (behind.length > 0)
      all[multiplexer] = callRules([...(rules[multiplexer]?.rules ?? []), ...behind], defaultAction);
  }
  return all;
}

/** The rule of a call that `value`, as the first argument of a multiplexing call, selects. */
export function behindMultiplexer(rule: Rule, value: number): Rule {
  const which: Condition = {
    index: 0,
    operator: 'SCMP_CMP_EQ',
    mask: { high: 0xffff_ffff, low: 0xffff_ffff },
    value: { high: 0, low: value },
  };
  return { action: rule.action, conditions: [which, ...rule.conditions.filter(({ index }) => index !== 0)] };
}
