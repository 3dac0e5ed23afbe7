const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of a duration in Go's syntax, `1m30s`, `0.5s` or `-2h`; undefined if it is invalid. */
export function parseDuration(text: string): number | undefined {
  const [, sign = '', body = ''] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (body === '0') return 0;
  const part = /^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h)/;
  let rest = body;
  let total = 0;
  while (rest !== '') {
    const match = part.exec(rest);
    if (match === null) return undefined;
    const [whole, number = '', unit = ''] = match;
    total += Number(number) * (units[unit] ?? 0);
    rest = rest.slice(whole.length);
  }
  return body === '' ? undefined : sign === '-' ? -total : total;
}
