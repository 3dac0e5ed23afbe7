/** Options that several commands of the table (options.ts) share, and long lists of options. */

const text = <Name extends string>(name: Name, value: string, help: string) =>
  ({ kind: 'text', name, value, help }) as const;

const flag = <Name extends string>(name: Name, help: string) => ({ kind: 'flag', name, help }) as const;

/** `-?` and `--usage` are crun's. */
export const helpOptions = () =>
  [
    { kind: 'flag', name: 'help', short: 'h', alias: '?', help: 'print this help' },
    { kind: 'flag', name: 'usage', help: 'print a summary of this help', hidden: true },
  ] as const;

export const tableOption = () =>
  ({
    kind: 'text',
    name: 'format',
    short: 'f',
    value: 'table|json',
    choices: ['table', 'json'],
    help: 'output format (default table)',
  }) as const;

export const formatOption = () =>
  ({
    kind: 'text',
    name: 'format',
    value: 'text|json',
    choices: ['text', 'json'],
    help: 'output format (default text)',
  }) as const;

export const updateOptions = () =>
  [
    {
      kind: 'text',
      name: 'resources',
      short: 'r',
      value: 'FILE',
      help: 'limits as a linux.resources object; - reads standard input; other options are then ignored',
    },
    { kind: 'integer', name: 'blkio-weight', value: 'N', help: 'weight of block I/O, 10 to 1000' },
    text('cpu-period', 'US', 'period of the quota, in microseconds'),
    text('cpu-quota', 'US', 'processor time in each period, in microseconds; -1 is no limit'),
    text('cpu-burst', 'US', 'unused quota that may accumulate, in microseconds'),
    text('cpu-share', 'N', 'weight relative to other containers (default 1024)'),
    text('cpu-rt-period', 'US', 'period of realtime processes, in microseconds'),
    text('cpu-rt-runtime', 'US', 'processor time of realtime processes in each period, in microseconds'),
    text('cpuset-cpus', 'LIST', 'CPUs to run on, such as 0-3,7'),
    text('cpuset-mems', 'LIST', 'memory nodes to use'),
    text('cpu-idle', '0|1', 'schedule only when the CPU is otherwise idle (SCHED_IDLE)'),
    text('memory', 'BYTES', 'memory limit'),
    text('memory-reservation', 'BYTES', 'memory that is reclaimed last under memory pressure'),
    text('memory-swap', 'BYTES', 'limit of memory plus swap'),
    { ...text('kernel-memory', 'BYTES', 'ignored'), hidden: true },
    { ...text('kernel-memory-tcp', 'BYTES', 'ignored'), hidden: true },
    { kind: 'integer', name: 'pids-limit', value: 'N', help: 'number of processes and threads; -1 is no limit' },
    text('l3-cache-schema', 'TEXT', 'share of the L3 cache (Intel RDT), such as L3:0=f;1=f'),
    text('mem-bw-schema', 'TEXT', 'share of the memory bandwidth (Intel RDT), such as MB:0=50'),
  ] as const;

export const regexOption = () =>
  ({
    kind: 'flag',
    name: 'regex',
    short: 'r',
    help: 'ID is a regular expression (ECMAScript): apply to every container whose id contains a match',
  }) as const;

const imageOptions = () =>
  [
    { kind: 'text', name: 'image-path', value: 'DIR', help: 'directory of the images (default ./checkpoint)' },
    { kind: 'text', name: 'work-path', value: 'DIR', help: 'directory of the log (default: that of the images)' },
    flag('tcp-established', 'preserve open TCP connections'),
    flag('ext-unix-sk', 'allow unix sockets connected to processes outside of the container'),
    flag('shell-job', 'allow the terminal of the caller'),
    flag('lazy-pages', 'transfer memory pages on demand'),
    flag('file-locks', 'preserve file locks'),
    flag('auto-dedup', 'drop pages from older images that newer ones replace'),
    {
      kind: 'text',
      name: 'manage-cgroups-mode',
      value: 'soft|full|strict|ignore',
      choices: ['soft', 'full', 'strict', 'ignore'],
      help: 'limits are those of config.json; full, strict: no inner cgroups',
    },
    {
      kind: 'text',
      name: 'network-lock',
      value: 'nftables|iptables|skip',
      choices: ['nftables', 'iptables', 'skip'],
      help: 'how criu holds packets back meanwhile (default nftables)',
    },
    {
      kind: 'list',
      name: 'empty-ns',
      value: 'network',
      help: 'omit the contents of the network namespace; always so (repeat)',
    },
  ] as const;

export const checkpointOptions = () =>
  [
    ...imageOptions(),
    parentOption(),
    { kind: 'flag', name: 'leave-running', help: 'keep the container running' },
    { kind: 'flag', name: 'pre-dump', help: 'write only memory and keep the container running' },
    { kind: 'flag', name: 'tcp-skip-in-flight', help: 'omit TCP connections that are not yet established' },
    { kind: 'flag', name: 'link-remap', help: 'temporarily link deleted files that are open' },
    { kind: 'text', name: 'page-server', value: 'ADDRESS:PORT', help: 'send memory to a page server' },
    {
      kind: 'integer',
      name: 'status-fd',
      value: 'FD',
      help: 'write a NUL byte to FD once lazy pages can be requested',
    },
  ] as const;

