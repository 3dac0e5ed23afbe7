import type { ContainerRecord } from './record.ts';

type Check = (value: unknown) => boolean;

/** The version that this rt writes, and the only one that it reads. */
const currentVersion = 1;

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isPath: Check = (value) => typeof value === 'string' && value.startsWith('/');
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber: Check = (value) => Number.isFinite(value);
const isTable: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** Other keys are passed over: a later rt may add some to what this version means. */
function withKeys(checks: Readonly<Record<string, Check>>): Check {
  const entries = Object.entries(checks);
  return (value) => isTable(value) && entries.every(([key, check]) => check((value as Record<string, unknown>)[key]));
}

const isProcess = withKeys({ pid: isCount, startTime: isCount });
const isHook = withKeys({
  path: isText,
  args: optional(listOf(isText)),
  env: optional(listOf(isText)),
  timeout: optional(isNumber),
});

const isNamespace = withKeys({ device: isCount, inode: isCount });

const checks: Readonly<Record<keyof ContainerRecord, Check>> = {
  version: (value) => value === currentVersion,
  id: isText,
  bundle: isPath,
  rootfs: isPath,
  rootMount: optional(isCount),
  created: isText,
  annotations: (value) => isTable(value) && Object.values(value as object).every(isText),
  pid: isCount,
  startTime: isCount,
  creator: isProcess,
  cgroup: withKeys({
    manager: (value) => value === 'cgroupfs' || value === 'systemd',
    unit: optional(isText),
    version: (value) => value === 1 || value === 2,
    directories: listOf(isPath),
    inside: optional(isPath),
  }),
  resctrl: optional(withKeys({ groups: listOf(isPath), made: listOf(isPath) })),
  privatePidNamespace: isFlag,
  origin: optional(withKeys({ user: isNamespace, mountOwner: optional(isNamespace) })),
  keyring: isFlag,
  uncertainStart: optional(isFlag),
  hooks: withKeys({ poststart: optional(listOf(isHook)), poststop: optional(listOf(isHook)) }),
  startHooks: optional(withKeys({ firstOp: isNumber, hooks: listOf(isHook) })),
};
const isWhole = withKeys(checks);

/** True for a record whose every part is of its kind, so that whoever uses one need not ask. */
export function isRecord(value: unknown): value is ContainerRecord {
  return isWhole(value);
}

/** The version of a record that a later rt has written; undefined for anything else. */
export function newerVersion(value: unknown): number | undefined {
  const version = isTable(value) ? (value as { version?: unknown }).version : undefined;
  return Number.isSafeInteger(version) && (version as number) > currentVersion ? (version as number) : undefined;
}
