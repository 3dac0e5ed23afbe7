import type { SeccompAction, SeccompOperator } from '../../../schema/generated/config.ts';
import { random } from '../../../schema/mutations.ts';
import { parseExactJson } from '../../../src/bundle/json.ts';
import { Failure } from '../../../src/diag/diagnostic.ts';
import type { Diagnostic } from '../../../src/diag/diagnostic.ts';
import { exactJson } from '../../../src/diag/exact-json.ts';
import { FILTER_OPCODES } from '../../../src/kernel/seccomp.ts';
import { architecturesOf } from '../../../src/plan/seccomp/architectures.ts';
import type { Space } from '../../../src/plan/seccomp/architectures.ts';
import { decodeProgram } from '../../../src/plan/seccomp/bpf.ts';
import { calls } from '../../../src/plan/seccomp/calls.ts';
import type { CallRun } from '../../../src/plan/seccomp/calls.ts';
import { checkSeccomp } from '../../../src/plan/seccomp/compile.ts';
import { returnValues } from '../../../src/plan/seccomp/profile.ts';
import type { SeccompSection } from '../../../src/plan/seccomp/profile.ts';
import { callData, simulator } from '../../../src/plan/seccomp/machine.ts';
import { kills } from '../../../src/plan/seccomp/verdict.ts';
import type { Verdict } from '../../../src/plan/seccomp/verdict.ts';
import { below, pick, seedOf } from '../target.ts';
import type { Random, Target } from '../target.ts';

const operators: readonly SeccompOperator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
];
const actions = Object.keys(returnValues) as SeccompAction[];
const values = [
  0n,
  1n,
  2n,
  5n,
  10n,
  40n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
];
/** Multiplexing calls, and some calls that they select. */
const behind = ['socketcall', 'ipc', 'socket', 'accept', 'semop', 'shmat'];
const roundsOfCalls = 200;

type Section = Required<Pick<SeccompSection, 'defaultAction' | 'syscalls'>> & SeccompSection;

/** A profile, compared with its literal meaning for many calls. */
export const seccomp: Target = {
  name: 'seccomp',
  unit: 'comparisons',
  rounds: 30,
  make: (next) => exactJson(profile(next)),
  check: (input) => {
    const section = parseExactJson(input, 'profile') as Section;
    const native = seedOf(input) % 4 === 0 ? 'aarch64' : 'x86_64';
    const diagnostics: Diagnostic[] = [];
    const checked = checkSeccomp(section, { nativeArch: native, diagnostics });
    if (checked === undefined) {
      if (diagnostics.length === 0) throw new Error('no filter and no diagnostic');
      return 1;
    }
    let filter: Uint8Array;
    try {
      filter = checked.filter();
    } catch (error) {
      if (error instanceof Failure) return 1;
      throw error;
    }
    verify(filter);
    const answer = simulator(filter);
    const next = random(seedOf(input));
    const [own, ...others] = architecturesOf(native, section.architectures ?? []);
    const models = new Map([own, ...others].map((one) => [one, modelOf(section, one.spaces)]));
    for (let round = 0; round < roundsOfCalls; round++) {
      const architecture = next() < 0.6 ? own : pick([own, ...others], next);
      const number = callNumber(architecture.spaces, section, next);
      const list = Array.from({ length: 6 }, () => argument(section, next));
      const found = answer(callData(architecture.audit, number, list));
      const wanted = models.get(architecture)?.(number, list);
      if (found !== wanted) {
        const call = `${architecture.audit.toString(16)} ${number} (${list.join(', ')})`;
        throw new Error(`call ${call} returns ${found.toString(16)}, the profile says ${String(wanted?.toString(16))}`);
      }
      if (architecture === own) compareVerdict(checked.verdict, nameOf(own.spaces, number), found);
    }
    return roundsOfCalls;
  },
};

function profile(next: Random): Section {
  const known = calls().names.slice(1);
  const some = (): string => (next() < 0.1 ? pick([...behind, 'no_such_call'], next) : pick(known, next));
  const favourites = Array.from({ length: 4 }, some);
  const syscalls = Array.from({ length: below(next() < 0.9 ? 12 : 80, next) }, () => {
    const names = Array.from({ length: 1 + below(next() < 0.8 ? 6 : 120, next) }, () =>
      next() < 0.4 ? pick(favourites, next) : some(),
    );
    if (next() < 0.3) names.sort();
    const args = Array.from({ length: next() < 0.5 ? 0 : below(5, next) }, () => ({
      index: below(6, next),
      value: someValue(next),
      ...(next() < 0.5 ? { valueTwo: someValue(next) } : {}),
      op: pick(operators, next),
    }));
    return {
      names,
      action: pick(actions, next),
      ...(next() < 0.3 ? { errnoRet: below(70_000, next) } : {}),
      ...(args.length > 0 ? { args } : {}),
    };
  });
  const list = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM', 'SCMP_ARCH_AARCH64'] as const;
  return {
    defaultAction: pick(actions, next),
    ...(next() < 0.4 ? { defaultErrnoRet: pick([0, 1, 38, 70_000], next) } : {}),
    ...(next() < 0.7 ? { architectures: list.filter(() => next() < 0.5) } : {}),
    syscalls,
  };
}

