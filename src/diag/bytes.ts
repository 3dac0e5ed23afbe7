/** Little-endian; 0 beyond the end. */
export function u32(bytes: Uint8Array, at: number): number {
  const byte = (index: number): number => bytes[at + index] ?? 0;
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** Text in UTF-8. If it is none, each byte that is not ASCII is shown as `?`. */
export function utf8Text(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return text(bytes);
  }
}

/** Text of the kernel or of a hook for a message: ASCII is kept, other bytes are shown as `?`. */
export function text(bytes: Uint8Array): string {
  let result = '';
  for (const byte of bytes) result += byte < 0x80 ? String.fromCharCode(byte) : '?';
  return result;
}
