import { pointerPart } from '../diag/pointer.ts';
import type { Node } from 'jsonc-parser';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { placesIn } from '../diag/locate.ts';

/**
 * The object members in a JSON text that have no effect, since a later one has the same name, in the order in which
 * they are replaced. None are reported for a text that is nested too deeply to parse into a tree.
 */
export function shadowedMembers(text: string, file: string): Diagnostic[] {
  const found: { readonly by: number; readonly diagnostic: Diagnostic }[] = [];
  const { tree: root, atOffset } = placesIn(text, file);
  const places: { node: Node; pointer: string }[] = root === undefined ? [] : [{ node: root, pointer: '' }];
  // A growing list instead of recursion: the text may be nested deeply.
  for (const { node, pointer } of places) {
    const before = new Map<string, Node>();
    for (const [index, child] of node.children?.entries() ?? []) {
      const [key, value] = node.type === 'object' ? (child.children ?? []) : [undefined, child];
      const name = String(key?.value ?? index);
      const place = `${pointer}/${pointerPart(name)}`;
      if (value !== undefined) places.push({ node: value, pointer: place });
      const replaced = before.get(name);
      before.set(name, child);
      if (replaced === undefined) continue;
      const by = atOffset(child.offset);
      found.push({
        by: child.offset,
        diagnostic: {
          code: 'config.shadowed',
          pointer: place,
          location: atOffset(replaced.offset),
          message: `it is repeated at ${by.file}:${by.line}:${by.column}`,
        },
      });
    }
  }
  return found.sort((one, other) => one.by - other.by).map(({ diagnostic }) => diagnostic);
}
