import type { Command, Context, Outcome } from '../options/command.ts';
import { checkpoint } from '../commands/checkpoint.ts';
import { completion } from '../commands/completion.ts';
import { create } from '../commands/create.ts';
import { deleteContainer } from '../commands/delete.ts';
import { events } from '../commands/events.ts';
import { exec } from '../commands/exec.ts';
import { explainConfig } from '../commands/explain.ts';
import { features } from '../commands/features.ts';
import { kill } from '../commands/kill.ts';
import { list } from '../commands/list.ts';
import { mounts } from '../commands/mounts.ts';
import { pause, resume } from '../commands/pause.ts';
import { printPlan } from '../commands/plan.ts';
import { ps } from '../commands/ps.ts';
import { restore } from '../commands/restore.ts';
import { run } from '../commands/run.ts';
import { seccomp } from '../commands/seccomp.ts';
import { spec } from '../commands/spec.ts';
import { start } from '../commands/start.ts';
import { state } from '../commands/state.ts';
import { update } from '../commands/update.ts';
import { validate } from '../commands/validate.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Level } from '../diag/render.ts';
import { debug, isLogged, openLog, progressLine, report } from '../diag/log.ts';
import type { Log, LogSettings } from '../diag/log.ts';
import { printableLines } from '../diag/printable.ts';
import { explainRefusal } from '../diag/refused-call.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import { beginTrace, endTrace, note, phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { EPIPE } from '../kernel/errno.ts';
import { O_CREAT, O_TRUNC, O_WRONLY } from '../kernel/open-flags.ts';
import { complete, completionText } from './complete.ts';
import { commandHint } from './habits.ts';
import { commandHelp, commandUsage, generalHelp, generalUsage, widthOf } from './help.ts';
import { commands, globalOptions } from '../options/options.ts';
import type { CommandName, Operands, Options } from '../options/options.ts';
import { absolutePath, stateRoot } from '../state/root.ts';
import { directoryHasRecord, listIds } from '../state/store.ts';
import { UsageFailure, checkOperands, parseCommand, parseGlobals } from './parse.ts';
import { versionText } from '../commands/version.ts';

const handlers: { readonly [Name in CommandName]: Command<Operands<Name>> } = {
  create,
  start,
  exec,
  run,
  state,
  kill,
  delete: deleteContainer,
  list,
  ps,
  pause,
  resume,
  update,
  mounts,
  checkpoint,
  restore,
  events,
  spec,
  validate,
  explain: explainConfig,
  plan: printPlan,
  features,
  seccomp,
  completion,
};

const standardOutput = 1;
const newTrace = O_WRONLY | O_CREAT | O_TRUNC;
const unknownCommandExitCode = 3;
/** The engine's message. */
const outOfMemory = 'out of memory';

/**
 * Runs one command line: `words` without the name of the program. Returns the exit code. Nothing else prints, so the
 * output of a command does not depend on where it failed.
 */
export function main(words: readonly string[], native: Native): number {
  let log: Log = { destination: '', format: 'text', level: 'warning' };
  try {
    const { options: globals, rest } = parseGlobals(words, globalOptions);
    log = openLog(native, logSettings(globals));
    return observed(native, globals.trace, rest[0] ?? '', log, (seen) => runCommand(seen, globals, rest, log));
  } catch (error) {
    if (error instanceof UsageFailure) {
      const width = widthFor(native);
      const help = error.command === undefined ? generalHelp(width) : commandHelp(error.command, width);
      native.writeFd(standardOutput, `Incorrect Usage.\n\n${help}`);
    }
    if (error instanceof Failure) {
      const explained = error.diagnostics.map((diagnostic) => explainRefusal(native, diagnostic));
      report(native, log, 'error', explained);
      return error.exitCode;
    }
    report(native, log, 'error', [internalFault(error)]);
    return 1;
  }
}

