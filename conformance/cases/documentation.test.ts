import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { manPages } from '../../src/cli/man.ts';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

/** A block of commands for a terminal, and one without. */
type Examples = readonly [shell: readonly string[], engine: readonly string[]];

function readme(): Examples {
  const text = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const [, section = ''] = /^## Use it by hand\n([^]*?)^## /m.exec(text) ?? [];
  const blocks = [...section.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) =>
    block
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(4)),
  );
  return two(blocks);
}

function manPage(): Examples {
  const [, section = ''] = /^\.SH EXAMPLES\n([^]*?)^\.SH /m.exec(manPages('2026-01-31').get('rt.1') ?? '') ?? [];
  const blocks = [...section.matchAll(/^\.nf\n([^]*?)^\.fi$/gm)].map(([, block = '']) =>
    block
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll('\\(aq', "'").replaceAll('\\-', '-').replaceAll('\\e', '\\')),
  );
  return two(blocks);
}

function two([shell = [], engine = []]: readonly string[][]): Examples {
  return [shell, engine];
}

/** The container's name, which may be in use on this host, is replaced; everything else is verbatim. */
function named(lines: readonly string[], name: string, id: string): string[] {
  return lines.map((line) => line.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), id));
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

for (const [what, name, examples] of [
  ['README', 'mycontainer', readme()],
  ['rt(1)', 'c1', manPage()],
] as const) {
  const [shell, engine] = examples;
  forEachRuntime(
    `the examples of ${what} work verbatim on a terminal`,
    async (t, rt) => {
      t.ok(shell.some((line) => /\brun /.test(line)) && engine.some((line) => /\bcreate /.test(line)), 'both blocks');
      await onTerminal(t, rt, named([...shell, ...engine], name, rt.nextId()));
    },
    { oursOnly: 'the documentation of this project' },
  );

  forEachRuntime(
    `the examples of ${what} for engines work verbatim without a terminal`,
    async (t, rt) => {
      const making = shell.filter((line) => !/\brun /.test(line));
      await withoutTerminal(t, rt, named([...making, ...engine], name, rt.nextId()));
    },
    { oursOnly: 'the documentation of this project' },
  );
}
