import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { examples } from '../../src/cli/examples.ts';
import { manPages } from '../../src/cli/man.ts';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

/** A shell block of a page of Markdown; the comment before it says that it needs a terminal, or why it cannot run. */
interface Block {
  readonly lines: readonly string[];
  readonly runs: 'anywhere' | 'on a terminal' | 'not';
}

/** README.md, its neighbours and docs, by path in the repository. */
function pages(): string[] {
  const docs = readdirSync(join(REPOSITORY, 'docs'), { recursive: true, encoding: 'utf8' });
  return [...readdirSync(REPOSITORY), ...docs.map((name) => join('docs', name))].filter((name) => name.endsWith('.md'));
}

function read(page: string): string {
  return readFileSync(join(REPOSITORY, page), 'utf8');
}

const FENCED = /(?:^<!-- (.*) -->\n)?^```(\S*)\n([^]*?)^```$/gm;

function shellBlocks(text: string): Block[] {
  return [...text.matchAll(FENCED)].flatMap(([, mark = '', language, block = '']) => {
    if (language !== 'sh') return [];
    const runs = mark === 'on a terminal' ? mark : /^not run: ./.test(mark) ? 'not' : 'anywhere';
    return [
      {
        lines: block
          .trimEnd()
          .replaceAll(/\\\n\s*/g, '')
          .split('\n'),
        runs,
      } as const,
    ];
  });
}

