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
 * Makes the log file, if one is wanted, as a reader may wait for it. The settings to go on with: what cannot be written to
 * is told once, and no reason not to do what was asked for.
 */
export function openLog(native: Native, settings: LogSettings): LogSettings {
  if (settings.file === '') return settings;
  const result = native.writeText(settings.file, '', appendFlags, 0o644);
  if (result >= 0) return settings;
  lost(native, settings, result);
  return { ...settings, file: '', format: 'text' };
}

/**
 * Reports diagnostics: words for people on standard error, one record in the log file. A command that fails
 * makes one record, because engines take the last one (containerd) or expect just one (Podman). Warnings go to the log
 * file alone where there is one: the standard error of a command that succeeds is that of the container.
 */
export function report(native: Native, settings: LogSettings, level: Level, diagnostics: readonly Diagnostic[]): void {
  if (settings.file === '' && settings.format === 'json') {
    native.writeFd(standardError, renderRecord('json', level, renderLine(diagnostics), native.realTime()));
    return;
  }
  if (settings.file === '' || level !== 'warning') native.writeFd(standardError, renderText(level, diagnostics));
  if (settings.file !== '') writeRecord(native, settings, level, renderLine(diagnostics));
}

/** A debug message: to the log file, or to standard error when there is none. */
export function debug(native: Native, settings: LogSettings, message: string): void {
  if (!settings.debug) return;
  if (settings.file !== '') writeRecord(native, settings, 'debug', message);
  else native.writeFd(standardError, renderRecord(settings.format, 'debug', message, native.realTime()));
}

/** The record is written by one write(2), so that concurrent commands cannot mix theirs. */
function writeRecord(native: Native, settings: LogSettings, level: Level, message: string): void {
  const record = renderRecord(settings.format, level, message, native.realTime());
  const result = native.writeText(settings.file, record, appendFlags, 0o644);
  if (result < 0) lost(native, settings, result);
}

function lost(native: Native, settings: LogSettings, result: number): void {
  const message = `cannot write to log file "${settings.file}": ${errnoText(-result)}`;
  native.writeFd(standardError, renderText('error', [{ code: 'log.write', message }]));
}
