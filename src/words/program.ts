import { isBelow } from '../bundle/path.ts';
import { text, u16, u32, utf8Text } from '../diag/bytes.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName, errnoText } from '../diag/errno.ts';
import { closedCause, shownFile } from '../diag/look.ts';
import type { File, Look, Sight } from '../diag/look.ts';
import { askNearest } from '../diag/near.ts';
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
import { EACCES, ENOENT, ENOEXEC } from '../kernel/errno.ts';
import type { PlannedOp } from '../plan/types.ts';
import type { Failed, Known, Planned, TopicWords } from './words.ts';

const anyExecute = 0o111;

export const programWords = {
  find_program: { essential: true, action: ({ name }) => `exec: "${name}"`, known: lookupCause },
  find_home: { action: () => 'cannot read /etc/passwd of the container, for HOME' },
  exec: { action: () => 'cannot exec' },
} satisfies TopicWords;

/** The texts of Go's exec.LookPath, from which engines derive an exit code. */
function lookupCause({ name, search }: Planned<'find_program'>, { name: errno, text: cause }: Failed): Known {
  if (!name.includes('/'))
    return { message: `exec: "${name}": executable file not found in $PATH${searched(name, search)}` };
  // The last words are those of Go before 1.20: older engines look for them.
  if (errno === 'EISDIR') return { message: `exec: "${name}": is a directory: permission denied` };
  if (errno === 'ENOENT') return { message: `exec: "${name}": stat ${name}: no such file or directory` };
  return { message: `exec: "${name}": ${cause}` };
}

function searched(name: string, search: string): string {
  if (name === '') return ': the name is empty';
  return search === '' ? ': PATH is not set' : `: ${search}`;
}

/** An image chooses PATH and what is in it: the failure must not take longer for that. */
const mostSearched = 32;
const mostCompared = 16_384;

/** How a program is looked up: find_program. `mounts`: destinations of mounts, which may cover it. */
type Wanted = Pick<Planned<'find_program'>, 'name' | 'search'> & { readonly mounts?: readonly string[] };

/** The failure of find_program, with what a look shows. `cwd`: the directory of a relative path. */
export function explainLookup(wanted: Wanted, plain: Diagnostic, look: Look, cwd: string): Diagnostic {
  return withCause(plain, lookupFault(wanted, look, cwd));
}

function placesOf({ search }: Wanted): string[] {
  return [...new Set(search.split(':').filter(Boolean))];
}

function lookupFault(wanted: Wanted, look: Look, cwd: string): Cause | undefined {
  const { name } = wanted;
  if (name.trim() === '') return undefined;
  if (name.includes('/')) {
    const sight = look.at(name, cwd);
    const cause = pathCause(sight, look, name.startsWith('/') ? undefined : cwd);
    const above = sight.kind === 'missing' ? coverOf(sight.path, wanted.mounts) : undefined;
    return cause?.hint === undefined && above !== undefined ? { words: '', ...cause, hint: coverHint(above) } : cause;
  }
  const places = placesOf(wanted);
  const sights = places.map((place) => look.at(`${place}/${name}`, cwd));
  for (const sight of sights) {
    const cause = sight.kind === 'file' || sight.kind === 'loop' ? pathCause(sight, look) : undefined;
    if (cause !== undefined) return cause;
  }
  if (/\s/.test(name)) {
    const words = name.trim().split(/\s+/);
    return {
      words: '',
      hint: `give each word its own element: ${words.map((word) => JSON.stringify(word)).join(', ')}`,
    };
  }
  const elsewhere = usualPlaces.filter((place) => !places.includes(place));
  const whole = placeOf(name, elsewhere, look);
  if (whole !== undefined) return { words: '', hint: `write the whole path, ${whole}` };
  const names = places.slice(0, mostSearched).flatMap((place) => {
    const sight = look.at(place, cwd);
    return sight.kind === 'directory' ? sight.file.names : [];
  });
  const closed = sights.find(({ kind }) => kind === 'closed');
  if (closed !== undefined && names.includes(name)) return pathCause(closed, look);
  const hint = askNearest(name, names.slice(0, mostCompared));
  if (hint !== undefined) return { words: '', hint };
  const above = places.map((place) => coverOf(`${place}/${name}`, wanted.mounts)).find((one) => one !== undefined);
  if (above !== undefined) return { words: '', hint: coverHint(above) };
  return closed === undefined ? undefined : pathCause(closed, look);
}

