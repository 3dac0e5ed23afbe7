import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName } from '../diag/errno.ts';
import { systemFailure } from '../diag/system.ts';
import { phase, traceStarted } from '../diag/trace.ts';
import type { TracedOp } from '../diag/trace-events.ts';
import type { Native } from '../host/native.ts';
import { instructionSize } from '../plan/seccomp/bpf.ts';
import type { UnitPlan } from '../plan/cgroup/unit.ts';
import type { CgroupRecord, Plan, PlannedOp } from '../plan/types.ts';
import { wasOutOfMemory } from './cgroup.ts';
import { encodeProgram } from './encode.ts';
import { describeOp, explainProgram } from './explain-failure.ts';
import { cloneHint } from './explain-namespaces.ts';
import { startHelper } from './helper.ts';
import { hookFailure } from './hooks.ts';
import { hostFailure, runHostOps } from './host-ops.ts';
import { moveNetDevices, returnNetDevices } from './net-devices.ts';
import type { MovedDevices } from './net-devices.ts';
import { decodeRecord } from './records.ts';
import type { HelperRecord } from './records.ts';
import { requireSystemd } from './systemd.ts';
import { enterUnit } from './unit.ts';

const SIGKILL = 9;
const ENOENT = 2;
const EBUSY = 16;
const EDEADLK = 35;
const EPIPE = 32;
const ECONNRESET = 104;
const ECONNREFUSED = 111;
const launchAttempts = 10;
/** Bytes of the number in front of a filter. */
const countSize = 4;
/** Milliseconds. Any filter fits into the buffer of a socket, unless the host has made these very small. */
const filterTimeout = 10_000;
const noLimit = -1;
const SOCK_SEQPACKET = 5;
export const goAhead = new Uint8Array([1]).buffer;
const goAheadText = '\u0001';

export interface LaunchOptions {
  readonly onCgroups: OnCgroups;
  /** Called once, while init makes its namespaces. */
  readonly onCloned: () => void;
  /** Called with the pid of init while it sets itself up, which leaves time to prepare what comes next. */
  readonly onBorn: (pid: number) => void;
  /** Called once systemd has started the unit: from then on it has to be stopped. */
  readonly onUnitStarted?: () => void;
  /** Where init listens for `start`; '' when it is told over the control socket. */
  readonly listenPath: string;
  /** Descriptors from 3 on that the program gets. */
  readonly preserved: number;
  /** Runs the hooks of the runtime namespace, while init waits. */
  readonly onHostHooks: (pid: number) => void;
  /** Takes the master of the process's terminal. */
  readonly onTerminal: (master: number) => void;
}

export interface Launched {
  readonly pid: number;
  /** Descriptor of the control socket. */
  readonly control: number;
  /** To be given back, or left, once it is known what becomes of the container. */
  readonly moved: MovedDevices | undefined;
}

/** Told which cgroups are made and have to be removed when the container is not. */
type OnCgroups = (made: CgroupRecord) => void;

/** Makes the cgroups that the clone needs. */
export function prepare(native: Native, plan: Plan, onCgroups: OnCgroups): void {
  if (plan.unit !== undefined) requireSystemd(native);
  makeCgroups(native, plan, plan.host, 0, onCgroups);
}

/** Makes those that are only needed when they are joined. */
export function prepareJoin(native: Native, plan: Plan, onCgroups: OnCgroups): void {
  makeCgroups(native, plan, plan.awaited, plan.host.length, onCgroups);
}

/** `before`: how many were made before these, each by an op. */
function makeCgroups(
  native: Native,
  { cgroup }: Plan,
  ops: readonly PlannedOp[],
  before: number,
  onCgroups: OnCgroups,
): void {
  const failed = runHostOps(native, ops);
  // An existing cgroup that is busy or frozen belongs to somebody else: what lies before it in the plan is ours.
  const foreign = failed !== undefined && (failed.errno === EBUSY || failed.errno === EDEADLK);
  const made = failed === undefined ? ops.length : foreign ? failed.index : failed.index + 1;
  onCgroups({ ...cgroup, directories: cgroup.directories.slice(0, before + made) });
  if (failed !== undefined) throw hostFailure(native, failed);
}

/** A cgroup that `prepare` has made is gone before init was in it. */
class CgroupVanished extends Failure {}

