import { MOUNT_FLAGS, SOCKET_FAMILIES, SOCKET_TYPES } from '../../kernel/call-flags.ts';
import { CLONE_NEW } from '../../kernel/namespaces.ts';
import { O_APPEND, O_CREAT, O_EXCL, O_TRUNC } from '../../kernel/open-flags.ts';
import { RLIMITS } from '../../kernel/processes.ts';
import { SIGNALS } from '../../kernel/signals.ts';

/**
 * The arguments of a call, one letter each: s a string, p another address, d a number, x flags without names, m a mode,
 * o flags of open, n of clone, t of mount; f a family and k a type of socket, g a signal, r a resource limit.
 */
const signatures: Readonly<Record<string, string>> = {
  access: 'sm',
  acct: 's',
  add_key: 'sspdd',
  bind: 'dpd',
  bpf: 'dpd',
  chmod: 'sm',
  chown: 'sdd',
  chroot: 's',
  clock_settime: 'dp',
  clone: 'n',
  connect: 'dpd',
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
  mknod: 'smx',
  mknodat: 'dsmx',
  mount: 'ssst',
  mount_setattr: 'dsx',
  move_mount: 'dsdsx',
  open: 'som',
  open_tree: 'dsx',
  openat: 'dsom',
  openat2: 'ds',
  personality: 'x',
  pivot_root: 'ss',
  prctl: 'd',
  prlimit64: 'dr',
  ptrace: 'dd',
  reboot: 'xxx',
  rename: 'ss',
  renameat: 'dsds',
  renameat2: 'dsdsx',
  request_key: 'sssd',
  rmdir: 's',
  setdomainname: 'pd',
  setgid: 'd',
  sethostname: 'pd',
  setns: 'dn',
  setpriority: 'ddd',
  setregid: 'dd',
  setresgid: 'ddd',
  setresuid: 'ddd',
  setreuid: 'dd',
  setrlimit: 'r',
  setuid: 'd',
  socket: 'fkd',
  socketpair: 'fkd',
  statfs: 's',
  swapoff: 's',
  swapon: 'sx',
  symlink: 'ss',
  symlinkat: 'sds',
  syslog: 'd',
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

const openFlags = { CREAT: O_CREAT, EXCL: O_EXCL, TRUNC: O_TRUNC, APPEND: O_APPEND };
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

/** Which arguments of a call are addresses of strings. */
export function stringArguments(call: string): number[] {
  return kindsOf(call).flatMap((kind, index) => (kind === 's' ? [index] : []));
}

/**
 * The arguments of a call as text, `read` gives the string at one of them. Of a call whose arguments are not known only
 * those on which the profile has conditions, `compared`, are shown: registers hold anything.
 */
export function argumentWords(
  call: string,
  values: readonly bigint[],
  compared: readonly number[],
  read: (index: number) => string | undefined,
): string {
  const kinds = kindsOf(call);
  const last = Math.max(kinds.length, ...compared.map((index) => index + 1));
  const words = Array.from({ length: last }, (_, index) => {
    const kind = kinds[index] ?? 'x';
    if (index >= kinds.length && !compared.includes(index)) return '...';
    const text = kind === 's' ? read(index) : undefined;
    return text === undefined ? valueWord(kind, values[index] ?? 0n) : JSON.stringify(text);
  });
  return `${call}(${(kinds.length === 0 && last === 0 ? ['...'] : words).join(', ')})`;
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
    case 'm':
      return `0${low.toString(8)}`;
    case 'o':
      return [openAccess[low & accessMask] ?? '', ...flagWords('O_', openFlags, BigInt(low & ~accessMask))].join('|');
    case 'n':
      return flagWords('CLONE_NEW', cloneFlags, value).join('|') || hex;
    case 't':
      return flagWords('MS_', MOUNT_FLAGS, value).join('|') || hex;
    case 'f':
      return nameOf('AF_', SOCKET_FAMILIES, low) ?? hex;
    case 'k': {
      const above = low & ~typeMask;
      const name = nameOf('SOCK_', SOCKET_TYPES, low & typeMask) ?? `0x${(low & typeMask).toString(16)}`;
      return above === 0 ? name : `${name}|0x${above.toString(16)}`;
    }
    case 'g':
      return nameOf('SIG', SIGNALS, low) ?? String(low);
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
    case 'm':
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
