import type { LinuxResources } from '../../../schema/generated/config.ts';
import { annotationPointer } from '../../bundle/annotations.ts';
import { Failure } from '../../diag/diagnostic.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { PlannedOp } from '../types.ts';
import { pidsMaximum } from './common.ts';
import type { Current } from './limits.ts';
import type { UnitManager } from './record.ts';
import { isSet } from './limits.ts';
import { plainProperties } from './plain.ts';
import { cpuWeight } from './v2.ts';

/** A D-Bus value with its type (D-Bus specification, "Type System"). */
export type UnitValue =
  | { readonly type: 'b'; readonly value: boolean }
  | { readonly type: 's'; readonly value: string }
  | { readonly type: 'i' | 'u'; readonly value: number }
  | { readonly type: 't' | 'x'; readonly value: bigint }
  | { readonly type: 'as'; readonly value: readonly string[] }
  | { readonly type: 'au'; readonly value: readonly number[] }
  | { readonly type: 'ay'; readonly value: readonly number[] }
  | { readonly type: 'a(ss)'; readonly value: readonly (readonly [string, string])[] };

export interface UnitProperty {
  readonly name: string;
  readonly value: UnitValue;
}

/** The caller's own systemd (user@.service(5)). */
export interface UserManager {
  /** Its cgroup, absolute below the mount of cgroup v2. */
  readonly cgroup: string;
  /** Controllers that are delegated to it. */
  readonly controllers: readonly string[];
}

/** A systemd scope for a container. */
export interface UnitPlan {
  readonly name: string;
  readonly manager: UnitManager;
  /** Properties of the start request; the pid of init is added. */
  readonly properties: readonly UnitProperty[];
  /** Run by the runtime once init is in the scope: cgroups are made below it. */
  readonly divide: readonly PlannedOp[];
  /** The cgroup that init then moves to, '' for none: a cgroup with children must have no processes. */
  readonly inside: string;
  /** Run by the runtime after that: settings that systemd would undo or does not support. */
  readonly ops: readonly PlannedOp[];
}

/** The systemd unit of a container, its slice, and its cgroup below a hierarchy's mount. */
export interface UnitPlace {
  readonly name: string;
  readonly manager: UnitManager;
  readonly slice: string;
  /** Absolute. */
  readonly path: string;
}

/** systemd's `infinity` for limits. */
const infinity = 0xffff_ffff_ffff_ffffn;
const defaultSlice = { system: 'system.slice', user: 'user.slice' } as const satisfies Record<UnitManager, string>;
const microsecondsPerSecond = 1_000_000n;
/** systemd rounds a quota to whole percents. */
const quotaStep = 10_000n;
const defaultPeriod = 100_000n;

/**
 * `slice:prefix:name`, as written by engines for the systemd driver; default `system.slice:rt:ID`, of a user
 * `user.slice:rt:ID`.
 */
export function unitPlace(cgroupsPath: string, id: string, user: UserManager | undefined): UnitPlace {
  const manager = user === undefined ? 'system' : 'user';
  const usual = defaultSlice[manager];
  const parts = cgroupsPath === '' ? [usual, 'rt', id] : cgroupsPath.split(':');
  const [slice = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3 || name === '') {
    throw unitFailure(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${cgroupsPath}" instead`,
      'use this format, or omit --systemd-cgroup',
    );
  }
  const unit = prefix === '' ? `${name}.scope` : `${prefix}-${name}.scope`;
  // systemd.unit(5): characters of a unit's name; others would have to be escaped.
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(unit) || unit.length > 255) {
    throw unitFailure(`"${unit}" is not the name of a systemd unit`, 'use letters, digits and :-_.\\ in cgroupsPath');
  }
  const inSlice = slice === '' ? usual : slice;
  return { name: unit, manager, slice: inSlice, path: `${user?.cgroup ?? ''}${slicePath(inSlice)}/${unit}` };
}

/** `a-b.slice` is inside `a.slice` (systemd.slice(5)): `/a.slice/a-b.slice`. */
export function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const stem = slice.endsWith('.slice') ? slice.slice(0, -'.slice'.length) : '';
  const parts = stem.split('-');
  if (stem === '' || slice.includes('/') || parts.includes('')) {
    throw unitFailure(`"${slice}" is not the name of a systemd slice`, 'a slice ends in .slice, such as machine.slice');
  }
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

function unitFailure(message: string, hint: string): Failure {
  return new Failure({ code: 'cgroup.systemd', message, pointer: '/linux/cgroupsPath', hint });
}

/** Properties of a new scope besides its limits. Delegate= keeps systemd from changing the cgroups inside. */
export function scopeProperties({ slice }: UnitPlace, id: string, { ioAccounting }: UnitVersion): UnitProperty[] {
  const on = (name: string): UnitProperty => ({ name, value: { type: 'b', value: true } });
  return [
    { name: 'Description', value: { type: 's', value: `rt container ${id}` } },
    { name: 'Slice', value: { type: 's', value: slice } },
    on('Delegate'),
    on('MemoryAccounting'),
    on('CPUAccounting'),
    on(ioAccounting),
    on('TasksAccounting'),
    { name: 'DefaultDependencies', value: { type: 'b', value: false } },
  ];
}

