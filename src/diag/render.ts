import type { Diagnostic } from './diagnostic.ts';
import { printable } from './printable.ts';
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
  return `${mark}${printable(diagnostic.message)}\n${place === '' ? '' : `  ${place}\n`}${hint}`;
}

/** All on one line, for log records: engines show the message of the last record. */
export function renderLine(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(clause).join('; ');
}

function clause(diagnostic: Diagnostic): string {
  const place = placeOf(diagnostic);
  const hint = diagnostic.hint === undefined ? '' : ` [hint: ${printable(diagnostic.hint)}]`;
  return `${printable(diagnostic.message)}${place === '' ? '' : ` (${place.replace('  ', ' ')})`}${hint}`;
}

/** `config.json:41:7 /mounts/3/source`, as far as known. */
function placeOf({ location, pointer }: Diagnostic): string {
  const position = location === undefined ? '' : `${location.file}:${location.line}:${location.column}`;
  if (pointer === undefined || pointer === '') return printable(position);
  return printable(position === '' ? pointer : `${position}  ${pointer}`);
}

/** One log record of one line. `now`: [seconds, nanoseconds] since 1970. */
export function renderRecord(format: LogFormat, level: Level, message: string, now: readonly number[]): string {
  const time = formatTime(now[0] ?? 0);
  const msg = printable(message);
  if (format === 'json') return `${JSON.stringify({ level, msg, time })}\n`;
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
