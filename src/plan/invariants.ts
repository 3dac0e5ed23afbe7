import { OP_CODECS } from '../../schema/generated/ops.ts';
import type { FieldKind } from '../../schema/generated/ops.ts';
import { MS } from '../kernel/mounts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { SCHEDULER_FLAGS, SCHEDULER_POLICIES } from '../kernel/scheduling.ts';
import { SYS_ADMIN } from './process.ts';
import type { PlannedOp } from './types.ts';

/**
 * What must hold of any list of operations that one process runs, whichever config it is for. Each says why. The unit
 * tests check all of them on the printed plans, the end-to-end tests on the config of every case.
 */
export interface Invariant {
  readonly why: string;
  /** Whether the list has what this one is about: one that applies nowhere proves nothing. */
  readonly applies: (ops: readonly PlannedOp[]) => boolean;
  /** Indices of two operations that break it, or of one that lacks another. */
  readonly broken: (ops: readonly PlannedOp[]) => readonly number[] | undefined;
}

type Name = PlannedOp['op'];
type Match = Name | readonly Name[] | ((op: PlannedOp) => boolean);

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

/** Where both are, every `earlier` stands before every `later`. */
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

/** Where `later` is, some `needed` is there before it. */
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

/** Where both are, the first `earlier` stands before every `later`; more may follow. */
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

