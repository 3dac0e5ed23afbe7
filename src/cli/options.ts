/**
 * The one table of the command line: parser (parse.ts), help (help.ts), completion (complete.ts), man pages
 * (man.ts) and docs/cli.md (manual.ts) are made from it.
 */

import {
  bundleOptions,
  checkpointOptions,
  creationOptions,
  executionOptions,
  helpOption,
  noPivotOption,
  restoreOptions,
  tableOption,
  updateOptions,
} from './option-groups.ts';

interface CommonSpec {
  readonly name: string;
  /** How it is written, when that differs from `name`. */
  readonly long?: string;
  readonly short?: string;
  /** A further spelling, not in the help. */
  readonly alias?: string;
  readonly help: string;
  /** Accepted, not in the help. */
  readonly hidden?: boolean;
}

export interface TextSpec extends CommonSpec {
  readonly kind: 'text';
  readonly value: string;
  readonly choices?: readonly string[];
}

export interface FlagSpec extends CommonSpec {
  readonly kind: 'flag';
}

export interface IntegerSpec extends CommonSpec {
  readonly kind: 'integer';
  readonly value: string;
}

/** May be given more than once. */
export interface ListSpec extends CommonSpec {
  readonly kind: 'list';
  readonly value: string;
}

export type OptionSpec = TextSpec | FlagSpec | IntegerSpec | ListSpec;

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

/** Options before the command. */
export const globalOptions = [
  { kind: 'text', name: 'root', value: 'DIR', help: 'directory of container states (default /run/rt)' },
  {
    kind: 'text',
    name: 'log',
    value: 'FILE',
    help: 'append diagnostics to FILE: errors go to stderr as well, warnings do not',
  },
  {
    kind: 'text',
    name: 'log-format',
    value: 'text|json',
    choices: ['text', 'json'],
    help: 'format of the records in the log (default text)',
  },
  { kind: 'flag', name: 'debug', help: 'log what is being done, too' },
  {
    kind: 'text',
    name: 'trace',
    value: 'FILE',
    help: 'write to FILE how long each step and each operation took, for Perfetto or chrome://tracing',
  },
  {
    kind: 'flag',
    name: 'systemd-cgroup',
    help: 'drive cgroups through systemd; linux.cgroupsPath is slice:prefix:name then',
  },
  {
    kind: 'text',
    name: 'rootless',
    value: 'true|false|auto',
    choices: ['true', 'false', 'auto'],
    help: 'do without cgroups that may not be made (default auto: unless run by root)',
  },
  {
    kind: 'text',
    name: 'criu',
    value: 'FILE',
    help: 'program that checkpoints and restores (default: criu in PATH)',
  },
  { kind: 'flag', name: 'version', short: 'v', alias: 'V', help: 'print the version' },
  helpOption(),
] as const satisfies readonly OptionSpec[];

/** Commands in the order in which the help lists them. */
const table = {
  create: {
    summary: 'set a container up; its program waits for start',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    makesContainer: true,
    options: [...creationOptions(), helpOption()],
  },
  start: lifecycle('run the program of a created container'),
  run: {
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
  },
  exec: {
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
  },
  state: lifecycle('print the state of a container as JSON'),
  kill: {
    summary: 'send a signal to a container',
    operands: 'ID [SIGNAL]',
    minimum: 1,
    maximum: 2,
    options: [
      { kind: 'flag', name: 'all', short: 'a', help: 'signal every process of the container, not only its init' },
      helpOption(),
    ],
    details: 'SIGNAL is a number or a name with or without SIG, such as KILL, SIGTERM or RTMIN+3; TERM when not given.',
  },
  delete: {
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
  },
  list: {
    summary: 'list containers',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [tableOption(), { kind: 'flag', name: 'quiet', short: 'q', help: 'print ids only' }, helpOption()],
  },
  ps: {
    summary: 'list the processes of a container',
    operands: 'ID [PS-OPTION]...',
    minimum: 1,
    maximum: Infinity,
    optionsFirst: true,
    options: [tableOption(), helpOption()],
    details:
      'The table is what ps(1) of the host prints with PS-OPTION (default -ef), without other processes;\n' +
      'it must have a column PID. The JSON is a list of pids on the host.',
  },
  pause: lifecycle('stop all processes of a container where they are'),
  resume: lifecycle('let a paused container go on'),
  update: {
    summary: 'change the limits of a container',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [...updateOptions(), helpOption()],
    details:
      'Only what is given changes. BYTES may end in b, k, m, g, t or p, in powers of 1024; -1 is no limit.\n' +
      'When a limit cannot be set, those set before get their old values back.',
  },
  mounts: {
    summary: 'add mounts to a container, or remove them',
    operands: 'add|remove ID FILE',
    minimum: 3,
    maximum: 3,
    options: [helpOption()],
    details:
      'FILE is a JSON array of mounts as in config.json; - reads standard input. All of them are added, or none.\n' +
      'To remove mounts their destinations are enough. A destination must be given without symbolic links.',
  },
  checkpoint: {
    summary: 'write a running container to a directory of images, and end it',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [...checkpointOptions(), helpOption()],
    details:
      'Needs criu. What leads out of the container, such as open connections, has to be allowed by an option. In a\n' +
      'failure the errors of criu are shown; its log is dump.log in the work directory.',
  },
  restore: {
    summary: 'make a container from images that checkpoint wrote',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    makesContainer: true,
    options: [...restoreOptions(), helpOption()],
    details:
      'The bundle decides what the container may do: images whose processes have other rights, namespaces, mounts\n' +
      'or filters than config.json asks for are refused. A network namespace comes back empty.',
  },
  events: {
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
  },
  spec: {
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
  },
  features: {
    summary: 'print what rt can do, as JSON',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [helpOption()],
    details: 'The form is that of features.md of the runtime specification. It needs no root and reads no container.',
  },
  validate: {
    summary: 'report every fault in a bundle',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [...bundleOptions(), helpOption()],
    details:
      'Each with its line and column. What is valid and would be refused by create, and what has no effect (a property\n' +
      'of an unknown name, or one that is given again), is named, too, and does not count for the exit code.',
  },
  plan: {
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
  },
  completion: {
    summary: 'print what a shell needs to complete command lines of rt',
    operands: 'bash|zsh|fish',
    minimum: 1,
    maximum: 1,
    options: [helpOption()],
    details:
      'make install puts it where the shells look. Without that: source <(rt completion bash) in ~/.bashrc,\n' +
      'the same with zsh after compinit in ~/.zshrc, or rt completion fish | source in config.fish.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof table;

export const commands: Readonly<Record<CommandName, CommandSpec>> = table;

type Declared = (typeof globalOptions)[number] | (typeof table)[CommandName]['options'][number];
type Named<Kind extends OptionSpec['kind']> = Extract<Declared, { kind: Kind }>['name'];

export type TextOption = Named<'text'>;

/** Values given on the command line. Absent text: not given. */
export type Options = { readonly [name in TextOption]?: string } & { readonly [name in Named<'flag'>]?: boolean } & {
  readonly [name in Named<'integer'>]?: number;
} & { readonly [name in Named<'list'>]?: readonly string[] };

function lifecycle(summary: string) {
  return { summary, operands: 'ID', minimum: 1, maximum: 1, options: [helpOption()] } as const;
}
