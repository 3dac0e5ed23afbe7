/**
 * The one table of the command line: parser (parse.ts), help (help.ts), completion (complete.ts), man pages
 * (man.ts) and docs/cli.md (manual.ts) are made from it. Entries are functions, so that a start of rt builds only
 * the one it needs.
 */

export type TextOption =
  | 'apparmor'
  | 'bundle'
  | 'config'
  | 'console-socket'
  | 'cpu-burst'
  | 'cpu-idle'
  | 'cpu-period'
  | 'cpu-quota'
  | 'cpu-rt-period'
  | 'cpu-rt-runtime'
  | 'cpu-share'
  | 'cpuset-cpus'
  | 'cpuset-mems'
  | 'criu'
  | 'cwd'
  | 'format'
  | 'id'
  | 'interval'
  | 'kernel-memory'
  | 'kernel-memory-tcp'
  | 'l3-cache-schema'
  | 'log'
  | 'log-format'
  | 'mem-bw-schema'
  | 'memory'
  | 'memory-reservation'
  | 'memory-swap'
  | 'pid-file'
  | 'pidfd-socket'
  | 'process'
  | 'process-label'
  | 'resources'
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
  | 'stats'
  | 'systemd-cgroup'
  | 'tty'
  | 'version';

export type IntegerOption = 'blkio-weight' | 'pids-limit' | 'preserve-fds';

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
  /** Accepted, not in the help. */
  readonly hidden?: boolean;
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
  /** ID is the name of a container to be made. */
  readonly makesContainer?: boolean;
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
  | 'ps'
  | 'pause'
  | 'resume'
  | 'update'
  | 'mounts'
  | 'events'
  | 'spec'
  | 'validate'
  | 'plan'
  | 'features'
  | 'completion';

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
      help: 'drive cgroups through systemd; linux.cgroupsPath is slice:prefix:name then',
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
    makesContainer: true,
    options: [...creationOptions(), helpOption()],
  }),
  start: () => lifecycle('run the program of a created container'),
  run: () => ({
    summary: 'create, start, wait for the end and delete',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    makesContainer: true,
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
    options: [tableOption(), { kind: 'flag', name: 'quiet', short: 'q', help: 'print ids only' }, helpOption()],
  }),
  ps: () => ({
    summary: 'list the processes of a container',
    operands: 'ID [PS-OPTION]...',
    minimum: 1,
    maximum: Infinity,
    optionsFirst: true,
    options: [tableOption(), helpOption()],
    details:
      'The table is what ps(1) of the host prints with PS-OPTION (default -ef), without other processes;\n' +
      'it must have a column PID. The JSON is a list of pids on the host.',
  }),
  pause: () => lifecycle('stop all processes of a container where they are'),
  resume: () => lifecycle('let a paused container go on'),
  update: () => ({
    summary: 'change the limits of a container',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [...updateOptions(), helpOption()],
    details:
      'Only what is given changes. BYTES may end in b, k, m, g, t or p, in powers of 1024; -1 is no limit.\n' +
      'When a limit cannot be set, those set before get their old values back.',
  }),
  mounts: () => ({
    summary: 'add mounts to a container, or remove them',
    operands: 'add|remove ID FILE',
    minimum: 3,
    maximum: 3,
    options: [helpOption()],
    details:
      'FILE is a JSON array of mounts as in config.json; - reads standard input. All of them are added, or none.\n' +
      'To remove mounts their destinations are enough. A destination must be given without symbolic links.',
  }),
  events: () => ({
    summary: 'print what a container uses and when it runs out of memory',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [
      {
        kind: 'text',
        name: 'interval',
        value: 'DURATION',
        help: 'time between two samples, such as 500ms or 1m30s (default 5s)',
      },
      { kind: 'flag', name: 'stats', help: 'print one sample and end' },
      helpOption(),
    ],
    details: 'One JSON object a line, of type stats or oom; the command ends with the container.',
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
      noPivotOption(),
      helpOption(),
    ],
  }),
  completion: () => ({
    summary: 'print what a shell needs to complete command lines of rt',
    operands: 'bash|zsh|fish',
    minimum: 1,
    maximum: 1,
    options: [helpOption()],
    details:
      'make install puts it where the shells look. Without that: source <(rt completion bash) in ~/.bashrc,\n' +
      'the same with zsh after compinit in ~/.zshrc, or rt completion fish | source in config.fish.',
  }),
};

