const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A number of bytes for people, exactly: in the largest unit of which it is a whole number. */
export function bytes(count: number | bigint): string {
  let value = BigInt(count);
  let unit = 0;
  while (value !== 0n && value % 1024n === 0n && unit < units.length - 1) {
    value /= 1024n;
    unit++;
  }
  return `${String(value)} ${units[unit] ?? ''}`;
}

/** `1 name`, `2 names`. */
export function words(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
