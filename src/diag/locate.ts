import { unescaped } from './pointer.ts';
import { parseTree } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import type { Location } from './diagnostic.ts';

/** Descriptions of JSON syntax errors, by the numbers of jsonc-parser's ParseErrorCode. */
function syntaxWords(code: number): string {
  const words: Readonly<Record<number, string>> = {
    1: 'this is not a JSON value',
    2: 'this is not a number',
    3: 'a member name in double quotes is expected',
    4: 'a value is expected',
    5: 'a colon is expected',
    6: 'a comma is expected',
    7: 'a closing brace is expected',
    8: 'a closing bracket is expected',
    9: 'nothing more is expected',
    10: 'comments are not allowed',
    11: 'comments are not allowed',
    12: 'the string does not end',
    13: 'the number does not end',
    14: 'four hexadecimal digits are expected after \\u',
    15: 'this is not an escape sequence',
    16: 'control characters in a string must be escaped',
  };
  return words[code] ?? 'this is not JSON';
}

const options = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };

/** Places in a JSON text. */
export interface Places {
  /** Undefined if it is nested too deeply for the parser's stack. */
  readonly tree: Node | undefined;
  /**
   * The value at a pointer (RFC 6901); its name if it is a member of an object. A missing value is located at the innermost
   * existing object that should contain it.
   */
  readonly atPointer: (pointer: string) => Location;
  /** An offset from 0. */
  readonly atOffset: (offset: number) => Location;
}

/** The last text, which several callers ask about. */
let known: { readonly text: string; readonly tree: Node | undefined; readonly lines: readonly number[] } | undefined;

/** Made once for all faults of a text: there may be very many of both. */
export function placesIn(text: string, file: string): Places {
  if (known?.text !== text) known = { text, tree: tree(text), lines: lineStarts(text) };
  const { lines } = known;
  const root = known.tree;
  const members = new Map<Node, ReadonlyMap<unknown, Node>>();
  const memberOf = (object: Node, name: string): Node | undefined => {
    const found = members.get(object) ?? membersOf(object);
    members.set(object, found);
    return found.get(name);
  };
  const atOffset = (offset: number): Location => position(lines, offset, file);
  return { tree: root, atOffset, atPointer: (pointer) => atOffset(offsetOf(root, pointer, memberOf)) };
}

/** Of duplicate members the last counts, as in JSON.parse. */
function membersOf({ children = [] }: Node): ReadonlyMap<unknown, Node> {
  return new Map(children.map((child) => [child.children?.[0]?.value as unknown, child]));
}

function offsetOf(
  root: Node | undefined,
  pointer: string,
  memberOf: (object: Node, name: string) => Node | undefined,
): number {
  let place = root;
  let offset = place?.offset ?? 0;
  for (const part of pointer.split('/').slice(1)) {
    const name = unescaped(part);
    if (place?.type === 'object') {
      const member = memberOf(place, name);
      if (member === undefined) break;
      offset = member.offset;
      place = member.children?.[1];
    } else {
      const element = place?.type === 'array' ? place.children?.[Number(name)] : undefined;
      if (element === undefined) break;
      offset = element.offset;
      place = element;
    }
  }
  return offset;
}

/** The first syntax error of `text` and its place; undefined if none is found. */
export function syntaxFault(text: string, file: string): { words: string; location: Location } | undefined {
  if (text.startsWith('\uFEFF')) {
    return { words: 'it starts with a byte order mark', location: position([0], 0, file) };
  }
  const errors: ParseError[] = [];
  tree(text, errors);
  const first = errors.reduce<ParseError | undefined>(
    (least, error) => (least === undefined || error.offset < least.offset ? error : least),
    undefined,
  );
  if (first === undefined) return undefined;
  return {
    words: habitWords(text, first.offset) ?? syntaxWords(first.error),
    location: position(lineStarts(text), first.offset, file),
  };
}

/** Words for what other notations allow. */
function habitWords(text: string, offset: number): string | undefined {
  const rest = text.slice(offset, offset + 64);
  if (rest.startsWith("'")) return 'strings need double quotes';
  if (/^[}\]]/.test(rest) && /,\s*$/.test(text.slice(0, offset))) return 'the comma before this bracket is too much';
  if (/^(?:true|false|null)\b/i.test(rest) || /^None\b/.test(rest)) return 'true, false and null have small letters';
  return /^[A-Za-z_]\w*\s*:/.test(rest) && /[{,]\s*$/.test(text.slice(0, offset))
    ? 'a member name needs double quotes'
    : undefined;
}

/** Undefined if the text is nested too deeply for the parser's stack: a fault is then reported without its place. */
function tree(text: string, errors: ParseError[] = []): Node | undefined {
  try {
    return parseTree(text, errors, options);
  } catch {
    return undefined;
  }
}

/** Offsets of the beginnings of lines. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** Line and column, from 1. */
function position(lines: readonly number[], offset: number, file: string): Location {
  let [low, high] = [0, lines.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lines[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { file, line: low + 1, column: offset - (lines[low] ?? 0) + 1 };
}
