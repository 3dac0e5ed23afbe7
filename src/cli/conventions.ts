/** For the manual: the syntax of options. */
export const optionRules: readonly string[] = [
  'A long option may be written with one dash or two, and its value after a space or `=`.',
  'A flag takes no value; `--flag=false` switches it off.',
  'Global options precede the command. The options of a command may follow its arguments; `--` ends them.',
  'Numbers may be decimal, `0x` hexadecimal, `0` or `0o` octal, or `0b` binary.',
  '`rt help COMMAND` and `rt COMMAND --help` print help.',
];

/** For the manual: exit codes and their meaning. */
export const exitCodes: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'success'],
  ['1', 'the command failed; the reason is on standard error and in the log'],
  ['3', 'there is no such command'],
  ['N', 'run and exec in the foreground: the program ended with N'],
  ['128+S', 'run and exec in the foreground: signal S ended the program'],
  ['255', 'exec: the program could not be run'],
];

/** For the manual: environment variables that rt uses. */
export const environment: readonly (readonly [variable: string, meaning: string])[] = [
  [
    'NOTIFY_SOCKET',
    'a service manager waits for readiness (sd_notify(3)): the container gets its own socket, in /run/notify. ' +
      'At the first READY=1 there, rt notifies the manager, with the main process: rt itself with run in the foreground, ' +
      'else the init of the container. start and run --detach end at that moment, or with the program',
  ],
  [
    'LISTEN_FDS, LISTEN_PID',
    'sockets that a service manager passes to rt (sd_listen_fds(3)) are passed on to the program',
  ],
  [
    'RT_MOUNT_NAMESPACE',
    "how create and run begin the mount namespace of a container: `copy`, as a copy of the host's; `small`, as one of a " +
      'kernel thread, which is quicker beside many mounts. By default small beside 256 mounts or more. Whatever needs the ' +
      "host's mounts makes a copy nevertheless",
  ],
  ['COLUMNS', 'the width of help, in characters (default 120)'],
  ['XDG_RUNTIME_DIR', 'contains the states of the containers for users other than root'],
];
