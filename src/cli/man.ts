import { environment, exitCodes, optionRules } from './conventions.ts';
import { examples } from './examples.ts';
import { optionUsage } from './help.ts';
import { commands, globalOptions } from '../options/options.ts';
import type { CommandName, CommandSpec, OptionSpec } from '../options/options.ts';
import { version } from '../commands/version.ts';

/** What the pages tell of an installation. */
interface Installed {
  /** YYYY-MM-DD. */
  readonly date: string;
  /** File name of the program: packages may not be able to install it as `rt`. */
  readonly program: string;
}

/**
 * Texts of the man pages in the language of man(7), by file name: `PROGRAM.1`, and `PROGRAM-COMMAND.1` for each command.
 */
export function manPages(date: string, program = 'rt'): ReadonlyMap<string, string> {
  const names = Object.keys(commands) as CommandName[];
  const installed = { date, program };
  return new Map([
    [`${program}.1`, mainPage(names, installed)],
    ...names.map((name): [string, string] => [`${program}-${name}.1`, commandPage(name, commands[name], installed)]),
  ]);
}

function mainPage(names: readonly CommandName[], installed: Installed): string {
  const { program } = installed;
  return page(program, 'low-level container runtime', installed, [
    ['SYNOPSIS', `.B ${dashes(program)}\n[global options]\n.I COMMAND\n[options] [arguments]`],
    [
      'DESCRIPTION',
      paragraphs([
        'rt runs containers as defined by the OCI runtime specification: it takes a bundle, which is a directory with ' +
          'config.json and a root filesystem, and makes a container from it. Its command line is that of runc, so container ' +
          'engines can use it as a replacement.',
        optionRules.join('\n').replaceAll('`', ''),
      ]),
    ],
    [
      'COMMANDS',
      names.map((name) => tagged(`\\fB${dashes(`${program}-${name}`)}\\fR(1)`, commands[name].summary)).join(''),
    ],
    ['OPTIONS', optionList(globalOptions)],
    ['EXIT STATUS', exitCodes.map(([code, meaning]) => tagged(bold(code), meaning)).join('')],
    ['ENVIRONMENT', environment.map(([name, meaning]) => tagged(bold(name), meaning)).join('')],
    [
      'FILES',
      tagged(bold('/run/rt'), 'states of the containers, unless --root is given') +
        tagged(bold('$XDG_RUNTIME_DIR/rt'), 'the same for users other than root'),
    ],
    [
      'EXAMPLES',
      'A bundle whose root filesystem is busybox, and its shell in a container, until you type exit:\n' +
        example(['mkdir bundle && cd bundle', `${program} spec --busybox`, `${program} run c1`]) +
        '.PP\nThe steps of an engine, without a terminal:\n' +
        example([
          `rm config.json && ${program} spec --no-terminal sleep 100`,
          `${program} create c1 && ${program} start c1`,
          `${program} state c1`,
          `${program} exec c1 sh -c 'ps && id'`,
          `${program} kill c1 KILL && ${program} delete c1`,
        ]),
    ],
    ['SEE ALSO', 'https://github.com/opencontainers/runtime\\-spec\n'],
  ]);
}

function commandPage(name: CommandName, spec: CommandSpec, installed: Installed): string {
  const program = dashes(installed.program);
  const usage = `.B ${program}\n[global options]\n.B ${dashes(name)}\n[options]${spec.operands === '' ? '' : `\n${escape(spec.operands)}`}`;
  return page(`${installed.program}-${name}`, spec.summary, installed, [
    ['SYNOPSIS', usage],
    ...(spec.details === undefined ? [] : [['DESCRIPTION', paragraphs([spec.details])] as const]),
    ['OPTIONS', optionList(spec.options)],
    ['EXAMPLES', examplesOf(name, installed.program)],
    ['SEE ALSO', `.BR ${program} (1),\nfor the global options and the exit status\n`],
  ]);
}

function examplesOf(name: CommandName, program: string): string {
  const { given, commands } = examples[name];
  const what = given === 'bundle' ? 'a bundle in the current directory' : `a ${given} container c1`;
  return `With ${what}:\n${example(commands.map((line) => line.replaceAll(/(^|[&|] )rt /g, `$1${program} `)))}`;
}

type Section = readonly [title: string, text: string];

function page(name: string, summary: string, { date }: Installed, sections: readonly Section[]): string {
  const title = name.toUpperCase().replaceAll('-', '\\-');
  const parts: readonly Section[] = [['NAME', `${dashes(name)} \\- ${escape(summary)}`], ...sections];
  return (
    `.TH ${title} 1 ${date} "rt ${version}" "rt"\n` +
    parts.map(([heading, text]) => `.SH ${/ /.test(heading) ? `"${heading}"` : heading}\n${text.trimEnd()}\n`).join('')
  );
}

function optionList(specs: readonly OptionSpec[]): string {
  return specs
    .filter(({ hidden }) => hidden !== true)
    .map((spec) => tagged(bold(optionUsage(spec)), spec.help))
    .join('');
}

/** An entry of a list; `tag` is in the language of man(7). */
function tagged(tag: string, text: string): string {
  return `.TP\n${tag}\n${escape(text)}\n`;
}

function paragraphs(texts: readonly string[]): string {
  return texts.map((text) => escape(text)).join('\n.PP\n');
}

/** Commands to copy: a plain quote would be printed as a typographic one. */
function example(lines: readonly string[]): string {
  const typed = lines.map((line) => `${escape(line).replaceAll("'", '\\(aq')}\n`);
  return `.PP\n.RS 4\n.nf\n${typed.join('')}.fi\n.RE\n`;
}

function bold(text: string): string {
  return `\\fB${escape(text)}\\fR`;
}

/** A line that begins with a control character would be a request. */
function escape(text: string): string {
  return dashes(text.replaceAll('\\', '\\e')).replace(/^(?=[.'])/gm, '\\&');
}

/** As they are typed: a plain one becomes a hyphen in print. */
function dashes(text: string): string {
  return text.replaceAll('-', '\\-');
}
