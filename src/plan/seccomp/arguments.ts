import { MOUNT_FLAGS, __O_TMPFILE, SOCKET_FAMILIES, SOCKET_FLAGS, SOCKET_TYPES } from '../../kernel/call-flags.ts';
import { CLONE_NEW } from '../../kernel/namespaces.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG } from '../../kernel/files.ts';
import { O_APPEND, O_CREAT, O_EXCL, O_TRUNC } from '../../kernel/open-flags.ts';
import { RLIMITS } from '../../kernel/processes.ts';
import { SCHEDULER_POLICIES } from '../../kernel/scheduling.ts';
import { SIGNALS } from '../../kernel/signals.ts';
import { limitsAt, openHowAt, socketAddressAt, unlimited } from './pointed.ts';
import type { Limits, OpenHow, Pointed } from './pointed.ts';

/**
 * The arguments of a call, one letter each: s a string, l one whose length follows, p another address, d a number, x flags
 * without names, m a mode, c one for what the flags before it create, e one with the type of a node and v the device of that;
 * o flags of open, h a structure with these, n of clone, t of mount; f a family and k a type of socket, a its address, whose
 * length follows; g a signal, r a resource limit and i its values, u a scheduling policy, y an action of syslog.
 */
const signatures: Readonly<Record<string, string>> = {
  access: 'sm',
  acct: 's',
  add_key: 'sspdd',
  bind: 'da',
  bpf: 'dpd',
  chmod: 'sm',
  chown: 'sdd',
  chroot: 's',
  clock_settime: 'dp',
  clone: 'n',
  connect: 'da',
  creat: 'sm',
  delete_module: 'sx',
  execve: 's',
  execveat: 'dsppx',
  faccessat: 'dsm',
  faccessat2: 'dsmx',
  fchmod: 'dm',
  fchmodat: 'dsm',
  fchown: 'ddd',
  fchownat: 'dsddx',
  finit_module: 'dsx',
  fsmount: 'dxx',
  fsopen: 'sx',
  ioctl: 'dx',
  keyctl: 'd',
  kill: 'dg',
  lchown: 'sdd',
  link: 'ss',
  linkat: 'dsdsx',
  memfd_create: 'sx',
  mkdir: 'sm',
  mkdirat: 'dsm',
  mknod: 'sev',
  mknodat: 'dsev',
  mount: 'ssst',
  mount_setattr: 'dsx',
  move_mount: 'dsdsx',
  open: 'soc',
  open_tree: 'dsx',
  openat: 'dsoc',
  openat2: 'dsh',
  personality: 'x',
  pivot_root: 'ss',
  prctl: 'd',
  prlimit64: 'dri',
  ptrace: 'dd',
  reboot: 'xxx',
  rename: 'ss',
  renameat: 'dsds',
  renameat2: 'dsdsx',
  request_key: 'sssd',
  rmdir: 's',
  sched_setscheduler: 'du',
  sendto: 'dpdxa',
  setdomainname: 'l',
  setgid: 'd',
  sethostname: 'l',
  setns: 'dn',
  setpriority: 'ddd',
  setregid: 'dd',
  setresgid: 'ddd',
  setresuid: 'ddd',
  setreuid: 'dd',
  setrlimit: 'ri',
  setuid: 'd',
  socket: 'fkd',
  socketpair: 'fkd',
  statfs: 's',
  swapoff: 's',
  swapon: 'sx',
  symlink: 'ss',
  symlinkat: 'sds',
  syslog: 'y',
  tgkill: 'ddg',
  tkill: 'dg',
  truncate: 'sd',
  umount: 's',
  umount2: 'sx',
  unlink: 's',
  unlinkat: 'dsx',
  unshare: 'n',
  utimensat: 'ds',
};

const openFlags = { CREAT: O_CREAT, EXCL: O_EXCL, TRUNC: O_TRUNC, APPEND: O_APPEND, TMPFILE: __O_TMPFILE };
const nodeTypes = { S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO };
/** SYSLOG_ACTION_* of syslog(2), by number. */
const syslogActions =
  'CLOSE OPEN READ READ_ALL READ_CLEAR CLEAR CONSOLE_OFF CONSOLE_ON CONSOLE_LEVEL SIZE_UNREAD SIZE_BUFFER'.split(' ');
