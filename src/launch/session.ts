import type { AnnouncedWait } from '../../schema/generated/protocol.ts';
import type { Failure } from '../diag/diagnostic.ts';
import { errnoName } from '../diag/errno.ts';
import { systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import { lookInto } from '../diag/look.ts';
import type { Native } from '../host/native.ts';
import { EMFILE, ENOENT } from '../kernel/errno.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { UnitPlan } from '../plan/cgroup/unit.ts';
import { helperOps } from '../plan/plan.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { Plan } from '../plan/plan.ts';
import { cloneHint } from '../words/namespaces.ts';
import {
  CgroupVanished,
  SmallMountsFailed,
  claimsOf,
  failureOf,
  forgedFailure,
  receiveFrom,
  sendFilter,
  sendGoAhead,
  shortfallOf,
} from './control.ts';
import type { OnShortfall } from './control.ts';
import { encodeProgram } from './encode.ts';
import { diedInSetUp } from './ending.ts';
import { forks, isUnborn, startHelper } from './helper.ts';
import { hostFailure, runHostOps, setScheduler } from './host-ops.ts';
import { prepare, prepareJoin } from './make-cgroups.ts';
import type { OnCgroups } from './make-cgroups.ts';
import type { HelperRecord } from './records.ts';
import { moveNetDevices, returnNetDevices } from './net-devices.ts';
import type { MovedDevices } from './net-devices.ts';
import { enterUnit } from './unit.ts';
import type { Watch } from './watch.ts';

const launchAttempts = 10;

export interface LaunchOptions<Draft> {
  readonly onCgroups: OnCgroups;
  /** Called once, while init makes its namespaces. */
  readonly onCloned: () => void;
  /** Prepares the next steps for the pid of init during its setup, which leaves time; not for a pid that changes later. */
  readonly draft: (pid: number) => Draft;
  /** Called once systemd has started the unit: from then on, cleanup must stop it. */
  readonly onUnitStarted: () => void;
  /** Path on which init listens for `start`; '' if it is started over the control socket. */
  readonly listenPath: string;
  /** Number of descriptors from 3 on that the program inherits. */
  readonly preserved: number;
  /** Runs the hooks of the runtime namespace while init waits. */
  readonly onHostHooks: (pid: number) => void;
  /** Receives the master of the process's terminal. */
  readonly onTerminal: (master: number) => void;
  /** An op could not do all that the config asks for; the container is made nevertheless. */
  readonly onShortfall: OnShortfall;
  /** Answers what the filter of init asks; undefined if it does not ask the runtime. */
  readonly watch?: Watch | undefined;
}

export interface Launched<Draft> {
  readonly pid: number;
  /** The one for this pid. */
  readonly draft: Draft;
  /** Descriptor of the control socket. */
  readonly control: number;
  /** Devices to move back if the creation fails, and to leave otherwise. */
  readonly moved: MovedDevices | undefined;
}

/**
 * Starts init and sets the limits meanwhile; returns once init waits for its start. On failure init is gone.
 *
 * systemd also removes empty v1 cgroups of others when it rearranges its own (`cg_trim`): then everything is redone.
 */
export function launch<Draft>(native: Native, plan: Plan, options: LaunchOptions<Draft>): Launched<Draft> {
  let cloned = false;
  const onCloned = (): void => {
    if (!cloned) options.onCloned();
    cloned = true;
  };
  let current: LaunchOptions<Draft> = { ...options, onCloned };
  for (let attempt = 1; ; attempt++) {
    try {
      return launchOnce(native, plan, current);
    } catch (error) {
      if (!(error instanceof CgroupVanished) || plan.unit !== undefined || attempt === launchAttempts) throw error;
      if (options.listenPath !== '') native.unlink(options.listenPath);
      // All cgroups have been reported: a retry that ends early must not hide those of the first attempt.
      current = { ...current, onCgroups: (): void => undefined };
      prepare(native, plan, current.onCgroups);
    }
  }
}

/** An init during its setup. */
interface Init {
  /** Changes if another process takes its place, to join a pid namespace. */
  pid: number;
  readonly control: number;
  /** Socket for the seccomp filter; -1 if none is to be sent. */
  filter: number;
  moved: MovedDevices | undefined;
  readonly claim: ReturnType<typeof claimsOf>;
}

function launchOnce<Draft>(native: Native, plan: Plan, options: LaunchOptions<Draft>): Launched<Draft> {
  const init = startInit(native, plan, options);
  const { control } = init;
  try {
    options.onCloned();
    if (plan.stage.some(({ op }) => op === 'clone_init')) awaitInit(native, plan, init);
    if (plan.awaited.length > 0) {
      phase('make cgroups', () => prepareJoin(native, plan, options.onCgroups));
      sendGoAhead(native, control, 'cgroups');
    }
    if (plan.unit !== undefined) awaitUnit(native, plan, plan.unit, init, options.onUnitStarted);
    phase('limits', () => setLimits(native, plan));
    if (plan.limitsAwaited) sendGoAhead(native, control, 'limits');
    if (plan.filter !== undefined) {
      const socket = init.filter;
      init.filter = -1;
      sendFilter(native, socket, plan.filter);
    }
    const early = init.pid;
    const draft = phase('save state', () => options.draft(early));
    phase('wait for init', () => awaitReady(native, plan, options, init));
    const { pid, moved } = init;
    return { pid, draft: pid === early ? draft : options.draft(pid), control, moved };
  } catch (error) {
    returnNetDevices(native, init.moved);
    native.signalProcess(init.pid, SIGKILL);
    native.waitChild(init.pid);
    native.close(control);
    if (init.filter >= 0) native.close(init.filter);
    throw error;
  }
}

function startInit(native: Native, plan: Plan, { listenPath, preserved }: LaunchOptions<unknown>): Init {
  const ops = helperOps(plan);
  const result = startHelper(native, {
    program: encodeProgram(ops, plan.stage.length),
    cloneFlags: plan.cloneFlags,
    cgroup: plan.cloneCgroup,
    listenPath,
    preserved,
    filtered: plan.filter !== undefined,
    forks: forks(ops),
  });
  if (!isUnborn(result)) return { ...result, moved: undefined, claim: claimsOf(ops) };
  const { status, call } = result;
  const hint = call === 'clone3' || status === -EMFILE ? cloneHint(errnoName(-status)) : undefined;
  throw systemFailure('launch.clone', 'cannot start the container process', call, status, hint);
}

/** The process `pid` has taken the place of init. */
function replace(native: Native, init: Init, pid: number): void {
  init.claim('forked');
  if (pid === init.pid) throw forgedFailure();
  // This process is the parent of both: no other would reap the first.
  native.waitChild(init.pid);
  init.pid = pid;
}

function setLimits(native: Native, plan: Plan): void {
  const failed = runHostOps(native, plan.limits);
  if (failed === undefined) return;
  const failure = hostFailure(native, failed);
  throw isWhole(native, plan.cgroup) ? failure : new CgroupVanished(failure.diagnostics);
}

function isWhole(native: Native, { hierarchies }: CgroupRecord): boolean {
  return hierarchies.every(({ directory }) => native.stat(directory, 0) !== -ENOENT);
}

function setUpFailure(
  native: Native,
  plan: Plan,
  { pid }: Init,
  record: HelperRecord & { kind: 'failed' | 'hook_failed' },
): Failure {
  const ops = helperOps(plan);
  const failure = failureOf(record, ops, lookInto(native, pid));
  const op = ops[record.op];
  return op !== undefined && plan.smallMounts?.includes(op) === true
    ? new SmallMountsFailed(failure.diagnostics)
    : failure;
}

/** Waits until the helper has done the steps before init, and has cloned it. */
function awaitInit(native: Native, plan: Plan, init: Init): void {
  const record = receiveFrom(native, init.control, init.pid);
  switch (record.kind) {
    case 'forked':
      replace(native, init, record.pid);
      return;
    case 'failed':
      throw setUpFailure(native, plan, init, record);
    case 'end':
      throw diedInSetUp(native, plan, init.pid);
    case 'ready':
    case 'waiting':
    case 'terminal':
    case 'hook_failed':
    case 'incomplete':
    case 'forked_outside':
    case 'forged':
      throw forgedFailure();
  }
}

/** Has systemd put the waiting init into its unit. */
function awaitUnit(native: Native, plan: Plan, unit: UnitPlan, init: Init, onUnitStarted: () => void): void {
  const record = receiveFrom(native, init.control, init.pid);
  if (record.kind === 'failed' || record.kind === 'hook_failed') {
    throw setUpFailure(native, plan, init, record);
  }
  if (record.kind === 'end') throw diedInSetUp(native, plan, init.pid);
  if (record.kind !== 'waiting' || record.wait !== 'unit') throw forgedFailure();
  init.claim(record.wait);
  enterUnit(native, unit, init.pid, onUnitStarted);
  sendGoAhead(native, init.control, record.wait);
}

function awaitReady(native: Native, plan: Plan, options: LaunchOptions<unknown>, init: Init): void {
  for (;;) {
    const record = receiveFrom(native, init.control, init.pid, options.watch);
    switch (record.kind) {
      case 'ready':
        return;
      case 'waiting':
        init.claim(record.wait);
        answer(native, plan, record.wait, options, init);
        sendGoAhead(native, init.control, record.wait);
        break;
      case 'terminal':
        init.claim('terminal');
        options.onTerminal(record.master);
        sendGoAhead(native, init.control, 'terminal');
        break;
      case 'forked':
        replace(native, init, record.pid);
        break;
      case 'incomplete':
        init.claim('incomplete');
        options.onShortfall(shortfallOf(record, helperOps(plan)));
        break;
      case 'failed':
      case 'hook_failed':
        throw setUpFailure(native, plan, init, record);
      case 'forked_outside': // exec only
      case 'forged':
        throw forgedFailure();
      case 'end':
        throw diedInSetUp(native, plan, init.pid);
    }
  }
}

/** Does the step that init waits for. */
function answer(native: Native, plan: Plan, wait: AnnouncedWait, options: LaunchOptions<unknown>, init: Init): void {
  switch (wait) {
    case 'hooks':
      init.moved = moveNetDevices(native, plan, init.pid);
      options.onHostHooks(init.pid);
      return;
    case 'scheduler':
      setScheduler(native, plan.scheduler, init.pid);
      return;
    case 'unit': // before all others
    case 'place': // exec only
      throw forgedFailure();
  }
}
