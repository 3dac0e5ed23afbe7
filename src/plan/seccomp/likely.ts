import type { Config, Mount } from '../../../schema/generated/config.ts';
import { CLONE_NEW } from '../../kernel/namespaces.ts';
import { O_CREAT, O_RDWR, O_TRUNC, O_WRONLY } from '../../kernel/open-flags.ts';
import { lineOfJson } from '../../diag/json-line.ts';
import type { CAPABILITIES } from '../../kernel/processes.ts';
import { SOCKET_FAMILIES, SOCKET_TYPES } from '../../kernel/call-flags.ts';
import { isDevice } from './arguments.ts';
import type { Pointed } from './pointed.ts';
import { deviceLines } from '../cgroup/device-lines.ts';

export type Capability = keyof typeof CAPABILITIES;

/** A call that the profile allows. */
export interface AllowedCall extends Pointed {
  readonly name: string;
  /** Unsigned, of 64 bits. */
  readonly values: readonly bigint[];
}

/** The process that makes it, as the kernel shows it. */
export interface Caller {
  readonly has: (capability: Capability) => boolean;
  readonly noNewPrivileges: boolean;
  /** User and group ids that it may take without a capability. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** Its working directory, in the container. */
  readonly directory: () => string;
}

/** Why a call probably fails: its result is not seen. */
export interface LikelyCause {
  readonly words: string;
  readonly pointer: string;
  /** How to change the config, with the JSON to add; undefined if no change of it helps. */
  readonly cure?: string;
}

/** Calls that always need a capability. */
const privileged: { readonly [Name in Capability]?: string } = {
  CAP_SYS_ADMIN:
    'mount umount umount2 pivot_root move_mount fsopen fsmount fspick mount_setattr sethostname setdomainname swapon ' +
    'swapoff quotactl setns bpf',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_BOOT: 'reboot kexec_load kexec_file_load',
  CAP_SYS_MODULE: 'init_module finit_module delete_module',
  CAP_SYS_TIME: 'settimeofday clock_settime stime',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SETGID: 'setgroups',
};

/** The arguments that are ids, of calls that need a capability for ids which the process does not have. */
const ids: Readonly<Record<string, readonly [kind: 'uid' | 'gid', first: number, end: number][]>> = {
  setuid: [['uid', 0, 1]],
  setreuid: [['uid', 0, 2]],
  setresuid: [['uid', 0, 3]],
  setgid: [['gid', 0, 1]],
  setregid: [['gid', 0, 2]],
  setresgid: [['gid', 0, 3]],
  chown: [
    ['uid', 1, 2],
    ['gid', 2, 3],
  ],
  lchown: [
    ['uid', 1, 2],
    ['gid', 2, 3],
  ],
  fchown: [
    ['uid', 1, 2],
    ['gid', 2, 3],
  ],
  fchownat: [
    ['uid', 2, 3],
    ['gid', 3, 4],
  ],
};

/** The arguments that are paths at which a call changes something; before one at 1 or 3 is its directory. */
const changed: Readonly<Record<string, readonly number[]>> = {
  chmod: [0],
  chown: [0],
  creat: [0],
  fchmodat: [1],
  fchownat: [1],
  lchown: [0],
  link: [1],
  linkat: [3],
  mkdir: [0],
  mkdirat: [1],
  mknod: [0],
  mknodat: [1],
  open: [0],
  openat: [1],
  rename: [0, 1],
  renameat: [1, 3],
  renameat2: [1, 3],
  rmdir: [0],
  symlink: [1],
  symlinkat: [2],
  truncate: [0],
  unlink: [0],
  unlinkat: [1],
  utimensat: [1],
};

const others = ['clone', 'unshare', 'socket', 'ptrace', 'process_vm_readv', 'process_vm_writev'];
const noId = 0xffff_ffff;
/** PTRACE_ATTACH, PTRACE_SEIZE: ptrace(2). */
const attachRequests = [16, 0x4206];
const currentDirectory = -100;

