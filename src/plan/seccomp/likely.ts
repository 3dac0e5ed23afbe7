import type { Config, LinuxDevice, LinuxSyscall, Mount } from '../../../schema/generated/config.ts';
import { hasNamespace, namespacePointer } from '../../bundle/namespaces.ts';
import { lineOfJson } from '../../diag/json-line.ts';
import { __O_TMPFILE } from '../../kernel/call-flags.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../../kernel/files.ts';
import { MOUNT_ATTR } from '../../kernel/mounts.ts';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_PATH, O_RDWR, O_TRUNC, O_WRONLY } from '../../kernel/open-flags.ts';
import { deviceLines } from '../cgroup/device-lines.ts';
import { needs, unsigned } from './needs.ts';
import type { AllowedCall, Caller, Need, Place } from './needs.ts';
import { openHowAt } from './pointed.ts';

/** Why a call probably fails: its result is not seen. */
export interface LikelyCause {
  readonly words: string;
  readonly pointer: string;
  /** How to change the config, with the JSON to add; undefined if no change of it helps. */
  readonly cure?: string;
}

/** What a call wants of a path: that it is there, that it is not, or that it may change. */
type Wish = 'exists' | 'creates' | 'removes' | 'changes' | 'opens';

/** The arguments that are paths; before one at 1 or 3 of a call whose name ends in "at" or "at2" is its directory. */
const paths: Readonly<Record<string, readonly (readonly [index: number, wish: Wish])[]>> = {
  chmod: [[0, 'changes']],
  chown: [[0, 'changes']],
  chroot: [[0, 'exists']],
  creat: [[0, 'opens']],
  fchmodat: [[1, 'changes']],
  fchownat: [[1, 'changes']],
  lchown: [[0, 'changes']],
  link: [
    [0, 'exists'],
    [1, 'creates'],
  ],
  linkat: [
    [1, 'exists'],
    [3, 'creates'],
  ],
  mkdir: [[0, 'creates']],
  mkdirat: [[1, 'creates']],
  mknod: [[0, 'creates']],
  mknodat: [[1, 'creates']],
  mount: [[1, 'exists']],
  open: [[0, 'opens']],
  openat: [[1, 'opens']],
  openat2: [[1, 'opens']],
  rename: [
    [0, 'removes'],
    [1, 'removes'],
  ],
  renameat: [
    [1, 'removes'],
    [3, 'removes'],
  ],
  renameat2: [
    [1, 'removes'],
    [3, 'removes'],
  ],
  rmdir: [[0, 'removes']],
  symlink: [[1, 'creates']],
  symlinkat: [[2, 'creates']],
  truncate: [[0, 'changes']],
  umount: [[0, 'exists']],
  umount2: [[0, 'exists']],
  unlink: [[0, 'removes']],
  unlinkat: [[1, 'removes']],
  utimensat: [[1, 'changes']],
};

const currentDirectory = -100;
/** AT_SYMLINK_NOFOLLOW. */
const doNotFollow = 0x100;
const exclusive = O_CREAT | O_EXCL;
/** Of the mode of a file. */
const writableByOwner = 0o200;
const writableByAll = 0o2;
/** Of what is read of a string. */
const longestPath = 127;
/** Whose files programs make anew. */
const madeAnew = ['/tmp', '/run', '/var/tmp', '/var/run', '/var/lock', '/var/log', '/var/cache', '/var/spool'];

/** Flags of open(2) that a read-only place refuses. */
const changes = [O_WRONLY, O_RDWR, O_CREAT, O_TRUNC];

/** The calls for which `likelyCause` may know one, as rules of a profile that asks about them. */
export function fallibleCalls(config: Config): LinuxSyscall[] {
  const action = 'SCMP_ACT_NOTIFY';
  const all = new Set([...needs().keys(), ...Object.keys(paths), 'execve']);
  // Programs open many files, most only to read them.
  const opens = hasRefusedDevice(config) ? [] : ['open', 'openat'];
  return [
    { names: [...all].filter((name) => !opens.includes(name)), action },
    ...opens.flatMap((name, at) =>
      changes.map((flag) => ({
        names: [name],
        action,
        args: [{ index: at + 1, op: 'SCMP_CMP_MASKED_EQ', value: flag, valueTwo: flag }],
      })),
    ),
  ] as LinuxSyscall[];
}

