import {
  AWAIT_START_HOW,
  CHANGE_DIRECTORY_PHASE,
  GROUPS_RULE,
  MOUNT_BIND_FLAGS,
  MOUNT_FILESYSTEM_FLAGS,
  OPEN_TREE_FLAGS,
} from '../../schema/generated/ops.ts';
import { errnoName } from '../diag/errno.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT } from '../kernel/files.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { CAPABILITIES, KEY_OTH_SEARCH, KEY_USR_SEARCH, PERSONALITIES } from '../kernel/processes.ts';
import {
  IOPRIO_CLASS_SHIFT,
  IO_PRIORITY_CLASSES,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
} from '../kernel/scheduling.ts';
import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
} from '../kernel/seccomp.ts';
import { SIGNALS } from '../kernel/signals.ts';
import { rlimitName } from './process.ts';

type Words = (value: number) => string;
type Names = Readonly<Record<string, number>>;

/** The name of a value. */
function choice(names: Names): Words {
  return (value) => Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value);
}

/** The names of the bits that are set, joined by `|`; a name with several bits counts if all of them are set. */
function bits(names: Names): Words {
  return (value) => {
    const found: string[] = [];
    let left = value >>> 0;
    for (const [name, bit] of Object.entries(names)) {
      if (bit === 0 || (left & bit) >>> 0 !== bit) continue;
      found.push(name);
      left = (left & ~bit) >>> 0;
    }
    return [...found, ...(left === 0 && value !== 0 ? [] : [hexadecimal(left)])].join('|');
  };
}

function hexadecimal(value: number): string {
  return value > 9 ? `0x${value.toString(16)}` : String(value);
}

const octal: Words = (value) => `0${value.toString(8)}`;

const namespaces = bits(CLONE_NEW);

/** The words of mount(8); relative access times are the absence of the others. */
const attributes = bits({
  ro: MOUNT_ATTR.RDONLY,
  nosuid: MOUNT_ATTR.NOSUID,
  nodev: MOUNT_ATTR.NODEV,
  noexec: MOUNT_ATTR.NOEXEC,
  nodiratime: MOUNT_ATTR.NODIRATIME,
  nosymfollow: MOUNT_ATTR.NOSYMFOLLOW,
  atime: MOUNT_ATTR._ATIME,
  noatime: MOUNT_ATTR.NOATIME,
  strictatime: MOUNT_ATTR.STRICTATIME,
});

const propagation = choice(MS);

const fileTypes = choice({ c: S_IFCHR, b: S_IFBLK, p: S_IFIFO });

const filterFlags = bits({
  LOG: SECCOMP_FILTER_FLAG_LOG,
  SPEC_ALLOW: SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  WAIT_KILLABLE_RECV: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
});

const policyFlags = Object.values(MEMORY_POLICY_FLAGS).reduce((all, flag) => all | flag, 0);

const errno: Words = (value) => (value === 0 ? '0' : errnoName(value));

/** By `operation.field`, or by the field alone. Other numbers are counts, ids and sizes. */
const numbers: Readonly<Record<string, Words>> = {
  'await_start.how': choice(AWAIT_START_HOW),
  'become_root.groups': choice(GROUPS_RULE),
  'change_directory.phase': choice(CHANGE_DIRECTORY_PHASE),
  'clone.flags': namespaces,
  'clone_init.flags': namespaces,
  'io_priority.value': (value) =>
    `${choice(IO_PRIORITY_CLASSES)(value >>> IOPRIO_CLASS_SHIFT)}:${value & ((1 << IOPRIO_CLASS_SHIFT) - 1)}`,
  'join_process.flags': namespaces,
  'make_device.mode': (value) => `${fileTypes(value & S_IFMT)}:${octal(value & ~S_IFMT)}`,
  'bind_device.mode': fileTypes,
  'memory_policy.mode': (value) =>
    [
      choice(MEMORY_POLICY_MODES)(value & ~policyFlags),
      ...(value & policyFlags ? [bits(MEMORY_POLICY_FLAGS)(value & policyFlags)] : []),
    ].join('|'),
  'mount_bind.flags': bits(MOUNT_BIND_FLAGS),
  'mount_filesystem.flags': bits(MOUNT_FILESYSTEM_FLAGS),
  'namespace_join.type': namespaces,
  'namespace_open.type': namespaces,
  'open_tree.flags': bits(OPEN_TREE_FLAGS),
  'personality.persona': choice(PERSONALITIES),
  'scheduler.flags': bits(SCHEDULER_FLAGS),
  'scheduler.policy': choice(SCHEDULER_POLICIES),
  'seccomp.flags': filterFlags,
  'seccomp_notify.flags': filterFlags,
  'session_keyring.permission': choice({ user: KEY_USR_SEARCH, others: KEY_OTH_SEARCH }),
  'set_user.keepGroups': choice(GROUPS_RULE),
  'unshare.flags': namespaces,
  attributes,
  clear: attributes,
  ignore: errno,
  mask: octal,
  mode: octal,
  propagation,
  recursiveClear: attributes,
  recursiveSet: attributes,
  resource: rlimitName,
  set: attributes,
  type: propagation,
};

const capabilitySets = ['effective', 'permitted', 'inheritable', 'ambient'];

/** The names of the numbers whose bits are set, without a common prefix; all but some if that is shorter. */
function members(mask: bigint, names: Names, prefix: string): string {
  const all = Object.entries(names).map(([name, number]) => [name.slice(prefix.length), number] as const);
  const isSet = (number: number): boolean => ((mask >> BigInt(number)) & 1n) === 1n;
  const set = all.filter(([, number]) => isSet(number)).map(([name]) => name);
  const unset = all.filter(([, number]) => !isSet(number)).map(([name]) => name);
  if (set.length === 0) return 'none';
  if (unset.length === 0) return 'all';
  return set.length > unset.length ? `all-but:${unset.join('|')}` : set.join('|');
}

/** Signals by the index of their bit. */
const signalBits = Object.fromEntries(Object.entries(SIGNALS).map(([name, number]) => [name, number - 1]));

/** A number of an operation in the words of the kernel, of mount(8) and of the operation's documentation. */
export function numberWords(op: string, field: string, value: number | bigint): string {
  if (op === 'end_on_signals') return members(BigInt(value), signalBits, '');
  if (capabilitySets.includes(field) || (op === 'drop_bounding' && field === 'keep'))
    return members(BigInt(value), CAPABILITIES, 'CAP_');
  const words = numbers[`${op}.${field}`] ?? numbers[field];
  return words === undefined ? String(value) : words(Number(value));
}