/** Names of the calls for which `likelyCause` may know one. */
export function fallibleCalls(): string[] {
  const always = Object.values(privileged).flatMap((names) => names.split(' '));
  return [...new Set([...always, ...Object.keys(ids), ...Object.keys(changed), ...others])];
}

/** What in the config is probably against a call; undefined if nothing is. */
export function likelyCause(call: AllowedCall, caller: Caller, config: Config): LikelyCause | undefined {
  const missing = neededCapabilities(call, caller).find((capability) => !caller.has(capability));
  if (missing !== undefined) return capabilityCause(missing, caller, config);
  return deviceCause(call, config) ?? readOnlyCause(call, caller, config);
}

function capabilityCause(missing: Capability, { noNewPrivileges, uids }: Caller, { process }: Config): LikelyCause {
  const gains = missing === 'CAP_SETUID' || missing === 'CAP_SETGID';
  const more = gains && noNewPrivileges ? ', and process.noNewPrivileges keeps set-user-ID programs from it' : '';
  const words = `the process has no ${missing}`;
  // Of a user other than root, only ambient capabilities outlast execve(2), and these must be inheritable.
  const sets = (['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const).filter(
    (set) => !uids.includes(0) || (set !== 'inheritable' && set !== 'ambient'),
  );
  const given = process?.capabilities;
  if (given === undefined) {
    const value = Object.fromEntries(sets.map((set) => [set, [missing]]));
    return { words: words + more, pointer: '/process', cure: `add "capabilities": ${lineOfJson(value)} to process` };
  }
  const pointer = '/process/capabilities';
  const lacking = sets.filter((set) => given[set]?.includes(missing) !== true);
  if (lacking.length === 0) return { words: `${words} left, although process.capabilities has it`, pointer };
  const set = lacking.length === 1 ? lacking.join('') : `{${lacking.join(',')}}`;
  return { words: words + more, pointer, cure: `add ${lineOfJson(missing)} to process.capabilities.${set}` };
}

function neededCapabilities({ name, values }: AllowedCall, { uids, gids }: Caller): Capability[] {
  const value = (index: number): number => Number(BigInt.asUintN(32, values[index] ?? 0n));
  for (const [capability, names] of Object.entries(privileged)) {
    if (names.split(' ').includes(name)) return [capability as Capability];
  }
  const foreign = (ids[name] ?? []).find(([kind, first, end]) => {
    const own = kind === 'uid' ? uids : gids;
    return Array.from({ length: end - first }, (_, at) => value(first + at)).some(
      (id) => id !== noId && !own.includes(id),
    );
  });
  if (foreign !== undefined) {
    return [name.includes('chown') ? 'CAP_CHOWN' : foreign[0] === 'uid' ? 'CAP_SETUID' : 'CAP_SETGID'];
  }
  switch (name) {
    case 'clone':
    case 'unshare': {
      const made = Object.values(CLONE_NEW).filter((bit) => (value(0) & bit) !== 0);
      // CLONE_NEWTIME is among the bits of the signal that clone(2) takes.
      const counts = name === 'clone' ? made.filter((bit) => bit !== CLONE_NEW.time) : made;
      return counts.length === 0 || counts.includes(CLONE_NEW.user) ? [] : ['CAP_SYS_ADMIN'];
    }
    case 'socket':
      return value(0) === SOCKET_FAMILIES.PACKET || (value(1) & 0xf) === SOCKET_TYPES.RAW ? ['CAP_NET_RAW'] : [];
    case 'mknod':
      return isDevice(value(1)) ? ['CAP_MKNOD'] : [];
    case 'mknodat':
      return isDevice(value(2)) ? ['CAP_MKNOD'] : [];
    case 'ptrace':
      return attachRequests.includes(value(0)) ? ['CAP_SYS_PTRACE'] : [];
    case 'process_vm_readv':
    case 'process_vm_writev':
      return ['CAP_SYS_PTRACE'];
    default:
      return [];
  }
}

/** A device of the config that no rule lets be opened. Its nodes may be made in any case. */
function deviceCause({ name, values, string }: AllowedCall, { linux }: Config): LikelyCause | undefined {
  const at = name === 'openat' ? 1 : 0;
  const path = name === 'open' || name === 'openat' ? string(at) : undefined;
  const node = linux?.devices?.find((one) => one.path === path);
  const rules = linux?.resources?.devices;
  if (node === undefined || node.type === 'p' || rules === undefined) return undefined;
  const type = node.type === 'b' ? 'b' : 'c';
  const major = String(node.major);
  const minor = String(node.minor);
  const mode = Number(BigInt.asUintN(32, values[at + 1] ?? 0n)) & (O_WRONLY | O_RDWR);
  const access = mode === O_WRONLY ? 'w' : mode === O_RDWR ? 'rw' : 'r';
  const [standard, ...exceptions] = deviceLines(rules, []);
  const matching = exceptions
    .map((line) => line.slice(1).split(/[ :]/))
    .filter(
      ([kind, one = '', other = '']) => kind === type && ['*', major].includes(one) && ['*', minor].includes(other),
    )
    .map(([, , , letters = '']) => letters)
    .join('');
  // The exceptions are from the first line.
  if (Array.from(access).every((letter) => matching.includes(letter) !== (standard === '+a'))) return undefined;
  return {
    words: `no rule allows the device ${type} ${major}:${minor} ${access}`,
    pointer: '/linux/resources/devices',
    cure: `add ${lineOfJson({ allow: true, type, major: Number(major), minor: Number(minor), access })} to linux.resources.devices, as the last one`,
  };
}

/** A path below a mount, a path or a root that the config makes read-only. Links are not followed. */
function readOnlyCause({ name, values, string }: AllowedCall, caller: Caller, config: Config): LikelyCause | undefined {
  const paths = changed[name] ?? [];
  if (name === 'open' || name === 'openat') {
    const flags = Number(BigInt.asUintN(32, values[(paths[0] ?? 0) + 1] ?? 0n));
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) === 0) return undefined;
  }
  for (const index of paths) {
    const text = string(index);
    if (text === undefined || text === '') continue;
    const isAt = name.endsWith('at') || name.endsWith('at2');
    const from = isAt ? Number(BigInt.asIntN(32, values[index - 1] ?? 0n)) : currentDirectory;
    if (!text.startsWith('/') && from !== currentDirectory) continue;
    const cause = readOnlyPlace(text.startsWith('/') ? text : `${caller.directory()}/${text}`, config);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

function readOnlyPlace(given: string, { linux, mounts = [], root }: Config): LikelyCause | undefined {
  const path = normal(given);
  const at = (linux?.readonlyPaths ?? []).findIndex((one) => isBelow(path, normal(one)));
  if (at >= 0) {
    const protectedPath = linux?.readonlyPaths?.[at] ?? '';
    const pointer = `/linux/readonlyPaths/${at}`;
    return { words: `${protectedPath} is read-only`, pointer, cure: `remove ${lineOfJson(protectedPath)} there` };
  }
  let found = -1;
  mounts.forEach(({ destination }, index) => {
    const length = found < 0 ? 0 : normal(mounts[found]?.destination ?? '').length;
    if (isBelow(path, normal(destination)) && normal(destination).length >= length) found = index;
  });
  const mount = mounts[found];
  if (mount !== undefined) {
    const readOnly = isReadOnly(mount);
    return readOnly
      ? {
          words: `the mount at ${mount.destination} is read-only`,
          pointer: `/mounts/${found}/options`,
          cure: 'write "rw" there in place of "ro", or mount something else below it',
        }
      : undefined;
  }
  if (root?.readonly !== true) return undefined;
  const destination = normal(`${path}/..`);
  const directory = { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev'] };
  const mounted = destination === '/' ? '' : `, or add ${lineOfJson(directory)} to mounts`;
  return { words: 'the root is read-only', pointer: '/root/readonly', cure: `write false there${mounted}` };
}

function isReadOnly({ options = [] }: Mount): boolean {
  return options.findLast((word) => ['ro', 'rro', 'rw', 'rrw'].includes(word))?.endsWith('ro') === true;
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** Absolute, without `.`, `..` and repeated slashes. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
