import { OPEN_TREE_FLAGS, OP_CODECS } from '../../schema/generated/ops.ts';
import type { FieldKind } from '../../schema/generated/ops.ts';
import { MS } from '../kernel/mounts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { SCHEDULER_FLAGS, SCHEDULER_POLICIES } from '../kernel/scheduling.ts';
import { SYS_ADMIN } from './process.ts';
import type { PlannedOp } from './types.ts';

/**
 * Conditions on the list of operations of one process, for any config. Each has a reason. The unit tests check all of
 * them on the printed plans, the end-to-end tests on the config of every case.
 */
export interface Invariant {
  readonly why: string;
  /** Whether the list contains the operations concerned: an invariant that never applies proves nothing. */
  readonly applies: (ops: readonly PlannedOp[]) => boolean;
  /** Indices of two operations that violate it, or of one that lacks another. */
  readonly broken: (ops: readonly PlannedOp[]) => readonly number[] | undefined;
}

type Name = PlannedOp['op'];
type Match = Name | readonly Name[] | ((op: PlannedOp) => boolean);

/** What the kernel locks for a user namespace. */
const locks: readonly Name[] = ['mount_locked', 'lock_trees'];

function matches(match: Match, op: PlannedOp): boolean {
  if (typeof match === 'function') return match(op);
  return typeof match === 'string' ? op.op === match : match.includes(op.op);
}

function first(ops: readonly PlannedOp[], match: Match): number {
  return ops.findIndex((op) => matches(match, op));
}

function last(ops: readonly PlannedOp[], match: Match): number {
  return ops.findLastIndex((op) => matches(match, op));
}

/** If both are present, every `earlier` precedes every `later`. */
function before(earlier: Match, later: Match, why: string): Invariant {
  return {
    why,
    applies: (ops) => first(ops, earlier) >= 0 && first(ops, later) >= 0,
    broken: (ops) => {
      const [from, to] = [last(ops, earlier), first(ops, later)];
      return from >= 0 && to >= 0 && from > to ? [from, to] : undefined;
    },
  };
}

/** Before the first `later` there is some `needed`. */
function needs(later: Match, needed: Match, why: string): Invariant {
  return {
    why,
    applies: (ops) => first(ops, later) >= 0,
    broken: (ops) => {
      const [from, to] = [first(ops, needed), first(ops, later)];
      if (to < 0 || (from >= 0 && from < to)) return undefined;
      return from < 0 ? [to] : [from, to];
    },
  };
}

/** If both are present, the first `earlier` precedes every `later`; more may follow. */
function leads(earlier: Match, later: Match, why: string): Invariant {
  return {
    why,
    applies: (ops) => first(ops, earlier) >= 0 && first(ops, later) >= 0,
    broken: (ops) => {
      const [from, to] = [first(ops, earlier), first(ops, later)];
      return from >= 0 && to >= 0 && from > to ? [from, to] : undefined;
    },
  };
}

/** Slots that an operation fills, and those that it reads; 0 means none, or the root, which has no slot. */
function slotsOf(op: PlannedOp): { fills: readonly number[]; reads: readonly number[] } {
  const values = op as unknown as Readonly<Record<string, number>>;
  const ofKind = (wanted: FieldKind): number[] =>
    OP_CODECS[op.op].fields.flatMap(([name, kind]) => (kind === wanted ? [values[name] ?? 0] : []));
  return { fills: ofKind('new_slot'), reads: ofKind('slot') };
}

const slots: Invariant = {
  why: 'a slot is filled before it is read',
  applies: (ops) => ops.some((op) => slotsOf(op).reads.some((slot) => slot > 0)),
  broken: (ops) => {
    const filled = new Set<number>([0]);
    for (const [index, op] of ops.entries()) {
      const { fills, reads } = slotsOf(op);
      if (reads.some((slot) => !filled.has(slot))) return [index];
      for (const slot of fills) filled.add(slot);
    }
    return undefined;
  },
};

const mounts: readonly Name[] = ['mount_filesystem', 'mount_bind'];
/** The operations that make the contents of the root. */
const contents: readonly Name[] = [...mounts, 'make_device', 'bind_device', 'make_link', 'make_directory', 'console'];
const protections: readonly Name[] = ['mask_path', 'readonly_path'];
const enterRoot: readonly Name[] = ['pivot_root', 'move_root', 'chroot'];
const filters: readonly Name[] = ['seccomp', 'seccomp_notify'];
/** Operations that open a host path. */
const byHostPath: readonly Name[] = [
  'open_tree',
  'open_filesystem',
  'seccomp_receiver',
  'open_root',
  'hold_root',
  'user_namespace',
  'container_user_namespace',
  'open_process_root',
];
const forks: readonly Name[] = ['outlive', 'fork_init'];