/** What in the config is probably against a call; undefined if nothing is, or if it fails for another reason. */
export function likelyCause(call: AllowedCall, caller: Caller, config: Config): LikelyCause | undefined {
  const wishes = wishesOf(call, caller);
  if (wishes.some(isVain) || areApart(call, wishes)) return undefined;
  // The kernel asks whether the mount may be written to before it asks for a capability.
  const place = readOnlyCause(wishes, config) ?? deviceCause(call, config) ?? noexecCause(call, caller, config);
  const need = needCause(call, caller, config);
  if (place === undefined || need === undefined) return place ?? need;
  return {
    words: `${place.words}; if it were not, ${need.words}`,
    pointer: place.pointer,
    cure: [place.cure, need.cure].filter((cure) => cure !== undefined).join('; also '),
  };
}

function needCause(call: AllowedCall, caller: Caller, config: Config): LikelyCause | undefined {
  for (const need of needs().get(call.name) ?? []) {
    if (!need.when(call, caller, config)) continue;
    if (need.initial && !caller.inInitialUserNamespace()) return namespaceCause(need, config);
    if (!need.anyOf.some((capability) => caller.has(capability))) return capabilityCause(need, caller, config);
  }
  return undefined;
}

function namespaceCause({ anyOf }: Need, config: Config): LikelyCause {
  return {
    words: `it takes ${anyOf.join(' or ')} of the initial user namespace, and the process is in another one`,
    pointer: hasNamespace(config, 'user') ? namespacePointer(config, 'user') : '/linux/namespaces',
  };
}

