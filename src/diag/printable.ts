/**
 * The text with control characters (C0, DEL, C1, line and paragraph separators) as escape sequences, so that a
 * name from a config cannot drive a terminal or start a line of a log.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
