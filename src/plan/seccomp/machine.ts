import { FILTER_OPCODES } from '../../kernel/seccomp.ts';
import { dataOffset, decodeProgram } from './bpf.ts';
import type { Instruction } from './bpf.ts';

/**
 * Returns the value that a filter returns for the data of a call. Throws RangeError on a filter that the kernel would
 * refuse.
 */
export type Simulator = (data: Uint32Array) => number;

/**
 * The input of a filter, struct seccomp_data, as words: number, AUDIT_ARCH_* and up to six 64-bit arguments; omitted
 * ones are 0, and so is the instruction pointer.
 */
export function callData(architecture: number, number: number, values: readonly bigint[] = []): Uint32Array {
  const data = new Uint32Array(16);
  data[dataOffset.number / 4] = number;
  data[dataOffset.architecture / 4] = architecture;
  values.forEach((value, index) => {
    const at = dataOffset.arguments / 4 + index * 2;
    data[at] = Number(value & 0xffff_ffffn);
    data[at + 1] = Number((value >> 32n) & 0xffff_ffffn);
  });
  return data;
}

/** Interprets a filter as the kernel would run it. */
export function simulator(filter: Uint8Array): Simulator {
  const program = decodeProgram(filter);
  return (data) => run(program, data);
}

function run(program: readonly Instruction[], data: Uint32Array): number {
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const instruction = program[at];
    if (instruction === undefined) throw new RangeError(`jump out of the program to instruction ${at}`);
    const { code, jt, jf, k } = instruction;
    switch (code) {
      case FILTER_OPCODES.load: {
        const word = data[k / 4];
        if (word === undefined) throw new RangeError(`load from offset ${k} at instruction ${at}`);
        accumulator = word;
        break;
      }
      case FILTER_OPCODES.and:
        accumulator = (accumulator & k) >>> 0;
        break;
      case FILTER_OPCODES.goto:
        at += k;
        break;
      case FILTER_OPCODES.ifEqual:
        at += accumulator === k ? jt : jf;
        break;
      case FILTER_OPCODES.ifGreater:
        at += accumulator > k ? jt : jf;
        break;
      case FILTER_OPCODES.ifAtLeast:
        at += accumulator >= k ? jt : jf;
        break;
      case FILTER_OPCODES.return:
        return k;
      default:
        throw new RangeError(`unknown instruction 0x${code.toString(16)} at ${at}`);
    }
  }
}