/** The destination of the mount that a path is on, unless it is the root filesystem. */
function coverOf(path: string, mounts: readonly string[] = []): string | undefined {
  return mounts.findLast((destination) => destination !== '/' && isBelow(path, destination));
}

function coverHint(destination: string): string {
  return `the mount on "${destination}" covers what the root filesystem has there: mount it elsewhere, or add the program`;
}

/**
 * Why a program will not start, in a sentence, as far as a look shows it: the lookup of find_program, then execve(2).
 * Undefined if nothing is against it. `cwd`: the directory of a relative path.
 */
export function foreseeProgram(wanted: Wanted, look: Look, cwd: string): Cause | undefined {
  const { name, search } = wanted;
  if (name.includes('/')) {
    const sight = look.at(name, cwd);
    const cause =
      sight.kind === 'file'
        ? (fileFault(sight, look) ?? environmentFault(sight.file, wanted, look))
        : (lookupFault(wanted, look, cwd) ?? kindFault(sight));
    return (
      cause && {
        ...cause,
        words: `the program "${name}" cannot be executed${cause.words || ': it is not in the container'}`,
      }
    );
  }
  for (const place of placesOf(wanted)) {
    const sight = look.at(`${place}/${name}`, cwd);
    if (sight.kind === 'unknown') return undefined;
    if (sight.kind !== 'file' || fileCause(sight.path, sight.file, look) !== undefined) continue;
    const cause = fileFault(sight, look) ?? environmentFault(sight.file, wanted, look);
    return cause && { ...cause, words: `the program "${place}/${name}" cannot be executed${cause.words}` };
  }
  const cause = lookupFault(wanted, look, cwd);
  const where =
    search === '' ? 'is not found: process.env has no PATH' : `is in no directory of PATH in the container: ${search}`;
  return { ...cause, words: `the program "${name}" ${where}${cause?.words ?? ''}` };
}

/** The failure to enter process.cwd, with what a look shows. */
export function explainDirectory(path: string, plain: Diagnostic, look: Look): Diagnostic {
  const sight = look.at(path);
  const cause =
    sight.kind === 'file' || sight.kind === 'special'
      ? isFile(sight.path)
      : sight.kind === 'directory' && !sight.file.executable
        ? closedCause(sight.path, sight.file, look)
        : pathCause(sight, look);
  return withCause(plain, cause);
}

function withCause(plain: Diagnostic, cause: Cause | undefined): Diagnostic {
  if (cause === undefined) return plain;
  return { ...plain, message: plain.message + cause.words, ...(cause.hint === undefined ? {} : { hint: cause.hint }) };
}

/** The failure to open a path of the host, with what a look shows. `pointer`: its place, if it is known better then. */
export function explainPath(path: string, plain: Diagnostic, look: Look, pointer?: string): Diagnostic {
  const inside = look.at(path);
  const eyes = inside.kind === 'unknown' ? look.outside() : look;
  const sight = inside.kind === 'unknown' ? eyes.at(path) : inside;
  // Other errors of a path come before anything is looked up.
  const isAbsent = plain.errno === undefined || plain.errno === 'ENOENT';
  const cause =
    sight.kind === 'closed'
      ? closedCause(sight.path, sight.file, eyes)
      : sight.kind === 'no directory' || (sight.kind === 'missing' && (isAbsent || sight.link !== undefined))
        ? pathCause(sight, eyes)
        : undefined;
  return cause === undefined ? plain : { ...withCause(plain, cause), ...(pointer === undefined ? {} : { pointer }) };
}

