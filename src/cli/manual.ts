import { optionHelp, optionUsage, usageLine } from './help.ts';
import { commands, globalOptions } from './options.ts';
import type { CommandName, OptionSpec } from './options.ts';

/** Text of docs/cli.md. manual.test.ts compares, and writes it when run with UPDATE=1. */
export function manual(): string {
  const names = Object.keys(commands) as CommandName[];
  return (
    '# Command line of `rt`\n\n' +
    'Made from the option table `src/cli/options.ts`; do not edit.\n\n' +
    '    rt [global options] COMMAND [options] [arguments]\n\n' +
    '- A long option may be written with one dash or two, and its value after a space or `=`.\n' +
    '- A flag takes no word of its own; `--flag=false` switches it off.\n' +
    '- Global options stand before the command. The options of a command may follow its arguments; `--` ends them.\n' +
    '- Numbers may be decimal, `0x` hexadecimal, `0` or `0o` octal, or `0b` binary.\n' +
    '- `rt help COMMAND` and `rt COMMAND --help` print help.\n\n' +
    `## Global options\n\n${table(globalOptions())}\n` +
    names.map(section).join('\n') +
    '\n## Exit codes\n\n' +
    '| code | meaning |\n| --- | --- |\n' +
    '| 0 | success |\n' +
    '| 1 | the command failed; the reason is on standard error and in the log |\n' +
    '| 3 | there is no such command |\n' +
    '| N | `run` and `exec` in the foreground: the program ended with N |\n' +
    '| 128+S | `run` and `exec` in the foreground: signal S ended the program |\n' +
    '| 255 | `exec`: the program could not be run |\n'
  );
}

function section(name: CommandName): string {
  const spec = commands[name]();
  const summary = `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`;
  const details = spec.details === undefined ? '' : `${spec.details}\n\n`;
  return `## ${name}\n\n    ${usageLine(name, spec)}\n\n${summary}\n\n${details}${table(spec.options)}`;
}

function table(specs: readonly OptionSpec[]): string {
  const shown = specs.filter(({ hidden }) => hidden !== true);
  const rows = shown.map((spec) => `| \`${escape(optionUsage(spec))}\` | ${escape(optionHelp(spec))} |\n`);
  return `| option | meaning |\n| --- | --- |\n${rows.join('')}`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
