import { configMembers } from '../../schema/generated/members.ts';
import type { Members } from '../../schema/generated/members.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { nearest } from '../diag/near.ts';
import { pointerPart } from '../diag/pointer.ts';

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
  const meant = nearest(name, candidates);
  return {
    code: 'config.unknown',
    pointer,
    message: 'the specification does not define this property here',
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  };
}