const overlayPaths = /^(lowerdir|upperdir|workdir)=(.*)$/;

/**
 * The failure to find or make a path, after the mounts of `before`, in the root filesystem `root`: which part of it is a
 * file, or missing and may not be made (EACCES).
 */
export function explainDestination(
  destination: string,
  plain: Diagnostic,
  look: Look,
  root: string,
  before: readonly PlannedOp[],
): Diagnostic {
  const prospect = look.into(root);
  for (const op of before) {
    const source = op.op === 'mount_bind' ? op.source : undefined;
    if (isMount(op)) prospect.mount(op.destination, { source, noexec: undefined });
  }
  const sight = prospect.at(destination);
  if (plain.errno === 'EACCES') {
    const isHidden =
      sight.kind !== 'missing' || before.some((op) => isMount(op) && sight.path.startsWith(`${op.destination}/`));
    return isHidden ? plain : withCause(plain, unmade(sight, destination, root));
  }
  return withCause(
    plain,
    sight.kind === 'file' || sight.kind === 'special' ? isFile(sight.path) : pathCause(sight, look),
  );
}

type MountOp = Planned<'mount_filesystem' | 'mount_bind'>;

export function isMount(op: PlannedOp): op is MountOp {
  return op.op === 'mount_filesystem' || op.op === 'mount_bind';
}

function unmade({ path, written = path }: Missing, destination: string, root: string): Cause {
  const whole = root + path + destination.slice(written.length);
  return {
    words: `: "${path}" is missing, and root of the user namespace may not make it in the root filesystem`,
    hint: `make it before: mkdir -p "${whole}" (for a file: touch), or give "${root}" to the hostID of that root`,
  };
}

function isFile(path: string): Cause {
  return { words: `: "${path}" is a file` };
}

/** The failure to mount an overlay: which of its directories is missing. */
export function explainOverlay(
  { options }: Pick<Planned<'mount_filesystem'>, 'options'>,
  plain: Diagnostic,
  look: Look,
): Diagnostic {
  if (plain.errno === 'EINVAL') {
    const names = options.map((option) => overlayPaths.exec(option)?.[1]);
    const absent = ['lowerdir', 'workdir'].find((name) => !names.includes(name));
    if (absent !== undefined && (absent === 'lowerdir' || names.includes('upperdir'))) {
      return { ...plain, message: `${plain.message}: ${absent} is not given`, hint: overlayCures[absent] ?? '' };
    }
    return { ...plain, hint: 'upperdir and workdir must be different directories on the same filesystem' };
  }
  for (const option of options) {
    const [, name, value = ''] = overlayPaths.exec(option) ?? [];
    if (name === undefined) continue;
    const missing = directoriesIn(name, value).find((path) => look.outside().at(path).kind === 'missing');
    if (missing !== undefined) return { ...plain, message: `${plain.message}: ${name} "${missing}" does not exist` };
  }
  return plain;
}

const overlayCures: Readonly<Partial<Record<string, string>>> = {
  lowerdir: 'add lowerdir=DIRECTORY to the options',
  workdir: 'add workdir=DIRECTORY to the options: an empty directory on the filesystem of upperdir',
};

/** A backslash makes the next character, such as a colon between those of lowerdir, part of the name. */
function directoriesIn(option: string, value: string): string[] {
  const names = option === 'lowerdir' ? (value.match(/(?:\\[^]|[^\\:])+/g) ?? []) : [value];
  return names.map((name) => name.replaceAll(/\\([^])/g, '$1'));
}