function someValue(next: Random): number | bigint {
  const value = next() < 0.8 ? pick(values, next) : BigInt(below(2 ** 53, next));
  return value < 2n ** 53n ? Number(value) : value;
}

/** A value of the profile or a neighbour, or any value. */
function argument({ syscalls }: Section, next: Random): bigint {
  const args = syscalls.length === 0 ? [] : (pick(syscalls, next).args ?? []);
  if (args.length === 0 || next() < 0.3) return pick(values, next);
  const { value, valueTwo = 0 } = pick(args, next);
  return BigInt.asUintN(64, BigInt(next() < 0.7 ? value : valueTwo) + BigInt(below(3, next) - 1));
}

/** Mostly one that the profile names, at the end of a range, or a multiplexing one. */
function callNumber(spaces: readonly Space[], { syscalls }: Section, next: Random): number {
  const chance = next();
  const space = pick(spaces, next);
  if (chance < 0.1) return below(2 ** 32, next);
  if (chance < 0.15) return pick([0, 0xffff_ffff, 0x4000_0000, 0x3fff_ffff, 0x7fff_ffff, 0x0f_0000, 511, 512], next);
  if (chance < 0.25) return 102 + 15 * below(2, next);
  if (chance < 0.7 && syscalls.length > 0) {
    const number = numberOf(space, pick(pick(syscalls, next).names, next));
    if (number !== undefined) return number;
  }
  return space.first + below(470, next);
}

function callAt(runs: readonly CallRun[], number: number): string | undefined {
  for (const { first, calls: list } of runs) {
    const call = list[number - first];
    if (call !== undefined && call !== 0) return calls().names[call];
  }
  return undefined;
}

function spaceOf(spaces: readonly Space[], number: number): Space {
  return spaces.findLast(({ first }) => first <= number) as Space;
}

function nameOf(spaces: readonly Space[], number: number): string | undefined {
  const { first, runs } = spaceOf(spaces, number);
  return first > 0 && spaces[0]?.wide === true ? undefined : callAt(runs ?? [], number - first);
}

function numberOf({ first, runs = [] }: Space, name: string): number | undefined {
  const call = calls().byName.get(name);
  for (const run of runs) {
    const at = call === undefined ? -1 : run.calls.indexOf(call);
    if (at >= 0) return first + run.first + at;
  }
  return undefined;
}

/** One rule of the profile. */
interface Words {
  readonly action: number;
  readonly holds: (list: readonly bigint[]) => boolean;
  readonly always: boolean;
}

function value(action: SeccompAction, errno: number | undefined): number {
  const carries = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return returnValues[action] + (carries ? (errno ?? 1) % 65536 : 0);
}

/** The rules for a call in the order of the profile; those that only repeat the default are omitted. */
function rulesFor(
  section: Section,
  name: string,
  bits: number,
  otherwise: number,
  hidden: number | undefined,
): Words[] {
  return section.syscalls.flatMap(({ names, action, errnoRet, args = [] }): Words[] => {
    const result = value(action, errnoRet);
    if (!names.includes(name) || result === otherwise) return [];
    const repeats = new Set(args.map(({ index }) => index)).size < args.length;
    const visible = args.filter(({ index }) => index !== hidden);
    const test = (arg: (typeof args)[number], list: readonly bigint[]): boolean => {
      const is = BigInt.asUintN(bits, list[arg.index] ?? 0n);
      const first = BigInt.asUintN(bits, BigInt(arg.value));
      const second = BigInt.asUintN(bits, BigInt(arg.valueTwo ?? 0));
      const results: Record<SeccompOperator, boolean> = {
        SCMP_CMP_NE: is !== first,
        SCMP_CMP_LT: is < first,
        SCMP_CMP_LE: is <= first,
        SCMP_CMP_EQ: is === first,
        SCMP_CMP_GE: is >= first,
        SCMP_CMP_GT: is > first,
        SCMP_CMP_MASKED_EQ: (is & first) === (second & first),
      };
      return results[arg.op];
    };
    if (repeats) {
      // Alternatives, of which an invisible one always holds.
      return args.map((arg) => {
        const always = arg.index === hidden;
        return { action: result, always, holds: (list) => always || test(arg, list) };
      });
    }
    return [{ action: result, always: visible.length === 0, holds: (list) => visible.every((arg) => test(arg, list)) }];
  });
}