function isHookBeforeStart(op: PlannedOp): boolean {
  return op.op === 'hook' && op.inRoot === 0;
}

function isExecLabel(op: PlannedOp): boolean {
  return op.op === 'security_attribute' && op.name !== 'keycreate' && op.name !== 'sockcreate';
}

function joinsMount(op: PlannedOp): boolean {
  return op.op === 'namespace_join' && op.type === CLONE_NEW.mount;
}

/** Cuts off from the host's mounts; a root with shared propagation stays a peer of them. */
function cutsOff(op: PlannedOp): boolean {
  return op.op === 'set_propagation' && op.type !== MS.shared;
}

function entersMounts(op: PlannedOp): op is PlannedOp & { op: 'join_process' } {
  return op.op === 'join_process' && (op.flags & CLONE_NEW.mount) !== 0;
}

function isLostInFork(op: PlannedOp): boolean {
  return (
    op.op === 'scheduler' &&
    (op.policy === SCHEDULER_POLICIES.SCHED_DEADLINE ||
      (Number(op.flags) & SCHEDULER_FLAGS.SCHED_FLAG_RESET_ON_FORK) !== 0)
  );
}

function joinsPid(op: PlannedOp): boolean {
  return op.op === 'namespace_join' && op.type === CLONE_NEW.pid;
}

/** Only of the root itself: other mounts of the config become read-only once their contents exist. */
function makesRootReadonly(op: PlannedOp): boolean {
  return op.op === 'mount_attributes' && op.slot === 0;
}

/** Excludes the links of a mount of type cgroup, which are made inside it. */
function isDefaultLink(op: PlannedOp): boolean {
  return op.op === 'make_link' && op.from === 'default';
}

function opensInRoot(op: PlannedOp): boolean {
  return op.op === 'open_tree' && (op.flags & OPEN_TREE_FLAGS.inRoot) !== 0;
}

function isStartHook(op: PlannedOp): boolean {
  return op.op === 'hook' && op.inRoot === 1;
}

/** An effective CAP_SYS_ADMIN also permits loading the filter. */
function allowsFilter(op: PlannedOp): boolean {
  return op.op === 'no_new_privs' || (op.op === 'set_capabilities' && (BigInt(op.effective) & SYS_ADMIN) !== 0n);
}

function joinsUser(op: PlannedOp): boolean {
  return op.op === 'join_process' || (op.op === 'namespace_join' && op.type === CLONE_NEW.user);
}

