import { SECCOMP_RET } from '../../kernel/seccomp.ts';
import type { Architecture } from './architectures.ts';
import { calls } from './calls.ts';
import type { Profile, SeccompSection } from './profile.ts';
import { outcomeAt, rangesOf } from './ranges.ts';

/** The verdict on a call of the machine's own architecture. */
export type Verdict =
  | { readonly kind: 'allowed' }
  /** Its arguments, the receiver of a notification or a tracer decide. */
  | { readonly kind: 'open' }
  /**
   * Refused for all arguments. `value` is the filter's return value if they match no rule, `pointer` its origin.
   * `ends`: when the filter ends the process, since a rule may do so although `value` does not, and vice versa.
   */
  | {
      readonly kind: 'refused';
      readonly value: number;
      readonly pointer: string;
      readonly ends: 'always' | 'sometimes' | 'never';
    };

const allowed: Verdict = { kind: 'allowed' };
const open: Verdict = { kind: 'open' };

/**
 * The effect of a profile's filter on a call, derived from its rules: nothing is compiled unless the call is refused.
 * `native` is the architecture of the caller.
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
        // It decides alone, at any position.
        if (action === SECCOMP_RET.ALLOW || action === SECCOMP_RET.LOG) return allowed;
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
  return !isConditional && (defaultAction === SECCOMP_RET.ALLOW || defaultAction === SECCOMP_RET.LOG) ? allowed : open;
}

/** Engines list hundreds of names, mostly sorted: then a few probes find the name. */
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

/** Whether the filter ends the calling process: SIGSYS cannot be blocked or ignored. */
export function kills(value: number): boolean {
  const action = (value & SECCOMP_RET.ACTION_FULL) >>> 0;
  return action === SECCOMP_RET.KILL_THREAD || action === SECCOMP_RET.KILL_PROCESS || action === SECCOMP_RET.TRAP;
}

function isRefusal(value: number): boolean {
  return kills(value) || (value & SECCOMP_RET.ACTION_FULL) >>> 0 === SECCOMP_RET.ERRNO;
}

/** The outcome if no rule matches; for a call that is newer than the profile it is not the default action. */
function defaultFor(profile: Profile, native: Architecture, call: string): number {
  const number = numberOf(native, call);
  if (number === undefined) throw new RangeError(`no number for ${call}`);
  const outcome = outcomeAt(rangesOf(native, profile), number);
  return typeof outcome === 'number' ? outcome : profile.defaultAction;
}

/** The number of a call; undefined if the architecture has no such call. */
export function numberOf({ spaces }: Architecture, name: string): number | undefined {
  const call = calls().byName.get(name);
  for (const { first, runs } of spaces) {
    for (const run of runs ?? []) {
      const at = call === undefined ? -1 : run.calls.indexOf(call);
      if (at >= 0) return first + run.first + at;
    }
  }
  return undefined;
}