/** Why the kernel finds no program at a path, or does not execute it; undefined if the look shows no reason. */
function pathCause(sight: Sight, look: Look, cwd?: string): Cause | undefined {
  switch (sight.kind) {
    case 'unknown':
    case 'directory':
      return undefined;
    case 'no directory':
      return isFile(sight.path);
    case 'loop':
      return { words: `: "${sight.path}" is a link that leads back to itself, or one of more than the kernel follows` };
    case 'closed':
      return closedCause(sight.path, sight.file, look);
    case 'special':
      return { words: `: "${sight.path}" is not a regular file` };
    case 'missing':
      return missingCause(sight, look, cwd);
    case 'file':
      return fileCause(sight.path, sight.file, look);
  }
}

function fileCause(path: string, file: File, look: Look): Cause | undefined {
  if ((file.mode & anyExecute) === 0) {
    return { words: `: ${shownFile(path, file)} is not executable`, hint: `chmod +x "${file.host ?? path}"` };
  }
  if (!file.executable) return { words: `: ${shownFile(path, file)} is not executable for user ${look.user()}` };
  if (file.noexec === undefined) return undefined;
  return { words: `: the mount on "${file.noexec}" is noexec`, hint: 'remove the option noexec, or use another place' };
}

type Missing = Extract<Sight, { kind: 'missing' }>;

function missingCause(sight: Missing, look: Look, cwd: string | undefined): Cause {
  const { path, link, written = path } = sight;
  if (link !== undefined) return { words: `: "${link[0]}" is a link to "${link[1]}", which does not exist` };
  const slash = path.lastIndexOf('/');
  const parent = look.at(path.slice(0, slash) || '/');
  const names = parent.kind === 'directory' ? parent.file.names : [];
  const directory = written.slice(0, written.lastIndexOf('/'));
  const hint = askNearest(path.slice(slash + 1), names, (meant) => `${directory}/${meant}`);
  const words = cwd === undefined ? '' : `: "${path}" is missing: the path is relative to process.cwd, "${cwd}"`;
  return hint === undefined ? { words } : { words, hint };
}

/** The helper's report on execve(2): the path of the program, a NUL and the head of the file. */
interface FailedProgram {
  readonly errno: number;
  readonly call: string;
  readonly detail: Uint8Array;
}

/** Explains a failed execve(2) from the head of the file, and what a look shows. */
export function explainProgram({ errno, call, detail }: FailedProgram, op?: PlannedOp, look?: Look): Diagnostic {
  const end = detail.indexOf(0);
  if (end === 0) return { code: 'process.missing', message: 'process property must not be empty' };
  const path = utf8Text(detail.subarray(0, Math.max(end, 0)));
  const cause = programCause(errno, detail.subarray(end + 1), look) ?? argumentCause(errno, op);
  return {
    code: 'start.exec',
    message: `exec ${path}: ${errnoText(errno)}${cause?.words ?? ''}`,
    errno: errnoName(errno),
    syscall: call,
    pointer: cause?.pointer ?? '/process/args/0',
    ...(cause?.hint === undefined ? {} : { hint: cause.hint }),
  };
}

interface Cause {
  /** With the colon before them. */
  readonly words: string;
  readonly hint?: string;
  readonly pointer?: string;
}

/** MAX_ARG_STRLEN, execve(2): 32 pages. */
const longestArgument = 131_072;

function argumentCause(errno: number, op: PlannedOp | undefined): Cause | undefined {
  if (errnoName(errno) !== 'E2BIG' || op?.op !== 'exec') return undefined;
  for (const [name, list] of [
    ['args', op.args],
    ['env', op.env],
  ] as const) {
    const index = list.findIndex((word) => word.length >= longestArgument);
    if (index < 0) continue;
    return {
      words: `: process.${name}[${index}] has ${list[index]?.length ?? 0} characters`,
      hint: `one argument or variable has less than ${longestArgument} bytes (128 KiB): put it into a file`,
      pointer: `/process/${name}/${index}`,
    };
  }
  return {
    words: '',
    hint: 'all arguments and variables together have at most a quarter of the stack limit (RLIMIT_STACK)',
  };
}