export const invariants: readonly Invariant[] = [
  slots,
  before(
    'oom_score_adj',
    ['join_process', 'namespace_join', ...enterRoot],
    'oom_score_adj is written through the procfs of the host',
  ),
  before(
    'cgroup_join',
    [...mounts, 'open_root', 'make_directory'],
    'allocations of the setup are charged to the container',
  ),
  before(
    'open_filesystem',
    ['cgroup_join', 'await_unit'],
    'the device rules of the container are not for the block devices that its config mounts',
  ),
  before([...byHostPath], ['join_process', ...enterRoot], 'a host path has another meaning inside'),
  before(
    ['namespace_open', 'open_tree', 'seccomp_receiver', 'user_namespace'],
    (op) => joinsMount(op),
    'joining a mount namespace changes the meaning of paths',
  ),
  before(
    [
      ...byHostPath.filter((name) => name !== 'open_root'),
      'namespace_open',
      'oom_score_adj',
      'open_log',
      'time_namespace',
      'cgroup_join',
    ],
    'enter_mount_namespace',
    'no path leads to the host in a mount namespace without its mounts',
  ),
  {
    why: "a container has a copy of the kernel thread's mount namespace, not that itself",
    applies: (ops: readonly PlannedOp[]): boolean => first(ops, 'enter_mount_namespace') >= 0,
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const enters = last(ops, 'enter_mount_namespace');
      const next = ops[enters + 1];
      return enters < 0 || (next?.op === 'unshare' && next.flags === CLONE_NEW.mount) ? undefined : [enters];
    },
  },
  before('mount_locked', 'become_root', 'the kernel locks the mounts that a user namespace copies from another one'),
  needs(
    'mount_locked',
    (op) => op.op === 'unshare' && op.flags === CLONE_NEW.mount,
    'the mounts of the host are not replaced',
  ),
  {
    why: 'whoever is root of the user namespace can change and uncover a mount that is not locked',
    applies: (ops: readonly PlannedOp[]): boolean => first(ops, locks) >= 0,
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const at = first(ops, locks);
      const by = ops[at];
      if (by === undefined) return undefined;
      const { reads } = slotsOf(by);
      const locked = by.op === 'mount_locked' || by.op === 'lock_trees' ? [...by.trees, ...reads] : [];
      const free = ops.findIndex((op) => op.op === 'open_tree' && !opensInRoot(op) && !locked.includes(op.slot));
      return free < 0 ? undefined : [free, at];
    },
  },
  before('lock_trees', ['join_process', ...mounts], 'what is mounted in the container is locked'),
  needs('clone_locked', 'mount_locked', 'trees are cloned where they were attached'),
  before('clone_locked', 'open_root', 'the root of the container covers them'),
  needs('refuse_pinned', 'enter_mount_namespace', "a copy of the host's mounts has no pinned mount namespace"),
  before([...mounts], 'refuse_pinned', 'a source of any mount may contain a pinned mount namespace'),
  before('user_namespace', 'become_root', 'becoming root needs a user namespace'),
  needs('become_root', (op) => joinsUser(op), 'becoming root needs a user namespace that was entered'),
  before('open_time_offsets', 'become_root', 'only the user of the runtime may write the clocks'),
  before('become_root', 'clone_init', 'new namespaces belong to the user namespace'),
  before('time_namespace', (op) => joinsMount(op), 'the clocks are set through the host procfs'),
  needs('fork_init', (op) => joinsPid(op), 'a child is born in the pid namespace that was joined'),
  needs('fork_init', 'set_capabilities', 'no process in a joined pid namespace may see one with more capabilities'),
  before('raise_limit', ['become_root', 'rlimit'], 'a hard limit cannot be raised in a user namespace'),
  before(
    'cgroup_join',
    (op) => op.op === 'unshare' && (op.flags & CLONE_NEW.cgroup) !== 0,
    'the root of a cgroup namespace is the current cgroup',
  ),
  leads(
    (op) => cutsOff(op),
    [...mounts, 'open_root', 'mount_propagation', ...protections],
    'no mount may reach the host',
  ),
  needs(
    (op) => op.op === 'open_root' && op.isolate === 0,
    (op) => cutsOff(op),
    'no mount may reach the host',
  ),
  needs([...mounts], ['open_root', 'open_root_directory', 'hold_root'], 'a destination is resolved below the root'),
  needs(
    (op) => opensInRoot(op),
    ['open_root', 'open_root_directory', 'hold_root'],
    'a path of the container is resolved below the root',
  ),
  before(
    'open_root',
    [...mounts, 'make_device', 'make_directory', 'make_link', ...protections],
    'paths are resolved below the root',
  ),
  before(
    [...mounts],
    (op) => matches(['make_device', 'bind_device'], op) || isDefaultLink(op),
    'nodes and links are made in the mounts',
  ),
  before(
    (op) => matches(contents, op) || isHookBeforeStart(op),
    [...protections],
    'masks and read-only paths also cover mounts made by hooks',
  ),
  before(
    ['make_device', 'bind_device', 'make_link', 'make_mount_point', ...mounts],
    (op) => makesRootReadonly(op),
    'the root must be writable until it is complete',
  ),
  before([...mounts, 'await_hooks'], (op) => isHookBeforeStart(op), 'hooks need the mounts'),
  before('end_on_signals', [...filters, 'await_start'], 'no filter need allow it, and a container that waits ends'),
  before('terminal', ['pivot_root', 'move_root'], 'the terminal belongs to the mounted devpts'),
  needs('console', 'terminal', 'the console is bound from the terminal'),
  before(
    [...protections, 'console', 'sysctl', ...mounts, 'make_device', 'open_log'],
    [...enterRoot],
    'afterwards the files of the host are unreachable',
  ),
  needs(
    'find_program',
    ['pivot_root', 'move_root', 'chroot', 'join_process'],
    'the program is looked up in the container',
  ),
  before(
    [...enterRoot, 'join_process'],
    ['rlimit', 'umask', 'drop_bounding', 'set_user', 'find_program'],
    'capabilities are dropped inside the root',
  ),
  before(
    'security_attribute',
    'join_process',
    'in a user namespace of the container this process may find no procfs to write its labels',
  ),
  before(
    'join_process',
    ['session_keyring', 'open_root_directory', 'terminal', ...mounts, 'find_home'],
    'new files belong to the container',
  ),
  before(
    (op) => op.op === 'security_attribute' && op.name === 'keycreate',
    'session_keyring',
    'a keyring gets its label when it is made',
  ),
  before(
    ['rlimit', 'umask', 'stdio_owner', 'drop_bounding', 'io_priority', 'memory_policy'],
    'set_user',
    'they need capabilities that the user may lack',
  ),
  before(
    (op) => op.op === 'stdio_owner' && op.null === 0,
    ['join_process', 'become_root'],
    'files of the caller can be given away only on the host',
  ),
  needs(
    (op) => op.op === 'stdio_owner' && op.null === 1,
    [...enterRoot, 'join_process'],
    'the null device is that of the container',
  ),
  before(
    (op) => op.op === 'scheduler' && !isLostInFork(op),
    'set_user',
    'they need capabilities that the user may lack',
  ),
  before(forks, (op) => op.op === 'await_scheduler' || isLostInFork(op), 'a fork resets it, or is refused'),
  before(
    'outlive',
    (op) => op.op === 'cpu_affinity' && !op.from.endsWith('/initial'),
    'only the last process is certain to be in the cgroup, whose cpuset may have other CPUs',
  ),
  {
    why: 'a mount namespace is joined only if it has the expected owner',
    applies: (ops: readonly PlannedOp[]): boolean => ops.some(entersMounts),
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const index = ops.findIndex((op) => entersMounts(op) && op.user === 0 && Number(op.ownerInode) === 0);
      return index < 0 ? undefined : [index];
    },
  },
  {
    why: 'a process in the mount namespace of the host enters the root of the container',
    applies: (ops: readonly PlannedOp[]): boolean => ops.some((op) => op.op === 'join_process' && !entersMounts(op)),
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const joins = first(ops, (op) => op.op === 'join_process' && !entersMounts(op));
      const [opens, enters] = [first(ops, 'open_process_root'), first(ops, 'chroot')];
      if (joins < 0 || (opens >= 0 && opens < joins && enters > joins)) return undefined;
      return [joins];
    },
  },
  before((op) => isExecLabel(op), 'set_user', 'a label needs capabilities that the user may lack'),
  needs('set_user', 'drop_bounding', 'dropping the bounding set needs CAP_SETPCAP'),
  needs('set_user', 'stdio_owner', 'the program may use its own standard streams'),
  needs('set_capabilities', 'set_user', 'changing the user id changes the capability sets'),
  needs('find_program', 'set_capabilities', 'the program is looked up with its final credentials'),
  needs('find_program', 'set_user', 'the program is looked up with its final credentials'),
  needs((op) => op.op === 'exec' && op.args.length > 0, 'find_program', 'exec needs the program that was found'),
  needs('exec', (op) => op.op === 'change_directory' && op.phase === 1, 'the working directory is below the root'),
  needs([...filters], (op) => op.op === 'set_user', 'the filter is for the program and must not block the setup'),
  before('no_new_privs', [...filters], 'a filter needs no_new_privs or CAP_SYS_ADMIN'),
  needs([...filters], (op) => allowsFilter(op), 'a filter needs no_new_privs or CAP_SYS_ADMIN'),
  needs('seccomp_notify', 'seccomp_receiver', 'the listener needs a receiver'),
  before([...filters], (op) => isStartHook(op), 'the filter applies to hooks, which are programs of the image'),
  needs((op) => isStartHook(op), 'await_start', 'startContainer hooks run after start'),
  before(
    ['await_unit', 'await_hooks', 'await_cgroups', 'await_limits', 'set_user', 'find_program', ...enterRoot],
    'await_start',
    'a created container is complete',
  ),
  {
    why: 'execve is the last operation, once',
    applies: (ops: readonly PlannedOp[]): boolean => ops.some(({ op }) => op === 'exec'),
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const index = first(ops, 'exec');
      return index >= 0 && index !== ops.length - 1 ? [index] : undefined;
    },
  },
];

/** Each invariant that a list violates, with the operations concerned. */
export function violations(ops: readonly PlannedOp[]): string[] {
  return invariants.flatMap(({ why, broken }) => {
    const found = broken(ops);
    if (found === undefined) return [];
    const named = found.map((index) => `${index} ${ops[index]?.op ?? ''}`).join(' and ');
    return [`${why}: ${named}`];
  });
}