export const restoreOptions = () =>
  [
    ...bundleOptions(),
    ...imageOptions(),
    { kind: 'flag', name: 'detach', short: 'd', help: 'return once the container runs' },
    { kind: 'flag', name: 'no-subreaper', help: 'do not adopt orphans of the container while waiting' },
    { kind: 'text', name: 'pid-file', value: 'FILE', help: "write the pid of the container's init to FILE" },
    { kind: 'text', name: 'console-socket', value: 'SOCKET', help: 'send the master of its terminal to SOCKET' },
    { kind: 'flag', name: 'tcp-close', help: 'close TCP connections instead of restoring them' },
    { kind: 'text', name: 'lsm-profile', value: 'TYPE:NAME', help: 'label of the processes, replaces the old one' },
    { kind: 'text', name: 'lsm-mount-context', value: 'LABEL', help: 'label of the mounts, replaces the old one' },
    { kind: 'flag', name: 'no-new-keyring', help: 'has no effect: session keyrings are not restored' },
    { kind: 'flag', name: 'no-pivot', help: 'has no effect: criu mounts the root filesystem itself' },
    { ...parentOption(), hidden: true },
  ] as const;

const parentOption = () =>
  ({
    kind: 'text',
    name: 'parent-path',
    value: 'DIR',
    help: 'images of a --pre-dump, relative to --image-path',
  }) as const;

export const bundleOptions = () =>
  [
    { kind: 'text', name: 'bundle', short: 'b', value: 'DIR', help: 'bundle (default: current directory)' },
    {
      kind: 'text',
      name: 'config',
      short: 'f',
      value: 'FILE',
      help: 'configuration (default: config.json of the bundle)',
    },
  ] as const;

/** For programs: the Node package uses it. */
export const lifelineOption = () =>
  ({
    kind: 'integer',
    name: 'lifeline',
    value: 'FD',
    help: 'tell the other end of this stream socket what happens, as JSON; its end kills the program',
  }) as const;

export const executionOptions = () =>
  [
    { kind: 'text', name: 'process', short: 'p', value: 'FILE', help: 'process to run, as in config.json' },
    { kind: 'flag', name: 'tty', short: 't', help: 'allocate a terminal' },
    { kind: 'flag', name: 'detach', short: 'd', help: 'return once the program has started' },
    { kind: 'text', name: 'cwd', value: 'DIR', help: 'working directory' },
    { kind: 'list', name: 'env', short: 'e', value: 'NAME=VALUE', help: 'add a variable to the environment (repeat)' },
    { kind: 'text', name: 'user', short: 'u', value: 'UID[:GID]', help: 'numeric user id, and optional group id' },
    { kind: 'list', name: 'additional-gids', short: 'g', value: 'GID', help: 'add a supplementary group (repeat)' },
    { kind: 'list', name: 'cap', short: 'c', value: 'CAP', help: 'add a capability (repeat)' },
    { kind: 'flag', name: 'no-new-privs', help: 'the program never gains privileges' },
    { kind: 'text', name: 'apparmor', value: 'PROFILE', help: 'AppArmor profile of the process' },
    { kind: 'text', name: 'process-label', value: 'LABEL', help: 'SELinux label of the process' },
    {
      kind: 'list',
      name: 'cgroup',
      value: '[CONTROLLER[,...]:]PATH',
      help: "run it in a cgroup below the container's (repeat for other controllers)",
    },
    { kind: 'flag', name: 'ignore-paused', help: 'allow a paused container: the program starts when it is resumed' },
    { kind: 'text', name: 'pid-file', value: 'FILE', help: 'write the pid of the process to FILE' },
    ...descriptorOptions('the process'),
    lifelineOption(),
  ] as const;

export const creationOptions = () =>
  [
    ...bundleOptions(),
    { kind: 'text', name: 'pid-file', value: 'FILE', help: "write the pid of the container's init to FILE" },
    { kind: 'flag', name: 'no-new-keyring', help: 'keep the session keyring of the caller' },
    noPivotOption(),
    ...descriptorOptions("the container's init"),
  ] as const;

export const deniedOption = () =>
  ({
    kind: 'text',
    name: 'explain-denied',
    value: 'refused|all',
    choices: ['refused', 'all'],
    bare: 'refused',
    help: 'report calls that linux.seccomp refuses (default); all: also those that likely lack a right',
  }) as const;

export const recordOption = () =>
  ({
    kind: 'text',
    name: 'record-seccomp',
    value: 'FILE',
    help: 'add the system calls that the program makes to the seccomp profile FILE',
  }) as const;

export const noPivotOption = () =>
  ({
    kind: 'flag',
    name: 'no-pivot',
    help: 'enter the root filesystem without pivot_root, which fails on the initial ramfs',
  }) as const;

const descriptorOptions = (owner: string) =>
  [
    { kind: 'text', name: 'console-socket', value: 'SOCKET', help: 'send the master of its terminal to SOCKET' },
    { kind: 'text', name: 'pidfd-socket', value: 'SOCKET', help: `send a pidfd of ${owner} to SOCKET` },
    { kind: 'integer', name: 'preserve-fds', value: 'N', help: `pass N descriptors, from 3 on, to ${owner}` },
  ] as const;
