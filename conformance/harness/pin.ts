import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

/**
 * Pins a new mount namespace to a file, as `unshare` with these options makes it for a command. The kernel allows that only
 * in an older namespace, and since 6.18 each processor has its own supply of their ids.
 */
export function pinMountNamespace(
  pin: string,
  options: readonly string[] = [],
  command: readonly string[] = ['true'],
): void {
  const refusals: string[] = [];
  for (const cpu of cpus().keys()) {
    const words = ['--cpu-list', `${cpu}`, 'unshare', ...options, `--mount=${pin}`, ...command];
    const { status, stderr } = spawnSync('taskset', words, { encoding: 'utf8' });
    if (status === 0) return;
    refusals.push(stderr);
  }
  throw new Error(`no processor could pin a mount namespace: ${refusals.join('')}`);
}
