import type { Config } from '../../../schema/generated/config.ts';
import { SOCKET_FAMILIES, SOCKET_TYPES } from '../../kernel/call-flags.ts';
import { CLONE_NEW } from '../../kernel/namespaces.ts';
import type { RLIMITS } from '../../kernel/processes.ts';
import type { CAPABILITIES } from '../../kernel/processes.ts';
import { IOPRIO_CLASS_SHIFT, IO_PRIORITY_CLASSES, SCHEDULER_POLICIES } from '../../kernel/scheduling.ts';
import { isDevice } from './arguments.ts';
import { limitsAt, socketAddressAt } from './pointed.ts';
import type { Pointed } from './pointed.ts';

export type Capability = keyof typeof CAPABILITIES;

/** A call that the profile allows. */
export interface AllowedCall extends Pointed {
  readonly name: string;
  /** Unsigned, of 64 bits. */
  readonly values: readonly bigint[];
}

/** What a path of a process leads to. */
export interface Place {
  /** Without symbolic links, but for one at its end that was not to be followed. */
  readonly path: string;
  /** st_mode; undefined if only its directory is there. */
  readonly mode: number | undefined;
  /** Whether it is of the user of the process. */
  readonly isOwn: boolean;
  readonly mount: {
    readonly id: string;
    /** On which it is mounted. */
    readonly path: string;
    /** MOUNT_ATTR_RDONLY, that of its file system too, and NOEXEC. */
    readonly flags: number;
  };
}

/** The process that makes it, as the kernel shows it. */
export interface Caller {
  readonly has: (capability: Capability) => boolean;
  /** Else no capability of it counts where one of the initial user namespace is needed. */
  readonly inInitialUserNamespace: () => boolean;
  readonly noNewPrivileges: () => boolean;
  /** User and group ids that it may take without a capability. */
  readonly uids: () => readonly number[];
  readonly gids: () => readonly number[];
  /** Whether the process that has this number in its pid namespace has other ids than it; false if that cannot be told. */
  readonly hasOtherIds: (pid: number) => boolean;
  /** Its working directory, in the container. */
  readonly directory: () => string;
  /** For an absolute path; 'none' if its directory is missing, undefined if that cannot be told. */
  readonly place: (path: string, follows: boolean) => Place | 'none' | undefined;
  /** Its hard limit of a resource (RLIMIT_*), undefined if unlimited. */
  readonly hardLimit: (resource: number) => bigint | undefined;
  /** The sysctl kernel.dmesg_restrict. */
  readonly restrictsLog: () => boolean;
}

/** What calls need of the process that makes them: capabilities(7). */
export interface Need {
  /** One of these. */
  readonly anyOf: readonly Capability[];
  /** Whether it must be of the initial user namespace. */
  readonly initial: boolean;
  /** Whether a call with these arguments needs it. */
  readonly when: (call: AllowedCall, caller: Caller, config: Config) => boolean;
}

type When = Need['when'];

const always: When = () => true;

/** A capability in the user namespace of the process, or of what the call changes. */
function own(capability: Capability, when: When = always): Need {
  return { anyOf: [capability], initial: false, when };
}

function initial(capability: Capability, when: When = always): Need {
  return { anyOf: [capability], initial: true, when };
}

/** An argument that is an int. */
function signed({ values }: AllowedCall, index: number): number {
  return Number(BigInt.asIntN(32, values[index] ?? 0n));
}

/** An argument that is an unsigned int. */
export function unsigned({ values }: AllowedCall, index: number): number {
  return Number(BigInt.asUintN(32, values[index] ?? 0n));
}

const noId = 0xffff_ffff;

/** The arguments from `first` to before `end` are ids, one of which the process does not have. */
function foreign(kind: 'uids' | 'gids', first: number, end: number): When {
  return (call, caller) => {
    const ids = Array.from({ length: end - first }, (_, at) => unsigned(call, first + at)).filter((id) => id !== noId);
    return ids.length > 0 && ids.some((id) => !caller[kind]().includes(id));
  };
}