function decide(rules: readonly Words[], list: readonly bigint[], otherwise: number): number {
  const always = rules.find((rule) => rule.always);
  if (always !== undefined) return always.action;
  return rules.find(({ holds }) => holds(list))?.action ?? otherwise;
}

/** The profile's rules for the calls of a space, by number; calls that it does not name are missing. */
function tableOf(section: Section, space: Space, otherwise: number): Map<number, Words[]> {
  const bits = space.wide ? 64 : 32;
  const table = new Map<number, Words[]>();
  for (const name of new Set(section.syscalls.flatMap(({ names }) => names))) {
    const number = numberOf(space, name);
    if (number !== undefined) table.set(number, rulesFor(section, name, bits, otherwise, undefined));
  }
  for (const { call, runs } of space.multiplexers ?? []) {
    const number = numberOf(space, calls().names[call] ?? '') as number;
    const own = table.get(number) ?? [];
    if (own.some(({ always }) => always)) continue;
    const behindIt = runs.flatMap((run) =>
      Array.from(run.calls).flatMap((inner, at) =>
        (inner === 0 ? [] : rulesFor(section, calls().names[inner] ?? '', bits, otherwise, 0)).map((rule): Words => ({
          ...rule,
          always: false,
          holds: (list) => BigInt.asUintN(bits, list[0] ?? 0n) === BigInt(run.first + at) && rule.holds(list),
        })),
      ),
    );
    if (behindIt.length > 0) table.set(number, [...own, ...behindIt]);
  }
  return table;
}

/** Returns the profile's verdicts, by architecture. */
function modelOf(section: Section, spaces: readonly Space[]): (number: number, list: readonly bigint[]) => number {
  const otherwise = value(section.defaultAction, section.defaultErrnoRet);
  const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(section.defaultAction);
  const newer = permissive || section.defaultErrnoRet === 38 ? otherwise : returnValues.SCMP_ACT_ERRNO + 38;
  const tables = new Map(spaces.map((space) => [space, tableOf(section, space, otherwise)]));
  return (number, list) => {
    const space = spaceOf(spaces, number);
    const isKnown = spaces.some((one) => one.first <= space.first && (tables.get(one)?.size ?? 0) > 0);
    if (space.runs === undefined) {
      // Not admitted: treated as a newer call of the previous one, or ends the thread.
      if (isKnown && newer !== otherwise) return newer;
      return number === 0xffff_ffff ? otherwise : returnValues.SCMP_ACT_KILL_THREAD;
    }
    const table = tables.get(space) ?? new Map<number, Words[]>();
    if (isKnown && number > Math.max(-1, ...table.keys())) return newer;
    return decide(table.get(number) ?? [], list, otherwise);
  };
}

/** The kernel's checks on a filter before it loads it. */
function verify(filter: Uint8Array): void {
  const program = decodeProgram(filter);
  program.forEach(({ code, jt, jf, k }, at) => {
    const left = program.length - at - 1;
    if (code === FILTER_OPCODES.goto && k >= left) throw new Error(`a jump out of the program at ${at}`);
    const compares =
      code === FILTER_OPCODES.ifEqual || code === FILTER_OPCODES.ifGreater || code === FILTER_OPCODES.ifAtLeast;
    if (compares && (jt >= left || jf >= left)) throw new Error(`a jump out of the program at ${at}`);
    if (code === FILTER_OPCODES.load && (k % 4 !== 0 || k > 60)) throw new Error(`a load from ${k} at ${at}`);
  });
  if (program.at(-1)?.code !== FILTER_OPCODES.return) throw new Error('the program does not end with a return');
}

function compareVerdict(verdict: (name: string) => Verdict, name: string | undefined, found: number): void {
  if (name === undefined) return;
  const told = verdict(name);
  const passes = found === returnValues.SCMP_ACT_ALLOW || found === returnValues.SCMP_ACT_LOG;
  if (told.kind === 'allowed' && !passes)
    throw new Error(`${name} is told to be allowed and returns ${found.toString(16)}`);
  if (told.kind !== 'refused') return;
  const ends = kills(found);
  const isRefused = ends || (found & 0x7fff_0000) === returnValues.SCMP_ACT_ERRNO;
  if (!isRefused || (told.ends === 'always' && !ends) || (told.ends === 'never' && ends)) {
    throw new Error(`${name} is told to be refused and returns ${found.toString(16)}`);
  }
}
