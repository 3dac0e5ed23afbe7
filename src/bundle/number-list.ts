/** The bits of a list, or its fault, worded to follow the list's name. */
export type NumberList = { readonly fault: string } | { readonly bits: Uint8Array };

/**
 * A list such as `0-3,7` (cpuset(7), "List Format") as the kernel's bit mask: bit n of byte n / 8, a multiple of eight
 * bytes. Spaces around numbers are accepted, since users of engines write them. Numbers up to `maximum`.
 */
export function parseNumberList(text: string, maximum: number): NumberList {
  const numbers: number[] = [];
  for (const part of text.split(',').map((item) => item.trim())) {
    if (part === '') continue;
    const range = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(part);
    if (range === null) return { fault: `"${part}" is neither a number nor a range` };
    const first = Number(range[1]);
    const last = range[2] === undefined ? first : Number(range[2]);
    if (last < first) return { fault: `the range "${part}" goes backwards` };
    if (last > maximum) return { fault: `${range[2] ?? part} is more than ${String(maximum)}` };
    for (let number = first; number <= last; number++) numbers.push(number);
  }
  const highest = numbers.reduce((most, number) => Math.max(most, number), -1);
  const bits = new Uint8Array(Math.floor((highest + 64) / 64) * 8);
  for (const number of numbers) bits[number >> 3] = (bits[number >> 3] ?? 0) | (1 << (number & 7));
  return { bits };
}

/**
 * Highest CPU number. The kernel ignores those that it cannot have (sched_setaffinity(2)), so a list may name more than
 * any has; the bound keeps its mask to two pages.
 */
export const maximumCpu = 65535;

/**
 * Highest memory node number that a kernel can be built for, MAX_NUMNODES - 1. set_mempolicy(2) refuses those above the
 * kernel's own, which is this number in Debian's for x86-64, and 15 in that for arm64.
 */
export const maximumNode = 1023;
