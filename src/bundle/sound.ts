import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { unescaped, valueAt } from '../diag/pointer.ts';

/** A config as far as it has no faults. */
export interface Sound {
  /** An element of a list that is left out is null, so that the others keep their index. */
  readonly config: Config;
  /** The pointers of what is left out. */
  readonly left: readonly string[];
}

/**
 * The parts of a faulty config that can be looked at by themselves: each member, mount, hook and namespace without a
 * fault; another list only as a whole. Undefined if the config as a whole is faulty.
 */
export function soundPart(value: unknown, faults: readonly Diagnostic[]): Sound | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const left = new Set(faults.map(({ pointer = '' }) => partAt(value, pointer)));
  if (left.has('')) return undefined;
  const config = structure(value) as Config;
  for (const pointer of left) removeAt(config, pointer);
  return { config, left: [...left] };
}

/** How many names lead to a part; the root filesystem is one. */
const depths: Readonly<Partial<Record<string, number>>> = { root: 1, hooks: 3, linux: 3 };

function partAt(value: object, pointer: string): string {
  const names = pointer.split('/');
  const list = names.slice(0, 3).join('/');
  // Of what else linux lists, one element means nothing without the others.
  if (names[1] === 'linux' && names[2] !== 'namespaces' && Array.isArray(valueAt(value, list))) return list;
  return names.slice(0, 1 + (depths[names[1] ?? ''] ?? 2)).join('/');
}

/** More levels than in the schema. */
const maximumLevel = 32;

/** A copy of the levels that the schema knows; unknown members may be nested deeply. */
export function structure(value: unknown, level = 0): unknown {
  if (typeof value !== 'object' || value === null || level > maximumLevel) return value;
  if (Array.isArray(value)) return value.map((element) => structure(element, level + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, structure(member, level + 1)]));
}

/** Removes what is at the pointer. An element of a list becomes null, so that the others keep their index. */
export function removeAt(copy: Config, pointer: string): void {
  const holder = holderOf(copy, pointer);
  const name = unescaped(pointer.slice(pointer.lastIndexOf('/') + 1));
  if (Array.isArray(holder)) holder[Number(name)] = null;
  else if (typeof holder === 'object' && holder !== null) delete (holder as Record<string, unknown>)[name];
}

export function holderOf(value: unknown, pointer: string): unknown {
  return valueAt(value, pointer.slice(0, Math.max(0, pointer.lastIndexOf('/'))));
}

export function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}
