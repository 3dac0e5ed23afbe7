import { configMembers } from '../../schema/generated/members.ts';
import type { Members } from '../../schema/generated/members.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { pointerPart } from '../diag/pointer.ts';

/** Maximum number of letters in which a name may differ from a suggestion. */
const furthest = 2;

/**
 * The members of a config that the specification does not define, so they must be ignored (config.md, "Extensibility"),
 * each with a suggested name if one is close.
 */
export function unknownMembers(config: unknown): Diagnostic[] {
  const found: Diagnostic[] = [];
  const visit = (value: unknown, known: Members, pointer: string): void => {
    // A value of the wrong type is reported as a fault.
    if (typeof value !== 'object' || value === null || known === 0 || Array.isArray(value) !== '[]' in known) return;
    for (const [name, member] of Object.entries(value)) {
      const place = `${pointer}/${pointerPart(name)}`;
      const below = known['[]'] ?? known['*'] ?? (Object.hasOwn(known, name) ? known[name] : undefined);
      if (below !== undefined) visit(member, below, place);
      else found.push(unknown(name, Object.keys(known), place));
    }
  };
  visit(config, configMembers(), '');
  return found;
}

function unknown(name: string, candidates: readonly string[], pointer: string): Diagnostic {
  const meant = candidates
    .filter((candidate) => Math.abs(candidate.length - name.length) <= furthest)
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.min(furthest, candidate.length / 3))
    .sort((one, other) => one.far - other.far)[0]?.candidate;
  return {
    code: 'config.unknown',
    pointer,
    message: 'the specification does not define this property here',
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  };
}

/** Number of insertions, deletions and replacements that turn one word into the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      next.push(Math.min((row[j] ?? 0) + Number(one[i] !== other[j]), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