const openAccess = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', '0x3'];
const cloneNames: Readonly<Record<keyof typeof CLONE_NEW, string>> = {
  mount: 'NS',
  cgroup: 'CGROUP',
  uts: 'UTS',
  ipc: 'IPC',
  user: 'USER',
  pid: 'PID',
  network: 'NET',
  time: 'TIME',
};
const cloneFlags = Object.fromEntries(
  Object.entries(CLONE_NEW).map(([kind, bit]) => [cloneNames[kind as keyof typeof CLONE_NEW], bit]),
);
const accessMask = 0x3;
const typeMask = 0xf;
const currentDirectory = -100;

/**
 * The arguments of a call as text. Of a call whose arguments are not known only those on which the profile has conditions,
 * `compared`, are shown: registers hold anything.
 */
export function argumentWords(
  call: string,
  values: readonly bigint[],
  compared: readonly number[],
  pointed: Pointed,
): string {
  const kinds = kindsOf(call);
  const last = Math.max(kinds.length, ...compared.map((index) => index + 1));
  const words = Array.from({ length: last }, (_, index) =>
    index >= kinds.length && !compared.includes(index)
      ? '...'
      : argumentWord(kinds[index] ?? 'x', index, values, pointed),
  );
  const shown = words.filter((word) => word !== undefined);
  return `${call}(${(kinds.length === 0 && last === 0 ? ['...'] : shown).join(', ')})`;
}

/** Undefined for one that the call ignores, because of those before it. */
function argumentWord(kind: string, index: number, values: readonly bigint[], pointed: Pointed): string | undefined {
  const value = values[index] ?? 0n;
  const before = Number(BigInt.asUintN(32, values[index - 1] ?? 0n));
  const after = Number(BigInt.asUintN(32, values[index + 1] ?? 0n));
  switch (kind) {
    case 's':
    case 'l': {
      const text = pointed.string(index);
      return text === undefined ? hexWord(value) : JSON.stringify(kind === 'l' ? text.slice(0, after) : text);
    }
    case 'a':
      return socketAddressAt(pointed, index, after)?.words ?? hexWord(value);
    case 'h':
      return openHowWord(openHowAt(pointed, index)) ?? hexWord(value);
    case 'i':
      return limitsWord(limitsAt(pointed, index)) ?? hexWord(value);
    case 'c':
      return creates(before) ? valueWord('m', value) : undefined;
    case 'v':
      return isDevice(before) ? deviceWord(Number(BigInt.asUintN(32, value))) : undefined;
    default:
      return valueWord(kind, value);
  }
}

/** Whether open(2) with these flags uses its mode. */
function creates(flags: number): boolean {
  return (flags & (O_CREAT | __O_TMPFILE)) !== 0;
}

/** Whether mknod(2) with this mode makes the node of a device. */
export function isDevice(mode: number): boolean {
  return (mode & S_IFMT) === S_IFCHR || (mode & S_IFMT) === S_IFBLK;
}

