import { commands, globalOptions } from '../options/options.ts';
import type { CommandName, CommandSpec, OptionSpec } from '../options/options.ts';

/** Help of rt as a whole, in lines of at most `width` characters where that is possible. */
export function generalHelp(width = usualWidth): string {
  const names = Object.keys(commands) as CommandName[];
  const rows = names.map((name): [string, string] => [name, commands[name].summary]);
  rows.push(['help [COMMAND]', 'print help']);
  return (
    'rt runs containers as defined by the OCI runtime specification\n\n' +
    'Usage: rt [global options] COMMAND [options] [arguments]\n\n' +
    `Commands:\n${columns(rows, width)}\nGlobal options:\n${optionRows(globalOptions, width)}`
  );
}

/** Help of one command. */
export function commandHelp(name: CommandName, width = usualWidth): string {
  const spec = commands[name];
  const details = spec.details === undefined ? '' : `\n${filled(spec.details, width)}\n`;
  const options = optionRows(spec.options, width);
  return `rt ${name}: ${spec.summary}\n\nUsage: ${usageLine(name, spec)}\n\nOptions:\n${options}${details}`;
}

const usualWidth = 120;
const leastWidth = 20;

/** The width that COLUMNS asks for; undefined if it is not a number that text can have. */
export function widthOf(columns: string): number | undefined {
  const width = /^\d{1,4}$/.test(columns) ? Number(columns) : 0;
  return width < leastWidth ? undefined : width;
}

/** Paragraphs, whose own lines are kept if they fit. */
function filled(text: string, width: number): string {
  if (text.split('\n').every((line) => line.length <= width)) return text;
  return text
    .split('\n\n')
    .map((paragraph) => wrapped(paragraph, width).join('\n'))
    .join('\n\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
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
  if (spec.kind === 'text' && spec.bare !== undefined) return `${names}[=${spec.value}]`;
  return spec.kind === 'flag' ? names : `${names} ${spec.value}`;
}

function optionRows(specs: readonly OptionSpec[], width: number): string {
  return columns(
    shown(specs).map((spec) => [optionUsage(spec), spec.help]),
    width,
  );
}

/** Two columns; below each other if that leaves too little for the second. */
function columns(rows: readonly (readonly [string, string])[], width: number): string {
  const first = Math.max(...rows.map(([left]) => left.length));
  const isNarrow = width - first - 4 < leastWidth;
  const indent = ' '.repeat(isNarrow ? 6 : first + 4);
  return rows
    .map(([left, right]) => {
      const lines = wrapped(right, width - indent.length).join(`\n${indent}`);
      return isNarrow ? `  ${left}\n${indent}${lines}\n` : `  ${left.padEnd(first)}  ${lines}\n`;
    })
    .join('');
}