/** Commands in indented blocks and in fenced ones of other languages, apart from synopses and settings. */
function unmarkedCommands(text: string): string[] {
  const outside = text.replaceAll(FENCED, (block, _mark, language: string) =>
    /^(?:sh|console)$/.test(language) ? '' : block,
  );
  return [
    ...outside.matchAll(
      /^ {4}(?:[#$] )?((?:rt|make|npm|node|docker|podman|ctr|nerdctl|kubectl|apt-get|dpkg|mkdir|cp|ln|sed) .*)$/gm,
    ),
  ]
    .map(([, command = '']) => command)
    .filter((command) => !/^rt = |\[(?:global )?options\]/.test(command));
}

function manPage(): Block[] {
  const [, section = ''] = /^\.SH EXAMPLES\n([^]*?)^\.SH /m.exec(manPages('2026-01-31').get('rt.1') ?? '') ?? [];
  const blocks = [...section.matchAll(/^\.nf\n([^]*?)^\.fi$/gm)].map(([, block = '']) =>
    block
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll('\\(aq', "'").replaceAll('\\-', '-').replaceAll('\\e', '\\')),
  );
  return blocks.flat().map((command) => ({
    lines: [command],
    runs: /\brun /.test(command) ? 'on a terminal' : 'anywhere',
  }));
}

/** The examples of the other man pages, each with the container that it supposes. */
function commandExamples(bundle: readonly string[]): string[] {
  const quiet = '</dev/null >/dev/null 2>&1';
  const steps = { bundle: [], created: [`rt create c1 ${quiet}`], running: [`rt run -d c1 ${quiet}`] };
  const given = { ...steps, paused: [...steps.running, 'rt pause c1'] };
  return [
    ...bundle,
    ...Object.values(examples)
      .filter(({ notRun }) => notRun === undefined)
      .flatMap((one) => [...given[one.given], ...one.commands, 'rt delete --force c1']),
  ];
}

/** The container's name, which may be in use on this host, is replaced; everything else is verbatim. */
function named(blocks: readonly Block[], id: string): string[] {
  return blocks.flatMap(({ lines }) => lines).map((line) => line.replaceAll(/\b(?:mycontainer|c1)\b/g, id));
}

/** A script of the lines that stops at the first failure, and prints the line. */
function script(rt: Sandbox, lines: readonly string[]): string {
  const path = join(rt.dir, 'script');
  const checked = lines.flatMap((line) => [line, `passed $? ${quote(line)}`]);
  writeFileSync(
    path,
    ['passed() { [ "$1" = 0 ] || { echo "FAILED with $1: $2"; exit 1; }; }', ...checked, ''].join('\n'),
  );
  return path;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Variables of a shell that has the runtime as `rt`. */
function surroundings(rt: Sandbox): Record<string, string> {
  const bin = join(rt.dir, 'bin');
  mkdirSync(bin);
  const words = rt.argv().map(quote).join(' ');
  writeFileSync(join(bin, 'rt'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return { ...rt.env, PATH: `${bin}:${rt.env['PATH'] ?? ''}` };
}

async function onTerminal(t: Test, rt: Sandbox, lines: readonly string[]): Promise<void> {
  const env = { ...surroundings(rt), TERM: 'vt100' };
  const terminal = new TerminalSession(rt, ['env', `--chdir=${rt.dir}`, 'bash', script(rt, lines)], {
    env,
    columns: 200,
  });
  // The busybox of Debian 13 shows the home directory, here /, as ~.
  const prompts = (): number => terminal.output().split(/[/~] # /).length - 1;
  let ended = false;
  const ending = terminal.end().finally(() => (ended = true));
  const shells = lines.filter((line) => /\brun /.test(line)).length;
  for (let shell = 1; shell <= shells; shell++) {
    await until('a shell waits for a command', () => ended || prompts() >= shell);
    terminal.type('exit\r');
  }
  const { status } = await ending;
  t.equal(status, 0, 'no line fails', { output: terminal.output() });
}

async function withoutTerminal(t: Test, rt: Sandbox, lines: readonly string[]): Promise<void> {
  const output = join(rt.dir, 'output');
  // A container keeps its output open, and the test would wait for a pipe to close.
  const stdout = openSync(output, 'w');
  const env = surroundings(rt);
  const { status } = await run(['bash', script(rt, lines)], { cwd: rt.dir, env, stdout, stderr: stdout });
  closeSync(stdout);
  t.equal(status, 0, 'no line fails', { output: readFileSync(output, 'utf8') });
}

t.test('each shell block of the documents runs, or says why not', (t) => {
  const targets = new Set(
    [...readFileSync(join(REPOSITORY, 'Makefile'), 'utf8').matchAll(/^([\w/-]+(?: [\w/-]+)*):/gm)].flatMap(
      ([, names = '']) => names.split(' '),
    ),
  );
  for (const page of pages()) {
    const text = read(page);
    t.strictSame(unmarkedCommands(text), [], `${page}: blocks of commands are fenced as sh, or as console with output`);
    for (const [, mark = '', language, block = ''] of text.matchAll(FENCED)) {
      if (language === 'console')
        t.match(mark, /^not run: ./, `${page} says why "${block.split('\n', 1).join('')}" is not run`);
    }
    for (const { lines } of shellBlocks(text).filter(({ runs }) => runs === 'not')) {
      for (const [command, target] of lines.join('\n').matchAll(/^(?:\w+=\S+ )*make (?:\w+=\S+ )*([\w/-]+)/gm))
        t.ok(targets.has(target ?? ''), `${page}: the Makefile has the target of "${command}"`);
    }
  }
  t.end();
});

for (const [what, blocks] of [
  ...pages().map((page) => [page, shellBlocks(read(page))] as const),
  ['rt(1)', manPage()] as const,
]) {
  const anywhere = blocks.filter(({ runs }) => runs === 'anywhere');
  const running = blocks.filter(({ runs }) => runs !== 'not');
  if (running.length > anywhere.length) {
    forEachRuntime(
      `the shell blocks of ${what} run verbatim on a terminal`,
      async (t, rt) => onTerminal(t, rt, named(running, rt.nextId())),
      { oursOnly: 'the documentation of this project' },
    );
  }
  if (anywhere.length > 0) {
    forEachRuntime(
      `the shell blocks of ${what} run verbatim without a terminal`,
      async (t, rt) => withoutTerminal(t, rt, named(anywhere, rt.nextId())),
      { oursOnly: 'the documentation of this project' },
    );
  }
}

forEachRuntime(
  'the examples of the man pages of commands run verbatim',
  async (t, rt) => {
    const bundle = manPage().filter(
      ({ runs, lines }) => runs === 'anywhere' && !/rt (?:create|state|exec|kill) /.test(lines.join('')),
    );
    const lines = commandExamples(bundle.flatMap((block) => block.lines));
    await withoutTerminal(t, rt, named([{ lines, runs: 'anywhere' }], rt.nextId()));
  },
  {
    oursOnly: 'the documentation of this project',
    deviates: { node: 'the same program, and sixty commands take seconds' },
  },
);
