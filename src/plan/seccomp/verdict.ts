import { SECCOMP_RET_ACTION_FULL } from '../../kernel/seccomp.ts';
import type { Architecture } from './architectures.ts';
import { calls } from './calls.ts';
import { returnValues } from './profile.ts';
import type { Profile, SeccompSection } from './profile.ts';
import { rangesOf } from './ranges.ts';

/** What becomes of a call of the machine's own architecture. */
export type Verdict =
  | { readonly kind: 'allowed' }
  /** Its arguments, the receiver of a notification or a tracer decide. */
  | { readonly kind: 'open' }
  /**
   * Whatever its arguments are. `value` is what the filter returns when they fit no rule, `pointer` what asks for it.
   * `ends` says when the filter ends the process: a rule may do so where `value` does not, or the other way round.
   */
  | {
      readonly kind: 'refused';
      readonly value: number;
      readonly pointer: string;
      readonly ends: 'always' | 'sometimes' | 'never';
    };

const allowed: Verdict = { kind: 'allowed' };
const open: Verdict = { kind: 'open' };

const {
  SCMP_ACT_ALLOW: ALLOW,
  SCMP_ACT_LOG: LOG,
  SCMP_ACT_ERRNO: ERRNO,
  SCMP_ACT_TRAP: TRAP,
  SCMP_ACT_KILL_PROCESS: KILL_PROCESS,
  SCMP_ACT_KILL_THREAD: KILL_THREAD,
} = returnValues;

/**
 * What the filter of a profile does with a call, told from its rules: nothing is compiled unless the call is refused.
 * `native` is the architecture that the calls come from.
 */
export function verdictOf(section: SeccompSection, profile: Profile, native: Architecture, call: string): Verdict {
  const { sections, defaultAction } = profile;
  const syscalls = section.syscalls ?? [];
  let isConditional = false;
  let mayPass = !isRefusal(defaultAction);
  const answers: number[] = [];
  for (let index = 0; index < sections.length; index++) {
    const rules = sections[index]?.rules ?? [];
    if (rules.length === 0 || !lists(syscalls[index]?.names ?? [], call)) continue;
    for (const { action, conditions } of rules) {
      if (conditions.length === 0) {
        // It decides alone, wherever it stands.
        if (action === ALLOW || action === LOG) return allowed;
        if (!isRefusal(action)) return open;
        const ends = kills(action) ? 'always' : 'never';
        return { kind: 'refused', value: action, pointer: `/linux/seccomp/syscalls/${index}/action`, ends };
      }
      isConditional = true;
      answers.push(action);
      mayPass ||= !isRefusal(action);
    }
  }
  if (!mayPass) {
    const value = defaultFor(profile, native, call);
    const deadly = [value, ...answers].map(kills);
    const ends = deadly.every(Boolean) ? 'always' : deadly.some(Boolean) ? 'sometimes' : 'never';
    return { kind: 'refused', value, pointer: '/linux/seccomp/defaultAction', ends };
  }
  return !isConditional && (defaultAction === ALLOW || defaultAction === LOG) ? allowed : open;
}

/** Engines write hundreds of names, mostly in order: then a few looks find the one that is there. */
function lists(names: readonly string[], call: string): boolean {
  let from = 0;
  let to = names.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const name = names[middle] as string;
    if (name === call) return true;
    if (name < call) from = middle + 1;
    else to = middle;
  }
  return names.includes(call);
}

/** Whether the filter ends the process that makes the call: SIGSYS cannot be blocked or ignored. */
export function kills(value: number): boolean {
  const action = (value & SECCOMP_RET_ACTION_FULL) >>> 0;
  return action === KILL_THREAD || action === KILL_PROCESS || action === TRAP;
}

function isRefusal(value: number): boolean {
  return kills(value) || (value & SECCOMP_RET_ACTION_FULL) >>> 0 === ERRNO;
}

/** What holds when no rule fits: it is not the default action for a call that is newer than the profile. */
function defaultFor(profile: Profile, native: Architecture, call: string): number {
  const number = numberOf(native, call);
  const { starts, outcomes } = rangesOf(native, profile);
  const outcome = outcomes[starts.findLastIndex((start) => start <= number)];
  return typeof outcome === 'number' ? outcome : profile.defaultAction;
}

function numberOf({ spaces }: Architecture, name: string): number {
  const call = calls().byName.get(name);
  for (const { first, runs } of spaces) {
    for (const run of runs ?? []) {
      const at = call === undefined ? -1 : run.calls.indexOf(call);
      if (at >= 0) return first + run.first + at;
    }
  }
  throw new RangeError(`no number for ${name}`);
}
