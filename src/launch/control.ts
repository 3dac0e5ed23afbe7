import { WAIT } from '../../schema/generated/protocol.ts';
import type { AnnouncedWait, Wait } from '../../schema/generated/protocol.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Look } from '../diag/look.ts';
import type { Native } from '../host/native.ts';
import { ECONNRESET, ENODEV, ENOENT, EPIPE, ETIMEDOUT } from '../kernel/errno.ts';
import { instructionSize } from '../plan/seccomp/bpf.ts';
import type { PlannedOp } from '../plan/types.ts';
import type { StartHooks } from '../plan/hooks.ts';
import { conditionOf } from './ending.ts';
import { describeOp } from '../words/describe.ts';
import { explainFileLimit } from '../words/process.ts';
import {
  explainDestination,
  explainDirectory,
  explainLookup,
  explainOverlay,
  explainPath,
  explainProgram,
  isMount,
} from '../words/program.ts';
import type { Shortfall } from '../words/shortfalls.ts';
import { hookFailure } from '../hooks/run.ts';
import { decodeRecord } from './records.ts';
import type { HelperRecord } from './records.ts';
import type { Watch } from './watch.ts';

const noLimit = -1;
/** Bytes of the instruction count in front of a filter. */
const countSize = 4;
/** Milliseconds. Any filter fits into a socket buffer, unless the host has made these very small. */
const filterTimeout = 10_000;
/** Milliseconds of silence after which the state of the helper is checked. */
const patience = 1000;
/** How often it is checked until a helper that has forked counts as ended, too. */
const checksOfForked = 10;

/**
 * Sends the go-ahead that a helper waits for; the helper refuses one for another wait. False if it has ended meanwhile:
 * its earlier records explain why. Any other failure is an error, since the helper would never reply.
 */
export function sendGoAhead(native: Native, control: number, wait: Wait): boolean {
  return isDelivered(native.send(control, new Uint8Array([WAIT[wait]]).buffer));
}

/** The result of `sendGoAhead`, from that of the send. */
export function isDelivered(sent: number): boolean {
  if (sent >= 0) return true;
  if (sent === -EPIPE || sent === -ECONNRESET) return false;
  throw systemFailure('launch.control', 'cannot send to the init of the container', 'sendto', sent);
}

/** The helper's next record; docs/protocol.md documents the protocol. */
export function receive(native: Native, control: number): HelperRecord {
  const record = recordOf(native.receive(control, noLimit));
  return record.kind === 'listener' ? { kind: 'forged' } : record;
}

function recordOf(buffer: ArrayBuffer | number): ReturnType<typeof decodeRecord> {
  if (buffer === -ECONNRESET) return { kind: 'end', unread: true };
  if (typeof buffer === 'number') {
    throw systemFailure('launch.control', 'cannot receive from the init of the container', 'read', buffer);
  }
  return decodeRecord(buffer);
}

type Claim = 'forked' | 'terminal' | 'incomplete' | AnnouncedWait;

/**
 * The claims that a helper running `ops` may make: one for each op of the kind. The returned function accepts one; a
 * claim beyond these is a Failure, since another process holds the helper's socket.
 */
export function claimsOf(ops: readonly PlannedOp[]): (claim: Claim) => void {
  const left: Record<Claim, number> = {
    forked: 0,
    terminal: 0,
    incomplete: 0,
    unit: 0,
    hooks: 0,
    scheduler: 0,
    place: 0,
  };
  for (const op of ops) {
    if (op.op === 'clone_init' || op.op === 'fork_init' || (op.op === 'outlive' && op.fork === 1)) left.forked++;
    if (op.op === 'outlive' && op.fork === 1 && op.apart === 0) left.place++;
    if (op.op === 'await_unit') left.unit++;
    if (op.op === 'await_hooks') left.hooks++;
    if (op.op === 'await_scheduler') left.scheduler++;
    if (op.op === 'terminal') left.terminal++;
    if (op.op === 'set_capabilities' || op.op === 'find_home') left.incomplete++;
  }
  return (claim) => {
    if (left[claim]-- <= 0) throw forgedFailure();
  };
}

/**
 * As receive, from a helper in a container whose processes may hold its socket (CAP_SYS_PTRACE), too, and keep it open:
 * if its process, the child `pid`, ends or executes its program, that counts as the end of the socket. Meanwhile `watch`
 * answers what the filter of the helper asks.
 */
export function receiveFrom(native: Native, control: number, pid: number, watch?: Watch): HelperRecord {
  for (let checksLeft = checksOfForked; ;) {
    const buffer = native.receive(control, watch === undefined ? patience : watch.answerUntil(control, patience));
    if (buffer !== -ETIMEDOUT) {
      const record = recordOf(buffer);
      if (record.kind !== 'listener') return record;
      if (watch?.begin(record.listener) !== true) throw forgedFailure();
      continue;
    }
    const condition = conditionOf(native, pid);
    if (condition === 'helper' || (condition === 'forked' && --checksLeft > 0)) continue;
    const last = native.receive(control, 0);
    const record = last === -ETIMEDOUT ? undefined : recordOf(last);
    return record === undefined || record.kind === 'listener' ? { kind: 'end' } : record;
  }
}

/**
 * Sends the filter that `compile` returns, preceded by its instruction count (u32), and closes the socket. If init has
 * ended, its own record gives the reason.
 */