/** Why execve(2) of a path of the container fails with an errno; undefined if a look shows no reason. */
export function causeOf(look: Look, path: string, errno: number): Cause | undefined {
  const sight = look.at(path);
  if (sight.kind !== 'file') return kindFault(sight) ?? pathCause(sight, look);
  return fileFault(sight, look) ?? (errno === ENOEXEC && isElf(sight.file.head) ? damaged(look.machine()) : undefined);
}

function kindFault(sight: Sight): Cause | undefined {
  return sight.kind === 'directory' ? { words: `: "${sight.path}" is a directory` } : undefined;
}

/** Why the kernel does not execute a file, or one that it needs for that. `subject`: the words for it. */
function fileFault({ path, file }: SeenFile, look: Look, subject?: string, depth = 0): Cause | undefined {
  const cause = fileCause(path, file, look);
  if (cause !== undefined) return { ...cause, words: `${subject ?? ''}${cause.words}` };
  const { head } = file;
  if (head === undefined || look.isInterpreted(path, head)) return undefined;
  if (head.length === 0) return { words: `${subject ?? ': the file'} is empty` };
  if (isScript(head)) return interpreterFault(lineOf(head), look, subject, depth + 1);
  return isElf(head) ? elfFault(head, look, subject) : noProgram(subject);
}

interface SeenFile {
  readonly path: string;
  readonly file: File;
}

function noProgram(subject = ': the file'): Cause {
  return {
    words: `${subject} is neither an ELF program nor a script with #!`,
    hint: 'begin the script with #!/bin/sh',
  };
}

function isElf(head: Uint8Array | undefined): boolean {
  return head?.[0] === 0x7f && text(head.subarray(1, 4)) === 'ELF';
}

function isScript(head: Uint8Array | undefined): boolean {
  return head?.[0] === 0x23 && head[1] === 0x21;
}

export function isStaticProgram(head: Uint8Array | undefined): boolean {
  return head !== undefined && isElf(head) && loaderPlace(head) === undefined;
}

function programCause(errno: number, head: Uint8Array, look?: Look): Cause | undefined {
  if (errno !== ENOENT && errno !== ENOEXEC && errno !== EACCES) return undefined;
  if (head.length === 0) return errno === EACCES ? undefined : { words: ': the file is empty' };
  if (isScript(head)) return scriptCause(lineOf(head), look);
  if (isElf(head)) return elfCause(errno, head, look);
  return errno === ENOEXEC ? noProgram() : undefined;
}

/** The kernel follows as many interpreters (execve(2)). */
const maximumInterpreters = 5;

/** `line`: the first of the script, as everywhere below. */
function scriptCause(line: string, look: Look | undefined): Cause {
  const subject = `: its interpreter "${interpreterIn(line)}"`;
  const unseen = { words: `${subject} ${look === undefined ? 'is missing in the container' : 'cannot be executed'}` };
  return (look === undefined ? lineFault(line) : interpreterFault(line, look)) ?? unseen;
}

function interpreterIn(line: string): string {
  return line.slice(2).trim().split(/[ \t]/)[0] ?? '';
}

function lineOf(head: Uint8Array): string {
  const end = head.indexOf(0x0a);
  return utf8Text(end < 0 ? head : head.subarray(0, end));
}

function lineFault(line: string): Cause | undefined {
  if (!line.endsWith('\r')) return undefined;
  return {
    words: `: its interpreter is "${interpreterIn(line)}\\r"`,
    hint: 'the script has Windows line endings; convert them with dos2unix',
  };
}

