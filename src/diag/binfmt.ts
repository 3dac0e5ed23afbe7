import type { Native } from '../host/native.ts';

const folder = '/proc/sys/fs/binfmt_misc';
const maximumEntry = 4096;

/** Whether binfmt_misc of the kernel has an interpreter for a file that begins with `head` (admin-guide/binfmt-misc). */
export function hasInterpreter(native: Native, path: string, head: Uint8Array): boolean {
  const names = native.readDirectory(folder);
  if (typeof names === 'number') return false;
  return names
    .split('\0')
    .filter((name) => name !== '' && name !== 'register' && name !== 'status')
    .some((name) => {
      const entry = native.readText(`${folder}/${name}`, maximumEntry);
      return typeof entry === 'string' && entry.startsWith('enabled') && fits(entry, path, head);
    });
}

function fits(entry: string, path: string, head: Uint8Array): boolean {
  const field = (name: string): string | undefined => new RegExp(`^${name} (.*)$`, 'm').exec(entry)?.[1];
  const extension = field('extension');
  if (extension !== undefined) return path.endsWith(extension);
  const magic = bytesOf(field('magic') ?? '');
  const mask = bytesOf(field('mask') ?? '');
  const offset = Number(field('offset') ?? 0);
  const isEqual = (byte: number, index: number): boolean => {
    const found = head[offset + index];
    return found !== undefined && ((found ^ byte) & (mask[index] ?? 0xff)) === 0;
  };
  return magic.length > 0 && magic.every(isEqual);
}

function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((digits) => parseInt(digits, 16));
}