/**
 * Starts init and sets the limits meanwhile; returns once init waits for its start. On failure init is gone.
 *
 * systemd removes empty v1 cgroups of others, too, when it rearranges its own (`cg_trim`): then all of it is done again.
 */
export function launch(native: Native, plan: Plan, options: LaunchOptions): Launched {
  let asked = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return launchOnce(native, plan, asked);
    } catch (error) {
      if (!(error instanceof CgroupVanished) || plan.unit !== undefined || attempt === launchAttempts) throw error;
      if (options.listenPath !== '') native.unlink(options.listenPath);
      prepare(native, plan, options.onCgroups);
      asked = { ...options, onCloned: (): void => undefined };
    }
  }
}

function launchOnce(native: Native, plan: Plan, options: LaunchOptions): Launched {
  const program = encodeProgram(plan.init);
  const stage = plan.stage.length === 0 ? [] : encodeProgram(plan.stage);
  const result = startHelper(native, {
    program,
    cloneFlags: plan.cloneFlags,
    cgroup: plan.cloneCgroup,
    listenPath: options.listenPath,
    stage,
    preserved: options.preserved,
    filtered: plan.filter !== undefined,
  });
  if (typeof result === 'number') {
    throw systemFailure(
      'launch.clone',
      'cannot start the container process',
      'clone3',
      result,
      cloneHint(errnoName(-result)),
    );
  }
  const { control } = result;
  let { pid, filter } = result;
  if (pid === 0) throw stageFailure(native, plan, control);
  let moved: MovedDevices | undefined;
  try {
    options.onCloned();
    if (plan.awaited.length > 0) {
      phase('make cgroups', () => prepareJoin(native, plan, options.onCgroups));
      native.send(control, goAhead);
    }
    if (plan.unit !== undefined) awaitUnit(native, plan, plan.unit, control, pid, options);
    const failed = phase('limits', () => runHostOps(native, plan.limits));
    if (failed !== undefined) {
      const failure = hostFailure(native, failed);
      throw isWhole(native, plan.cgroup) ? failure : new CgroupVanished(failure.diagnostics);
    }
    if (plan.filter !== undefined) {
      filter = -1;
      sendFilter(native, result.filter, plan.filter);
    }
    phase('save state', () => options.onBorn(pid));
    const init = {
      get pid(): number {
        return pid;
      },
      replaceBy: (next: number): void => {
        // The parent of both: nobody else would reap the first.
        native.waitChild(pid);
        pid = next;
      },
    };
    const onHostHooks = (initPid: number): void => {
      moved = moveNetDevices(native, plan, initPid);
      options.onHostHooks(initPid);
    };
    phase('wait for init', () => awaitReady(native, plan, control, { ...options, onHostHooks }, init));
    return { pid, control, moved };
  } catch (error) {
    returnNetDevices(native, moved);
    native.signalProcess(pid, SIGKILL);
    native.waitChild(pid);
    native.close(control);
    if (filter >= 0) native.close(filter);
    throw error;
  }
}

function isWhole(native: Native, { directories }: CgroupRecord): boolean {
  return directories.every((directory) => native.stat(directory, 0) !== -ENOENT);
}

/** Has systemd put init, which waits for it, into its unit. */
function awaitUnit(
  native: Native,
  plan: Plan,
  unit: UnitPlan,
  control: number,
  pid: number,
  { onUnitStarted }: LaunchOptions,
): void {
  const record = receive(native, control);
  if (record.kind === 'failed' || record.kind === 'hook_failed') throw failureOf(record, plan.init);
  if (record.kind !== 'host_hooks') throw died(native, plan);
  enterUnit(native, unit, pid, () => onUnitStarted?.());
  native.send(control, goAhead);
}

/** Sends the filter that `compile` makes, behind the number of its instructions (u32), and closes the socket. When init has ended, it tells the reason itself. */
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

interface Init {
  readonly pid: number;
  readonly replaceBy: (pid: number) => void;
}

function awaitReady(native: Native, plan: Plan, control: number, options: LaunchOptions, init: Init): void {
  for (;;) {
    const record = receive(native, control);
    switch (record.kind) {
      case 'ready':
        return;
      case 'host_hooks':
        options.onHostHooks(init.pid);
        native.send(control, goAhead);
        break;
      case 'terminal':
        options.onTerminal(record.master);
        native.send(control, goAhead);
        break;
      case 'forked':
        init.replaceBy(record.pid);
        break;
      case 'failed':
      case 'stage_failed':
      case 'hook_failed':
        throw failureOf(record, plan.init);
      case 'end':
        throw died(native, plan);
    }
  }
}

