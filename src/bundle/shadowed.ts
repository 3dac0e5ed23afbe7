import { visit } from 'jsonc-parser';
import type { Diagnostic, Location } from '../diag/diagnostic.ts';
import { pointerPart } from './pointer.ts';

/**
 * The members of objects in a JSON text that have no effect, since a later one has the same name, in the order in which
 * they are replaced.
 */
export function shadowedMembers(text: string, file: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  const objects: Map<string, Location>[] = [];
  visit(text, {
    onObjectBegin: () => void objects.push(new Map()),
    onObjectEnd: () => void objects.pop(),
    onObjectProperty: (name, _offset, _length, line, character, path) => {
      const by = { file, line: line + 1, column: character + 1 };
      const location = objects.at(-1)?.get(name);
      objects.at(-1)?.set(name, by);
      if (location === undefined) return;
      const pointer = [...path(), name].map((part) => `/${pointerPart(String(part))}`).join('');
      found.push({
        code: 'config.shadowed',
        pointer,
        location,
        message: `it is given again at ${by.file}:${by.line}:${by.column}`,
      });
    },
  });
  return found;
}
