import { CAPABILITIES } from '../kernel/processes.ts';

const numbers: ReadonlyMap<string, number> = new Map(Object.entries(CAPABILITIES));

export function isCapability(name: string): boolean {
  return numbers.has(name);
}

/** A capability set as the 64-bit mask of capset(2). */
export function capabilityMask(names: readonly string[]): bigint {
  let low = 0;
  let high = 0;
  for (const name of names) {
    const number = numbers.get(name);
    if (number === undefined) continue;
    if (number < 32) low |= 1 << number;
    else high |= 1 << (number - 32);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
