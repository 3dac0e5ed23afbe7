import type { Config, LinuxDevice, LinuxSyscall, Mount } from '../../../schema/generated/config.ts';
import { hasNamespace, namespacePointer } from '../../bundle/namespaces.ts';
import { lineOfJson } from '../../diag/json-line.ts';
import { O_CREAT, O_RDWR, O_TRUNC, O_WRONLY } from '../../kernel/open-flags.ts';
import { deviceLines } from '../cgroup/device-lines.ts';
import { needs, unsigned } from './needs.ts';
import type { AllowedCall, Caller, Need } from './needs.ts';
import { openHowAt } from './pointed.ts';

/** Why a call probably fails: its result is not seen. */
export interface LikelyCause {
  readonly words: string;
  readonly pointer: string;
  /** How to change the config, with the JSON to add; undefined if no change of it helps. */
  readonly cure?: string;
}

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
  openat2: [1],
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

const currentDirectory = -100;

/** Flags of open(2) that a read-only place refuses. */
const changes = [O_WRONLY, O_RDWR, O_CREAT, O_TRUNC];

/** The calls for which `likelyCause` may know one, as rules of a profile that asks about them. */
export function fallibleCalls(config: Config): LinuxSyscall[] {
  const action = 'SCMP_ACT_NOTIFY';
  const all = new Set([...needs().keys(), ...Object.keys(changed), 'execve']);
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

/** What in the config is probably against a call; undefined if nothing is. */
export function likelyCause(call: AllowedCall, caller: Caller, config: Config): LikelyCause | undefined {
  for (const need of needs().get(call.name) ?? []) {
    if (!need.when(call, caller, config)) continue;
    if (need.initial && !caller.inInitialUserNamespace()) return namespaceCause(need, config);
    if (!need.anyOf.some((capability) => caller.has(capability))) return capabilityCause(need, caller, config);
  }
  return deviceCause(call, config) ?? noexecCause(call, caller, config) ?? readOnlyCause(call, caller, config);
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
  if (flags === undefined) return undefined;
  const path = call.string(call.name === 'open' ? 0 : 1);
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
  const text = call.name === 'execve' ? call.string(0) : undefined;
  if (text === undefined || text === '') return undefined;
  const found = mountAt(normal(text.startsWith('/') ? text : `${caller.directory()}/${text}`), mounts);
  const { destination, options = [] } = mounts[found] ?? { destination: '' };
  if (options.findLast((word) => word === 'exec' || word === 'noexec') !== 'noexec') return undefined;
  return {
    words: `no program on the mount at ${destination} may be executed`,
    pointer: `/mounts/${found}/options`,
    cure: 'remove "noexec" there',
  };
}

/** A path below a mount, a path or a root that the config makes read-only. Links are not followed. */
function readOnlyCause(call: AllowedCall, caller: Caller, config: Config): LikelyCause | undefined {
  const { name, values, string } = call;
  const paths = changed[name] ?? [];
  const flags = openFlagsOf(call);
  if (flags !== undefined && changes.every((flag) => (flags & flag) === 0)) return undefined;
  for (const index of paths) {
    const text = string(index);
    // mkdir -p begins with the root.
    if (text === undefined || text === '' || (text === '/' && name.startsWith('mkdir'))) continue;
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
  const found = mountAt(path, mounts);
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
  const mounted =
    destination === '/' ? '' : `, or add ${lineOfJson(directory)} to mounts, if what is there may be hidden`;
  return { words: 'the root is read-only', pointer: '/root/readonly', cure: `write false there${mounted}` };
}

/** The index of the mount that has a path, -1 for the root. */
function mountAt(path: string, mounts: readonly Mount[]): number {
  let found = -1;
  mounts.forEach(({ destination }, index) => {
    const length = found < 0 ? 0 : normal(mounts[found]?.destination ?? '').length;
    if (isBelow(path, normal(destination)) && normal(destination).length >= length) found = index;
  });
  return found;
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