function runCommand(native: Native, globals: Options, rest: readonly string[], log: Log): number {
  const [name, ...words] = rest;
  if (globals.version === true) return print(native, versionText());
  if (globals.usage === true) return print(native, generalUsage());
  if (name === undefined || globals.help === true) return print(native, generalHelp(widthFor(native)));
  if (name === 'help' || name === 'h') {
    const topic = words[0];
    const width = widthFor(native);
    return print(native, topic === undefined ? generalHelp(width) : commandHelp(known(topic), width));
  }
  // Called by the shell functions, with arbitrary words.
  if (name === '__complete') return print(native, completionText(complete(words, (root) => idsBelow(native, root))));
  const command = known(name);
  const specification = commands[command];
  if (specification.makesContainer === true) native.prefaultHeap();
  const { options, operands } = parseCommand(words, command, specification);
  if (options.help === true) return print(native, commandHelp(command, widthFor(native)));
  if (options.usage === true) return print(native, commandUsage(command));
  if (specification.operands.startsWith('ID') && operands[0] !== undefined) log.container = operands[0];
  const outcome = handle(command, {
    native,
    globals,
    options,
    operands: checkOperands(operands, command),
    debug: note,
    warn: (diagnostics, raw) => report(native, { ...log, raw }, 'warning', diagnostics),
    progress: () => progressLine(native, log),
  });
  if (outcome.warnings !== undefined && outcome.warnings.length > 0) {
    report(native, log, 'warning', outcome.warnings);
  }
  let printed = outcome.output === undefined ? 0 : print(native, outcome.output);
  for (const part of outcome.stream ?? []) {
    printed = print(native, part);
    // The reader has left.
    if (printed !== 0) break;
  }
  return outcome.exitCode ?? printed;
}

function widthFor(native: Native): number | undefined {
  const columns = native.getEnv('COLUMNS');
  return typeof columns === 'string' ? widthOf(columns) : undefined;
}

function handle<Name extends CommandName>(name: Name, context: Context<Operands<Name>>): Outcome {
  return handlers[name](context);
}

/** Runs a command: writes the duration of each step to `file`, even if it fails, and tells the log of each with --debug. */
function observed(
  native: Native,
  file: string | undefined,
  name: string,
  log: Log,
  command: (native: Native) => number,
): number {
  const listener = isLogged(log, 'debug') ? (message: string): void => debug(native, log, message) : undefined;
  if (file === undefined && listener === undefined) return command(native);
  const path = absolutePath(native, file ?? '');
  const write = (text: string): number => (file === undefined ? 0 : native.writeText(path, text, newTrace, 0o644));
  expectDone(write(''), 'trace.write', `cannot write trace "${path}"`, 'open');
  const traced = beginTrace(native, { listener, recorded: file !== undefined });
  try {
    return phase(name, () => command(traced));
  } finally {
    const result = write(endTrace(`rt ${name}`));
    // The command has been carried out; its exit code must report that.
    if (result < 0) {
      const { diagnostics } = systemFailure('trace.write', `cannot write trace "${path}"`, 'write', result);
      report(native, log, 'warning', diagnostics);
    }
  }
}

function known(name: string): CommandName {
  if (Object.hasOwn(commands, name)) return name as CommandName;
  const hint = commandHint(name);
  const message = `No help topic for '${name}'`;
  const fault: Diagnostic = { code: 'usage.command', message, ...(hint === undefined ? {} : { hint }) };
  throw new Failure(fault, unknownCommandExitCode);
}

/** Ids of containers; none if they cannot be read, since a completion cannot report errors. */
function idsBelow(native: Native, option: string | undefined): readonly string[] {
  try {
    const root = stateRoot(native, option).path;
    return (listIds(native, root) ?? []).filter((id) => directoryHasRecord(native, root, id));
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

function logSettings(globals: Options): LogSettings {
  return {
    destination: globals.log ?? '',
    format: globals['log-format'] === 'json' ? 'json' : 'text',
    level: globals.debug === true ? 'debug' : levelOf(globals['log-level']),
  };
}

function levelOf(word: string | undefined): Level {
  return word === 'error' || word === 'debug' ? word : 'warning';
}

/** Writes to standard output. Returns an exit code; a reader that has left is no Failure, any other error is. */
function print(native: Native, text: string): number {
  const printed = native.isPrintable(text, 1) === 1 ? text : printableLines(text);
  const result = native.writeFd(standardOutput, printed);
  if (result === -EPIPE) return 1;
  expectDone(result, 'output', 'cannot write to standard output', 'write');
  return 0;
}

/** A bug in rt: the user cannot fix it, so the message gives the functions of the program, with Node also their lines. */
function internalFault(error: unknown): Diagnostic {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  if (message === outOfMemory) return { code: 'memory', message };
  const calls = stack.split('\n').map((line) => line.trim());
  const trace = calls.filter((line) => line.startsWith('at ')).join(', ');
  return {
    code: 'internal',
    message: `internal error: ${message} (${trace})`,
    hint: 'please report this as a bug of rt',
  };
}
