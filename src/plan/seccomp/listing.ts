import { errnoName } from '../../diag/errno.ts';
import { FILTER_OPCODES, SECCOMP_RET } from '../../kernel/seccomp.ts';
import { architectures } from './architectures.ts';
import { dataOffset, decodeProgram, disassemble } from './bpf.ts';
import type { Instruction } from './bpf.ts';
import { calls } from './calls.ts';

/** What is known when an instruction is reached, on every way to it. */
interface Known {
  /** Offset into struct seccomp_data of what the accumulator holds. */
  readonly loaded?: number | undefined;
  /** AUDIT_ARCH_* of the caller. */
  readonly audit?: number | undefined;
}

/** A filter as text, one line for each instruction, with the names of the numbers in it. */
export function listing(filter: Uint8Array): string[] {
  const program = decodeProgram(filter);
  const states: (Known | undefined)[] = [{}];
  const reach = (target: number, state: Known): void => {
    const before = states[target];
    states[target] =
      before === undefined
        ? state
        : {
            loaded: before.loaded === state.loaded ? state.loaded : undefined,
            audit: before.audit === state.audit ? state.audit : undefined,
          };
  };
  return disassemble(filter).map((line, index) => {
    const instruction = program[index];
    const state = states[index] ?? {};
    if (instruction === undefined) return line;
    follow(instruction, index + 1, state, reach);
    const name = nameIn(instruction, state);
    return name === undefined ? line : `${line}  # ${name}`;
  });
}

function follow(
  { code, jt, jf, k }: Instruction,
  next: number,
  state: Known,
  reach: (target: number, state: Known) => void,
): void {
  switch (code) {
    case FILTER_OPCODES.return:
      return;
    case FILTER_OPCODES.goto:
      reach(next + k, state);
      return;
    case FILTER_OPCODES.load:
      reach(next, { ...state, loaded: k });
      return;
    case FILTER_OPCODES.ifEqual:
      reach(next + jt, state.loaded === dataOffset.architecture ? { ...state, audit: k } : state);
      reach(next + jf, state);
      return;
    case FILTER_OPCODES.ifGreater:
    case FILTER_OPCODES.ifAtLeast:
      reach(next + jt, state);
      reach(next + jf, state);
      return;
    default:
      reach(next, { ...state, loaded: undefined });
  }
}

function nameIn({ code, k }: Instruction, { loaded, audit }: Known): string | undefined {
  if (code === FILTER_OPCODES.return) {
    const isError = (k & SECCOMP_RET.ACTION_FULL) >>> 0 === SECCOMP_RET.ERRNO;
    return isError ? errnoName(k & SECCOMP_RET.DATA) : undefined;
  }
  const compares =
    code === FILTER_OPCODES.ifEqual || code === FILTER_OPCODES.ifGreater || code === FILTER_OPCODES.ifAtLeast;
  if (!compares) return undefined;
  if (loaded === dataOffset.architecture)
    return Object.entries(architectures()).find((entry) => entry[1].audit === k)?.[0];
  return loaded === dataOffset.number && audit !== undefined ? callName(audit, k) : undefined;
}

/** The call of a number. Of two entries for an architecture the second has more spaces. */
function callName(audit: number, number: number): string | undefined {
  const { names } = calls();
  const spaces = Object.values(architectures()).findLast((architecture) => architecture.audit === audit)?.spaces ?? [];
  for (const space of spaces) {
    // Where a space begins is asked to tell spaces apart.
    if (!('runs' in space) || (space.first > 0 && number === space.first)) continue;
    for (const { first, calls: run } of space.runs) {
      const call = run[number - space.first - first];
      if (call !== undefined && call !== 0) return names[call];
    }
  }
  return undefined;
}