/** As in the kernel's new_encode_dev, makedev(3). */
function deviceWord(device: number): string {
  return `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
}

function openHowWord(how: OpenHow | undefined): string | undefined {
  if (how === undefined) return undefined;
  const { flags, mode, resolve } = how;
  const isMade = creates(Number(BigInt.asUintN(32, flags)));
  return `{flags: ${valueWord('o', flags)}${isMade ? `, mode: ${valueWord('m', mode)}` : ''}${resolve === 0n ? '' : `, resolve: ${hexWord(resolve)}`}}`;
}

function limitsWord(limits: Limits | undefined): string | undefined {
  const word = (value: bigint): string => (value === unlimited ? 'unlimited' : value.toString());
  return limits && `{soft: ${word(limits.soft)}, hard: ${word(limits.hard)}}`;
}

/** The bits of an argument that a condition compares, and with what: the parts of `argument & mask == value`. */
export interface ComparedWords {
  /** Undefined if all bits are compared. */
  readonly mask?: string;
  readonly value: string;
}

/** `mask` is undefined for a condition on the whole argument, which is one value only if `isEqual`. */
export function conditionWords(
  call: string,
  index: number,
  { mask, value, isEqual }: { readonly mask?: bigint; readonly value: bigint; readonly isEqual: boolean },
): ComparedWords {
  const kind = kindsOf(call)[index] ?? 'x';
  // Those that make up the name.
  const named = BigInt(kind === 'k' ? typeMask : kind === 'o' ? accessMask : 0xffff_ffff);
  if (mask === undefined) return { value: isEqual || kind === 'd' ? valueWord(kind, value) : hexWord(value) };
  const isWhole = (mask & named) === named;
  return { mask: bitsWord(kind, mask), value: isWhole ? valueWord(kind, value) : bitsWord(kind, value) };
}

function kindsOf(call: string): string[] {
  return Object.hasOwn(signatures, call) ? Array.from(signatures[call] ?? '') : [];
}

function valueWord(kind: string, value: bigint): string {
  const low = Number(BigInt.asUintN(32, value));
  const hex = hexWord(value);
  switch (kind) {
    case 'd': {
      const signed = Number(BigInt.asIntN(32, value));
      return signed === currentDirectory ? 'AT_FDCWD' : String(signed);
    }
    case 'c':
    case 'm':
      return low === 0 ? '0' : `0${low.toString(8)}`;
    case 'e': {
      const type = nameOf('', nodeTypes, low & S_IFMT);
      const mode = valueWord('m', BigInt(low & ~S_IFMT));
      return type === undefined ? valueWord('m', value) : `${type}|${mode}`;
    }
    case 'o':
      return [openAccess[low & accessMask] ?? '', ...flagWords('O_', openFlags, BigInt(low & ~accessMask))].join('|');
    case 'n':
      return flagWords('CLONE_NEW', cloneFlags, value).join('|') || hex;
    case 't':
      return flagWords('MS_', MOUNT_FLAGS, value).join('|') || hex;
    case 'f':
      return nameOf('AF_', SOCKET_FAMILIES, low) ?? hex;
    case 'k': {
      const name = nameOf('SOCK_', SOCKET_TYPES, low & typeMask) ?? `0x${(low & typeMask).toString(16)}`;
      return [name, ...flagWords('SOCK_', SOCKET_FLAGS, BigInt((low & ~typeMask) >>> 0))].join('|');
    }
    case 'g':
      return nameOf('SIG', SIGNALS, low) ?? String(low);
    case 'u':
      return nameOf('', SCHEDULER_POLICIES, low) ?? String(low);
    case 'y':
      return syslogActions[low] === undefined ? String(low) : `SYSLOG_ACTION_${syslogActions[low]}`;
    case 'r':
      return nameOf('', RLIMITS, low) ?? String(low);
    default:
      return hex;
  }
}

/** Some bits of an argument. */
function bitsWord(kind: string, value: bigint): string {
  const low = Number(BigInt.asUintN(32, value));
  switch (kind) {
    case 'c':
    case 'e':
    case 'm':
      return valueWord('m', value);
    case 'n':
    case 't':
      return valueWord(kind, value);
    case 'o': {
      const access = low & accessMask;
      const words = access === 0 ? [] : [access === accessMask ? 'O_ACCMODE' : (openAccess[access] ?? '')];
      return [...words, ...flagWords('O_', openFlags, value & ~BigInt(accessMask))].join('|') || hexWord(value);
    }
    default:
      return hexWord(value);
  }
}

function hexWord(value: bigint): string {
  // QuickJS writes a zero in front from 2^63 on.
  return `0x${value.toString(16).replace(/^0(?=.)/, '')}`;
}

function flagWords(prefix: string, table: Readonly<Record<string, number>>, value: bigint): string[] {
  let rest = value;
  const words: string[] = [];
  for (const [name, bit] of Object.entries(table)) {
    if ((rest & BigInt(bit)) === 0n) continue;
    rest &= ~BigInt(bit);
    words.push(prefix + name);
  }
  return rest === 0n ? words : [...words, hexWord(rest)];
}

function nameOf(prefix: string, table: Readonly<Record<string, number>>, value: number): string | undefined {
  const found = Object.entries(table).find((entry) => entry[1] === value)?.[0];
  return found === undefined ? undefined : prefix + found;
}
