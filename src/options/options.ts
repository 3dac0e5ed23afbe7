/**
 * The command line as one table, from which the parser (parse.ts), help (help.ts), completion (complete.ts), man pages
 * (man.ts) and docs/cli.md (manual.ts) are made.
 */

import {
  bundleOptions,
  checkpointOptions,
  creationOptions,
  deniedOption,
  executionOptions,
  formatOption,
  helpOptions,
  lifelineOption,
  noPivotOption,
  recordOption,
  regexOption,
  restoreOptions,
  tableOption,
  updateOptions,
} from './option-groups.ts';

interface CommonSpec {
  readonly name: string;
  /** The long name, if it differs from `name`. */
  readonly long?: string;
  readonly short?: string;
  /** Another spelling, not in the help. */
  readonly alias?: string;
  readonly help: string;
  /** Accepted, not in the help. */
  readonly hidden?: boolean;
}

export interface TextSpec extends CommonSpec {
  readonly kind: 'text';
  readonly value: string;
  readonly choices?: readonly string[];
  /** The value if the option is given without `=`: the word after it is then no value. */
  readonly bare?: string;
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

/** Operands, by the least number of them. */
interface AtLeast {
  readonly 0: readonly string[];
  readonly 1: readonly [string, ...string[]];
  readonly 2: readonly [string, string, ...string[]];
  readonly 3: readonly [string, string, string, ...string[]];
}

export interface CommandSpec {
  readonly summary: string;
  /** As shown in the help: `ID [SIGNAL]`. */
  readonly operands: string;
  readonly minimum: keyof AtLeast;
  readonly maximum: number;
  readonly options: readonly OptionSpec[];
  /** The words after the first operand belong to a program, so options precede it. */
  readonly optionsFirst?: boolean;
  /** The command makes a new container named ID. */
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
    help:
      'append diagnostics to FILE, or send them to syslog:IDENT or journald:IDENT: ' +
      'errors go to stderr as well, warnings do not',
  },
  {
    kind: 'text',
    name: 'log-format',
    value: 'text|json',
    choices: ['text', 'json'],
    help: 'format of the records in the log (default text)',
  },
  {
    kind: 'text',
    name: 'log-level',
    value: 'error|warning|debug',
    choices: ['error', 'warning', 'debug'],
    help: 'drop less severe diagnostics (default warning)',
  },
  {
    kind: 'flag',
    name: 'debug',
    help: 'also log each step, with the milliseconds since the start: the same as --log-level debug',
  },
  {
    kind: 'text',
    name: 'trace',
    value: 'FILE',
    help: 'write the duration of each step and each operation to FILE, for Perfetto or chrome://tracing',
  },
  {
    kind: 'flag',
    name: 'systemd-cgroup',
    help: 'manage cgroups through systemd; linux.cgroupsPath is then slice:prefix:name',
  },
  {
    kind: 'text',
    name: 'cgroup-manager',
    value: 'cgroupfs|systemd|disabled',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    help: 'who makes cgroups: rt (default), systemd as with --systemd-cgroup, or nobody',
  },
  {
    kind: 'text',
    name: 'rootless',
    value: 'true|false|auto',
    choices: ['true', 'false', 'auto'],
    help: 'tolerate missing permission for cgroups (default auto: unless run by root)',
  },
  {
    kind: 'text',
    name: 'criu',
    value: 'FILE',
    help: 'program that checkpoints and restores (default: criu in PATH)',
  },
  { kind: 'flag', name: 'version', short: 'v', alias: 'V', help: 'print the version' },
  ...helpOptions(),
] as const satisfies readonly OptionSpec[];

