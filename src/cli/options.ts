/**
 * The one table of the command line: parser (parse.ts), help (help.ts) and docs/cli.md (manual.ts) are made
 * from it. Entries are functions, so that a start of rt builds only the one it needs.
 */

export type TextOption =
  | 'bundle'
  | 'config'
  | 'console-socket'
  | 'criu'
  | 'format'
  | 'id'
  | 'log'
  | 'log-format'
  | 'pid-file'
  | 'pidfd-socket'
  | 'root'
  | 'rootless';

export type FlagOption =
  | 'all'
  | 'debug'
  | 'detach'
  | 'force'
  | 'help'
  | 'keep'
  | 'no-new-keyring'
  | 'no-pivot'
  | 'no-subreaper'
  | 'quiet'
  | 'rootless-spec'
  | 'systemd-cgroup'
  | 'version';

export type IntegerOption = 'preserve-fds';

export type OptionName = TextOption | FlagOption | IntegerOption;

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

export type OptionSpec = TextSpec | FlagSpec | IntegerSpec;

/** Values given on the command line. Absent text: not given. */
export type Options = { readonly [name in TextOption]?: string } & { readonly [name in FlagOption]?: boolean } & {
  readonly [name in IntegerOption]?: number;
};

export interface CommandSpec {
  readonly summary: string;
  /** As shown in the help: `ID [SIGNAL]`. */
  readonly operands: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly options: readonly OptionSpec[];
  /** Further paragraphs of the help. */
  readonly details?: string;
}

export type CommandName =
  'create' | 'start' | 'state' | 'kill' | 'delete' | 'run' | 'list' | 'spec' | 'validate' | 'plan' | 'features';

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

function creationOptions(): OptionSpec[] {
  return [
    ...bundleOptions(),
    { kind: 'text', name: 'pid-file', value: 'FILE', help: "write the pid of the container's init to FILE" },
    { kind: 'flag', name: 'no-new-keyring', help: 'keep the session keyring of the caller' },
    {
      kind: 'text',
      name: 'console-socket',
      value: 'SOCKET',
      help: 'send the terminal of the container to SOCKET',
    },
    {
      kind: 'text',
      name: 'pidfd-socket',
      value: 'SOCKET',
      help: "send a pidfd of the container's init to SOCKET",
      unsupported: 'use --pid-file',
    },
    {
      kind: 'flag',
      name: 'no-pivot',
      help: 'do not use pivot_root to enter the root filesystem',
      unsupported: 'place the bundle on a file system that is not the initial ramfs',
    },
    {
      kind: 'integer',
      name: 'preserve-fds',
      value: 'N',
      help: 'hand N further descriptors, from 3 on, to the container',
      unsupported: 'use a bind-mounted socket or pipe',
    },
  ];
}