export function sendFilter(native: Native, socket: number, compile: () => Uint8Array): void {
  try {
    const filter = phase('seccomp', compile);
    const message = new Uint8Array(countSize + filter.length);
    new Uint32Array(message.buffer, 0, 1)[0] = filter.length / instructionSize;
    message.set(filter, countSize);
    const sent = native.sendStream(socket, message.buffer, filterTimeout);
    if (sent < 0 && sent !== -EPIPE && sent !== -ECONNRESET) {
      throw systemFailure('launch.filter', 'cannot send the seccomp filter to the container process', 'send', sent);
    }
  } finally {
    native.close(socket);
  }
}

/** A cgroup made for the container was removed before init entered it. */
export class CgroupVanished extends Failure {}

/** The container could not be made in a mount namespace without the host's mounts; with a copy of them it may be. */
export class SmallMountsFailed extends Failure {}

/** Explains a failure record. `ops` are known to the runtime that made the plan, `startHooks` to `start`. */
export function failureOf(
  record: HelperRecord & { kind: 'failed' | 'hook_failed' },
  ops: readonly PlannedOp[] | undefined,
  look?: Look,
  startHooks?: StartHooks,
): Failure {
  const op = ops?.[record.op];
  if (record.kind === 'hook_failed') {
    if (startHooks !== undefined) {
      const at = record.op - startHooks.firstOp;
      return hookFailure('startContainer', at, startHooks.hooks[at], record.result, look);
    }
    const [, , kind = 'startContainer', index = '0'] = op?.from.split('/') ?? [];
    const hook = op?.op === 'hook' ? { path: op.path, timeout: op.timeoutMs / 1000 } : undefined;
    return hookFailure(kind, Number(index), hook, record.result, look);
  }
  const diagnostic: Diagnostic =
    record.call === 'execve' && (op === undefined || op.op === 'exec')
      ? explainProgram(record, op, look)
      : op === undefined
        ? unknownOp(record)
        : explainFileLimit(
            withLook(op, describeOp(op, record.errno, record.call, detailText(record.detail)), look, ops, record.op),
            ops?.slice(0, record.op) ?? [],
          );
  const gone = record.errno === ENOENT || record.errno === ENODEV;
  return op?.op === 'cgroup_join' && gone ? new CgroupVanished(diagnostic) : new Failure(diagnostic);
}

function withLook(
  op: PlannedOp,
  diagnostic: Diagnostic,
  look: Look | undefined,
  ops: readonly PlannedOp[] = [],
  index = 0,
): Diagnostic {
  if (look === undefined) return diagnostic;
  if (op.op === 'find_program') {
    const cwd = ops.find((one) => one.op === 'change_directory')?.path ?? '/';
    const mounts = ops.filter(isMount).map(({ destination }) => destination);
    return explainLookup({ ...op, mounts }, diagnostic, look, cwd);
  }
  if (op.op === 'change_directory') return explainDirectory(op.path, diagnostic, look);
  if (isRoot(op)) return explainPath(op.path, diagnostic, look);
  if (op.op === 'mount_bind' && diagnostic.syscall === 'open_tree') {
    return explainPath(op.source, diagnostic, look, `${op.from}/source`);
  }
  if (op.op === 'open_tree' && op.from.startsWith('/mounts/')) {
    return explainPath(op.path, diagnostic, look, `${op.from}/source`);
  }
  const made = madeIn(op, diagnostic);
  if (made !== undefined) {
    const root = ops.find(isRoot);
    return root === undefined ? diagnostic : explainDestination(made, diagnostic, look, root.path, ops.slice(0, index));
  }
  return op.op === 'mount_filesystem' && op.type === 'overlay' ? explainOverlay(op, diagnostic, look) : diagnostic;
}

/** The path of the container that could not be found or made. */
function madeIn(op: PlannedOp, { errno, syscall }: Diagnostic): string | undefined {
  if (op.op === 'make_directory') return errno === 'EACCES' ? op.path : undefined;
  return isMount(op) && (errno === 'ENOTDIR' || errno === 'EACCES') && syscall === 'openat2'
    ? op.destination
    : undefined;
}

type RootOp = Extract<PlannedOp, { readonly op: 'open_root' | 'open_root_directory' | 'hold_root' }>;

function isRoot(op: PlannedOp): op is RootOp {
  return op.op === 'open_root' || op.op === 'open_root_directory' || op.op === 'hold_root';
}

export type OnShortfall = (shortfall: Shortfall) => void;

/** What the helper reports about an op of `ops` that may do less than it was asked to. */
export function shortfallOf(record: HelperRecord & { kind: 'incomplete' }, ops: readonly PlannedOp[]): Shortfall {
  const op = ops[record.op];
  if (op?.op !== 'set_capabilities' && op?.op !== 'find_home') throw forgedFailure();
  return { op, errno: record.errno, detail: record.detail };
}

/** For a record that no helper sends: it came from a process that may trace the helper. */
export function forgedFailure(): Failure {
  return new Failure({
    code: 'launch.forged',
    message: 'a process of a container interferes with the setup of another one',
    hint: 'a container with CAP_SYS_PTRACE may trace processes that enter it',
  });
}

/** `start` does not have the plan: only the filter or a hook of the container can fail after it. */
function unknownOp({ errno, call }: HelperRecord & { kind: 'failed' }): Diagnostic {
  return systemFailure('start.failed', 'the container process failed', call, -errno).diagnostics[0] as Diagnostic;
}

function detailText(detail: Uint8Array): string {
  return String.fromCharCode(...detail.subarray(0, 256)).trim();
}
