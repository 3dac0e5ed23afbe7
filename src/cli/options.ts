/**
 * The one table of the command line: parser (parse.ts), help (help.ts) and docs/cli.md (manual.ts) are made
 * from it. Entries are functions, so that a start of rt builds only the one it needs.
 */

export type TextOption =
  | 'apparmor'
  | 'bundle'
  | 'config'
  | 'console-socket'
  | 'criu'
  | 'cwd'
  | 'format'
  | 'id'
  | 'log'
  | 'log-format'
  | 'pid-file'
  | 'pidfd-socket'
  | 'process'
  | 'process-label'
  | 'root'
  | 'rootless'
  | 'user';

export type FlagOption =
  | 'all'
  | 'debug'
  | 'detach'
  | 'force'
  | 'help'
  | 'ignore-paused'
  | 'keep'
  | 'no-new-keyring'
  | 'no-new-privs'
  | 'no-pivot'
  | 'no-subreaper'
  | 'quiet'
  | 'rootless-spec'
  | 'systemd-cgroup'
  | 'tty'
  | 'version';

export type IntegerOption = 'preserve-fds';

/** May be given more than once. */
export type ListOption = 'additional-gids' | 'cap' | 'cgroup' | 'env';

export type OptionName = TextOption | FlagOption | IntegerOption | ListOption;

interface CommonSpec {
  /** How it is written, when that differs from `name`. */
  readonly long?: string;
  readonly short?: string;
  /** A further spelling, not in the help. */
  readonly alias?: string;
  readonly help: string;
  /** Parsed, but refused when a command would have to honour it; the text is the hint of the error. */
  readonly unsupported?: string;
}

export interface TextSpec extends CommonSpec {
  readonly kind: 'text';
  readonly name: TextOption;
  readonly value: string;
  readonly choices?: readonly string[];
}

export interface FlagSpec extends CommonSpec {
  readonly kind: 'flag';
  readonly name: FlagOption;
}

export interface IntegerSpec extends CommonSpec {
  readonly kind: 'integer';
  readonly name: IntegerOption;
  readonly value: string;
}

export interface ListSpec extends CommonSpec {
  readonly kind: 'list';
  readonly name: ListOption;
  readonly value: string;
}

export type OptionSpec = TextSpec | FlagSpec | IntegerSpec | ListSpec;

/** Values given on the command line. Absent text: not given. */
export type Options = { readonly [name in TextOption]?: string } & { readonly [name in FlagOption]?: boolean } & {
  readonly [name in IntegerOption]?: number;
} & { readonly [name in ListOption]?: readonly string[] };

export interface CommandSpec {
  readonly summary: string;
  /** As shown in the help: `ID [SIGNAL]`. */
  readonly operands: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly options: readonly OptionSpec[];
  /** What follows the first operand belongs to a program: options stand before it. */
  readonly optionsFirst?: boolean;
  /** Further paragraphs of the help. */
  readonly details?: string;
}

export type CommandName =
  | 'create'
  | 'start'
  | 'exec'
  | 'state'
  | 'kill'
  | 'delete'
  | 'run'
  | 'list'
  | 'spec'
  | 'validate'
  | 'plan'
  | 'features';

/** Options before the command. */
export function globalOptions(): OptionSpec[] {
  return [
    { kind: 'text', name: 'root', value: 'DIR', help: 'directory of container states (default /run/rt)' },
    { kind: 'text', name: 'log', value: 'FILE', help: 'append diagnostics to FILE as well as writing them to stderr' },
    {
      kind: 'text',
      name: 'log-format',
      value: 'text|json',
      choices: ['text', 'json'],
      help: 'format of the records in the log (default text)',
    },
    { kind: 'flag', name: 'debug', help: 'log what is being done, too' },
    {
      kind: 'flag',
      name: 'systemd-cgroup',
      help: 'drive cgroups through systemd',
      unsupported: 'configure the engine for the cgroupfs driver',
    },
    {
      kind: 'text',
      name: 'rootless',
      value: 'true|false|auto',
      help: 'do without cgroups that may not be made (default auto: unless run by root)',
    },
    { kind: 'text', name: 'criu', value: 'FILE', help: 'accepted for compatibility, ignored' },
    { kind: 'flag', name: 'version', short: 'v', alias: 'V', help: 'print the version' },
    helpOption(),
  ];
}

