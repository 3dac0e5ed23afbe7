import type { Diagnostic } from '../diag/diagnostic.ts';
import { shown } from '../diag/pointer.ts';
import type { Options } from './options.ts';

/**
 * A fault or warning of a process that options of `exec` have changed, in words that name the option, where the rules and
 * operations name the property of config.json.
 */
export function inWordsOfExec(diagnostic: Diagnostic, options: Options, command: readonly string[]): Diagnostic {
  if (options.process !== undefined) return diagnostic;
  const { cwd, cap, env } = options;
  const wrong = env?.find((entry) => entry.indexOf('=') <= 0);
  const replacements: readonly (readonly [applies: boolean, property: RegExp, option: string])[] = [
    [cwd !== undefined, /set in config\.json/, 'given with --cwd'],
    [
      cap?.some((name) => diagnostic.message.includes(shown(name))) === true,
      /process\.capabilities\.\w+\[\d+\]/,
      '--cap',
    ],
    [wrong !== undefined, /process\.env\[\d+\]/, `--env ${shown(wrong)}`],
    [options.apparmor !== undefined, /remove process\.apparmorProfile/, 'leave out --apparmor'],
    [options['process-label'] !== undefined, /process\.selinuxLabel/, '--process-label'],
    [true, /set process\.terminal to true/, 'add --tty'],
    [true, /set process\.terminal to false/, 'leave out --tty'],
  ];
  const named = (text: string): string =>
    replacements.reduce(
      (words, [applies, property, option]) => (applies ? words.replace(property, option) : words),
      text,
    );
  const message = named(diagnostic.message);
  const hint = hintOf(message, options, command) ?? diagnostic.hint;
  return { ...diagnostic, message, ...(hint === undefined ? {} : { hint: named(hint) }) };
}

function hintOf(message: string, options: Options, [program = '']: readonly string[]): string | undefined {
  if (program.startsWith('-') && message.includes('executable file not found')) {
    return 'options of exec stand before the id: what follows it is the program';
  }
  if (options.cgroup !== undefined && message.includes('cannot join through')) {
    return 'the container has no such cgroup: --cgroup names one below its own, which a process in it has made';
  }
  return undefined;
}
