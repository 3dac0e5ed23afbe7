import { commands, globalOptions } from '../options/options.ts';
import type { CommandName, CommandSpec, OptionSpec } from '../options/options.ts';

/** Help of rt as a whole. */
export function generalHelp(): string {
  const names = Object.keys(commands) as CommandName[];
  const rows = names.map((name): [string, string] => [name, commands[name].summary]);
  rows.push(['help [COMMAND]', 'print help']);
  return (
    'rt runs containers as defined by the OCI runtime specification\n\n' +
    'Usage: rt [global options] COMMAND [options] [arguments]\n\n' +
    `Commands:\n${columns(rows)}\nGlobal options:\n${optionRows(globalOptions)}`
  );
}

/** Help of one command. */
export function commandHelp(name: CommandName): string {
  const spec = commands[name];
  const details = spec.details === undefined ? '' : `\n${spec.details}\n`;
  return `rt ${name}: ${spec.summary}\n\nUsage: ${usageLine(name, spec)}\n\nOptions:\n${optionRows(spec.options)}${details}`;
}

export function usageLine(name: CommandName, spec: CommandSpec): string {
  return `rt ${name} [options]${spec.operands === '' ? '' : ` ${spec.operands}`}`;
}

/** How an option is written: `-b, --bundle DIR`. */
export function optionUsage(spec: OptionSpec): string {
  const long = `--${spec.long ?? spec.name}`;
  const names = spec.short === undefined ? long : `-${spec.short}, ${long}`;
  return spec.kind === 'flag' ? names : `${names} ${spec.value}`;
}

function optionRows(specs: readonly OptionSpec[]): string {
  return columns(specs.filter(({ hidden }) => hidden !== true).map((spec) => [optionUsage(spec), spec.help]));
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}