/** Commands in the order in which the help lists them. */
export const commands: { readonly [name in CommandName]: () => CommandSpec } = {
  create: () => ({
    summary: 'set a container up; its program waits for start',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [...creationOptions(), helpOption()],
  }),
  start: () => lifecycle('run the program of a created container'),
  run: () => ({
    summary: 'create, start, wait for the end and delete',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [
      ...creationOptions(),
      { kind: 'flag', name: 'detach', short: 'd', help: 'return when the program has been started' },
      { kind: 'flag', name: 'keep', help: 'do not delete the container when its program has ended' },
      { kind: 'flag', name: 'no-subreaper', help: 'do not adopt orphans of the container while waiting' },
      helpOption(),
    ],
    details:
      'In the foreground the exit code is that of the program, or 128 plus the number of the signal that ended it.',
  }),
  exec: () => ({
    summary: 'run a further program in a container',
    operands: 'ID [PROGRAM [ARGUMENT...]]',
    minimum: 1,
    maximum: Infinity,
    optionsFirst: true,
    options: [...executionOptions(), helpOption()],
    details:
      'Options stand before ID. With --process the program is process.args of FILE, and the options that describe\n' +
      'a process are ignored. The exit code is that of the program, 128 plus the number of the signal that ended\n' +
      'it, or 255 when it could not be run.',
  }),
  state: () => lifecycle('print the state of a container as JSON'),
  kill: () => ({
    summary: 'send a signal to a container',
    operands: 'ID [SIGNAL]',
    minimum: 1,
    maximum: 2,
    options: [
      { kind: 'flag', name: 'all', short: 'a', help: 'signal every process of the container, not only its init' },
      helpOption(),
    ],
    details: 'SIGNAL is a number or a name with or without SIG, such as KILL, SIGTERM or RTMIN+3; TERM when not given.',
  }),
  delete: () => ({
    summary: 'remove a stopped container',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [
      {
        kind: 'flag',
        name: 'force',
        short: 'f',
        help: 'kill the container first; succeed when there is none of that id',
      },
      helpOption(),
    ],
  }),
  list: () => ({
    summary: 'list containers',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [
      {
        kind: 'text',
        name: 'format',
        short: 'f',
        value: 'table|json',
        choices: ['table', 'json'],
        help: 'form of the output (default table)',
      },
      { kind: 'flag', name: 'quiet', short: 'q', help: 'print ids only' },
      helpOption(),
    ],
  }),
  spec: () => ({
    summary: 'write a config.json to start from',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [
      {
        kind: 'text',
        name: 'bundle',
        short: 'b',
        value: 'DIR',
        help: 'where to write it (default: current directory)',
      },
      { kind: 'flag', name: 'rootless-spec', long: 'rootless', help: 'for a container started without root' },
      helpOption(),
    ],
  }),
  features: () => ({
    summary: 'print what rt can do, as JSON',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [helpOption()],
    details: 'The form is that of features.md of the runtime specification. It needs no root and reads no container.',
  }),
  validate: () => ({
    summary: 'report every fault in a bundle',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [...bundleOptions(), helpOption()],
  }),
  plan: () => ({
    summary: 'print what create would do, without doing it',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [
      ...bundleOptions(),
      { kind: 'text', name: 'id', value: 'ID', help: 'id of the container (default plan)' },
      {
        kind: 'text',
        name: 'format',
        value: 'text|json',
        choices: ['text', 'json'],
        help: 'form of the output (default text)',
      },
      { kind: 'flag', name: 'no-new-keyring', help: 'plan for a container without a session keyring of its own' },
      helpOption(),
    ],
  }),
};

function helpOption(): OptionSpec {
  return { kind: 'flag', name: 'help', short: 'h', help: 'print this help' };
}

function lifecycle(summary: string): CommandSpec {
  return { summary, operands: 'ID', minimum: 1, maximum: 1, options: [helpOption()] };
}

function bundleOptions(): OptionSpec[] {
  return [
    { kind: 'text', name: 'bundle', short: 'b', value: 'DIR', help: 'bundle (default: current directory)' },
    {
      kind: 'text',
      name: 'config',
      short: 'f',
      value: 'FILE',
      help: 'configuration (default: config.json of the bundle)',
    },
  ];
}

function executionOptions(): OptionSpec[] {
  return [
    { kind: 'text', name: 'process', short: 'p', value: 'FILE', help: 'process to run, as in config.json' },
    { kind: 'flag', name: 'tty', short: 't', help: 'give it a terminal' },
    { kind: 'flag', name: 'detach', short: 'd', help: 'return when the program has been started' },
    { kind: 'text', name: 'cwd', value: 'DIR', help: 'working directory' },
    { kind: 'list', name: 'env', short: 'e', value: 'NAME=VALUE', help: 'add a variable to the environment (repeat)' },
    { kind: 'text', name: 'user', short: 'u', value: 'UID[:GID]', help: 'user, and group, as numbers' },
    { kind: 'list', name: 'additional-gids', short: 'g', value: 'GID', help: 'add a supplementary group (repeat)' },
    { kind: 'list', name: 'cap', short: 'c', value: 'CAP', help: 'add a capability (repeat)' },
    { kind: 'flag', name: 'no-new-privs', help: 'the program never gains privileges' },
    { kind: 'text', name: 'apparmor', value: 'PROFILE', help: 'AppArmor profile of the process' },
    { kind: 'text', name: 'process-label', value: 'LABEL', help: 'SELinux label of the process' },
    {
      kind: 'list',
      name: 'cgroup',
      value: '[CONTROLLER[,...]:]PATH',
      help: "run it in a cgroup below the container's (repeat for further controllers)",
    },
    { kind: 'flag', name: 'ignore-paused', help: 'also in a paused container: it starts when that is resumed' },
    { kind: 'text', name: 'pid-file', value: 'FILE', help: 'write the pid of the process to FILE' },
    ...descriptorOptions('the process'),
  ];
}

function creationOptions(): OptionSpec[] {
  return [
    ...bundleOptions(),
    { kind: 'text', name: 'pid-file', value: 'FILE', help: "write the pid of the container's init to FILE" },
    { kind: 'flag', name: 'no-new-keyring', help: 'keep the session keyring of the caller' },
    {
      kind: 'flag',
      name: 'no-pivot',
      help: 'do not use pivot_root to enter the root filesystem',
      unsupported: 'place the bundle on a file system that is not the initial ramfs',
    },
    ...descriptorOptions("the container's init"),
  ];
}

function descriptorOptions(owner: string): OptionSpec[] {
  return [
    { kind: 'text', name: 'console-socket', value: 'SOCKET', help: 'send the master of its terminal to SOCKET' },
    { kind: 'text', name: 'pidfd-socket', value: 'SOCKET', help: `send a pidfd of ${owner} to SOCKET` },
    { kind: 'integer', name: 'preserve-fds', value: 'N', help: `hand N further descriptors, from 3 on, to ${owner}` },
  ];
}
