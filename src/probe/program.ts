import type { Process } from '../../schema/generated/config.ts';
import type { Report } from '../bundle/rule.ts';
import { shown } from '../diag/pointer.ts';
import type { Native } from '../host/native.ts';
import { EM_386, EM_X86_64 } from '../kernel/elf.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../kernel/files.ts';
import { O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from '../kernel/open-flags.ts';
import { environment } from '../plan/process.ts';
import type { Seen, View } from './view.ts';

/** What the checks of one program share. */
interface Asked {
  readonly native: Native;
  readonly view: View;
  /** The machine of uname(2). */
  readonly machine: string;
  readonly pointer: string;
  readonly report: Report;
}

/** Whether the program of a process, and all that the kernel needs to run it, is in the container and executable. */
export function checkProgram(native: Native, view: View, machine: string, process: Process, report: Report): void {
  const [name = ''] = process.args ?? [];
  if (name === '') return;
  const asked: Asked = { native, view, machine, pointer: '/process/args/0', report };
  if (name.includes('/')) {
    checkFile(asked, name.startsWith('/') ? name : `${process.cwd}/${name}`, name, 0);
    return;
  }
  const search =
    environment(process.env)
      .find((entry) => entry.startsWith('PATH='))
      ?.slice('PATH='.length) ?? '';
  const seen = search.split(':').map((directory) => {
    const absolute = directory.startsWith('/') ? directory : `${process.cwd}/${directory}`;
    return { path: `${absolute}/${name}`, found: view(`${absolute}/${name}`) };
  });
  const first = seen.find(({ found }) => found.kind === 'unknown' || isProgram(found));
  if (first === undefined) {
    const hint = search === '' ? 'set PATH in process.env, or write the whole path' : 'write the whole path';
    const message = `the program ${shown(name)} is in no directory of PATH in the container: ${search || 'it is not set'}`;
    report('host.program', asked.pointer, message, hint);
  } else if (first.found.kind === 'there') {
    checkFile(asked, first.path, first.path, 0);
  }
}

function isProgram(found: Seen): boolean {
  if (found.kind !== 'there') return false;
  const [mode = 0] = found.status;
  return (mode & S_IFMT) === S_IFREG && (mode & 0o111) !== 0;
}

/** Interpreters of interpreters, as the kernel allows (execve(2)). */
const mostInterpreters = 5;
const headSize = 4096;

/** `name`: how the config or the file before calls it. */
function checkFile(asked: Asked, path: string, name: string, level: number): void {
  const { native, view, pointer, report } = asked;
  const found = view(path);
  const who = level === 0 ? `the program ${shown(name)}` : `the interpreter ${shown(name)} of the program`;
  if (found.kind === 'unknown') return;
  if (found.kind === 'missing') {
    const part = found.path === path ? '' : `: ${shown(found.path)} is missing`;
    report('host.program', pointer, `${who} is not in the container${part}`);
    return;
  }
  const [mode = 0] = found.status;
  if ((mode & S_IFMT) === S_IFDIR) report('host.program', pointer, `${who} is a directory`);
  else if ((mode & S_IFMT) !== S_IFREG) report('host.program', pointer, `${who} is not a regular file`);
  else if ((mode & 0o111) === 0) {
    const octal = (mode & 0o7777).toString(8).padStart(4, '0');
    report('host.program', pointer, `${who} is not executable: its mode is ${octal}`, `chmod +x it`);
  } else {
    const head = headOf(native, found.host);
    if (head !== undefined) checkHead(asked, head, who, level);
  }
}

/** The first bytes as text, in which bytes that are not UTF-8 may be replaced; undefined if it cannot be read. */
function headOf(native: Native, path: string): string | undefined {
  const fd = native.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0);
  if (fd < 0) return undefined;
  const text = native.readFd(fd, headSize);
  native.close(fd);
  return typeof text === 'string' ? text : undefined;
}

function checkHead(asked: Asked, head: string, who: string, level: number): void {
  const { report, pointer, machine } = asked;
  if (head === '') {
    report('host.program', pointer, `${who} is empty`);
  } else if (head.startsWith('#!')) {
    const [line = ''] = head.slice(2).split('\n');
    const interpreter = line.trim().split(/\s/)[0] ?? '';
    if (line.endsWith('\r')) {
      report('host.program', pointer, `${who} has Windows line endings`, 'convert it with dos2unix');
    } else if (level < mostInterpreters) checkFile(asked, interpreter, interpreter, level + 1);
  } else if (!head.startsWith('\x7fELF')) {
    const message = `${who} is neither an ELF program nor a script with #!`;
    report('host.program', pointer, message, 'begin a script with #!/bin/sh');
  } else {
    if (isForeign(head, machine)) {
      const hint = 'use an image for this machine, or register an emulator with binfmt_misc';
      report('host.program', pointer, `${who} is for another machine than this one, ${machine}`, hint);
      return;
    }
    const loader = /\0(\/[\w.+/-]+\/ld[\w.+-]*\.so\.\d+)\0/.exec(head)?.[1];
    if (loader !== undefined && level < mostInterpreters) checkFile(asked, loader, loader, level + 1);
  }
}

const x86 = [EM_X86_64, EM_386];

/** The low byte of e_machine (elf(5)); of one that is not ASCII only that is known. An x86_64 kernel also runs i386. */
function isForeign(head: string, machine: string): boolean {
  return x86.includes(head.charCodeAt(18)) !== (machine === 'x86_64');
}
