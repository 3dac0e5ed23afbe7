import { FILTER_OPCODES, SECCOMP_RET } from '../../kernel/seccomp.ts';
import type { Architecture } from './architectures.ts';
import { decodeProgram, encodeProgram } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { decide } from './deciding.ts';
import type { DecidedCall, Decision, Decisions } from './deciding.ts';
import { simulator } from './machine.ts';
import type { Simulator } from './machine.ts';

/** Which calls the runtime is asked about, instead of the kernel's answer by the filter: those that it refuses. */
export type WatchMode = 'refused';

/** What the profile says about a call that waits for its answer. */
export interface WatchedCall extends Decision {
  /** Undefined for a call of an architecture that the profile does not list. */
  readonly call: DecidedCall | undefined;
  /** Whether it is of the machine's own architecture. */
  readonly own: boolean;
}

/** A profile whose refusals the runtime answers, so that it can tell of them. */
export class Watched {
  /** The filter of the profile, which is the authority on the verdict. */
  readonly #original: () => Uint8Array;
  readonly #architectures: readonly Architecture[];
  readonly #decisions: Decisions;
  #simulate: Simulator | undefined;

  constructor(original: () => Uint8Array, architectures: readonly Architecture[], decisions: Decisions) {
    this.#original = original;
    this.#architectures = architectures;
    this.#decisions = decisions;
  }

  /** The filter to load. */
  filter(): Uint8Array {
    return refusalsNotified(this.#original());
  }

  /** `data`: struct seccomp_data as words. */
  judge(data: Uint32Array): WatchedCall {
    this.#simulate ??= simulator(this.#original());
    const action = this.#simulate(data);
    const at = this.#architectures.findIndex(({ audit }) => audit === data[1]);
    const architecture = this.#architectures[at];
    if (architecture === undefined) return { action, pointer: '/linux/seccomp', call: undefined, own: false };
    const call = this.#decisions.of(architecture, data[0] ?? 0);
    return { action, pointer: decide(call, argumentsOf(data)).pointer, call, own: at === 0 };
  }
}

/** The arguments of struct seccomp_data. */
export function argumentsOf(data: Uint32Array): bigint[] {
  return Array.from({ length: 6 }, (_, index) => {
    const at = 4 + index * 2;
    return (BigInt(data[at + 1] ?? 0) << 32n) | BigInt(data[at] ?? 0);
  });
}

/** The same filter, but it asks the listener about what it would refuse. */
export function refusalsNotified(filter: Uint8Array): Uint8Array {
  return encodeProgram(decodeProgram(filter).map((instruction) => asked(instruction, isRefusal)));
}

function asked(instruction: Instruction, which: (value: number) => boolean): Instruction {
  const { code, k } = instruction;
  return code === FILTER_OPCODES.return && which(k) ? { ...instruction, k: SECCOMP_RET.USER_NOTIF } : instruction;
}

/** Whether the call is not made. A tracer decides on TRACE, which therefore stays. */
function isRefusal(value: number): boolean {
  switch ((value & SECCOMP_RET.ACTION_FULL) >>> 0) {
    case SECCOMP_RET.ALLOW:
    case SECCOMP_RET.LOG:
    case SECCOMP_RET.TRACE:
    case SECCOMP_RET.USER_NOTIF:
      return false;
    default:
      return true;
  }
}