/** Looks at one interpreter after the other. `script`: the words for it, if it is not the first. */
function interpreterFault(line: string, look: Look, script?: string, depth = 1): Cause | undefined {
  const ending = lineFault(line);
  if (ending !== undefined) return ending;
  const path = interpreterIn(line);
  const subject = `${script === undefined ? ': its interpreter' : `${script} is a script, whose interpreter`} "${path}"`;
  const sight = look.at(path);
  switch (sight.kind) {
    case 'unknown':
      return undefined;
    case 'directory':
      return { words: `${subject} is a directory` };
    case 'file':
      return depth < maximumInterpreters || !isScript(sight.file.head)
        ? fileFault(sight, look, subject, depth)
        : { words: `${subject} cannot be executed` };
    case 'missing':
    case 'closed':
    case 'no directory':
    case 'loop':
    case 'special': {
      const cause = pathCause(sight, look);
      const cure = sight.kind === 'missing' ? missingInterpreter(line, look, cause?.hint) : {};
      return { ...cause, ...cure, words: `${subject}${cause?.words || ` is missing ${placeIn(look).missing}`}` };
    }
  }
}

const shells = ['ash', 'bash', 'dash', 'ksh', 'mksh', 'zsh'];
const usualPlaces = ['/bin', '/usr/bin', '/usr/local/bin', '/sbin', '/usr/sbin', '/usr/local/sbin'];

/** `near`: the hint for a misspelt path. */
function missingInterpreter(line: string, look: Look, near?: string): { readonly hint: string } {
  const path = interpreterIn(line);
  const name = environmentProgram(line) ?? nameIn(path);
  const other = placeOf(name, usualPlaces, look);
  if (other !== undefined) return { hint: `begin the script with #!${other}` };
  if (shells.includes(name) && look.at('/bin/sh').kind === 'file') {
    return { hint: `install ${name} ${placeIn(look).install}, or begin the script with #!/bin/sh` };
  }
  return { hint: near ?? `install ${name} ${placeIn(look).install}` };
}

