/** A list under construction for native code, which packs it into bytes: `Packed` of native.ts. */
export type PackedList = (number | string | ArrayBuffer)[];

/** A list is preceded by its length. */
export function packList(list: readonly (number | string)[], to: PackedList): void {
  const count = list.length;
  to[to.length] = count;
  for (let index = 0; index < count; index++) to[to.length] = list[index] as number | string;
}

export function packBytes(bytes: Uint8Array, to: PackedList): void {
  to.push(bytes.length, bytes.slice().buffer);
}

/** 64 bits: the low word, then the high one; negative values as two's complement. */
export function packWide(value: number | bigint, to: PackedList): void {
  if (typeof value === 'number' && value >= 0) {
    to.push(value % 0x1_0000_0000, Math.floor(value / 0x1_0000_0000));
    return;
  }
  const bits = BigInt.asUintN(64, BigInt(value));
  to.push(Number(bits & 0xffff_ffffn), Number(bits >> 32n));
}
