import { printable } from './printable.ts';

/** A JSON pointer (RFC 6901) in dotted form: `/mounts/3/source` is `mounts[3].source`. */
export function dotted(pointer: string): string {
  let result = '';
  for (const part of pointer.split('/').slice(1)) {
    const name = unescaped(part);
    if (/^\d+$/.test(name) && result !== '') result += `[${name}]`;
    else if (/^[A-Za-z_]\w*$/.test(name)) result += result === '' ? name : `.${name}`;
    else result += `[${printable(JSON.stringify(name))}]`;
  }
  return result;
}

/** A member name as a part of a JSON pointer. */
export function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A part of a JSON pointer as a member name. */
export function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The value at `pointer` in `value`, undefined if there is none. */
export function valueAt(value: unknown, pointer: string): unknown {
  let at = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[unescaped(part)];
  }
  return at;
}

/** A value for a message: scalars as in JSON, long ones truncated, others by their type. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  const quoted = value.length > 60 ? `${JSON.stringify(value.slice(0, 60)).slice(0, -1)}…"` : JSON.stringify(value);
  return printable(quoted);
}
