import type { Run } from '../../../schema/generated/syscalls.ts';
import type { Architecture, Multiplexer } from './architectures.ts';
import { killThread } from './profile.ts';
import type { Condition, Profile, Rule, RulesByName } from './profile.ts';

/** What to do with a call: return this value, or look at its arguments. */
export type Outcome = number | Chain;

/** Rules that are tried in turn; when none fits, the default action holds. None of them is unconditional. */
export interface Chain {
  readonly rules: readonly Rule[];
  /** Whether all 64 bits of an argument count. */
  readonly wide: boolean;
}

/** All 2^32 call numbers of an architecture: `outcomes[i]` holds from `starts[i]` up to the next start. */
export interface Ranges {
  readonly starts: readonly number[];
  readonly outcomes: readonly Outcome[];
}

/** A tracer that cancels a call sets its number to -1, which is a call of no ABI. */
const cancelled = 0xffff_ffff;

/** Turns rules by name into ranges of call numbers. Names that have a number here are added to `found`. */
export function rangesOf(architecture: Architecture, profile: Profile, found?: Set<string>): Ranges {
  const starts: number[] = [];
  const outcomes: Outcome[] = [];
  let last: Outcome | undefined;
  const append = (start: number, outcome: Outcome): void => {
    if (last === outcome) return;
    last = outcome;
    starts.push(start);
    outcomes.push(outcome);
  };
  // Calls above the highest known one; the default as long as the profile knows no call of the architecture.
  let newer = profile.defaultAction;
  for (const space of architecture.spaces) {
    if (space.runs === undefined) {
      if (newer !== profile.defaultAction) continue;
      append(space.first, killThread);
      append(cancelled, profile.defaultAction);
      continue;
    }
    const rules = space.multiplexers ? withMultiplexers(profile.rules, space.multiplexers) : profile.rules;
    let next = space.first;
    let previous: readonly Rule[] | undefined;
    for (const [first, text] of space.runs) {
      let number = space.first + first - 1;
      for (const name of text.split('\n')) {
        number++;
        const own = rules.get(name);
        if (own === undefined) continue;
        found?.add(name);
        // Names of one section of the profile share their rules, so most calls only prolong a range.
        if (own !== previous || number !== next) {
          if (number !== next) append(next, profile.defaultAction);
          append(number, outcomeOf(own, space.wide, profile.defaultAction));
          previous = own;
        }
        next = number + 1;
      }
    }
    if (next > space.first) newer = profile.newerAction;
    append(next, newer);
  }
  return { starts, outcomes };
}

function isUnconditional(rule: Rule): boolean {
  return rule.conditions.length === 0;
}

/** The first rule without conditions decides alone, as in libseccomp, wherever it stands. */
function outcomeOf(rules: readonly Rule[], wide: boolean, defaultAction: number): Outcome {
  if (rules.length === 0) return defaultAction;
  const always = rules.find(isUnconditional);
  return always === undefined ? { rules, wide } : always.action;
}

/**
 * Adds to the rules of a multiplexing call those of the calls behind it: the first argument names the call. The
 * call's own first argument is behind a pointer then, which a filter cannot follow, so conditions on it are dropped.
 */
function withMultiplexers(rules: RulesByName, multiplexers: readonly Multiplexer[]): RulesByName {
  // Engines let these calls through as they are, and then nothing behind them can matter.
  const restricted = multiplexers.filter(({ name }) => !rules.get(name)?.some(isUnconditional));
  if (restricted.length === 0) return rules;
  const all = new Map(rules);
  for (const { name: multiplexer, runs } of restricted) {
    const behind = callsOf(runs).flatMap(([value, name]) =>
      (rules.get(name) ?? []).map((rule) => behindMultiplexer(rule, value)),
    );
    if (behind.length > 0) all.set(multiplexer, [...(rules.get(multiplexer) ?? []), ...behind]);
  }
  return all;
}

function callsOf(runs: readonly Run[]): [value: number, name: string][] {
  return runs.flatMap(([first, names]) =>
    names.split('\n').map((name, index): [number, string] => [first + index, name]),
  );
}

function behindMultiplexer(rule: Rule, value: number): Rule {
  const which: Condition = {
    index: 0,
    operator: 'SCMP_CMP_EQ',
    mask: { high: 0xffff_ffff, low: 0xffff_ffff },
    value: { high: 0, low: value },
  };
  return { action: rule.action, conditions: [which, ...rule.conditions.filter(({ index }) => index !== 0)] };
}
