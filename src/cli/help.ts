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

/** What crun's --usage prints: the options without their meaning. */
export function generalUsage(): string {
  return `Usage: rt ${synopsis(globalOptions)}\n          COMMAND [options] [arguments]\n`;
}

export function commandUsage(name: CommandName): string {
  const { options, operands } = commands[name];
  return `Usage: rt ${name} ${synopsis(options)}${operands === '' ? '' : `\n          ${operands}`}\n`;
}

function synopsis(specs: readonly OptionSpec[]): string {
  return shown(specs)
    .map((spec) => `[${optionUsage(spec).replace(', ', '|')}]`)
    .join('\n          ');
}

const shown = (specs: readonly OptionSpec[]): OptionSpec[] => specs.filter(({ hidden }) => hidden !== true);

/** How an option is written: `-b, --bundle DIR`. */
export function optionUsage(spec: OptionSpec): string {
  const long = `--${spec.long ?? spec.name}`;
  const names = spec.short === undefined ? long : `-${spec.short}, ${long}`;
  return spec.kind === 'flag' ? names : `${names} ${spec.value}`;
}

function optionRows(specs: readonly OptionSpec[]): string {
  return columns(shown(specs).map((spec) => [optionUsage(spec), spec.help]));
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}
