// C0, DEL, C1, line and paragraph separators, and the marks that change the direction of text.
const unprintable = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const unprintableInLines = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The text with control characters as escape sequences, so that a name from a config, an image or a record cannot drive a
 * terminal, start a line of a log, or be seen in another order than it has.
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, escaped);
}

/**
 * As printable, for text of several lines: line feeds and tabs stay. JSON stays the same value, since its strings alone can
 * hold such a character, and have the same escape sequences.
 */
export function printableLines(text: string): string {
  return text.replaceAll(unprintableInLines, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
