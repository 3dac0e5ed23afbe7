import { EBUSY } from '../../kernel/errno.ts';
import {
  FILTER_OPCODES,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_RET,
  SECCOMP_SET_MODE_FILTER,
} from '../../kernel/seccomp.ts';
import type { Architecture } from './architectures.ts';
import { dataOffset, decodeProgram, encodeProgram } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { calls } from './calls.ts';
import { decide } from './deciding.ts';
import type { DecidedCall, Decision, Decisions } from './deciding.ts';
import { simulator } from './machine.ts';
import type { Simulator } from './machine.ts';

/**
 * Which calls the runtime is asked about, instead of the kernel's answer by the filter: those that it refuses;
 * `fallible`: also those of a list that it allows; or all.
 */
export type WatchMode = 'refused' | 'fallible' | 'every';

/** What the profile says about a call that waits for its answer. */
export interface WatchedCall extends Decision {
  /** Undefined for a call of an architecture that the profile does not list. */
  readonly call: DecidedCall | undefined;
  /** AUDIT_ARCH_* of the caller, and whether it is the machine's own architecture. */
  readonly audit: number;
  readonly own: boolean;
  readonly number: number;
}

/** A profile whose refusals the runtime answers, so that it can tell of them. */
export class Watched {
  /** The filter of the profile, which is the authority on the verdict. */
  readonly #original: () => Uint8Array;
  readonly #architectures: readonly Architecture[];
  readonly #decisions: Decisions;
  readonly #mode: WatchMode;
  readonly #select: () => Uint8Array;
  #simulate: Simulator | undefined;

  constructor(
    original: () => Uint8Array,
    architectures: readonly Architecture[],
    decisions: Decisions,
    mode: WatchMode,
    select: () => Uint8Array,
  ) {
    this.#original = original;
    this.#architectures = architectures;
    this.#decisions = decisions;
    this.#mode = mode;
    this.#select = select;
  }

  /** The filter to load. */
  filter(): Uint8Array {
    switch (this.#mode) {
      case 'every':
        return everyCallNotified();
      case 'fallible':
        return withoutListeners(alsoNotified(this.#original(), this.#select()), this.#architectures);
      case 'refused':
        return withoutListeners(refusalsNotified(this.#original()), this.#architectures);
    }
  }

  /** `data`: struct seccomp_data as words. */
  judge(data: Uint32Array): WatchedCall {
    this.#simulate ??= simulator(this.#original());
    const action = this.#simulate(data);
    const at = this.#architectures.findIndex(({ audit }) => audit === data[1]);
    const architecture = this.#architectures[at];
    const [number = 0, audit = 0] = data;
    const space = architecture?.spaces.findLast(({ first }) => first <= number);
    // x32 shares the AUDIT_ARCH of x86_64.
    if (architecture === undefined || space?.runs === undefined)
      return { action, pointer: '/linux/seccomp', call: undefined, audit, own: false, number };
    const call = this.#decisions.of(architecture, number);
    const own = at === 0 && space === architecture.spaces[0];
    return { action, pointer: decide(call, argumentsOf(data)).pointer, call, audit, own, number };
  }
}

/** The arguments of struct seccomp_data. */
export function argumentsOf(data: Uint32Array): bigint[] {
  return Array.from({ length: 6 }, (_, index) => {
    const at = 4 + index * 2;
    return (BigInt(data[at + 1] ?? 0) << 32n) | BigInt(data[at] ?? 0);
  });
}

/** A filter that asks the listener about each call. */
function everyCallNotified(): Uint8Array {
  return encodeProgram([{ code: FILTER_OPCODES.return, jt: 0, jf: 0, k: SECCOMP_RET.USER_NOTIF }]);
}

/**
 * The same filter, but it asks about what it would refuse, and about allowed calls, too, for which `select`, another
 * filter, returns USER_NOTIF. Longer than both: three programs, of which the first jumps to one of the others.
 */
export function alsoNotified(filter: Uint8Array, select: Uint8Array): Uint8Array {
  const selection = decodeProgram(select);
  const program = decodeProgram(filter);
  const refusals = program.map((instruction) => asked(instruction, isRefusal));
  const both = program.map((instruction) => asked(instruction, (value) => isRefusal(value) || isAllowed(value)));
  const jumps = selection.map((instruction, index) => {
    if (instruction.code !== FILTER_OPCODES.return) return instruction;
    const target = selection.length + (instruction.k === SECCOMP_RET.USER_NOTIF ? refusals.length : 0);
    return { code: FILTER_OPCODES.goto, jt: 0, jf: 0, k: target - index - 1 };
  });
  return encodeProgram([...jumps, ...refusals, ...both]);
}

/** Whether a filter that returns `value` lets the call be made. */
export function isAllowed(value: number): boolean {
  const action = (value & SECCOMP_RET.ACTION_FULL) >>> 0;
  return action === SECCOMP_RET.ALLOW || action === SECCOMP_RET.LOG;
}

/** The same filter, but it asks the listener about what it would refuse. */
export function refusalsNotified(filter: Uint8Array): Uint8Array {
  return encodeProgram(decodeProgram(filter).map((instruction) => asked(instruction, isRefusal)));
}

/**
 * The same filter, but it refuses a listener to the program, as the kernel does while there is the runtime's. Once that is
 * closed, the listener of a newer filter would get the calls that this one asks about, and could let them through.
 */
export function withoutListeners(filter: Uint8Array, architectures: readonly Architecture[]): Uint8Array {
  const wanted = calls().byName.get('seccomp') ?? 0;
  const guards = architectures.flatMap(({ audit, spaces }) =>
    spaces.flatMap(({ first, runs = [] }) =>
      runs.flatMap((run) => {
        const at = run.calls.indexOf(wanted);
        return at < 0 ? [] : listenerGuard(audit, first + run.first + at);
      }),
    ),
  );
  return encodeProgram([...guards, ...decodeProgram(filter)]);
}

/** Fails seccomp(2) of an architecture if it asks for a listener; else what follows decides. */
function listenerGuard(audit: number, number: number): Instruction[] {
  const argument = (index: number): number => dataOffset.arguments + 8 * index;
  const conditions: [offset: number, mask: number, value: number][] = [
    [dataOffset.architecture, 0xffff_ffff, audit],
    [dataOffset.number, 0xffff_ffff, number],
    [argument(0), 0xffff_ffff, SECCOMP_SET_MODE_FILTER],
    [argument(1), SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER],
  ];
  const size = 3;
  return [
    ...conditions.flatMap(([offset, mask, value], index): Instruction[] => [
      { code: FILTER_OPCODES.load, jt: 0, jf: 0, k: offset },
      { code: FILTER_OPCODES.and, jt: 0, jf: 0, k: mask },
      { code: FILTER_OPCODES.ifEqual, jt: 0, jf: size * (conditions.length - 1 - index) + 1, k: value },
    ]),
    { code: FILTER_OPCODES.return, jt: 0, jf: 0, k: SECCOMP_RET.ERRNO | EBUSY },
  ];
}

function asked(instruction: Instruction, which: (value: number) => boolean): Instruction {
  const { code, k } = instruction;
  return code === FILTER_OPCODES.return && which(k) ? { ...instruction, k: SECCOMP_RET.USER_NOTIF } : instruction;
}

/** Whether the call is not made. TRACE, too: a tracer gets it only from the kernel, and hardly any program has one. */
function isRefusal(value: number): boolean {
  const action = (value & SECCOMP_RET.ACTION_FULL) >>> 0;
  return !isAllowed(value) && action !== SECCOMP_RET.USER_NOTIF;
}
