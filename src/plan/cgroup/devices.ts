import type { LinuxDeviceCgroup } from '../../../schema/generated/config.ts';

/** What every container may use, whatever the config denies: creation of nodes, and the default devices. */
export const defaultDeviceRules: readonly LinuxDeviceCgroup[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
];

/**
 * Rules as lines for devices.allow (`+`) and devices.deny (`-`) in the order in which they apply. Everything is
 * denied first: a list without such a rule is an allow-list all the same.
 */
export function deviceLines(rules: readonly LinuxDeviceCgroup[]): string[] {
  const lines = ['-a'];
  for (const rule of rules) {
    const line = deviceLine(rule);
    // A rule for all devices resets what came before it.
    if (line === '-a' || line === '+a') lines.length = 0;
    lines.push(line);
  }
  if (lines[0] !== '+a') lines.push(...defaultDeviceRules.map(deviceLine));
  return lines;
}

function deviceLine({ allow, type = 'a', major, minor, access = '' }: LinuxDeviceCgroup): string {
  const sign = allow ? '+' : '-';
  if (type === 'a') return `${sign}a`;
  return `${sign}${type} ${deviceNumber(major)}:${deviceNumber(minor)} ${access}`;
}

function deviceNumber(value: number | bigint | undefined): string {
  return value === undefined || Number(value) === -1 ? '*' : String(value);
}