/** Slots that an operation fills, and those that it reads; 0 stands for none, or for the root, which is not counted. */
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
/** What lies in the root when everything is mounted. */
const contents: readonly Name[] = [...mounts, 'make_device', 'bind_device', 'make_link', 'make_directory', 'console'];
const protections: readonly Name[] = ['mask_path', 'readonly_path'];
const enterRoot: readonly Name[] = ['pivot_root', 'move_root', 'chroot'];
const filters: readonly Name[] = ['seccomp', 'seccomp_notify'];
/** They open something by a path of the host. */
const byHostPath: readonly Name[] = [
  'open_tree',
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

/** From what the host mounts; a root that is asked to be shared stays a peer of it. */
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

/** The root's own: other mounts of the config become read-only when their contents are there. */
function makesRootReadonly(op: PlannedOp): boolean {
  return op.op === 'mount_attributes' && op.slot === 0;
}

/** Those that a mount of type cgroup has are made in it. */
function isDefaultLink(op: PlannedOp): boolean {
  return op.op === 'make_link' && op.from === 'default';
}

function isStartHook(op: PlannedOp): boolean {
  return op.op === 'hook' && op.inRoot === 1;
}

/** The filter may be loaded with the right to administrate the system, effective at that moment, too. */
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
    'what the set-up allocates is charged to the container',
  ),
  before([...byHostPath], ['join_process', ...enterRoot], 'a path of the host means something else inside'),
  before(
    ['namespace_open', 'open_tree', 'seccomp_receiver', 'user_namespace'],
    (op) => joinsMount(op),
    'joining a mount namespace changes what a path means',
  ),
  before('user_namespace', 'become_root', 'nobody is root of a namespace that is not there'),
  needs('become_root', (op) => joinsUser(op), 'nobody is root of a namespace that was not entered'),
  before('open_time_offsets', 'become_root', 'the clocks are written to by the user of the runtime'),
  before('become_root', 'clone_init', 'namespaces that are made belong to the user namespace'),
  before('time_namespace', (op) => joinsMount(op), 'clocks are set through the procfs of the host'),
  needs('fork_init', (op) => joinsPid(op), 'a child is born in the pid namespace that was joined'),
  needs('fork_init', 'set_capabilities', 'nobody in a pid namespace that is joined sees more rights than its own'),
  before('raise_limit', ['become_root', 'rlimit'], 'a user namespace has no right to raise a hard limit'),
  before(
    'cgroup_join',
    (op) => op.op === 'unshare' && (op.flags & CLONE_NEW.cgroup) !== 0,
    'the root of a cgroup namespace is the cgroup of that moment',
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
  before(
    'open_root',
    [...mounts, 'make_device', 'make_directory', 'make_link', ...protections],
    'paths are resolved below the root',
  ),
  before(
    [...mounts],
    (op) => matches(['make_device', 'bind_device'], op) || isDefaultLink(op),
    'nodes and links lie in the mounts',
  ),
  before(
    (op) => matches(contents, op) || isHookBeforeStart(op),
    [...protections],
    'masks and read-only paths cover everything below them, also what a hook mounts',
  ),
  before(
    ['make_device', 'bind_device', 'make_link', 'make_mount_point', ...mounts],
    (op) => makesRootReadonly(op),
    'the root is written to until it is complete',
  ),
  before([...mounts, 'host_hooks'], (op) => isHookBeforeStart(op), 'hooks find the mounts'),
  before('terminal', ['pivot_root', 'move_root'], 'the terminal is one of the devpts that was mounted'),
  needs('console', 'terminal', 'the console is the terminal that was made'),
  before(
    [...protections, 'console', 'sysctl', ...mounts, 'make_device', 'open_log'],
    [...enterRoot],
    'afterwards the files of the host are out of reach',
  ),
  needs('find_program', ['pivot_root', 'move_root', 'chroot', 'join_process'], 'the program is one of the container'),
  before(
    [...enterRoot, 'join_process'],
    ['rlimit', 'umask', 'drop_bounding', 'set_user', 'find_program'],
    'rights are dropped inside',
  ),
  before(
    'join_process',
    ['session_keyring', 'open_root_directory', 'terminal', ...mounts, 'find_home'],
    'what is made belongs to the container',
  ),
  before(
    (op) => op.op === 'security_attribute' && op.name === 'keycreate',
    'session_keyring',
    'a keyring has the label of its making',
  ),
  before(
    ['rlimit', 'umask', 'stdio_owner', 'drop_bounding', 'io_priority', 'memory_policy'],
    'set_user',
    'they need rights that the user may not have',
  ),
  before(
    (op) => op.op === 'stdio_owner' && op.null === 0,
    ['join_process', 'become_root'],
    'what the caller owns can be given away on the host alone',
  ),
  needs(
    (op) => op.op === 'stdio_owner' && op.null === 1,
    [...enterRoot, 'join_process'],
    'the null device is that of the container',
  ),
  before((op) => op.op === 'scheduler' && !isLostInFork(op), 'set_user', 'they need rights that the user may not have'),
  before(forks, (op) => op.op === 'await_scheduler' || isLostInFork(op), 'a fork takes it away, or is refused'),
  before(
    'outlive',
    (op) => op.op === 'cpu_affinity' && !op.from.endsWith('/initial'),
    'only the last process is sure to be in the cgroup, whose cpuset may know other CPUs',
  ),
  {
    why: 'a mount namespace is entered only with an owner that it must have',
    applies: (ops: readonly PlannedOp[]): boolean => ops.some(entersMounts),
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const index = ops.findIndex((op) => entersMounts(op) && op.user === 0 && Number(op.ownerInode) === 0);
      return index < 0 ? undefined : [index];
    },
  },
  {
    why: 'who shares the mounts of the host enters the root of the container',
    applies: (ops: readonly PlannedOp[]): boolean => ops.some((op) => op.op === 'join_process' && !entersMounts(op)),
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const joins = first(ops, (op) => op.op === 'join_process' && !entersMounts(op));
      const [opens, enters] = [first(ops, 'open_process_root'), first(ops, 'chroot')];
      if (joins < 0 || (opens >= 0 && opens < joins && enters > joins)) return undefined;
      return [joins];
    },
  },
  before((op) => isExecLabel(op), 'set_user', 'a label needs rights that the user may not have'),
  needs('set_user', 'drop_bounding', 'the bounding set is dropped while CAP_SETPCAP is there'),
  needs('set_user', 'stdio_owner', 'the program may use its own standard streams'),
  needs('set_capabilities', 'set_user', 'a change of the user id changes the capability sets'),
  needs('find_program', 'set_capabilities', 'the program is looked up with the rights that it will have'),
  needs('find_program', 'set_user', 'the program is looked up with the rights that it will have'),
  needs((op) => op.op === 'exec' && op.args.length > 0, 'find_program', 'what is executed was found'),
  needs('exec', (op) => op.op === 'change_directory' && op.phase === 1, 'the working directory is below the root'),
  needs([...filters], (op) => op.op === 'set_user', 'the filter is for the program, and does not hinder its set-up'),
  before('no_new_privs', [...filters], 'a filter needs no_new_privs or CAP_SYS_ADMIN'),
  needs([...filters], (op) => allowsFilter(op), 'a filter needs no_new_privs or CAP_SYS_ADMIN'),
  needs('seccomp_notify', 'seccomp_receiver', 'somebody has to take the listener'),
  before([...filters], (op) => isStartHook(op), 'the filter binds hooks that are programs of the image'),
  needs((op) => isStartHook(op), 'await_start', 'hooks of the start run when it starts'),
  before(
    ['host_hooks', 'await_runtime', 'set_user', 'find_program', ...enterRoot],
    'await_start',
    'a created container is complete',
  ),
  {
    why: 'execve is the end, once',
    applies: (ops: readonly PlannedOp[]): boolean => ops.some(({ op }) => op === 'exec'),
    broken: (ops: readonly PlannedOp[]): readonly number[] | undefined => {
      const index = first(ops, 'exec');
      return index >= 0 && index !== ops.length - 1 ? [index] : undefined;
    },
  },
];

/** Each invariant that a list breaks, with the operations that break it. */
export function violations(ops: readonly PlannedOp[]): string[] {
  return invariants.flatMap(({ why, broken }) => {
    const found = broken(ops);
    if (found === undefined) return [];
    const named = found.map((index) => `${index} ${ops[index]?.op ?? ''}`).join(' and ');
    return [`${why}: ${named}`];
  });
}