/** Where something is missing, and is to be installed. */
function placeIn(look: Look | undefined): { readonly missing: string; readonly install: string } {
  return look?.isHost === true
    ? { missing: 'on the host', install: 'on the host' }
    : { missing: 'in the container', install: 'in the image' };
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function placeOf(name: string, directories: readonly string[], look: Look): string | undefined {
  return directories.map((directory) => `${directory}/${name}`).find((path) => look.at(path).kind === 'file');
}

/** The program of a script that begins with `#!/usr/bin/env NAME`: env(1) looks for it in PATH. */
function environmentProgram(line: string): string | undefined {
  const [path = '', ...words] = line
    .slice(2)
    .trim()
    .split(/[ \t]+/);
  if (nameIn(path) !== 'env' || words.some((word) => /^-[uC]/.test(word))) return undefined;
  return words.find((word) => !word.startsWith('-') && !word.includes('='));
}

/** What env(1), by which a script begins, will not find. */
function environmentFault(file: File, wanted: Wanted, look: Look): Cause | undefined {
  if (file.head === undefined || !isScript(file.head)) return undefined;
  const line = lineOf(file.head);
  const name = environmentProgram(line);
  if (name === undefined || name.includes('/')) return undefined;
  const sights = placesOf(wanted).map((place) => look.at(`${place}/${name}`).kind);
  if (sights.includes('file') || sights.includes('unknown')) return undefined;
  return {
    words: `: its interpreter "${name}" is in no directory of PATH`,
    ...missingInterpreter(line, look),
  };
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

/** EI_CLASS of e_ident, elf(5), and its value for 64-bit programs. */
const classAt = 4;
const class64 = 2;

/** EI_DATA of e_ident, elf(5), and its value for big-endian programs. */
const dataAt = 5;
const bigEndian = 2;
const machineAt = 18;

/** The machine that a program is for. */
function machineOf(head: Uint8Array): string {
  const [low, high] = head[dataAt] === bigEndian ? [machineAt + 1, machineAt] : [machineAt, machineAt + 1];
  const number = (head[low] ?? 0) | ((head[high] ?? 0) << 8);
  return machines[number] ?? `machine ${number}`;
}

function elfCause(errno: number, head: Uint8Array, look: Look | undefined): Cause | undefined {
  if (errno === ENOEXEC) {
    const machine = machineOf(head);
    const host = look?.machine();
    return machine === host ? damaged(host) : foreign(machine, look);
  }
  const loader = loaderIn(head);
  if (loader === undefined) return undefined;
  return look === undefined || look.at(loader).kind === 'unknown'
    ? missingLoader(loader, look)
    : loaderFault(loader, look);
}

function damaged(machine: string): Cause {
  return { words: `: the program is for ${machine}, as this host is: the file is damaged or incomplete` };
}

function foreign(machine: string, look: Look | undefined, subject = ': the program'): Cause {
  const what = look?.isHost === true ? 'a program' : 'an image';
  return {
    words: `${subject} is for ${machine}${look === undefined ? '' : `, this host is ${look.machine()}`}`,
    hint: `use ${what} for the architecture of this host, or register an emulator with binfmt_misc`,
  };
}

/** Those of which a kernel also runs the programs. */
const alsoRuns: Readonly<Partial<Record<string, string>>> = { x86_64: 'i386', aarch64: 'arm' };

function elfFault(head: Uint8Array, look: Look, subject?: string): Cause | undefined {
  const host = look.machine();
  const machine = machineOf(head);
  const isForHost = machine === host || machine === alsoRuns[host];
  if (head.length > machineAt + 1 && !isForHost) return foreign(machine, look, subject);
  const loader = loaderIn(head);
  return loader === undefined ? undefined : loaderFault(loader, look, subject);
}

/** The path of a program's loader; undefined if it is static, or the path is not in the head. */
function loaderIn(head: Uint8Array): string | undefined {
  const place = loaderPlace(head);
  if (place === undefined || place.length === 0 || place.offset + place.length > head.length) return undefined;
  return text(head.subarray(place.offset, place.offset + place.length)).split('\0')[0];
}

/** Where a little-endian program (elf(5)) has the path of its loader, in bytes; undefined if it is static. */
function loaderPlace(head: Uint8Array): { readonly offset: number; readonly length: number } | undefined {
  const is64 = head[classAt] === class64;
  const table = u32(head, is64 ? 32 : 28);
  const size = u16(head, is64 ? 54 : 42);
  const count = u16(head, is64 ? 56 : 44);
  for (let index = 0; index < count; index++) {
    const entry = table + index * size;
    if (entry + size > head.length) return undefined;
    if (u32(head, entry) !== PT_INTERP) continue;
    return { offset: u32(head, entry + (is64 ? 8 : 4)), length: u32(head, entry + (is64 ? 32 : 16)) };
  }
  return undefined;
}

function loaderFault(loader: string, look: Look, subject?: string): Cause | undefined {
  const sight = look.at(loader);
  if (sight.kind === 'missing') return missingLoader(loader, look, subject);
  const cause = pathCause(sight, look);
  return (
    cause && {
      ...cause,
      words: `${subject === undefined ? ': its' : `${subject}: its`} loader ${loader}${cause.words}`,
    }
  );
}

function missingLoader(loader: string, look: Look | undefined, subject = ': it'): Cause {
  return {
    words: `${subject} needs the loader ${loader}, which is not ${placeIn(look).missing}${look === undefined ? '' : otherLoader(loader, look)}`,
    hint: 'install the C library that the program was built for, or link it statically',
  };
}

const loaders = [
  '/lib64/ld-linux-x86-64.so.2',
  '/lib/ld-musl-x86_64.so.1',
  '/lib/ld-linux-aarch64.so.1',
  '/lib/ld-musl-aarch64.so.1',
  '/lib/ld-linux-riscv64-lp64d.so.1',
  '/lib/ld-musl-riscv64.so.1',
];

function otherLoader(loader: string, look: Look): string {
  const other = loaders.find((path) => path !== loader && look.at(path).kind === 'file');
  return other === undefined ? '' : `: it has ${other}, of another C library`;
}
