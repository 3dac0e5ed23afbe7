import type { Native } from '../host/native.ts';
import { O_APPEND, O_CREAT, O_SYNC, O_WRONLY } from '../kernel/open-flags.ts';
import type { Diagnostic } from './diagnostic.ts';
import { errnoText } from './errno.ts';
import { renderLine, renderRecord, renderText } from './render.ts';
import type { Level, LogFormat } from './render.ts';

export interface LogSettings {
  /** '' logs to standard error only. */
  readonly file: string;
  readonly format: LogFormat;
  readonly debug: boolean;
}

const standardError = 2;
const appendFlags = O_WRONLY | O_CREAT | O_APPEND | O_SYNC;

/**
 * Makes the log file, if one is configured, since a reader may wait for it. Returns the settings to use: a log that
 * cannot be written is reported once, and does not fail the command.
 */
export function openLog(native: Native, settings: LogSettings): LogSettings {
  if (settings.file === '') return settings;
  const result = native.writeText(settings.file, '', appendFlags, 0o644);
  if (result >= 0) return settings;
  lost(native, settings, result);
  return { ...settings, file: '', format: 'text' };
}

/**
 * Reports diagnostics: as text on standard error, and as one record in the log file. A failed command writes one
 * record, because engines read the last one (containerd) or expect exactly one (Podman). If there is a log file,
 * warnings go only there: the standard error of a successful command belongs to the container.
 */
export function report(native: Native, settings: LogSettings, level: Level, diagnostics: readonly Diagnostic[]): void {
  if (settings.file === '' && settings.format === 'json') {
    native.writeFd(standardError, renderRecord('json', level, renderLine(diagnostics), native.realTime()));
    return;
  }
  if (settings.file === '' || level !== 'warning') native.writeFd(standardError, renderText(level, diagnostics));
  if (settings.file !== '') writeRecord(native, settings, level, renderLine(diagnostics));
}

/** A debug message: to the log file, or to standard error if there is none. */
export function debug(native: Native, settings: LogSettings, message: string): void {
  if (!settings.debug) return;
  if (settings.file !== '') writeRecord(native, settings, 'debug', message);
  else native.writeFd(standardError, renderRecord(settings.format, 'debug', message, native.realTime()));
}

/** One write(2) per record, so that the records of concurrent commands do not mix. */
function writeRecord(native: Native, settings: LogSettings, level: Level, message: string): void {
  const record = renderRecord(settings.format, level, message, native.realTime());
  const result = native.writeText(settings.file, record, appendFlags, 0o644);
  if (result < 0) lost(native, settings, result);
}

function lost(native: Native, settings: LogSettings, result: number): void {
  const message = `cannot write to log file "${settings.file}": ${errnoText(-result)}`;
  native.writeFd(standardError, renderText('error', [{ code: 'log.write', message }]));
}
