import type { Process } from '../../schema/generated/config.ts';
import type { PlannedOp } from './types.ts';

/** A terminal as standard input, output and error. `consoleSize` applies only to it. */
export function terminalOps(process: Process, controlling: 0 | 1): PlannedOp[] {
  if (process.terminal !== true) return [];
  const { width = 0, height = 0 } = process.consoleSize ?? {};
  return [{ op: 'terminal', width: Number(width), height: Number(height), controlling, from: '/process/terminal' }];
}

/** /dev/console of a container with a terminal (runtime-spec, "Default Devices"). */
export function consoleOps(process: Process): PlannedOp[] {
  return process.terminal === true ? [{ op: 'console', path: '/dev/console', from: '/process/terminal' }] : [];
}