/** Properties that differ between the cgroup versions. */
export interface UnitVersion {
  readonly ioAccounting: string;
  readonly limits: (resources: LinuxResources, current: Current) => UnitProperty[];
}

export const legacyUnit: UnitVersion = {
  ioAccounting: 'BlockIOAccounting',
  limits: ({ memory = {}, cpu = {}, blockIO = {} }) => [
    ...bytes('MemoryLimit', memory.limit),
    ...(isSet(cpu.shares) ? [number('CPUShares', BigInt(cpu.shares))] : []),
    ...(isSet(blockIO.weight) ? [number('BlockIOWeight', BigInt(blockIO.weight))] : []),
  ],
};

export const unifiedUnit: UnitVersion = {
  ioAccounting: 'IOAccounting',
  limits: (resources, current) => {
    const { memory = {}, cpu = {} } = resources;
    const swap = swapAlone(resources, current);
    // The kernel refuses a weight for an idle cgroup.
    const weight = isSet(cpu.shares) && !isSet(cpu.idle) ? cpuWeight(Number(cpu.shares)) : undefined;
    return [
      ...bytes('MemoryMax', memory.limit),
      ...plainProperties(resources).flatMap(([name, value]) => bytes(name, value)),
      ...(swap === undefined ? [] : [number('MemorySwapMax', swap)]),
      ...(weight === undefined ? [] : [number('CPUWeight', BigInt(weight))]),
    ];
  },
};

/**
 * Limits as properties, so that systemd keeps them when it rewrites the files of a cgroup
 * (systemd.resource-control(5)).
 */
export function limitProperties(
  resources: LinuxResources,
  version: UnitVersion,
  current: Current = {},
): UnitProperty[] {
  const { cpu = {}, pids } = resources;
  const tasks = pids?.limit === undefined ? undefined : pidsMaximum(pids.limit);
  return [
    ...version.limits(resources, current),
    ...(isSet(cpu.quota) || isSet(cpu.period) ? quotaProperties(resources, current) : []),
    ...bitMask('AllowedCPUs', cpu.cpus),
    ...bitMask('AllowedMemoryNodes', cpu.mems),
    ...(tasks === undefined ? [] : [number('TasksMax', tasks === 'max' ? infinity : BigInt(tasks))]),
  ];
}

function number(name: string, value: bigint): UnitProperty {
  return { name, value: { type: 't', value } };
}

function bytes(name: string, value: number | bigint | undefined): UnitProperty[] {
  return isSet(value) ? [number(name, Number(value) < 0 ? infinity : BigInt(value))] : [];
}

function bitMask(name: string, list: string | undefined): UnitProperty[] {
  return list ? [{ name, value: { type: 'ay', value: listBytes(list) } }] : [];
}

function swapAlone({ memory = {} }: LinuxResources, current: Current): bigint | undefined {
  const { swap } = memory;
  const limit = isSet(memory.limit) ? memory.limit : current.memoryLimit;
  if (!isSet(swap)) return Number(memory.limit ?? 0) === -1 ? infinity : undefined;
  if (Number(swap) < 0) return infinity;
  if (limit === undefined || Number(limit) < 0) return BigInt(swap);
  return BigInt(swap) > BigInt(limit) ? BigInt(swap) - BigInt(limit) : 0n;
}

function quotaProperties({ cpu = {} }: LinuxResources, current: Current): UnitProperty[] {
  const period = isSet(cpu.period) ? BigInt(cpu.period) : BigInt(current.period ?? defaultPeriod);
  const quota = isSet(cpu.quota) ? BigInt(cpu.quota) : BigInt(current.quota === 'max' ? -1 : (current.quota ?? -1));
  return [
    number('CPUQuotaPeriodUSec', period),
    number('CPUQuotaPerSecUSec', quota <= 0n ? infinity : wholePercents(quota, period)),
  ];
}

/** The resources with a quota that systemd can represent, so that the cgroup's files and the unit agree. */
export function roundedResources(resources: LinuxResources, current: Current = {}): LinuxResources {
  const { quota, period } = resources.cpu ?? {};
  if (!isSet(quota) || Number(quota) < 0) return resources;
  const length = isSet(period) ? BigInt(period) : BigInt(current.period ?? defaultPeriod);
  const rounded = (wholePercents(BigInt(quota), length) * length) / microsecondsPerSecond;
  return { ...resources, cpu: { ...resources.cpu, quota: Number(rounded) } };
}

