import t from 'tap';
import { ENOENT, ENOEXEC } from '../kernel/errno.ts';
import { explainProgram } from './program.ts';

function record(errno: number, path: string, head: number[] | string): Parameters<typeof explainProgram>[0] {
  const tail = typeof head === 'string' ? Array.from(head, (character) => character.charCodeAt(0)) : head;
  const bytes = Array.from(path, (character) => character.charCodeAt(0));
  return { errno, call: 'execve', detail: new Uint8Array([...bytes, 0, ...tail]) };
}

/** The head of a 64-bit ELF program for `machine` with one program header, PT_INTERP. */
function elf(machine: number, interpreter: string): number[] {
  const head = new Array<number>(64 + 56).fill(0);
  head.splice(0, 6, 0x7f, 0x45, 0x4c, 0x46, 2, 1);
  head[18] = machine;
  head[32] = 64;
  head[54] = 56;
  head[56] = 1;
  head[64] = 3;
  head[64 + 8] = 120;
  head[64 + 32] = interpreter.length + 1;
  return [...head, ...Array.from(interpreter, (character) => character.charCodeAt(0)), 0];
}

t.test('explainProgram: a missing loader is named', async (t) => {
  t.match(explainProgram(record(ENOENT, '/app', elf(62, '/lib64/ld.so'))), {
    message: 'exec /app: no such file or directory: it needs the loader /lib64/ld.so, which is not in the container',
  });
});

t.test('explainProgram: a program for another machine', async (t) => {
  t.match(explainProgram(record(ENOEXEC, '/app', elf(183, ''))).message, 'exec /app: exec format error');
  t.match(explainProgram(record(ENOEXEC, '/app', elf(183, ''))).message, 'aarch64');
});

t.test('explainProgram: scripts', async (t) => {
  t.match(explainProgram(record(ENOENT, '/s', '#!/bin/nosuch -x\n')).message, '"/bin/nosuch" is missing');
  t.match(explainProgram(record(ENOENT, '/s', '#!/bin/sh\r\n')), { hint: /Windows line endings/ });
  t.match(explainProgram(record(ENOEXEC, '/s', 'echo hello\n')), { message: /neither an ELF program nor a script/ });
  t.match(explainProgram(record(ENOEXEC, '/s', '')).message, 'the file is empty');
});