/** chown(2) with the user at this argument, the group after it. */
function ownerAt(index: number): readonly Need[] {
  return [own('CAP_CHOWN', foreign('uids', index, index + 1)), own('CAP_CHOWN', foreign('gids', index + 1, index + 2))];
}

/** PTRACE_ATTACH, PTRACE_SEIZE: ptrace(2). */
const attachRequests = [16, 0x4206];
/** Of a process with the same ids none is needed, unless Yama or the process itself says otherwise. */
const isOfOthers =
  (target: number): When =>
  (call, caller) =>
    caller.hasOtherIds(signed(call, target));

/** KEYCTL_CHOWN: keyctl(2). */
const changeOwner = 4;
/** SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER: syslog(2). */
const openActions = [3, 10];
const typeMask = 0xf;
const firstUnprivilegedPort = 'net.ipv4.ip_unprivileged_port_start';

const makesNamespace: When = (call) => {
  const made = Object.values(CLONE_NEW).filter((bit) => (unsigned(call, 0) & bit) !== 0);
  // CLONE_NEWTIME is among the bits of the signal that clone(2) takes.
  const counts = call.name === 'clone' ? made.filter((bit) => bit !== CLONE_NEW.time) : made;
  return counts.length > 0 && !counts.includes(CLONE_NEW.user);
};

/** packet(7), raw(7). Other families check nothing, and raw sockets of protocol 0 do not exist: EPROTONOSUPPORT. */
const isRawSocket: When = (call) => {
  const { INET, INET6, PACKET } = SOCKET_FAMILIES;
  const family = unsigned(call, 0);
  const isInternet = family === INET || family === INET6;
  const isRaw = (unsigned(call, 1) & typeMask) === SOCKET_TYPES.RAW && unsigned(call, 2) !== 0;
  return family === PACKET || (isInternet && isRaw);
};

const isLowPort: When = (call, _, { linux }) => {
  const port = socketAddressAt(call, 1, unsigned(call, 2))?.port ?? 0;
  return port > 0 && port < Number(linux?.sysctl?.[firstUnprivilegedPort] ?? 1024);
};

/** setrlimit(2), prlimit(2). */
function raisesLimit(resource: number, limits: number): When {
  return (call, caller) => {
    const hard = limitsAt(call, limits)?.hard;
    const now = caller.hardLimit(unsigned(call, resource));
    return hard !== undefined && now !== undefined && hard > now;
  };
}

/** Whether the config limits nothing that would let a process do this without a capability. */
function withoutLimit(type: keyof typeof RLIMITS, when: When): When {
  return (call, caller, config) =>
    when(call, caller, config) &&
    config.process?.rlimits?.some((limit) => limit.type === type && Number(limit.soft) > 0) !== true;
}

const { SCHED_FIFO, SCHED_RR, SCHED_DEADLINE } = SCHEDULER_POLICIES;

function isRealTime(policy: number): boolean {
  return [SCHED_FIFO, SCHED_RR, SCHED_DEADLINE].some((one) => one === policy);
}

/** A 32-bit word of what an argument points to, 0 if that cannot be read. */
function wordAt(call: AllowedCall, index: number, word: number): number {
  const bytes = call.bytes(index, (word + 1) * 4);
  return bytes === undefined ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(word * 4, true);
}

