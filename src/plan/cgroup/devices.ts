import type { LinuxDeviceCgroup } from '../../../schema/generated/config.ts';

/** What every container may use, whatever the config denies: creation of nodes, and the default devices. */
const defaults: readonly string[] = [
  '+c *:* m',
  '+b *:* m',
  '+c 1:3 rwm',
  '+c 1:8 rwm',
  '+c 1:7 rwm',
  '+c 5:0 rwm',
  '+c 1:5 rwm',
  '+c 1:9 rwm',
  '+c 136:* rwm',
  '+c 5:2 rwm',
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
  if (lines[0] !== '+a') lines.push(...defaults);
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
