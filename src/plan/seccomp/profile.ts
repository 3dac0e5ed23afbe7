import type { Diagnostic } from '../../diag/diagnostic.ts';
import { ENOSYS, EPERM } from '../../kernel/errno.ts';
import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_RET,
} from '../../kernel/seccomp.ts';
import type {
  LinuxSeccomp,
  LinuxSeccompArg,
  LinuxSyscall,
  SeccompAction,
  SeccompFlag,
  SeccompOperator,
} from '../../../schema/generated/config.ts';
import { calls } from './calls.ts';

/** A comparison of one argument; 64-bit values are in halves because BPF computes with 32 bits. */
export interface Condition {
  /** Index of the argument, 0 to 5. */
  readonly index: number;
  readonly operator: SeccompOperator;
  /** Bits of the argument that are compared; all of them except for MASKED_EQ. */
  readonly mask: Halves;
  readonly value: Halves;
}

export interface Halves {
  readonly high: number;
  readonly low: number;
}

/** All conditions must hold; none means always. `action` is what the filter returns to the kernel. */
export interface Rule {
  readonly action: number;
  readonly conditions: readonly Condition[];
}

/** The rules of the profile for a call. */
export interface CallRules {
  /** In the order of the profile; empty if all of them only repeat the default action. */
  readonly rules: readonly Rule[];
  /** Return value of the first rule without conditions: it decides alone, at any position, as in libseccomp. */
  readonly always: number | undefined;
}

/** By call; undefined for a call that the profile does not name. */
export type RulesByCall = readonly (CallRules | undefined)[];

export function callRules(rules: readonly Rule[], defaultAction: number): CallRules {
  const always = rules.find(({ conditions }) => conditions.length === 0)?.action;
  return { rules, always: rules.length === 0 ? defaultAction : always };
}

export interface Profile {
  readonly defaultAction: number;
  /** Return value for a call that is newer than the profile. */
  readonly newerAction: number;
  /** The rules that each section of the profile applies to its names. */
  readonly sections: readonly CallRules[];
  /** Computed lazily: no faults can be found here. */
  readonly rules: RulesByCall;
  /** Flags of seccomp(2). */
  readonly flags: number;
  /** Whether a rule uses SCMP_ACT_NOTIFY, which needs a listener. */
  readonly notifies: boolean;
}

/** As in the runtime-spec, without sections that have no effect. */
export type SeccompSection = Omit<LinuxSeccomp, 'defaultAction'> & Partial<Pick<LinuxSeccomp, 'defaultAction'>>;

export const returnValues: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET.KILL_PROCESS,
  SCMP_ACT_TRAP: SECCOMP_RET.TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET.ERRNO,
  SCMP_ACT_NOTIFY: SECCOMP_RET.USER_NOTIF,
  SCMP_ACT_TRACE: SECCOMP_RET.TRACE,
  SCMP_ACT_LOG: SECCOMP_RET.LOG,
  SCMP_ACT_ALLOW: SECCOMP_RET.ALLOW,
};

/** The kill action for calls of an unknown architecture. */
export const killThread = returnValues.SCMP_ACT_KILL_THREAD;

/** TSYNC is 0: the filter is loaded by a process of one thread. */
export const flagBits: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

export const operators: Readonly<Record<SeccompOperator, true>> = {
  SCMP_CMP_NE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_MASKED_EQ: true,
};

const everyBit: Halves = { high: 0xffff_ffff, low: 0xffff_ffff };
const root = '/linux/seccomp';

/**
 * The profile in the kernel's terms; runtime-spec config-linux.md, "Seccomp". Undefined if the section has no effect,
 * or if it has faults, which are added to `diagnostics`: a filter is never made from a partly invalid profile.
 */
export function readProfile(section: SeccompSection, diagnostics: Diagnostic[]): Profile | undefined {
  const syscalls = section.syscalls ?? [];
  if (section.defaultAction === undefined) {
    if (syscalls.length > 0) diagnostics.push(fault('defaultAction', 'rules without a default action', root));
    return undefined;
  }
  const before = diagnostics.length;
  const reader = new Reader(diagnostics);
  const defaultAction = reader.action(section.defaultAction, section.defaultErrnoRet, `${root}/defaultAction`);
  if (section.defaultAction === 'SCMP_ACT_NOTIFY') {
    diagnostics.push(fault('notify', 'SCMP_ACT_NOTIFY cannot be used as default action', `${root}/defaultAction`));
  }
  const sections = syscalls.map((syscall, index) =>
    callRules(reader.rules(syscall, defaultAction, `${root}/syscalls/${index}`), defaultAction),
  );
  const notifies = syscalls.some((syscall) => syscall.action === 'SCMP_ACT_NOTIFY');
  const flags = reader.flags(section.flags, notifies);
  if (diagnostics.length > before) return undefined;
  let rules: RulesByCall | undefined;
  return {
    defaultAction,
    newerAction: actionForNewer(section, defaultAction),
    sections,
    get rules(): RulesByCall {
      return (rules ??= rulesByCall(syscalls, sections, defaultAction));
    },
    flags,
    notifies,
  };
}