/** Calls, and what they need. */
const lines: readonly (readonly [calls: string, ...needs: readonly Need[]])[] = [
  ['acct', initial('CAP_SYS_PACCT')],
  ['adjtimex', initial('CAP_SYS_TIME', (call) => wordAt(call, 0, 0) !== 0)],
  ['bind', own('CAP_NET_BIND_SERVICE', isLowPort)],
  ['bpf', { anyOf: ['CAP_BPF', 'CAP_SYS_ADMIN'], initial: true, when: always }],
  ['chown lchown fchown', ...ownerAt(1)],
  ['chroot', own('CAP_SYS_CHROOT')],
  ['clock_adjtime', initial('CAP_SYS_TIME', (call) => wordAt(call, 1, 0) !== 0)],
  ['clone unshare', own('CAP_SYS_ADMIN', makesNamespace)],
  ['fchownat', ...ownerAt(2)],
  ['init_module finit_module delete_module', initial('CAP_SYS_MODULE')],
  ['iopl ioperm', initial('CAP_SYS_RAWIO')],
  [
    'ioprio_set',
    initial('CAP_SYS_NICE', (call) => unsigned(call, 2) >>> IOPRIO_CLASS_SHIFT === IO_PRIORITY_CLASSES.IOPRIO_CLASS_RT),
  ],
  ['kexec_load kexec_file_load', initial('CAP_SYS_BOOT')],
  ['keyctl', initial('CAP_SYS_ADMIN', (call) => signed(call, 0) === changeOwner)],
  ['mknod', initial('CAP_MKNOD', (call) => isDevice(unsigned(call, 1)))],
  ['mknodat', initial('CAP_MKNOD', (call) => isDevice(unsigned(call, 2)))],
  [
    'mount umount umount2 pivot_root move_mount fsopen fsmount fspick mount_setattr setdomainname sethostname setns',
    own('CAP_SYS_ADMIN'),
  ],
  ['open_by_handle_at', initial('CAP_DAC_READ_SEARCH')],
  // Of all processes of a CPU.
  [
    'perf_event_open',
    { anyOf: ['CAP_PERFMON', 'CAP_SYS_ADMIN'], initial: true, when: (call) => signed(call, 1) === -1 },
  ],
  ['prlimit64', initial('CAP_SYS_RESOURCE', raisesLimit(1, 2))],
  ['process_vm_readv process_vm_writev', own('CAP_SYS_PTRACE', isOfOthers(0))],
  [
    'ptrace',
    own(
      'CAP_SYS_PTRACE',
      (call, caller, config) => attachRequests.includes(unsigned(call, 0)) && isOfOthers(1)(call, caller, config),
    ),
  ],
  ['reboot', own('CAP_SYS_BOOT')],
  [
    'sched_setattr',
    initial(
      'CAP_SYS_NICE',
      withoutLimit('RLIMIT_RTPRIO', (call) => isRealTime(wordAt(call, 1, 1))),
    ),
  ],
  [
    'sched_setscheduler',
    initial(
      'CAP_SYS_NICE',
      withoutLimit('RLIMIT_RTPRIO', (call) => isRealTime(unsigned(call, 1) & typeMask)),
    ),
  ],
  ['setgid', own('CAP_SETGID', foreign('gids', 0, 1))],
  ['setgroups', own('CAP_SETGID')],
  [
    'setpriority',
    initial(
      'CAP_SYS_NICE',
      withoutLimit('RLIMIT_NICE', (call) => signed(call, 2) < 0),
    ),
  ],
  ['setregid', own('CAP_SETGID', foreign('gids', 0, 2))],
  ['setresgid', own('CAP_SETGID', foreign('gids', 0, 3))],
  ['setresuid', own('CAP_SETUID', foreign('uids', 0, 3))],
  ['setreuid', own('CAP_SETUID', foreign('uids', 0, 2))],
  ['setrlimit', initial('CAP_SYS_RESOURCE', raisesLimit(0, 1))],
  ['settimeofday clock_settime stime', initial('CAP_SYS_TIME')],
  ['setuid', own('CAP_SETUID', foreign('uids', 0, 1))],
  ['socket', own('CAP_NET_RAW', isRawSocket)],
  ['swapon swapoff quotactl quotactl_fd', initial('CAP_SYS_ADMIN')],
  [
    'syslog',
    initial('CAP_SYSLOG', (call, { restrictsLog }) => !openActions.includes(signed(call, 0)) || restrictsLog()),
  ],
  ['vhangup', own('CAP_SYS_TTY_CONFIG')],
];

let made: ReadonlyMap<string, readonly Need[]> | undefined;

/** The needs of the calls that may have any. */
export function needs(): ReadonlyMap<string, readonly Need[]> {
  return (made ??= new Map(lines.flatMap(([names, ...list]) => names.split(' ').map((name) => [name, list] as const))));
}