function capabilityCause({ anyOf }: Need, caller: Caller, { process }: Config): LikelyCause {
  const [missing = 'CAP_SYS_ADMIN'] = anyOf;
  const gains = missing === 'CAP_SETUID' || missing === 'CAP_SETGID';
  const more =
    gains && caller.noNewPrivileges() ? ', and process.noNewPrivileges keeps set-user-ID programs from it' : '';
  const words = `the process has ${anyOf.length === 1 ? 'no' : 'neither'} ${anyOf.join(' nor ')}`;
  // Of a user other than root, only ambient capabilities outlast execve(2), and these must be inheritable.
  const sets = (['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const).filter(
    (set) => !caller.uids().includes(0) || (set !== 'inheritable' && set !== 'ambient'),
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

/** Those of open(2), undefined for other calls. */
function openFlagsOf(call: AllowedCall): number | undefined {
  switch (call.name) {
    case 'creat':
      return O_CREAT | O_WRONLY | O_TRUNC;
    case 'open':
      return unsigned(call, 1);
    case 'openat':
      return unsigned(call, 2);
    case 'openat2':
      return Number(BigInt.asUintN(32, openHowAt(call, 2)?.flags ?? 0n));
    default:
      return undefined;
  }
}

/** A device of the config that no rule lets be opened. Its nodes may be made in any case. */
function deviceCause(call: AllowedCall, config: Config): LikelyCause | undefined {
  const flags = openFlagsOf(call);
  if (flags === undefined || (flags & O_PATH) !== 0) return undefined;
  const path = call.string(call.name === 'open' || call.name === 'creat' ? 0 : 1);
  const node = config.linux?.devices?.find((one) => one.path === path);
  const mode = flags & (O_WRONLY | O_RDWR);
  const access = mode === O_WRONLY ? 'w' : mode === O_RDWR ? 'rw' : 'r';
  if (node === undefined || isOpenable(node, access, config)) return undefined;
  const [type, major, minor] = [node.type === 'b' ? 'b' : 'c', Number(node.major), Number(node.minor)];
  return {
    words: `no rule allows the device ${type} ${major}:${minor} ${access}`,
    pointer: '/linux/resources/devices',
    cure: `add ${lineOfJson({ allow: true, type, major, minor, access })} to linux.resources.devices, as the last one`,
  };
}

function hasRefusedDevice(config: Config): boolean {
  return config.linux?.devices?.some((node) => !isOpenable(node, 'rw', config)) === true;
}

/** Whether the rules let a device be opened for all of `access`: r, w. */
function isOpenable({ type, major, minor }: LinuxDevice, access: string, { linux }: Config): boolean {
  const rules = linux?.resources?.devices;
  if (rules === undefined || type === 'p') return true;
  const [standard, ...exceptions] = deviceLines(rules, []);
  const matching = exceptions
    .map((line) => line.slice(1).split(/[ :]/))
    .filter(
      ([kind, one = '', other = '']) =>
        kind === (type === 'b' ? 'b' : 'c') &&
        ['*', String(major)].includes(one) &&
        ['*', String(minor)].includes(other),
    )
    .map(([, , , letters = '']) => letters)
    .join('');
  // The exceptions are from the first line.
  return Array.from(access).every((letter) => matching.includes(letter) !== (standard === '+a'));
}

/** A program on a mount from which none may be executed. */
function noexecCause(call: AllowedCall, caller: Caller, { mounts = [] }: Config): LikelyCause | undefined {
  const path = call.name === 'execve' ? pathAt(call, 0, caller) : undefined;
  const place = path === undefined ? undefined : caller.place(path, true);
  if (place === undefined || place === 'none' || (place.mount.flags & MOUNT_ATTR.NOEXEC) === 0) return undefined;
  if (((place.mode ?? 0) & S_IFMT) !== S_IFREG) return undefined;
  const found = mounts.findLastIndex(({ destination }) => normal(destination) === place.mount.path);
  const { destination, options = [] } = mounts[found] ?? { destination: '' };
  if (options.findLast((word) => word === 'exec' || word === 'noexec') !== 'noexec') return undefined;
  return {
    words: `no program on the mount at ${destination} may be executed`,
    pointer: `/mounts/${found}/options`,
    cure: 'remove "noexec" there',
  };
}

interface Wished {
  readonly wish: Wish;
  readonly place: Place | 'none' | undefined;
  readonly flags: number;
  readonly overridesModes: () => boolean;
}

function wishesOf(call: AllowedCall, caller: Caller): Wished[] {
  const flags = openFlagsOf(call) ?? 0;
  const overridesModes = (): boolean => caller.has('CAP_DAC_OVERRIDE');
  return (paths[call.name] ?? []).map(([index, wish]) => {
    const path = pathAt(call, index, caller);
    return {
      wish,
      flags,
      overridesModes,
      place: path === undefined ? path : caller.place(path, follows(call, wish, flags)),
    };
  });
}

/** Whether a link at the end of the path is followed. */
function follows(call: AllowedCall, wish: Wish, flags: number): boolean {
  switch (wish) {
    case 'creates':
    case 'removes':
      return false;
    case 'opens':
      return (flags & O_NOFOLLOW) === 0 && (flags & exclusive) !== exclusive;
    case 'exists':
      return !call.name.startsWith('link');
    case 'changes': {
      const at = call.name === 'fchownat' ? 4 : 3;
      const isAt = call.name === 'fchownat' || call.name === 'utimensat';
      return call.name !== 'lchown' && !(isAt && (unsigned(call, at) & doNotFollow) !== 0);
    }
  }
}

/** The path in an argument from the root of the container; undefined if it is longer than what was read, or not known. */
function pathAt(call: AllowedCall, index: number, caller: Caller): string | undefined {
  const text = call.string(index);
  if (text === undefined || text === '' || text.length >= longestPath || /[\u0080-\uffff]/.test(text)) return undefined;
  if (call.name === 'openat2' && openHowAt(call, 2)?.resolve !== 0n) return undefined;
  if (text.startsWith('/')) return text;
  const isAt = call.name.endsWith('at') || call.name.endsWith('at2');
  const from = isAt ? Number(BigInt.asIntN(32, call.values[index - 1] ?? 0n)) : currentDirectory;
  const directory = from === currentDirectory ? caller.directory() : '';
  return directory.startsWith('/') ? `${directory}/${text}` : undefined;
}

/** Whether the call fails, or does nothing that could be refused, because of what is at the path. */
function isVain({ wish, place, flags }: Wished): boolean {
  if (place === undefined) return false;
  if (place === 'none') return true;
  switch (wish) {
    case 'creates':
      return place.mode !== undefined;
    case 'exists':
    case 'changes':
      return place.mode === undefined;
    case 'removes':
      return place.path === '/';
    case 'opens':
      return place.mode === undefined ? (flags & O_CREAT) === 0 : (flags & exclusive) === exclusive;
  }
}

/** EXDEV comes first. */
function areApart({ name }: AllowedCall, [from, to]: readonly Wished[]): boolean {
  if (!name.startsWith('rename')) return false;
  const ids = [from, to].map((one) => (typeof one?.place === 'object' ? one.place.mount.id : undefined));
  return ids[0] === undefined || ids[0] !== ids[1];
}

/** A path on a mount, one of the paths or the root that the config makes read-only. */
function readOnlyCause(wishes: readonly Wished[], config: Config): LikelyCause | undefined {
  for (const wished of wishes) {
    const { place, wish } = wished;
    if (place === undefined || place === 'none' || wish === 'exists' || (place.mount.flags & MOUNT_ATTR.RDONLY) === 0)
      continue;
    if (wish === 'opens' && !writes(wished, place)) continue;
    const cause = readOnlyPlace(place, config);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

/** Whether open(2) needs a mount that may be written to, and does not fail for want of a permission before. */
function writes({ flags, overridesModes }: Wished, { mode, isOwn }: Place): boolean {
  if ((flags & O_PATH) !== 0) return false;
  if (mode === undefined) return (flags & O_CREAT) !== 0;
  if ((flags & (O_WRONLY | O_RDWR | O_TRUNC)) === 0) return false;
  switch (mode & S_IFMT) {
    case S_IFREG:
      return (mode & (isOwn ? writableByOwner : writableByAll)) !== 0 || overridesModes();
    case S_IFDIR:
      return (flags & __O_TMPFILE) !== 0;
    default:
      // Devices, pipes and sockets may be written to.
      return false;
  }
}

function readOnlyPlace({ path, mode, mount }: Place, { linux, mounts = [], root }: Config): LikelyCause | undefined {
  const at = (linux?.readonlyPaths ?? []).findIndex((one) => normal(one) === mount.path);
  if (at >= 0) {
    const protectedPath = linux?.readonlyPaths?.[at] ?? '';
    const pointer = `/linux/readonlyPaths/${at}`;
    return { words: `${protectedPath} is read-only`, pointer, cure: `remove ${lineOfJson(protectedPath)} there` };
  }
  const found = mounts.findLastIndex(({ destination }) => normal(destination) === mount.path);
  const listed = mounts[found];
  if (listed !== undefined) {
    return isReadOnly(listed)
      ? {
          words: `the mount at ${listed.destination} is read-only`,
          pointer: `/mounts/${found}/options`,
          cure: 'write "rw" there in place of "ro", or mount something else below it',
        }
      : undefined;
  }
  if (mount.path !== '/' || root?.readonly !== true) return undefined;
  return {
    words: 'the root is read-only',
    pointer: '/root/readonly',
    cure: `write false there, or add ${rootCure(normal(`${path}/..`), mode === undefined)}`,
  };
}

/** A tmpfs hides what is there, so it is for places of data that the program makes anew. */
function rootCure(destination: string, isNew: boolean): string {
  if (!isNew || !madeAnew.some((place) => isBelow(destination, place)))
    return 'a bind mount of a directory of the host for what shall change to mounts';
  const directory = { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev'] };
  return `${lineOfJson(directory)} to mounts, if what is there may be hidden`;
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
