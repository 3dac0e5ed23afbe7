import { text, u16, u32 } from '../diag/bytes.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName, errnoText } from '../diag/errno.ts';
import {
  EM_386,
  EM_AARCH64,
  EM_ARM,
  EM_LOONGARCH,
  EM_MIPS,
  EM_PPC,
  EM_PPC64,
  EM_RISCV,
  EM_S390,
  EM_X86_64,
  PT_INTERP,
} from '../kernel/elf.ts';
import { ENOENT, ENOEXEC } from '../kernel/errno.ts';
import type { Failed, Known, Planned, TopicWords } from './words.ts';

export const programWords = {
  find_program: { essential: true, action: ({ name }) => `exec: "${name}"`, known: lookupCause },
  find_home: { action: () => 'cannot read /etc/passwd of the container, for HOME' },
  exec: { action: () => 'cannot exec' },
} satisfies TopicWords;

/** The texts of Go's exec.LookPath, from which engines derive an exit code. */
function lookupCause({ name }: Planned<'find_program'>, { name: errno, text: cause }: Failed): Known {
  if (!name.includes('/')) return { message: `exec: "${name}": executable file not found in $PATH` };
  // The last words are those of Go before 1.20: older engines look for them.
  if (errno === 'EISDIR') return { message: `exec: "${name}": is a directory: permission denied` };
  if (errno === 'ENOENT') return { message: `exec: "${name}": stat ${name}: no such file or directory` };
  return { message: `exec: "${name}": ${cause}` };
}

/** The helper's report on execve(2): the path of the program, a NUL and the head of the file. */
interface FailedProgram {
  readonly errno: number;
  readonly call: string;
  readonly detail: Uint8Array;
}

/** Explains a failed execve(2) from the head of the file. */
export function explainProgram({ errno, call, detail }: FailedProgram): Diagnostic {
  const end = detail.indexOf(0);
  if (end === 0) return { code: 'process.missing', message: 'process property must not be empty' };
  const cause = programCause(errno, detail.subarray(end + 1));
  const words = cause === undefined ? '' : `: ${cause.words}`;
  return {
    code: 'start.exec',
    message: `exec ${text(detail.subarray(0, Math.max(end, 0)))}: ${errnoText(errno)}${words}`,
    errno: errnoName(errno),
    syscall: call,
    pointer: '/process/args/0',
    ...(cause?.hint === undefined ? {} : { hint: cause.hint }),
  };
}

interface Cause {
  readonly words: string;
  readonly hint?: string;
}

function programCause(errno: number, head: Uint8Array): Cause | undefined {
  if (errno !== ENOENT && errno !== ENOEXEC) return undefined;
  if (head.length === 0) return { words: 'the file is empty' };
  if (head[0] === 0x23 && head[1] === 0x21) return scriptCause(head);
  if (head[0] === 0x7f && text(head.subarray(1, 4)) === 'ELF') return elfCause(errno, head);
  return errno === ENOEXEC
    ? { words: 'the file is neither an ELF program nor a script with #!', hint: 'begin the script with #!/bin/sh' }
    : undefined;
}

function scriptCause(head: Uint8Array): Cause {
  const line = text(head).split('\n')[0] ?? '';
  const interpreter = line.slice(2).trim().split(' ')[0] ?? '';
  if (line.endsWith('\r')) {
    return {
      words: `its interpreter is "${interpreter}\\r"`,
      hint: 'the script has Windows line endings; convert them with dos2unix',
    };
  }
  return { words: `its interpreter "${interpreter}" is missing in the container` };
}

const machines: Readonly<Record<number, string>> = {
  [EM_386]: 'i386',
  [EM_MIPS]: 'mips',
  [EM_PPC]: 'powerpc',
  [EM_PPC64]: 'powerpc64',
  [EM_S390]: 's390x',
  [EM_ARM]: 'arm',
  [EM_X86_64]: 'x86_64',
  [EM_AARCH64]: 'aarch64',
  [EM_RISCV]: 'riscv64',
  [EM_LOONGARCH]: 'loongarch64',
};

function elfCause(errno: number, head: Uint8Array): Cause | undefined {
  if (errno === ENOEXEC) {
    const machine = u16(head, 18);
    return {
      words: `the program is for ${machines[machine] ?? `machine ${String(machine)}`}`,
      hint: 'use an image for the architecture of this host, or register an emulator with binfmt_misc',
    };
  }
  const loader = elfInterpreter(head);
  return loader === undefined
    ? undefined
    : {
        words: `it needs the loader ${loader}, which is not in the container`,
        hint: 'install the C library that the program was built for, or link it statically',
      };
}

/** The loader of a little-endian program (elf(5)), if its path is in the head. */
function elfInterpreter(head: Uint8Array): string | undefined {
  const is64 = head[4] === 2;
  const table = is64 ? u32(head, 32) : u32(head, 28);
  const size = u16(head, is64 ? 54 : 42);
  const count = u16(head, is64 ? 56 : 44);
  for (let index = 0; index < count; index++) {
    const entry = table + index * size;
    if (entry + size > head.length) return undefined;
    if (u32(head, entry) !== PT_INTERP) continue;
    const offset = u32(head, entry + (is64 ? 8 : 4));
    const length = u32(head, entry + (is64 ? 32 : 16));
    if (offset + length > head.length || length === 0) return undefined;
    return text(head.subarray(offset, offset + length - 1));
  }
  return undefined;
}
