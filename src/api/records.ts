/** The records that rt writes with --log-format json, as diagnostics: docs/errors.md. */
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Details } from '../diag/render.ts';

interface Members extends Omit<Details, 'others'> {
  readonly msg: string;
}

interface LogRecord extends Members, Pick<Details, 'others'> {
  readonly level: string;
}

/** The diagnostics of all records of a level, and the rest of the text: what is no record. */
export function readRecords(text: string, level: 'error' | 'warning'): { found: Diagnostic[]; rest: string } {
  const found: Diagnostic[] = [];
  const rest: string[] = [];
  for (const line of text.split('\n')) {
    const record = parseRecord(line);
    if (record === undefined) rest.push(line);
    else if (record.level === level) found.push(diagnosticOf(record, firstMessage(record)), ...othersOf(record));
  }
  return { found, rest: rest.join('\n').trim() };
}

function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as Partial<LogRecord>;
    return typeof value.level === 'string' && typeof value.msg === 'string' ? (value as LogRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** `msg` has all messages with their places and hints; the first ends where its own begin. */
function firstMessage({ msg, file, line, column, pointer, hint, others = [] }: LogRecord): string {
  const position = file === undefined ? '' : `${file}:${String(line)}:${String(column)}`;
  const place = [position, pointer ?? ''].filter((part) => part !== '').join(' ');
  const next = others[0];
  const ends = [
    ...(place === '' ? [] : [` (${place})`]),
    ...(hint === undefined ? [] : [` [hint: ${hint}]`]),
    ...(next === undefined ? [] : [`; ${next.msg}`]),
  ];
  const at = Math.min(...ends.map((end) => msg.indexOf(end)).filter((index) => index > 0));
  return msg.slice(0, Number.isFinite(at) ? at : undefined);
}

function othersOf({ others = [] }: LogRecord): Diagnostic[] {
  return others.map((other) => diagnosticOf(other, other.msg));
}

function diagnosticOf(members: Members, message: string): Diagnostic {
  const { code = 'internal', phase, pointer, file, line = 1, column = 1, errno, syscall, hint } = members;
  return {
    code,
    message,
    ...(pointer === undefined ? {} : { pointer }),
    ...(file === undefined ? {} : { location: { file, line, column } }),
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    ...(hint === undefined ? {} : { hint }),
    ...(phase === undefined ? {} : { phase }),
  };
}

/** The failure of a command that ended with `code`; `signal` is the name of the one that ended rt itself. */
export function failureOf(text: string, code: number, signal: string | null): Failure {
  const { found, rest } = readRecords(text, 'error');
  if (found.length > 0) return new Failure(found, code);
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const said = rest === '' ? '' : `: ${rest}`;
  return new Failure({ code: 'api.ended', message: `rt ended with ${how} and no reason${said}` }, code);
}
