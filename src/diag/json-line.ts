/** JSON on one line, with the blanks that people put. */
export function lineOfJson(value: unknown): string {
  // Line feeds within strings are escaped.
  return JSON.stringify(value, null, 1).replace(
    /([[{]?)\n *([\]}]?)/g,
    (_, open: string, close: string) => open + (open + close === '' ? ' ' : '') + close,
  );
}