/** Names that are in no table belong to other architectures. */
function rulesByCall(
  syscalls: readonly LinuxSyscall[],
  sections: readonly CallRules[],
  defaultAction: number,
): RulesByCall {
  const { byName, none } = calls();
  const rules: (CallRules | undefined)[] = none.slice();
  for (const [index, { names }] of syscalls.entries()) {
    const own = sections[index];
    for (const name of names) {
      const call = byName.get(name);
      if (call === undefined) continue;
      const known = rules[call]?.rules;
      // One object for all names of a section, so that equal neighbours can be merged.
      rules[call] = own !== undefined && known?.length ? callRules([...known, ...own.rules], defaultAction) : own;
    }
  }
  return rules;
}

/**
 * ENOSYS lets a C library use its fallback for a call that the profile could not know; a refusal such as EPERM would
 * not. Permissive defaults are kept: the call reaches the kernel or a tracer, which returns ENOSYS itself.
 */
function actionForNewer(section: SeccompSection, defaultAction: number): number {
  const { defaultAction: given, defaultErrnoRet } = section;
  const isPermissive = given === 'SCMP_ACT_ALLOW' || given === 'SCMP_ACT_LOG' || given === 'SCMP_ACT_TRACE';
  return isPermissive || defaultErrnoRet === ENOSYS ? defaultAction : returnValues.SCMP_ACT_ERRNO | ENOSYS;
}

class Reader {
  readonly #diagnostics: Diagnostic[];

  constructor(diagnostics: Diagnostic[]) {
    this.#diagnostics = diagnostics;
  }

  action(name: SeccompAction, errno: number | undefined, pointer: string): number {
    const value = this.#known(returnValues, name, 'action', pointer);
    // Only these two carry data; the kernel takes 16 bits of it.
    if (name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE') return value | ((errno ?? EPERM) & SECCOMP_RET.DATA);
    return value;
  }

  /** The rules that a section of the profile applies to each of its names. */
  rules(syscall: LinuxSyscall, defaultAction: number, pointer: string): readonly Rule[] {
    const action = this.action(syscall.action, syscall.errnoRet, `${pointer}/action`);
    const args = syscall.args ?? [];
    const conditions = args.map((arg, index) => this.#condition(arg, `${pointer}/args/${index}`));
    if (action === defaultAction) return [];
    // Two conditions on one argument are alternatives, conditions on different arguments must all hold.
    const repeats = conditions.some((condition, index) =>
      conditions.some((other, position) => position < index && other.index === condition.index),
    );
    if (repeats) return conditions.map((condition) => ({ action, conditions: [condition] }));
    return [{ action, conditions }];
  }

  flags(names: readonly SeccompFlag[] | undefined, notifies: boolean): number {
    // No list means the kernel's old behaviour; an empty list means no flags.
    if (names === undefined) return flagBits.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let flags = 0;
    names.forEach((name, index) => {
      const bit = this.#known(flagBits, name, 'flag', `${root}/flags/${index}`);
      // Without a listener it has no effect, and the kernel refuses it.
      if (name !== 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' || notifies) flags |= bit;
    });
    return flags;
  }

  #condition(arg: LinuxSeccompArg, pointer: string): Condition {
    this.#known(operators, arg.op, 'operator', `${pointer}/op`);
    if (arg.index > 5) {
      const message = `invalid argument index "${arg.index}": a system call has the arguments 0 to 5`;
      this.#diagnostics.push(fault('index', message, `${pointer}/index`));
    }
    const { index, op: operator } = arg;
    const value = halves(arg.value);
    if (operator !== 'SCMP_CMP_MASKED_EQ') return { index, operator, mask: everyBit, value };
    const { high, low } = halves(arg.valueTwo ?? 0);
    // Bits of the value outside the mask can never match; libseccomp drops them too.
    const masked = { high: (high & value.high) >>> 0, low: (low & value.low) >>> 0 };
    return { index, operator, mask: value, value: masked };
  }

  #known<Name extends string, Value>(
    table: Readonly<Record<Name, Value>>,
    name: Name,
    kind: FaultKind,
    pointer: string,
  ) {
    if (!Object.hasOwn(table, name)) {
      this.#diagnostics.push(fault(kind, `unknown seccomp ${kind} "${name}"`, pointer));
    }
    return table[name];
  }
}

function halves(value: number | bigint): Halves {
  if (typeof value === 'bigint') {
    return { high: Number((value >> 32n) & 0xffff_ffffn), low: Number(value & 0xffff_ffffn) };
  }
  return { high: Math.floor(value / 0x1_0000_0000) >>> 0, low: value >>> 0 };
}

type FaultKind = 'action' | 'defaultAction' | 'flag' | 'index' | 'notify' | 'operator';

function fault(kind: FaultKind, message: string, pointer: string): Diagnostic {
  return { code: `seccomp.${kind}`, message, pointer };
}
