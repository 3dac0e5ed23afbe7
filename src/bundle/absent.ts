import { configMembers } from '../../schema/generated/members.ts';
import type { Members } from '../../schema/generated/members.ts';
import { pointerPart, unescaped, valueAt } from './pointer.ts';

/** A fault that the schema finds, as the generated validators give it. */
export interface SchemaFault {
  readonly pointer: string;
  readonly expected?: string;
  readonly missing?: string;
}

/** What the schema says of a value. */
export interface SchemaVerdict {
  readonly faults: readonly SchemaFault[];
  /** The value is not as it was parsed: it had members that are null. */
  readonly changed: boolean;
}

/**
 * `null` stands for an optional member that is absent, as JSON of Go, Python and Rust has it: such members are taken out of
 * `value`. What stays a fault: null for a member that must be there, an element of a list, a member of a map, and the
 * place `document` itself. `find` says what the schema does. A value without faults has no null that matters, so looking
 * for them costs nothing.
 */
export function withoutNulls(
  value: unknown,
  document: string,
  find: (value: unknown) => readonly SchemaFault[],
): SchemaVerdict {
  const faults = find(value);
  const nulls = faults.filter(({ pointer }) => holderOf(value, pointer)?.[nameOf(pointer)] === null);
  const known = nulls.length === 0 ? 0 : configMembers();
  const optional = nulls.filter(({ pointer }) => pointer !== document && isMember(pointer, known));
  if (optional.length === 0) return { faults, changed: false };
  const taken = new Map(optional.map((fault) => [fault.pointer, fault]));
  for (const pointer of taken.keys()) delete holderOf(value, pointer)?.[nameOf(pointer)];
  const left = find(value).map((fault) => {
    const pointer = `${fault.pointer}/${pointerPart(fault.missing ?? '')}`;
    const required = taken.get(pointer);
    const holder = holderOf(value, pointer);
    if (required === undefined || holder === undefined) return fault;
    holder[nameOf(pointer)] = null;
    return required;
  });
  return { faults: left, changed: true };
}

/** The object that has the named value as a member; undefined when that is an array or nothing. */
function holderOf(value: unknown, pointer: string): Record<string, unknown> | undefined {
  const holder = valueAt(value, pointer.slice(0, Math.max(0, pointer.lastIndexOf('/'))));
  const isObject = typeof holder === 'object' && holder !== null && !Array.isArray(holder);
  return isObject ? (holder as Record<string, unknown>) : undefined;
}

function nameOf(pointer: string): string {
  return unescaped(pointer.slice(pointer.lastIndexOf('/') + 1));
}

/** Whether the specification has a member here; those of a map are named by whoever writes the config. */
function isMember(pointer: string, members: Members): boolean {
  let known = members;
  const parts = pointer.split('/').slice(1).map(unescaped);
  for (const [index, name] of parts.entries()) {
    if (known === 0) return false;
    const isLast = index === parts.length - 1;
    const element: Members | undefined = known['[]'] ?? known['*'];
    if (isLast) return element === undefined && Object.hasOwn(known, name);
    known = element ?? (Object.hasOwn(known, name) ? (known[name] ?? 0) : 0);
  }
  return false;
}