/** Commands in the order in which the help lists them. */
const table = {
  create: {
    summary: 'set up a container; its program waits for start',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    makesContainer: true,
    options: [
      ...creationOptions(),
      { kind: 'flag', name: 'no-subreaper', help: 'has no effect: create adopts no orphans' },
      ...helpOptions(),
    ],
  },
  start: lifecycle('run the program of a created container'),
  run: {
    summary: 'create a container, start it, wait for its end and delete it',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    makesContainer: true,
    options: [
      ...creationOptions(),
      { kind: 'flag', name: 'detach', short: 'd', help: 'return once the program has started' },
      deniedOption(),
      recordOption(),
      { kind: 'flag', name: 'keep', help: 'do not delete the container after its program has ended' },
      { kind: 'flag', name: 'no-subreaper', help: 'do not adopt orphans of the container while waiting' },
      lifelineOption(),
      ...helpOptions(),
    ],
    details:
      'In the foreground the exit code is that of the program, or 128 plus the number of the signal that ended it.\n' +
      'With --lifeline, each event is a line on FD: created, started, ended with the usage, or failed. The program\n' +
      'starts when a line arrives there. When the other end is closed, the container is killed and deleted.\n' +
      'A terminal is relayed between stdin and stdout even if these are none; a line ROWS COLUMNS resizes it.\n' +
      'With --explain-denied rt answers the calls that linux.seccomp refuses as the profile says, and reports each: the\n' +
      'name, arguments, process and verdict, and the rule with its place in config.json. With --explain-denied=all also\n' +
      'calls that likely fail for want of a capability, a device rule or a writable place. With --record-seccomp rt lets\n' +
      'all calls through that the profile allows, and writes a profile that allows those that were made: the value of\n' +
      'linux.seccomp, as JSON. If FILE exists, their names are added to it. It needs as many runs as the program has ways.',
  },
  exec: {
    summary: 'run another program in a container',
    operands: 'ID [PROGRAM [ARGUMENT...]]',
    minimum: 1,
    maximum: Infinity,
    optionsFirst: true,
    options: [...executionOptions(), deniedOption(), ...helpOptions()],
    details:
      'Options precede ID. With --process the program is process.args of FILE, and the options that describe\n' +
      'a process are ignored. The exit code is that of the program, 128 plus the number of the signal that ended\n' +
      'it, or 255 if it could not be run.',
  },
  state: lifecycle('print the state of a container as JSON'),
  kill: {
    summary: 'send a signal to a container',
    operands: 'ID [SIGNAL]',
    minimum: 1,
    maximum: 2,
    options: [
      { kind: 'flag', name: 'all', short: 'a', help: 'signal every process of the container, not only its init' },
      regexOption(),
      ...helpOptions(),
    ],
    details: 'SIGNAL is a number or a name with or without SIG, such as KILL, SIGTERM or RTMIN+3; the default is TERM.',
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
        help: 'kill the container first; succeed if no container has that id',
      },
      regexOption(),
      ...helpOptions(),
    ],
  },
  list: {
    summary: 'list containers',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [tableOption(), { kind: 'flag', name: 'quiet', short: 'q', help: 'print ids only' }, ...helpOptions()],
  },
  ps: {
    summary: 'list the processes of a container',
    operands: 'ID [PS-OPTION]...',
    minimum: 1,
    maximum: Infinity,
    optionsFirst: true,
    options: [tableOption(), ...helpOptions()],
    details:
      'The table is that of ps -ef or, with PS-OPTION, the output of ps(1) of the host, without other processes;\n' +
      'it must have a column PID. The JSON is a list of pids on the host.',
  },
  pause: lifecycle('suspend all processes of a container'),
  resume: lifecycle('resume a paused container'),
  update: {
    summary: 'change the limits of a container',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [...updateOptions(), ...helpOptions()],
    details:
      'Other limits do not change. BYTES has an optional suffix b, k, m, g, t or p (powers of 1024); -1 is no limit.\n' +
      'If a limit cannot be set, those already set get their old values back.',
  },
  mounts: {
    summary: 'add mounts to a container, or remove them',
    operands: 'add|remove ID FILE',
    minimum: 3,
    maximum: 3,
    options: [...helpOptions()],
    details:
      'FILE is a JSON array of mounts as in config.json; - reads standard input. All of them are added, or none.\n' +
      'To remove mounts, only their destinations are needed. A destination must not contain symbolic links.',
  },
  checkpoint: {
    summary: 'write a running container to a directory of images, and end it',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    options: [...checkpointOptions(), ...helpOptions()],
    details:
      'Needs criu. Resources outside of the container, such as open connections, must be allowed by an option. On\n' +
      'failure the errors of criu are shown; its log is dump.log in the work directory.',
  },
  restore: {
    summary: 'make a container from the images of a checkpoint',
    operands: 'ID',
    minimum: 1,
    maximum: 1,
    makesContainer: true,
    options: [...restoreOptions(), ...helpOptions()],
    details:
      'The bundle decides what the container may do: images whose processes have other rights, namespaces, mounts\n' +
      'or filters than config.json are refused. A restored network namespace is empty.',
  },
  events: {
    summary: 'print the resource usage and the out-of-memory events of a container',
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
      { kind: 'flag', name: 'stats', help: 'print one sample and exit' },
      ...helpOptions(),
    ],
    details: 'Prints one JSON object per line, of type stats or oom; the command ends with the container.',
  },
  spec: {
    summary: 'write a template config.json',
    operands: '[PROGRAM [ARGUMENT...]]',
    minimum: 0,
    maximum: Infinity,
    optionsFirst: true,
    options: [
      {
        kind: 'text',
        name: 'bundle',
        short: 'b',
        value: 'DIR',
        help: 'where to write it (default: current directory)',
      },
      { kind: 'text', name: 'file', short: 'f', value: 'FILE', help: 'name of the file (default config.json)' },
      { kind: 'flag', name: 'busybox', help: 'also make the directory rootfs, from the static busybox of this host' },
      { kind: 'flag', name: 'no-terminal', help: 'for a program that needs no terminal' },
      { kind: 'flag', name: 'writable', help: 'do not make the root filesystem read-only' },
      { kind: 'text', name: 'hostname', value: 'NAME', help: 'host name of the container (default rt)' },
      { kind: 'flag', name: 'rootless-spec', long: 'rootless', help: 'for a container started without root' },
      { kind: 'flag', name: 'hardened', help: 'for a program that nobody trusts, with all limits and a filter' },
      { kind: 'flag', name: 'schema', help: 'print the JSON schema of config.json instead' },
      ...helpOptions(),
    ],
    details:
      'The program is sh, unless another one is given. Nothing that exists is overwritten.\n\n' +
      'With the schema an editor completes and checks config.json, in which its file is named by the member\n' +
      '"$schema": "FILE", which has no other effect. Visual Studio Code takes it for all bundles from settings.json:\n' +
      '"json.schemas": [{"fileMatch": ["config.json"], "url": "FILE"}]. make install puts FILE into share/rt/schema.',
  },
  features: {
    summary: 'print what rt can do, as JSON',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [...helpOptions()],
    details: 'The format is defined by features.md of the runtime specification. Needs no root and no container.',
  },
  validate: {
    summary: 'report every fault in a bundle',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [
      ...bundleOptions(),
      formatOption(),
      { kind: 'flag', name: 'host', help: 'also report what on this host is against it, without changing anything' },
      ...helpOptions(),
    ],
    details:
      'Each has a line and column. Reported too, without effect on the exit code: valid settings that create would\n' +
      'refuse; as a warning, settings without effect, such as unknown or duplicate properties; as a note, settings\n' +
      'that are rarely meant as they are. The JSON is a list of objects with level (error, host, unsupported,\n' +
      'warning or note), code and message, and if known pointer, file, line, column and hint. With --host: the root\n' +
      'filesystem, the program and its interpreters, sources of mounts, filesystems, cgroup controllers, hooks, limits\n' +
      'and rights of rt are looked at, as far as the config has no faults. The exit code is 0 if the config is valid, 1\n' +
      'if not, 2 if it is valid but this host cannot run it, or create refuses it.',
  },
  explain: {
    summary: 'tell in words what a container is and may do',
    operands: '[ID]',
    minimum: 0,
    maximum: 1,
    options: [...bundleOptions(), formatOption(), ...helpOptions()],
    details:
      'Without ID, of a bundle; with it, of a container and the config with which it was made, so without later\n' +
      'changes of its limits. Each statement has its place in config.json. What weakens the separation from the\n' +
      'host comes with a cure. No host is asked.',
  },
  plan: {
    summary: 'print what create would do, without doing it',
    operands: '',
    minimum: 0,
    maximum: 0,
    options: [
      ...bundleOptions(),
      { kind: 'text', name: 'id', value: 'ID', help: 'id of the container (default plan)' },
      formatOption(),
      { kind: 'flag', name: 'no-new-keyring', help: 'plan without a new session keyring' },
      noPivotOption(),
      ...helpOptions(),
    ],
  },
  seccomp: {
    summary: 'tell what the seccomp profile of a bundle does with a system call',
    operands: 'explain CALL',
    minimum: 2,
    maximum: 2,
    options: [...bundleOptions(), ...helpOptions()],
    details:
      'CALL is a name such as mount. For each architecture of the profile that this machine can run: the rules that\n' +
      'can decide on the call, with their conditions on its arguments, and their places in config.json.',
  },
  completion: {
    summary: 'print the completion script of a shell',
    operands: 'bash|zsh|fish',
    minimum: 1,
    maximum: 1,
    options: [...helpOptions()],
    details:
      'make install installs the scripts. Without it: source <(rt completion bash) in ~/.bashrc,\n' +
      'the same with zsh after compinit in ~/.zshrc, or rt completion fish | source in config.fish.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof table;

export const commands: Readonly<Record<CommandName, CommandSpec>> = table;

/** The operands of a command: there are at least as many as it requires. */
export type Operands<Name extends CommandName> = AtLeast[(typeof table)[Name]['minimum']];

type Declared = (typeof globalOptions)[number] | (typeof table)[CommandName]['options'][number];
type Named<Kind extends OptionSpec['kind']> = Extract<Declared, { kind: Kind }>['name'];

export type TextOption = Named<'text'>;

/** Values from the command line. Absent text: not given. */
export type Options = { readonly [name in TextOption]?: string } & { readonly [name in Named<'flag'>]?: boolean } & {
  readonly [name in Named<'integer'>]?: number;
} & { readonly [name in Named<'list'>]?: readonly string[] };

function lifecycle(summary: string) {
  return { summary, operands: 'ID', minimum: 1, maximum: 1, options: [...helpOptions()] } as const;
}
