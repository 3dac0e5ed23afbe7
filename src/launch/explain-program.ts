import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName, errnoText } from '../diag/errno.ts';
import { ENOENT, ENOEXEC } from '../kernel/errno.ts';
import { text, u16, u32 } from './bytes.ts';
import type { HelperRecord } from './records.ts';

/** Why execve(2) failed, read from the head of the file that was to run. */
export function explainProgram({ errno, call, detail }: HelperRecord & { kind: 'failed' }): Diagnostic {
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
  3: 'i386',
  8: 'mips',
  20: 'powerpc',
  21: 'powerpc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};

const programHeaderInterpreter = 3;

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

/** PT_INTERP of a little-endian program (elf(5)), if it lies in the head. */
function elfInterpreter(head: Uint8Array): string | undefined {
  const is64 = head[4] === 2;
  const table = is64 ? u32(head, 32) : u32(head, 28);
  const size = u16(head, is64 ? 54 : 42);
  const count = u16(head, is64 ? 56 : 44);
  for (let index = 0; index < count; index++) {
    const entry = table + index * size;
    if (entry + size > head.length) return undefined;
    if (u32(head, entry) !== programHeaderInterpreter) continue;
    const offset = u32(head, entry + (is64 ? 8 : 4));
    const length = u32(head, entry + (is64 ? 32 : 16));
    if (offset + length > head.length || length === 0) return undefined;
    return text(head.subarray(offset, offset + length - 1));
  }
  return undefined;
}
