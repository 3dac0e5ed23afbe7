import type { Code, Diagnostic, Phase } from './diagnostic.ts';
import { printable, printableLines } from './printable.ts';
import { formatTime } from './time.ts';

export type Level = 'error' | 'warning' | 'debug';
export type LogFormat = 'text' | 'json';

/** For a person at a terminal: one paragraph for each diagnostic. */
export function renderText(level: Level, diagnostics: readonly Diagnostic[]): string {
  // A message without a level is an error.
  const mark = level === 'error' ? 'rt: ' : `rt: ${level}: `;
  return diagnostics.map((diagnostic) => paragraph(mark, diagnostic)).join('');
}

function paragraph(mark: string, diagnostic: Diagnostic): string {
  const place = placeOf(diagnostic);
  const hint = diagnostic.hint === undefined ? '' : `  hint: ${printable(diagnostic.hint)}\n`;
  return `${mark}${printable(diagnostic.message)}${indented(diagnostic)}\n${place === '' ? '' : `  ${place}\n`}${hint}`;
}

/** Its lines after the first are indented, so that none looks like a message of rt. */
function indented({ output = '' }: Diagnostic): string {
  return printableLines(output).replaceAll('\n', '\n    ');
}

/** As one message, for log records: engines show that of the last record. */
export function renderLine(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(clause).join('; ');
}

function clause(diagnostic: Diagnostic): string {
  const place = placeOf(diagnostic);
  const hint = diagnostic.hint === undefined ? '' : ` [hint: ${printable(diagnostic.hint)}]`;
  const message = printable(diagnostic.message) + printableLines(diagnostic.output ?? '');
  return `${message}${place === '' ? '' : ` (${place.replace('  ', ' ')})`}${hint}`;
}

/** `config.json:41:7 /mounts/3/source`, as far as known. */
function placeOf({ location, pointer }: Diagnostic): string {
  const position = location === undefined ? '' : `${location.file}:${location.line}:${location.column}`;
  if (pointer === undefined || pointer === '') return printable(position);
  return printable(position === '' ? pointer : `${position}  ${pointer}`);
}

/** The members of a record in JSON besides level, msg and time: docs/errors.md lists them. */
export interface Details {
  readonly code?: Code;
  readonly phase?: Phase;
  /** Of the container. */
  readonly id?: string;
  readonly pointer?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly errno?: string;
  readonly syscall?: string;
  readonly hint?: string;
  readonly others?: readonly ({ readonly msg: string } & Details)[];
}

/** What the diagnostics of one record say as data: the first, then the others. */
export function detailsOf(diagnostics: readonly Diagnostic[], id: string | undefined): Details {
  const [first, ...others] = diagnostics.map(({ code, phase, pointer, location, errno, syscall, hint, ...rest }) => ({
    msg: rest.message + (rest.output ?? ''),
    details: { code, ...defined({ phase, pointer, ...location, errno, syscall, hint }) },
  }));
  return {
    ...first?.details,
    ...defined({ id }),
    ...(others.length === 0 ? {} : { others: others.map(({ msg, details }) => ({ msg, ...details })) }),
  };
}

function defined<T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof defined<T>
  >;
}

/** One log record, in one line. `now`: [seconds, nanoseconds] since 1970. */
export function renderRecord(
  format: LogFormat,
  level: Level,
  message: string,
  now: readonly number[],
  details: Details = {},
): string {
  const time = formatTime(now[0] ?? 0);
  // In quotes, a line feed is an escape sequence.
  const msg = printableLines(message);
  if (format === 'json') return `${printable(JSON.stringify({ level, msg, time, ...details }))}\n`;
  const bare = /^[A-Za-z0-9\-._/@^+]+$/.test(msg);
  return `time="${time}" level=${level} msg=${bare ? msg : JSON.stringify(msg)}\n`;
}

/** Severities of syslog(3). */
const severities: Readonly<Record<Level, number>> = { error: 3, warning: 4, debug: 7 };
const userFacility = 1;

/** A datagram for /dev/log: RFC 3164 without the time, for which receivers take that of its arrival. */
export function renderSyslog(identifier: string, pid: number, level: Level, message: string): string {
  return `<${userFacility * 8 + severities[level]}>${identifier}[${pid}]: ${printable(message)}`;
}

/** A datagram of systemd's native journal protocol. The kernel tells journald the pid. */
export function renderJournal(identifier: string, _pid: number, level: Level, message: string): string {
  return `MESSAGE=${printable(message)}\nPRIORITY=${severities[level]}\nSYSLOG_IDENTIFIER=${identifier}\n`;
}
