import type { LinuxDeviceCgroup } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { defaultDeviceRules } from './devices.ts';

/** An entry of the v1 controller's list: an exception from its default. `*` stands for any number. */
interface Exception {
  readonly type: 'b' | 'c';
  readonly major: string;
  readonly minor: string;
  readonly access: string;
}

/** The v1 controller has one default, and unordered exceptions from it. */
interface Controller {
  allowsByDefault: boolean;
  /** By their devices: there may be thousands. */
  readonly exceptions: Map<string, Exception>;
}

/**
 * Rules as lines for devices.allow (`+`) and devices.deny (`-`): the default first, then the exceptions. The config's
 * list is ordered: everything is denied at first, and the last rule that matches an access decides. The controller has
 * no exception from an exception: the kernel would accept the line and ignore it, so it is a fault here.
 */
export function deviceLines(rules: readonly LinuxDeviceCgroup[], faults: Diagnostic[]): string[] {
  const controller: Controller = { allowsByDefault: false, exceptions: new Map() };
  rules.forEach((rule, index) => {
    if (isTotal(rule)) {
      controller.allowsByDefault = rule.allow;
      controller.exceptions.clear();
      return;
    }
    for (const part of parts(rule)) apply(controller, part, rule.allow, index, faults);
  });
  if (!controller.allowsByDefault && controller.exceptions.size === 0) return linesForDefaults;
  // They follow the rules of the config, so nothing can deny the default devices.
  for (const part of defaults) apply(controller, part, true, undefined, faults);
  if (controller.allowsByDefault) refuseDeniedDefaults(controller, faults);
  return linesOf(controller);
}

function linesOf({ allowsByDefault, exceptions }: Controller): string[] {
  const sign = allowsByDefault ? '-' : '+';
  return [
    allowsByDefault ? '+a' : '-a',
    ...Array.from(exceptions.values(), (exception) => `${sign}${shown(exception)}`),
  ];
}

const defaults: readonly Exception[] = defaultDeviceRules.flatMap(parts);
/** For a config whose rules allow nothing. */
const linesForDefaults = linesOf({
  allowsByDefault: false,
  exceptions: new Map(defaults.map((part) => [deviceOf(part), part])),
});

function isTotal({ type = 'a', major, minor, access }: LinuxDeviceCgroup): boolean {
  return type === 'a' && number(major) === '*' && number(minor) === '*' && letters(access).length === 3;
}

function parts({ type = 'a', major, minor, access }: LinuxDeviceCgroup): Exception[] {
  const types = type === 'a' ? (['b', 'c'] as const) : ([type === 'b' ? 'b' : 'c'] as const);
  return types.map((one) => ({ type: one, major: number(major), minor: number(minor), access: letters(access) }));
}

function number(value: number | bigint | undefined): string {
  return value === undefined || Number(value) === -1 ? '*' : String(value);
}

/** In the kernel's order, without duplicates. */
function letters(access = ''): string {
  if (access === 'rwm') return access;
  return ['r', 'w', 'm'].filter((letter) => access.includes(letter)).join('');
}

function apply(
  controller: Controller,
  part: Exception,
  allow: boolean,
  index: number | undefined,
  faults: Diagnostic[],
): void {
  if (allow !== controller.allowsByDefault) {
    add(controller, part);
    return;
  }
  for (const [device, exception] of controller.exceptions) {
    if (!overlaps(exception, part)) continue;
    if (covers(part, exception)) {
      const access = without(exception.access, part.access);
      if (access === '') controller.exceptions.delete(device);
      else controller.exceptions.set(device, { ...exception, access });
    } else if (index !== undefined) {
      faults.push(hole(part, exception, allow, index));
    }
  }
}

function refuseDeniedDefaults(controller: Controller, faults: Diagnostic[]): void {
  for (const exception of controller.exceptions.values()) {
    const device = defaults.find((part) => overlaps(exception, part));
    if (device === undefined) continue;
    faults.push({
      code: 'device.hole',
      message: `cannot deny ${shown(exception)} and leave ${shown(device)} to the container: cgroup v1 has no exceptions from a denied range`,
      pointer: '/linux/resources/devices',
      hint,
    });
  }
}

function add({ exceptions }: Controller, part: Exception): void {
  const device = deviceOf(part);
  const found = exceptions.get(device);
  exceptions.set(device, found === undefined ? part : { ...found, access: letters(found.access + part.access) });
}

function deviceOf({ type, major, minor }: Exception): string {
  return `${type} ${major}:${minor}`;
}

function overlaps(one: Exception, other: Exception): boolean {
  const meet = (a: string, b: string): boolean => a === '*' || b === '*' || a === b;
  return (
    one.type === other.type &&
    meet(one.major, other.major) &&
    meet(one.minor, other.minor) &&
    without(one.access, other.access) !== one.access
  );
}

/** Whether the numbers of `wide` include all of `narrow`. */
function covers(wide: Exception, narrow: Exception): boolean {
  return (wide.major === '*' || wide.major === narrow.major) && (wide.minor === '*' || wide.minor === narrow.minor);
}

function without(access: string, taken: string): string {
  return ['r', 'w', 'm'].filter((letter) => access.includes(letter) && !taken.includes(letter)).join('');
}

const hint = 'list the devices one by one, or boot the host with cgroup v2';

function hole(part: Exception, from: Exception, allow: boolean, index: number): Diagnostic {
  return {
    code: 'device.hole',
    message: `cannot ${allow ? 'allow' : 'deny'} ${shown(part)}: cgroup v1 has no exception from the rule for ${shown(from)} before it`,
    pointer: `/linux/resources/devices/${String(index)}`,
    hint,
  };
}

function shown(exception: Exception): string {
  return `${deviceOf(exception)} ${exception.access}`;
}
