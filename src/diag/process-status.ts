import type { Native } from '../host/native.ts';

/** Bytes of a file of procfs that describes one process. */
export const maximumStatus = 65_536;

/**
 * The values of proc_pid_status(5) by name, without blanks around them: '' for a name that is not there, and for all if
 * the file cannot be read.
 */
export function statusFields(native: Native, pid: number | 'self'): (name: string) => string {
  const text = native.readText(`/proc/${pid}/status`, maximumStatus);
  return (name) =>
    (typeof text === 'string' ? new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1]?.trim() : undefined) ?? '';
}

/** Whether one of these values, a set in hexadecimal, has a signal or capability: bit 0 is the last one. */
export function hasBit(set: string, bit: number): boolean {
  return ((BigInt(`0x${set || '0'}`) >> BigInt(bit)) & 1n) === 1n;
}
