import { configMembers } from '../../schema/generated/members.ts';
import type { Members } from '../../schema/generated/members.ts';
import { pointerPart, unescaped, valueAt } from '../diag/pointer.ts';

/** A fault found by the schema, as reported by the generated validators. */
export interface SchemaFault {
  readonly pointer: string;
  readonly expected?: string;
  readonly missing?: string;
}

/** The schema's verdict on a value. */
export interface SchemaVerdict {
  readonly faults: readonly SchemaFault[];
  /** The value was changed: it had members that are null. */
  readonly changed: boolean;
}

/**
 * An optional member that is `null` counts as absent, since Go, Python and Rust write absent members so: it is removed
 * from `value`. null remains a fault for a required member, an element of a list, a member of a map and the place
 * `document` itself. `find` applies the schema. A value without faults has no relevant null, so valid configs pay
 * nothing.
 */
export function withoutNulls(
  value: unknown,
  document: string,
  find: (value: unknown) => readonly SchemaFault[],
): SchemaVerdict {
  const faults = find(value);
  const nulls = faults.filter(({ pointer }) => holderOf(value, pointer)?.[nameOf(pointer)] === null);
  const known = nulls.length === 0 ? 0 : configMembers;
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

/** The object of which the named value is a member; undefined if that is an array or missing. */
function holderOf(value: unknown, pointer: string): Record<string, unknown> | undefined {
  const holder = valueAt(value, pointer.slice(0, Math.max(0, pointer.lastIndexOf('/'))));
  const isObject = typeof holder === 'object' && holder !== null && !Array.isArray(holder);
  return isObject ? (holder as Record<string, unknown>) : undefined;
}

function nameOf(pointer: string): string {
  return unescaped(pointer.slice(pointer.lastIndexOf('/') + 1));
}

/** Whether the specification defines the member; the members of a map are named by the author of the config. */
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