/** The kernel counts in the container's cgroup whom it killed for want of memory. */
function died(native: Native, plan: Plan): Failure {
  if (!wasOutOfMemory(native, plan.cgroup)) {
    return new Failure({ code: 'launch.died', message: 'the container process ended while it was being set up' });
  }
  return new Failure({
    code: 'launch.memory',
    message: 'container init was OOM-killed (memory limit too low?)',
    pointer: '/linux/resources/memory/limit',
  });
}

export function receive(native: Native, control: number): HelperRecord {
  const buffer = native.receive(control, noLimit);
  if (typeof buffer === 'number') {
    throw systemFailure('launch.control', 'cannot hear from the container process', 'read', buffer);
  }
  return decodeRecord(buffer);
}

/** The process of the stage has ended by itself, so there is nothing to kill. */
function stageFailure(native: Native, plan: Plan, control: number): Failure {
  const record = receive(native, control);
  native.close(control);
  if (record.kind === 'stage_failed') return failureOf(record, plan.stage);
  return new Failure({ code: 'launch.died', message: 'the process that sets up the user namespace ended' });
}

/** Words for a record of failure. `ops` are known to the runtime that made the plan, not to `start`. */
export function failureOf(
  record: HelperRecord & { kind: 'failed' | 'stage_failed' | 'hook_failed' },
  ops: readonly PlannedOp[] | undefined,
): Failure {
  const op = ops?.[record.op];
  if (record.kind === 'hook_failed') {
    const [, , kind = 'startContainer', index = '0'] = op?.from.split('/') ?? [];
    const hook = op?.op === 'hook' ? { path: op.path, timeout: op.timeoutMs / 1000 } : undefined;
    return hookFailure(kind, Number(index), hook, record.result);
  }
  const diagnostic: Diagnostic =
    record.kind === 'failed' && record.call === 'execve' && (op === undefined || op.op === 'exec')
      ? explainProgram(record)
      : op === undefined
        ? unknownOp(record)
        : describeOp(op, record.errno, record.call, detailText(record.detail));
  return op?.op === 'cgroup_join' && record.errno === ENOENT ? new CgroupVanished(diagnostic) : new Failure(diagnostic);
}

/** `start` does not have the plan: what can fail after it is the filter or a hook of the container. */
function unknownOp({ errno, call }: HelperRecord & { kind: 'failed' | 'stage_failed' }): Diagnostic {
  return systemFailure('start.failed', 'the container process failed', call, -errno).diagnostics[0] as Diagnostic;
}

function detailText(detail: Uint8Array): string {
  return String.fromCharCode(...detail.subarray(0, 256)).trim();
}

/** Tells init that its state is saved: from now on it outlives the runtime, and waits for `start`. */
export function confirm(native: Native, control: number): void {
  native.send(control, goAhead);
  native.close(control);
}

/** Connects to the init that waits for `start`. */
export function connectStart(native: Native, socketPath: string): number {
  const control = native.connect(socketPath, SOCK_SEQPACKET);
  if (control === -ECONNREFUSED) {
    throw new Failure({ code: 'start.dead', message: 'container process is already dead' });
  }
  if (control < 0) throw systemFailure('start.connect', `cannot connect to "${socketPath}"`, 'connect', control);
  return control;
}

/** What `start` sets going, and what asked for it: the plan is known to `create` alone. `nth` counts ops of one name. */
function startedOp(op: string, nth: number): TracedOp {
  switch (op) {
    case 'hook':
      return { op, from: `/hooks/startContainer/${nth}` };
    case 'seccomp':
    case 'seccomp_notify':
      return { op, from: '/linux/seccomp' };
    case 'exec':
      return { op, from: '/process/args' };
    default:
      return { op, from: 'default' };
  }
}

/** Lets init execute its program. Returns when it runs; a Failure says why it does not. */
export function release(native: Native, control: number, plan?: Plan): void {
  const trace = plan === undefined ? traceStarted(native, startedOp) : undefined;
  if (trace === undefined) native.send(control, goAhead);
  else native.sendDescriptor(control, trace, goAheadText);
  const record = receive(native, control);
  native.close(control);
  if (record.kind === 'failed' || record.kind === 'hook_failed') throw failureOf(record, plan?.init);
}
