/**
 * Classic BPF for seccomp(2): an assembler that respects the kernel's limits on jumps, and a disassembler.
 * Instructions are struct sock_filter of linux/filter.h: code (16 bits), jt, jf (8 bits each), k (32 bits).
 */
import { FILTER_OPCODES } from '../../kernel/seccomp.ts';
import { nameOfReturn } from './action-words.ts';

/** Bytes of one struct sock_filter. */
export const instructionSize = 8;

export type Comparison =
  typeof FILTER_OPCODES.ifEqual | typeof FILTER_OPCODES.ifGreater | typeof FILTER_OPCODES.ifAtLeast;

/** Offsets into struct seccomp_data of linux/seccomp.h. */
export const dataOffset = { number: 0, architecture: 4, arguments: 16 } as const;

/** An emitted instruction: the number of instructions emitted before it. */
export type Label = number;

const longestJump = 255;

/**
 * Builds a program from its last instruction to its first. BPF only jumps forward, so every target exists when a jump
 * to it is emitted, every distance is known, and a target beyond the 8-bit range gets a trampoline at once instead of
 * in repeated passes.
 */
export class ProgramBuilder {
  /** In reverse order, each as operand and head, so that reversing the array gives the program. */
  readonly #words: number[] = [];
  readonly #returns = new Map<number, Label>();
  readonly #stones = new Map<Label, Label>();

  get length(): number {
    return this.#words.length >> 1;
  }

  /** Ends the program with a seccomp return value; equal values share one instruction while it is in range. */
  return(value: number): Label {
    const known = this.#returns.get(value);
    if (known !== undefined && (this.#words.length >> 1) - known <= longestJump) return known;
    const label = this.#emit(FILTER_OPCODES.return, value);
    this.#returns.set(value, label);
    return label;
  }

  /** Jumps to `yes` if the comparison of the accumulator with `value` (unsigned) holds, else to `no`. */
  compare(comparison: Comparison, value: number, yes: Label, no: Label): Label {
    if (yes === no) return yes;
    // The common case without function calls: this is the inner loop of a compilation.
    const words = this.#words;
    const at = words.length;
    const label = at >> 1;
    const toYes = label - 1 - yes;
    const toNo = label - 1 - no;
    if (toYes <= longestJump && toNo <= longestJump) {
      words[at] = value;
      words[at + 1] = comparison | (toYes << 16) | (toNo << 24);
      return label;
    }
    // A trampoline for `no` moves `yes` away by one, hence the shorter range of the first.
    const nearYes = this.#near(yes, longestJump - 1);
    const nearNo = this.#near(no, longestJump);
    return this.#emit(comparison | (this.#distance(nearYes) << 16) | (this.#distance(nearNo) << 24), value);
  }

  /** Loads the 32-bit word at `offset` of struct seccomp_data, then continues at `next`. */
  load(offset: number, next: Label): Label {
    this.#fallInto(next);
    return this.#emit(FILTER_OPCODES.load, offset);
  }

  /** Masks the accumulator, then continues at `next`. */
  and(mask: number, next: Label): Label {
    this.#fallInto(next);
    return this.#emit(FILTER_OPCODES.and, mask);
  }

  /** The program that starts at `entry`, as an array of struct sock_filter, little endian. */
  finish(entry: Label): Uint8Array {
    this.#fallInto(entry);
    return new Uint8Array(new Uint32Array(this.#words.reverse()).buffer);
  }

  #emit(head: number, operand: number): Label {
    const at = this.#words.length;
    this.#words[at] = operand;
    this.#words[at + 1] = head;
    return at >> 1;
  }

  /** The number of instructions that a jump emitted now must skip to reach `target`. */
  #distance(target: Label): number {
    return this.length - target - 1;
  }

  #fallInto(next: Label): void {
    if (this.#distance(next) !== 0) this.#emit(FILTER_OPCODES.goto, this.#distance(next));
  }

  #near(target: Label, reach: number): Label {
    if (this.#distance(target) <= reach) return target;
    const stone = this.#stones.get(target);
    if (stone !== undefined && this.#distance(stone) <= reach) return stone;
    const isReturn = this.#words[target * 2 + 1] === FILTER_OPCODES.return;
    const fresh = isReturn
      ? this.#emit(FILTER_OPCODES.return, this.#words[target * 2] ?? 0)
      : this.#emit(FILTER_OPCODES.goto, this.#distance(target));
    this.#stones.set(target, fresh);
    return fresh;
  }
}

/** One decoded struct sock_filter; `k` is unsigned. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Decodes a program of whole instructions. Throws RangeError if the length is invalid. */
export function decodeProgram(filter: Uint8Array): Instruction[] {
  if (filter.length % instructionSize !== 0) throw new RangeError(`${filter.length} bytes are no BPF program`);
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const program: Instruction[] = [];
  for (let at = 0; at < filter.length; at += instructionSize) {
    program.push({
      code: view.getUint16(at, true),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, true),
    });
  }
  return program;
}

/** The reverse of decodeProgram. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const words = program.flatMap(({ code, jt, jf, k }) => [code | (jt << 16) | (jf << 24), k]);
  return new Uint8Array(new Uint32Array(words).buffer);
}

/** The program as text, one line per instruction, jump targets as instruction indexes. */
export function disassemble(filter: Uint8Array): string[] {
  return decodeProgram(filter).map((instruction, index) => `${index}: ${describe(instruction, index + 1)}`);
}

function describe({ code, jt, jf, k }: Instruction, next: number): string {
  const hex = `0x${k.toString(16)}`;
  switch (code) {
    case FILTER_OPCODES.load:
      return `load ${nameOfOffset(k)}`;
    case FILTER_OPCODES.and:
      return `and ${hex}`;
    case FILTER_OPCODES.goto:
      return `goto ${next + k}`;
    case FILTER_OPCODES.ifEqual:
      return `if == ${hex} goto ${next + jt} else ${next + jf}`;
    case FILTER_OPCODES.ifGreater:
      return `if > ${hex} goto ${next + jt} else ${next + jf}`;
    case FILTER_OPCODES.ifAtLeast:
      return `if >= ${hex} goto ${next + jt} else ${next + jf}`;
    case FILTER_OPCODES.return:
      return `return ${nameOfReturn(k)}`;
    default:
      return `unknown 0x${code.toString(16)} ${jt} ${jf} ${hex}`;
  }
}

function nameOfOffset(offset: number): string {
  if (offset === dataOffset.number) return 'number';
  if (offset === dataOffset.architecture) return 'architecture';
  const word = (offset - dataOffset.arguments) / 4;
  if (word < 0 || word > 11 || word % 1 !== 0) return `[${offset}]`;
  return `argument ${word >> 1} ${word % 2 === 0 ? 'low' : 'high'}`;
}
