import { environment, exitCodes, optionRules } from './conventions.ts';
import { optionUsage, usageLine } from './help.ts';
import { commands, globalOptions } from '../options/options.ts';
import type { CommandName, OptionSpec } from '../options/options.ts';

/** Text of docs/cli.md. manual.test.ts compares, and writes it when run with UPDATE=1. */
export function manual(): string {
  const names = Object.keys(commands) as CommandName[];
  return (
    '# Command line of `rt`\n\n' +
    'Generated from the option table `src/options/options.ts`; do not edit.\n\n' +
    '    rt [global options] COMMAND [options] [arguments]\n\n' +
    `${optionRules.map((rule) => `- ${rule}\n`).join('')}\n` +
    `## Global options\n\n${table(globalOptions)}\n` +
    names.map(section).join('\n') +
    '\n## Environment\n\n' +
    `| variable | meaning |\n| --- | --- |\n${environment.map(([name, meaning]) => `| ${name} | ${meaning} |\n`).join('')}` +
    '\n## Exit codes\n\n' +
    `| code | meaning |\n| --- | --- |\n${exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |\n`).join('')}`
  );
}

function section(name: CommandName): string {
  const spec = commands[name];
  const summary = `${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`;
  const details = spec.details === undefined ? '' : `${spec.details}\n\n`;
  return `## ${name}\n\n    ${usageLine(name, spec)}\n\n${summary}\n\n${details}${table(spec.options)}`;
}

function table(specs: readonly OptionSpec[]): string {
  const shown = specs.filter(({ hidden }) => hidden !== true);
  const rows = shown.map((spec) => `| \`${escape(optionUsage(spec))}\` | ${escape(spec.help)} |\n`);
  return `| option | meaning |\n| --- | --- |\n${rows.join('')}`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
