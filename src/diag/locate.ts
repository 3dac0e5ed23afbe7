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

/** Cached, so that a thousand faults of one file need only one tree. */
let cached: { readonly text: string; readonly tree: Node | undefined } = { text: '', tree: undefined };

/** The tree of a text; undefined if it is nested too deeply for the parser's stack. */
export function jsonTree(text: string): Node | undefined {
  if (cached.text !== text) cached = { text, tree: tree(text) };
  return cached.tree;
}

/**
 * Line and column, from 1, of the value at `pointer` (RFC 6901) in `text`; of its name if it is a member of an object.
 * A missing value is located at the innermost existing object that should contain it.
 */
export function locate(text: string, pointer: string, file: string): Location {
  let place = jsonTree(text);
  let offset = place?.offset ?? 0;
  for (const part of pointer.split('/').slice(1)) {
    const name = unescaped(part);
    if (place?.type === 'object') {
      // Of duplicate members the last counts, as in JSON.parse.
      const member = place.children?.findLast((child) => child.children?.[0]?.value === name);
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
  return position(text, offset, file);
}

/** The first syntax error of `text` and its place; undefined if none is found. */
export function syntaxFault(text: string, file: string): { words: string; location: Location } | undefined {
  if (text.startsWith('\uFEFF')) {
    return { words: 'it starts with a byte order mark', location: position(text, 0, file) };
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
    location: position(text, first.offset, file),
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

/** Line and column, from 1, of an offset from 0. */
export function position(text: string, offset: number, file: string): Location {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return { file, line, column: offset - start + 1 };
}