/**
 * Device rules for systemd, which writes them at a daemon-reload: on v1 it would otherwise allow everything then.
 * `lines` are those of the devices controller. Only an allow-list; rules that it cannot express are omitted, which
 * allows less.
 */
export function deviceProperties(lines: readonly string[]): UnitProperty[] {
  if (lines[0] !== '-a') return [];
  const allowed = lines.slice(1).flatMap((line): (readonly [string, string])[] => {
    const [, type = '', major = '', minor = '', access = ''] = /^\+([bc]) ([0-9*]+):([0-9*]+) (\w+)$/.exec(line) ?? [];
    const kind = type === 'b' ? 'block' : 'char';
    if (minor === '*') return [[`${kind}-${major}`, access]];
    return major === '*' ? [] : [[`/dev/${kind}/${major}:${minor}`, access]];
  });
  return [
    { name: 'DevicePolicy', value: { type: 's', value: 'strict' } },
    { name: 'DeviceAllow', value: { type: 'a(ss)', value: allowed } },
  ];
}

function wholePercents(quota: bigint, period: bigint): bigint {
  const perSecond = (quota * microsecondsPerSecond + period - 1n) / period;
  return ((perSecond + quotaStep - 1n) / quotaStep) * quotaStep;
}

/** A list such as `0-2,8` as a bit mask, lowest byte first. */
export function listBytes(list: string): number[] {
  const bytes: number[] = [];
  for (const part of list.split(',')) {
    const [first = NaN, last = first] = part.trim().split('-').map(Number);
    if (!(first <= last && last < 65536)) continue;
    for (let bit = first; bit <= last; bit++) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return bytes;
}

/**
 * Allow-list of properties that annotations may set: those that end a container or order it among other units. Others
 * could undo limits or run programs of the host.
 */
const annotated: Readonly<Record<string, readonly UnitValue['type'][]>> = {
  After: ['as'],
  Before: ['as'],
  CollectMode: ['s'],
  Description: ['s'],
  KillMode: ['s'],
  KillSignal: ['i'],
  OOMPolicy: ['s'],
  RuntimeMaxUSec: ['t'],
  SendSIGHUP: ['b'],
  SendSIGKILL: ['b'],
  TimeoutStopUSec: ['t'],
  Wants: ['as'],
};
const annotationPrefix = 'org.systemd.property.';

/** `org.systemd.property.NAME` with a value in GVariant text (`true`, `'x'`, `uint64 5`, `['a', 'b']`). */
export function annotatedProperties(
  annotations: Readonly<Record<string, string>>,
  faults: Diagnostic[],
): UnitProperty[] {
  return Object.entries(annotations).flatMap(([key, text]) => {
    if (!key.startsWith(annotationPrefix)) return [];
    const given = key.slice(annotationPrefix.length);
    const isSeconds = given.endsWith('Sec') && !given.endsWith('USec');
    const name = isSeconds ? `${given.slice(0, -3)}USec` : given;
    const types = Object.hasOwn(annotated, name) ? annotated[name] : undefined;
    const value = types === undefined ? undefined : parseVariant(text, types, isSeconds);
    if (value !== undefined) return [{ name, value }];
    const cause = types === undefined ? 'may not be set' : `must be of type ${types.join(' or ')}, found ${text}`;
    faults.push({
      code: 'cgroup.systemd',
      message: `annotation ${key}: the property ${cause}`,
      pointer: annotationPointer(key),
      hint: types === undefined ? `those that may: ${Object.keys(annotated).join(', ')}` : 'write it as GVariant text',
    });
    return [];
  });
}

/** Undefined if the text is not a value of one of the types. */
function parseVariant(text: string, types: readonly UnitValue['type'][], isSeconds: boolean): UnitValue | undefined {
  const trimmed = text.trim();
  const integer = /^(?:(u?int32|u?int64|byte|handle) )?(-?[0-9]+)$/.exec(trimmed)?.[2];
  const string = /^(?:'([^'\\]*)'|"([^"\\]*)")$/.exec(trimmed);
  for (const type of types) {
    if (type === 'b' && (trimmed === 'true' || trimmed === 'false')) return { type, value: trimmed === 'true' };
    if (type === 's' && string !== null) return { type, value: string[1] ?? string[2] ?? '' };
    if (type === 'i' && integer !== undefined) return { type, value: Number(integer) };
    if (type === 't' && integer !== undefined && !integer.startsWith('-')) {
      return { type, value: BigInt(integer) * (isSeconds ? microsecondsPerSecond : 1n) };
    }
    if (type === 'as') {
      const list = /^(?:@as )?\[(.*)\]$/.exec(trimmed)?.[1];
      const items =
        list === undefined ? undefined : list.split(',').map((item) => /^\s*['"]([^'"\\]*)['"]\s*$/.exec(item)?.[1]);
      if (list?.trim() === '') return { type, value: [] };
      if (items?.every((item) => item !== undefined) === true) return { type, value: items };
    }
  }
  return undefined;
}
