import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

/** The command line of a shell without user configuration, and the commands that load the completion of `rt`. */
const SHELLS = {
  bash: { argv: ['bash', '--norc', '--noprofile', '-i'], load: 'source <(rt completion bash)' },
  zsh: { argv: ['zsh', '-f', '-i'], load: 'autoload -U compinit; compinit -D; source <(rt completion zsh)' },
  // As installed: found by its first line.
  'zsh (from fpath)': {
    argv: ['zsh', '-f', '-i'],
    load: 'rt completion zsh >~/_rt; fpath=(~ $fpath); autoload -U compinit; compinit -D',
  },
  fish: { argv: ['fish', '--no-config', '-i'], load: 'rt completion fish | source' },
} as const;
type Shell = keyof typeof SHELLS;

/**
 * A shell in a terminal. Its `rt` completes like the runtime of the sandbox; any other call only prints its arguments.
 */
class ShellSession {
  readonly #terminal: TerminalSession;
  readonly #calls: string;
  #count = 0;

  private constructor(terminal: TerminalSession, calls: string) {
    this.#terminal = terminal;
    this.#calls = calls;
  }

  static async open(rt: Sandbox, name: Shell): Promise<ShellSession> {
    const bin = join(rt.dir, 'bin');
    const calls = join(rt.dir, 'calls');
    const home = join(rt.dir, 'home');
    for (const directory of [bin, home]) mkdirSync(directory);
    const words = rt.runtime.argv.map((word) => `'${word}'`).join(' ');
    const shown = `echo "$*" >>${calls}`;
    const script = `#!/bin/sh\ncase $1 in\n__complete | completion) exec ${words} "$@" ;;\n*) ${shown} ;;\nesac\n`;
    writeFileSync(join(bin, 'rt'), script, { mode: 0o755 });
    const { argv, load } = SHELLS[name];
    const variables = [
      `PATH=${bin}:${rt.env['PATH'] ?? ''}`,
      `HOME=${home}`,
      'TERM=vt100',
      'LC_ALL=C.UTF-8',
      'HISTFILE=',
    ];
    const terminal = new TerminalSession(rt, ['env', `--chdir=${rt.dir}`, ...variables, ...argv], { columns: 200 });
    const session = new ShellSession(terminal, calls);
    terminal.type(`${load}\n`);
    return session;
  }

  /** Types the beginning of a command line and Tab, and runs the completed line; returns its arguments. */
  async complete(line: string): Promise<string> {
    const position = this.#count++;
    this.#terminal.type(`${line}\t\r`);
    return until(`"${line}" was run\n${this.#terminal.output()}`, () => this.#lines()[position]);
  }

  async close(): Promise<void> {
    this.#terminal.type('exit\r');
    await this.#terminal.end();
  }

  #lines(): string[] {
    return existsSync(this.#calls) ? readFileSync(this.#calls, 'utf8').split('\n').slice(0, -1) : [];
  }
}

/** `make test` installs all of them; the virtual machines have only bash. */
function lacking(program: string): string | undefined {
  return existsSync(`/usr/bin/${program}`) ? undefined : `${program} is not installed`;
}

for (const shell of Object.keys(SHELLS) as Shell[]) {
  forEachRuntime(
    `completion: Tab in ${shell} writes commands, options, values, containers and paths`,
    async (t, rt) => {
      const container = await rt.created();
      const { id } = container;
      mkdirSync(join(rt.dir, 'some-directory'));
      writeFileSync(join(rt.dir, 'some-file.json'), '');
      const start = id.slice(0, -1);
      const session = await ShellSession.open(rt, shell);
      for (const [line, expected] of [
        ['rt feat', 'features'],
        ['rt --log-form', '--log-format'],
        ['rt delete --for', 'delete --force'],
        ['rt list --format=js', 'list --format=json'],
        ['rt list -f js', 'list -f json'],
        ['rt exec --cap CAP_SYS_PT', 'exec --cap CAP_SYS_PTRACE'],
        [`rt --root ${rt.root} kill ${start}`, `--root ${rt.root} kill ${id}`],
        [`rt --root=${rt.root} state ${start}`, `--root=${rt.root} state ${id}`],
        [`rt --root ${rt.root} create ${start}`, `--root ${rt.root} create ${start}`],
        [`rt kill ${id} TER`, `kill ${id} TERM`],
        ['rt create --bundle some-', 'create --bundle some-directory'],
        ['rt create --bundle=some-d', 'create --bundle=some-directory'],
        ['rt update --resources some-f', 'update --resources some-file.json'],
        ['rt update --resources=some-f', 'update --resources=some-file.json'],
      ] as const) {
        // zsh removes the slash again if the line ends with it.
        t.equal((await session.complete(line)).replace(/\/$/, ''), expected, line);
      }
      await session.close();
      await container.remove('--force');
    },
    { oursOnly: 'the completion of this project', lacking: lacking(SHELLS[shell].argv[0]) },
  );
}
