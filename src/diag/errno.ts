import { errorTable } from '../kernel/errno.ts';

/** `ENOENT` for 2; `E999` style for a number the kernel does not document. */
export function errnoName(errno: number): string {
  return errorTable()[errno]?.[0] ?? `E${String(errno)}`;
}

/** `no such file or directory` for 2. */
export function errnoText(errno: number): string {
  return errorTable()[errno]?.[1] ?? `unknown error ${String(errno)}`;
}
