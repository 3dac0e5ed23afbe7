import { configMembers } from '../../schema/generated/members.ts';
import type { Members } from '../../schema/generated/members.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { askNearest } from '../diag/near.ts';
import { dotted, pointerPart } from '../diag/pointer.ts';

const otherPlatforms: readonly string[] = ['freebsd', 'solaris', 'vm', 'windows', 'zos'];

/**
 * The members that the specification does not define, so they must be ignored (config.md, "Extensibility"), each with a
 * suggested name if one is close, or the place where it is defined. `value` is a config, or the part of one that belongs at the pointer `document`.
 */
export function unknownMembers(value: unknown, document = ''): Diagnostic[] {
  const found: Diagnostic[] = [];
  const path = document.split('/').slice(1);
  visit(value, membersAt(path), path, (name, near) => found.push(unknown(name, near, path, document)));
  // It is for editors.
  return found.filter(({ pointer }) => pointer !== `${document}/$schema`);
}

/**
 * Those of the unknown members that are probably misspelt or in a wrong place, and so lack the effect that their author expects. For a value
 * that the schema accepts.
 */
export function likelyMistakes(value: unknown, document = ''): Diagnostic[] {
  return hasUnknown(value, membersAt(document.split('/').slice(1))) ? misspelt(value, document) : [];
}

function misspelt(value: unknown, document: string): Diagnostic[] {
  return unknownMembers(value, document).filter(({ hint }) => hint !== undefined);
}

/** The faults of a value, then what may have caused them: the members that are probably misspelt. */
export function withMistakes(faults: readonly Diagnostic[], value: unknown, document = ''): readonly Diagnostic[] {
  return faults.length === 0 ? faults : faults.concat(misspelt(value, document));
}

function membersAt(path: readonly string[]): Members {
  return path.reduce<Members>((known, name) => (known === 0 ? 0 : (known[name] ?? 0)), configMembers);
}

/** As `visit`, but runs for every container: most names cost one look-up, and no path is made. */
function hasUnknown(value: unknown, known: Members): boolean {
  if (known === 0) return false;
  const element = known['[]'] ?? known['*'];
  if (Array.isArray(value)) return element !== undefined && value.some((item) => hasUnknown(item, element));
  for (const name in value as Readonly<Record<string, unknown>>) {
    const below = element ?? known[name];
    if (below === 0) continue;
    // A name of Object.prototype is not defined either: all but one are those of functions.
    if (typeof below !== 'object' || name === '__proto__') return true;
    if (hasUnknown((value as Readonly<Record<string, unknown>>)[name], below)) return true;
  }
  return false;
}

/** Calls `report` for each unknown member with the names known in its place; `path` leads to it. */
function visit(
  value: unknown,
  known: Members,
  path: string[],
  report: (name: string, near: readonly string[]) => void,
): void {
  // A value of the wrong type is reported as a fault.
  if (known === 0 || typeof value !== 'object' || value === null || Array.isArray(value) !== '[]' in known) return;
  const element = known['[]'] ?? known['*'];
  for (const [name, member] of Object.entries(value)) {
    path.push(name);
    const below = element ?? (Object.hasOwn(known, name) ? known[name] : undefined);
    if (below === undefined) report(name, Object.keys(known));
    else visit(member, below, path, report);
    path.pop();
  }
}

function unknown(name: string, candidates: readonly string[], path: readonly string[], document: string): Diagnostic {
  const hint = askNearest(name, candidates) ?? (isInList(path) ? optionFor(name, path) : askPlace(name, document));
  const pointer = path.map((part) => `/${pointerPart(part)}`).join('');
  return {
    code: 'config.unknown',
    pointer,
    message: `the specification does not define ${dotted(pointer)}: it has no effect`,
    ...(hint === undefined ? {} : { hint }),
  };
}

function isInList(path: readonly string[]): boolean {
  return path.some((part) => /^\d+$/.test(part));
}

/** A hint about a member of a mount that other formats have for one of its options. */
function optionFor(name: string, [list]: readonly string[]): string | undefined {
  if (list !== 'mounts') return undefined;
  if (/^(readonly|ro)$/i.test(name)) return 'write "ro" in options';
  return /propagation/i.test(name) ? 'write it in options, as rslave' : undefined;
}

/** The question for a hint about where a name is defined within the document; undefined if nowhere, or in many places. */
function askPlace(name: string, document: string): string | undefined {
  const within = ((places ??= allPlaces()).get(name) ?? []).filter((place) => place.startsWith(`${document}/`));
  return within.length === 0 || within.length > 2 ? undefined : `did you mean ${within.map(dotted).join(' or ')}?`;
}

let places: Map<string, string[]> | undefined;

/** Pointers to each name, but not below lists, nor in what is for other platforms. */
function allPlaces(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (known: Members, pointer: string): void => {
    if (known === 0 || '[]' in known || '*' in known) return;
    for (const [name, below] of Object.entries(known)) {
      const place = `${pointer}/${name}`;
      found.set(name, [...(found.get(name) ?? []), place]);
      if (!otherPlatforms.includes(name)) add(below, place);
    }
  };
  add(configMembers, '');
  return found;
}
