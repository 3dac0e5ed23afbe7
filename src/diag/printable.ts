// C0, DEL, C1, line and paragraph separators, and marks that change the text direction.
const unprintable = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const everyUnprintable = new RegExp(unprintable, 'g');
const unprintableInLines = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The text with control characters as escape sequences, so that a name from a config, an image or a record cannot
 * control a terminal, start a new log line, or be displayed in another order.
 */
export function printable(text: string): string {
  // A search costs a third of a replacement that finds nothing.
  return unprintable.test(text) ? text.replaceAll(everyUnprintable, escaped) : text;
}

/**
 * As printable, for text of several lines: line feeds and tabs are kept. JSON keeps its value, since such a character
 * can occur only in its strings, which have the same escape sequences.
 */
export function printableLines(text: string): string {
  return text.replaceAll(unprintableInLines, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
