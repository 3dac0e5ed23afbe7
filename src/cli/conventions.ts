/** For the manual: how options are written. */
export const optionRules: readonly string[] = [
  'A long option may be written with one dash or two, and its value after a space or `=`.',
  'A flag takes no word of its own; `--flag=false` switches it off.',
  'Global options stand before the command. The options of a command may follow its arguments; `--` ends them.',
  'Numbers may be decimal, `0x` hexadecimal, `0` or `0o` octal, or `0b` binary.',
  '`rt help COMMAND` and `rt COMMAND --help` print help.',
];

/** For the manual: exit code and its meaning. */
export const exitCodes: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'success'],
  ['1', 'the command failed; the reason is on standard error and in the log'],
  ['3', 'there is no such command'],
  ['N', 'run and exec in the foreground: the program ended with N'],
  ['128+S', 'run and exec in the foreground: signal S ended the program'],
  ['255', 'exec: the program could not be run'],
];
