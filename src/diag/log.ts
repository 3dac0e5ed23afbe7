import type { Native } from '../host/native.ts';
import { O_APPEND, O_CREAT, O_SYNC, O_WRONLY } from '../kernel/open-flags.ts';
import { SOCK_DGRAM } from '../kernel/sockets.ts';
import { Failure } from './diagnostic.ts';
import type { Diagnostic } from './diagnostic.ts';
import { errnoText } from './errno.ts';
import { detailsOf, renderJournal, renderLine, renderRecord, renderSyslog, renderText } from './render.ts';
import type { Details, Level, LogFormat } from './render.ts';
import { systemFailure } from './system.ts';

export interface LogSettings {
  /** FILE, file:FILE, syslog:IDENT or journald:IDENT; '' logs to standard error only. */
  readonly destination: string;
  readonly format: LogFormat;
  /** Less severe messages are dropped. */
  readonly level: Level;
}

export interface Log extends LogSettings {
  /** Appends one record to the destination; a negative errno if it fails. Undefined for standard error only. */
  readonly append?: (level: Level, message: string, details?: Details) => number;
  /** The container that the command is about, once that is known. */
  container?: string;
  /** Whether standard error may be a terminal on which a line feed does not return to the first column. */
  readonly raw?: boolean;
}

const standardError = 2;
const appendFlags = O_WRONLY | O_CREAT | O_APPEND | O_SYNC;
const severities: readonly Level[] = ['error', 'warning', 'debug'];
/** Where the daemons listen: syslog(3), systemd-journald.service(8). */
const syslogSocket = '/dev/log';
const journalSocket = '/run/systemd/journal/socket';

/**
 * Opens the destination, and makes a log file, since a reader may wait for it.
 *
 * @throws Failure if it cannot be opened: the caller would look for messages in vain
 */
export function openLog(native: Native, settings: LogSettings): Log {
  const { destination, format } = settings;
  if (destination === '') return settings;
  const [, kind = 'file', name = destination] = /^(file|syslog|journald):(.*)$/s.exec(destination) ?? [];
  if (kind === 'file') {
    const append = (text: string): number => native.writeText(name, text, appendFlags, 0o644);
    const opened = append('');
    if (opened < 0) throw systemFailure('log.open', `cannot open log file "${name}"`, 'open', opened);
    return {
      ...settings,
      append: (level, message, details) => append(renderRecord(format, level, message, native.realTime(), details)),
    };
  }
  if (!/^[\w.@-]+$/.test(name)) {
    throw new Failure({
      code: 'log.identifier',
      message: `--log ${destination}: "${name}" cannot identify messages`,
      hint: 'give letters, digits, _ . @ or -',
    });
  }
  const path = kind === 'syslog' ? syslogSocket : journalSocket;
  const socket = native.connect(path, SOCK_DGRAM);
  if (socket < 0) throw systemFailure('log.open', `--log ${destination}: cannot reach "${path}"`, 'connect', socket);
  const render = kind === 'syslog' ? renderSyslog : renderJournal;
  const process = native.processId();
  return { ...settings, append: (level, message) => native.writeFd(socket, render(name, process, level, message)) };
}

/**
 * Reports diagnostics: as text on standard error, and as one record in the log. A failed command writes one
 * record, because engines read the last one (containerd) or expect exactly one (Podman). If there is a log,
 * warnings go only there: the standard error of a successful command belongs to the container.
 */
export function report(native: Native, log: Log, level: Level, diagnostics: readonly Diagnostic[]): void {
  if (!isLogged(log, level)) return;
  if (log.append === undefined && log.format === 'json') {
    const details = detailsOf(diagnostics, log.container);
    native.writeFd(standardError, renderRecord('json', level, renderLine(diagnostics), native.realTime(), details));
    return;
  }
  if (log.append === undefined || level !== 'warning') {
    const text = renderText(level, diagnostics);
    native.writeFd(standardError, log.raw === true ? text.replaceAll('\n', '\r\n') : text);
  }
  const details = log.format === 'json' ? detailsOf(diagnostics, log.container) : {};
  append(native, log, level, renderLine(diagnostics), details);
}

/** A debug message: to the log, or to standard error if there is none. */
export function debug(native: Native, log: Log, message: string): void {
  if (!isLogged(log, 'debug')) return;
  if (log.append !== undefined) append(native, log, 'debug', message);
  else native.writeFd(standardError, renderRecord(log.format, 'debug', message, native.realTime()));
}

export function isLogged({ level: least }: LogSettings, level: Level): boolean {
  return severities.indexOf(level) <= severities.indexOf(least);
}

/** Writes to a line of the terminal that the next call overwrites; undefined if it is none, or has other messages. */
export function progressLine(native: Native, log: Log): ((line: string) => void) | undefined {
  if (isLogged(log, 'debug') || native.isTerminal(standardError) !== 1) return undefined;
  return (line) => void native.writeFd(standardError, `\r${line}\x1b[K`);
}

/** One write(2) per record, so that the records of concurrent commands do not mix. */
function append(native: Native, log: Log, level: Level, record: string, details?: Details): void {
  const result = log.append?.(level, record, details) ?? 0;
  if (result >= 0) return;
  const message = `cannot write to the log "${log.destination}": ${errnoText(-result)}`;
  native.writeFd(standardError, renderText('error', [{ code: 'log.write', message }]));
}
