import type { Architecture } from './architectures.ts';
import { conditionWords } from './arguments.ts';
import { calls } from './calls.ts';
import type { Condition, Halves, Profile, Rule, SeccompSection } from './profile.ts';
import { behindMultiplexer, outcomeAt, rangesOf } from './ranges.ts';
import type { Ranges } from './ranges.ts';

/** What a filter returns for a call, and the part of the profile from which that follows. */
export interface Decision {
  /** As in the kernel: SECCOMP_RET_*. */
  readonly action: number;
  /** JSON pointer into config.json. */
  readonly pointer: string;
}

/** All conditions must hold; none means always. */
export interface PlacedRule extends Rule, Decision {}

/** A call number of an architecture, and what the profile says about it. */
export interface DecidedCall {
  readonly name: string;
  /** Tried in turn, except that one without conditions decides alone. */
  readonly rules: readonly PlacedRule[];
  /** If none of them matches. */
  readonly otherwise: Decision;
  /** Whether the profile is older than the call: then its default action does not apply. */
  readonly newer: boolean;
  /** Whether all 64 bits of an argument are compared. */
  readonly wide: boolean;
}

const root = '/linux/seccomp';

/**
 * Tells for call numbers which rule of a profile decides. The filter that is compiled from the profile is the authority
 * on the verdict; this knows the places in the config, which a filter has lost.
 */
export class Decisions {
  readonly #section: SeccompSection;
  readonly #profile: Profile;
  readonly #ranges = new Map<Architecture, Ranges>();

  constructor(section: SeccompSection, profile: Profile) {
    this.#section = section;
    this.#profile = profile;
  }

  /** `number` is unsigned. A number without a call has the name ''. */
  of(architecture: Architecture, number: number): DecidedCall {
    const space = architecture.spaces.findLast(({ first }) => first <= number);
    const call = space?.runs
      ?.map(({ first, calls: run }) => run[number - space.first - first])
      .find((one) => one !== undefined && one !== 0);
    const name = call === undefined ? '' : (calls().names[call] ?? '');
    const own = this.#rules(name);
    const multiplexer = own.some(({ conditions }) => conditions.length === 0)
      ? undefined
      : space?.multiplexers?.find((one) => one.call === call);
    const rules = multiplexer === undefined ? own : [...own, ...this.#behind(multiplexer.runs)];
    const { defaultAction } = this.#profile;
    let ranges = this.#ranges.get(architecture);
    if (ranges === undefined) this.#ranges.set(architecture, (ranges = rangesOf(architecture, this.#profile)));
    const outcome = outcomeAt(ranges, number);
    const action = rules.length === 0 && typeof outcome === 'number' ? outcome : defaultAction;
    return {
      name,
      rules,
      otherwise: { action, pointer: `${root}/defaultAction` },
      newer: action !== defaultAction,
      wide: space?.wide ?? true,
    };
  }

  /** The rules that name the call, without those that only repeat the default action. */
  #rules(name: string): PlacedRule[] {
    const { syscalls = [] } = this.#section;
    return this.#profile.sections.flatMap(({ rules }, index) =>
      rules.length > 0 && syscalls[index]?.names.includes(name) === true
        ? rules.map((rule) => ({ ...rule, pointer: `${root}/syscalls/${index}` }))
        : [],
    );
  }

  #behind(runs: Architecture['spaces'][number]['runs'] = []): PlacedRule[] {
    return runs.flatMap(({ first, calls: run }) =>
      Array.from(run).flatMap((call, at) =>
        this.#rules(calls().names[call] ?? '').map(({ pointer, ...rule }) => ({
          ...behindMultiplexer(rule, first + at),
          pointer,
        })),
      ),
    );
  }
}

/** The decision on a call with these arguments, unsigned numbers of 64 bits. */
export function decide(call: DecidedCall, values: readonly bigint[]): Decision {
  return decidingRule(call, values) ?? call.otherwise;
}

/** The rule that decides on it; undefined if none does. */
export function decidingRule({ rules, wide }: DecidedCall, values: readonly bigint[]): PlacedRule | undefined {
  return (
    rules.find(({ conditions }) => conditions.length === 0) ??
    rules.find(({ conditions }) => conditions.every((condition) => holds(condition, wide, values)))
  );
}

function holds({ index, operator, mask, value }: Condition, wide: boolean, values: readonly bigint[]): boolean {
  const whole = ({ high, low }: Halves): bigint => (wide ? BigInt(high) << 32n : 0n) | BigInt(low);
  const argument = (values[index] ?? 0n) & whole({ high: 0xffff_ffff, low: 0xffff_ffff });
  const other = whole(value);
  switch (operator) {
    case 'SCMP_CMP_NE':
      return argument !== other;
    case 'SCMP_CMP_LT':
      return argument < other;
    case 'SCMP_CMP_LE':
      return argument <= other;
    case 'SCMP_CMP_EQ':
      return argument === other;
    case 'SCMP_CMP_GE':
      return argument >= other;
    case 'SCMP_CMP_GT':
      return argument > other;
    case 'SCMP_CMP_MASKED_EQ':
      return (argument & whole(mask)) === other;
  }
}

const comparisons = {
  SCMP_CMP_NE: '!=',
  SCMP_CMP_LT: '<',
  SCMP_CMP_LE: '<=',
  SCMP_CMP_EQ: '==',
  SCMP_CMP_GE: '>=',
  SCMP_CMP_GT: '>',
  SCMP_CMP_MASKED_EQ: '==',
} as const;

function comparison({ name, wide }: DecidedCall, { index, operator, ...halves }: Condition): string {
  const whole = ({ high, low }: Halves): bigint => (wide ? BigInt(high) << 32n : 0n) | BigInt(low);
  const words = conditionWords(name, index, {
    value: whole(halves.value),
    isEqual: operator === 'SCMP_CMP_EQ' || operator === 'SCMP_CMP_NE',
    ...(operator === 'SCMP_CMP_MASKED_EQ' ? { mask: whole(halves.mask) } : {}),
  });
  const subject = `argument ${index}${words.mask === undefined ? '' : ` & ${words.mask}`}`;
  return `${subject} ${comparisons[operator]} ${words.value}`;
}

/** The conditions of a rule for a call: `argument 1 == SIGKILL and argument 0 >= 0x7`. */
export function conditionsWords(call: DecidedCall, { conditions }: PlacedRule): string {
  return conditions.map((condition) => comparison(call, condition)).join(' and ');
}