function helpOption(): OptionSpec {
  return { kind: 'flag', name: 'help', short: 'h', help: 'print this help' };
}

function tableOption(): OptionSpec {
  return {
    kind: 'text',
    name: 'format',
    short: 'f',
    value: 'table|json',
    choices: ['table', 'json'],
    help: 'form of the output (default table)',
  };
}

function lifecycle(summary: string): CommandSpec {
  return { summary, operands: 'ID', minimum: 1, maximum: 1, options: [helpOption()] };
}

function updateOptions(): OptionSpec[] {
  const text = (name: TextOption, value: string, help: string): OptionSpec => ({ kind: 'text', name, value, help });
  const resctrl = 'write to the schemata file of the resctrl group';
  return [
    {
      kind: 'text',
      name: 'resources',
      short: 'r',
      value: 'FILE',
      help: 'limits as a linux.resources object; - reads standard input; other options are ignored then',
    },
    { kind: 'integer', name: 'blkio-weight', value: 'N', help: 'weight of block I/O, 10 to 1000' },
    text('cpu-period', 'US', 'period in which the quota is given, in microseconds'),
    text('cpu-quota', 'US', 'processor time in each period, in microseconds; -1 is no limit'),
    text('cpu-burst', 'US', 'quota that may be saved up, in microseconds'),
    text('cpu-share', 'N', 'weight beside other containers (default 1024)'),
    text('cpu-rt-period', 'US', 'period of realtime processes, in microseconds'),
    text('cpu-rt-runtime', 'US', 'processor time of realtime processes in each period, in microseconds'),
    text('cpuset-cpus', 'LIST', 'processors to run on, such as 0-3,7'),
    text('cpuset-mems', 'LIST', 'memory nodes to use'),
    text('cpu-idle', '0|1', 'run only when nothing else wants to'),
    text('memory', 'BYTES', 'memory limit'),
    text('memory-reservation', 'BYTES', 'memory that is taken last when the host runs short'),
    text('memory-swap', 'BYTES', 'limit of memory and swap together'),
    { ...text('kernel-memory', 'BYTES', 'ignored'), hidden: true },
    { ...text('kernel-memory-tcp', 'BYTES', 'ignored'), hidden: true },
    { kind: 'integer', name: 'pids-limit', value: 'N', help: 'number of processes and threads; -1 is no limit' },
    { ...text('l3-cache-schema', 'TEXT', 'share of the L3 cache (Intel RDT)'), unsupported: resctrl },
    { ...text('mem-bw-schema', 'TEXT', 'share of the memory bandwidth (Intel RDT)'), unsupported: resctrl },
  ];
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
    noPivotOption(),
    ...descriptorOptions("the container's init"),
  ];
}

function noPivotOption(): OptionSpec {
  return {
    kind: 'flag',
    name: 'no-pivot',
    help: 'enter the root filesystem without pivot_root, which fails on the initial ramfs',
  };
}

function descriptorOptions(owner: string): OptionSpec[] {
  return [
    { kind: 'text', name: 'console-socket', value: 'SOCKET', help: 'send the master of its terminal to SOCKET' },
    { kind: 'text', name: 'pidfd-socket', value: 'SOCKET', help: `send a pidfd of ${owner} to SOCKET` },
    { kind: 'integer', name: 'preserve-fds', value: 'N', help: `hand N further descriptors, from 3 on, to ${owner}` },
  ];
}
