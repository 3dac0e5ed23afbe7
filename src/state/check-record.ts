import { cgroupRoot } from '../facts/facts.ts';
import type { ContainerCgroup } from '../plan/cgroup/record.ts';
import type { ContainerRecord } from './record.ts';

type Check = (value: unknown) => boolean;

/** The version written by this rt. Version 1 is converted (earlier-record.ts). */
const currentVersion = 2;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
/** A valid argument of a system call. */
const isArgument: Check = (value) => typeof value === 'string' && !value.includes('\0');
const isPath: Check = (value) => isArgument(value) && (value as string).startsWith('/');
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isDuration: Check = (value) => Number.isFinite(value) && (value as number) >= 0;
const isIndex: Check = (value) => Number.isSafeInteger(value) && (value as number) >= -1;
/** PID_MAX_LIMIT of linux/threads.h. */
const isPid: Check = (value) => isCount(value) && (value as number) <= 1 << 22;
/** The first process of the system, or of the runtime's pid namespace, is never the init of a container. */
const isInitPid: Check = (value) => isPid(value) && value !== 1;
/** systemd.unit(5); each container has its own scope. */
const isUnit: Check = (value) => isArgument(value) && /^[^/]+\.scope$/.test(value as string);
const isTable: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** A directory that is removed with the container, and whose processes are killed: at least `levels` below `root`. */
function isBelow(root: string, levels: number): Check {
  return (value) => {
    if (!isPath(value) || !(value as string).startsWith(`${root}/`)) return false;
    const parts = (value as string).slice(root.length).split('/');
    return !parts.includes('..') && parts.filter((part) => part !== '' && part !== '.').length >= levels;
  };
}

/** The hierarchies of cgroup v1 are one level below the cgroup root. Compiled once: a record may have a dozen of them. */
const mountOfMany = new RegExp(`^${cgroupRoot}/(?!\\.\\.?$)[^/]+$`);
const isMountOfMany: Check = (value) => isArgument(value) && mountOfMany.test(value as string);

const isResctrlGroup = isBelow('/sys/fs/resctrl', 1);

/** Other keys are ignored: a later rt may add some to this version. */
function withKeys(checks: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(checks);
  return (value) => isTable(value) && entries.every(([key, check]) => check((value as Record<string, unknown>)[key]));
}

function either(one: Check, other: Check): Check {
  return (value) => one(value) || other(value);
}

const isProcess = withKeys({ pid: isPid, startTime: isCount });
const isHook = withKeys({
  path: isArgument,
  args: optional(listOf(isArgument)),
  env: optional(listOf(isArgument)),
  timeout: optional(isDuration),
});
const isControllers = listOf(isText);
const isUnifiedCgroup = withKeys({
  version: (value) => value === 2,
  controllers: isControllers,
  mount: (value) => value === cgroupRoot,
  directory: isBelow(cgroupRoot, 1),
});
const hasHierarchyOfMany = withKeys({
  version: (value) => value === 1 || value === 2,
  controllers: isControllers,
  mount: isMountOfMany,
});
const isCgroupOfMany: Check = (value) =>
  hasHierarchyOfMany(value) && isBelow((value as ContainerCgroup).mount, 1)((value as ContainerCgroup).directory);

/** True for a cgroup that is not the root of its hierarchy. */
export function isContainerCgroup(value: unknown): value is ContainerCgroup {
  return isUnifiedCgroup(value) || isCgroupOfMany(value);
}

function isCgroup(version: 1 | 2, isOne: Check, isDirectory: Check): Check {
  return withKeys({
    manager: (value) => value === 'cgroupfs' || value === 'systemd',
    unit: optional(isUnit),
    version: (value) => value === version,
    hierarchies: listOf(isOne),
    inside: optional(isDirectory),
  });
}

const isNamespace = withKeys({ device: isCount, inode: isCount });

const checks: Readonly<Record<keyof ContainerRecord, Check>> = {
  version: (value) => value === currentVersion,
  id: isText,
  bundle: isPath,
  rootfs: isPath,
  rootMount: optional(isCount),
  created: isText,
  annotations: (value) => isTable(value) && Object.values(value as object).every(isText),
  pid: isInitPid,
  startTime: isCount,
  creator: isProcess,
  cgroup: either(
    isCgroup(2, isUnifiedCgroup, isBelow(cgroupRoot, 1)),
    isCgroup(1, isCgroupOfMany, isBelow(cgroupRoot, 2)),
  ),
  resctrl: optional(withKeys({ groups: listOf(isResctrlGroup), made: listOf(isResctrlGroup) })),
  privatePidNamespace: isFlag,
  origin: optional(withKeys({ user: isNamespace, mountOwner: optional(isNamespace) })),
  keyring: isFlag,
  keyringName: optional((value) => isArgument(value) && (value as string).startsWith('_ses.')),
  uncertainStart: optional(isFlag),
  hooks: withKeys({ poststart: optional(listOf(isHook)), poststop: optional(listOf(isHook)) }),
  startHooks: optional(withKeys({ firstOp: isIndex, hooks: listOf(isHook) })),
};
const isWhole = withKeys(checks);

/** True for a record whose every part is of its kind, so that its users need not check. */
export function isRecord(value: unknown): value is ContainerRecord {
  return isWhole(value);
}

/** The version of a record written by a later rt; undefined for anything else. */
export function newerVersion(value: unknown): number | undefined {
  const version = isTable(value) ? (value as { version?: unknown }).version : undefined;
  return Number.isSafeInteger(version) && (version as number) > currentVersion ? (version as number) : undefined;
}
