import type { AskedWait } from '../../schema/generated/protocol.ts';
import { errnoName } from '../diag/errno.ts';
import { systemFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { UnitPlan } from '../plan/cgroup/unit.ts';
import { helperOps } from '../plan/plan.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { Plan } from '../plan/plan.ts';
import { cloneHint } from '../words/namespaces.ts';
import { CgroupVanished, claimsOf, failureOf, forgedFailure, receiveFrom, sendFilter, tell } from './control.ts';
import { encodeProgram } from './encode.ts';
import { diedInSetUp } from './ending.ts';
import { forks, startHelper } from './helper.ts';
import { hostFailure, runHostOps, setScheduler } from './host-ops.ts';
import { prepare, prepareJoin } from './make-cgroups.ts';
import type { OnCgroups } from './make-cgroups.ts';
import { moveNetDevices, returnNetDevices } from './net-devices.ts';
import type { MovedDevices } from './net-devices.ts';
import { enterUnit } from './unit.ts';

const launchAttempts = 10;

export interface LaunchOptions {
  readonly onCgroups: OnCgroups;
  /** Called once, while init makes its namespaces. */
  readonly onCloned: () => void;
  /** Called with the pid of init during its setup, which leaves time to prepare the next steps. */
  readonly onBorn: (pid: number) => void;
  /** Called once systemd has started the unit: from then on, cleanup must stop it. */
  readonly onUnitStarted?: () => void;
  /** Path on which init listens for `start`; '' if it is started over the control socket. */
  readonly listenPath: string;
  /** Number of descriptors from 3 on that the program inherits. */
  readonly preserved: number;
  /** Runs the hooks of the runtime namespace while init waits. */
  readonly onHostHooks: (pid: number) => void;
  /** Receives the master of the process's terminal. */
  readonly onTerminal: (master: number) => void;
}

export interface Launched {
  readonly pid: number;
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
export function launch(native: Native, plan: Plan, options: LaunchOptions): Launched {
  let cloned = false;
  const onCloned = (): void => {
    if (!cloned) options.onCloned();
    cloned = true;
  };
  let asked: LaunchOptions = { ...options, onCloned };
  for (let attempt = 1; ; attempt++) {
    try {
      return launchOnce(native, plan, asked);
    } catch (error) {
      if (!(error instanceof CgroupVanished) || plan.unit !== undefined || attempt === launchAttempts) throw error;
      if (options.listenPath !== '') native.unlink(options.listenPath);
      // All cgroups have been reported: a retry that ends early must not hide those of the first attempt.
      asked = { ...asked, onCgroups: (): void => undefined };
      prepare(native, plan, asked.onCgroups);
    }
  }
}

function launchOnce(native: Native, plan: Plan, options: LaunchOptions): Launched {
  const ops = helperOps(plan);
  const program = encodeProgram(ops, plan.stage.length);
  const result = startHelper(native, {
    program,
    cloneFlags: plan.cloneFlags,
    cgroup: plan.cloneCgroup,
    listenPath: options.listenPath,
    preserved: options.preserved,
    filtered: plan.filter !== undefined,
    forks: forks(ops),
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
  const claim = claimsOf(ops);
  const replaceBy = (next: number): void => {
    claim('forked');
    if (next === pid) throw forgedFailure();
    // This process is the parent of both: no other would reap the first.
    native.waitChild(pid);
    pid = next;
  };
  let moved: MovedDevices | undefined;
  try {
    options.onCloned();
    if (plan.stage.some(({ op }) => op === 'clone_init')) replaceBy(awaitInit(native, plan, control, pid));
    if (plan.awaited.length > 0) {
      phase('make cgroups', () => prepareJoin(native, plan, options.onCgroups));
      tell(native, control, 'cgroups');
    }
    if (plan.unit !== undefined) awaitUnit(native, plan, plan.unit, control, pid, options, claim);
    const failed = phase('limits', () => runHostOps(native, plan.limits));
    if (failed !== undefined) {
      const failure = hostFailure(native, failed);
      throw isWhole(native, plan.cgroup) ? failure : new CgroupVanished(failure.diagnostics);
    }
    if (plan.limitsAwaited) tell(native, control, 'limits');
    if (plan.filter !== undefined) {
      filter = -1;
      sendFilter(native, result.filter, plan.filter);
    }
    phase('save state', () => options.onBorn(pid));
    const init = {
      get pid(): number {
        return pid;
      },
      replaceBy,
      claim,
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

function isWhole(native: Native, { hierarchies }: CgroupRecord): boolean {
  return hierarchies.every(({ directory }) => native.stat(directory, 0) !== -ENOENT);
}

/** The pid of init, once the helper has done the steps before it. */
function awaitInit(native: Native, plan: Plan, control: number, pid: number): number {
  const record = receiveFrom(native, control, pid);
  switch (record.kind) {
    case 'forked':
      return record.pid;
    case 'failed':
      throw failureOf(record, helperOps(plan));
    case 'end':
      throw diedInSetUp(native, plan, pid);
    case 'ready':
    case 'waiting':
    case 'terminal':
    case 'hook_failed':
    case 'forked_outside':
    case 'forged':
      throw forgedFailure();
  }
}

/** Has systemd put the waiting init into its unit. */
function awaitUnit(
  native: Native,
  plan: Plan,
  unit: UnitPlan,
  control: number,
  pid: number,
  { onUnitStarted }: LaunchOptions,
  claim: ReturnType<typeof claimsOf>,
): void {
  const record = receiveFrom(native, control, pid);
  if (record.kind === 'failed' || record.kind === 'hook_failed') throw failureOf(record, helperOps(plan));
  if (record.kind === 'end') throw diedInSetUp(native, plan, pid);
  if (record.kind !== 'waiting' || record.wait !== 'unit') throw forgedFailure();
  claim(record.wait);
  enterUnit(native, unit, pid, () => onUnitStarted?.());
  tell(native, control, record.wait);
}

interface Init {
  readonly pid: number;
  readonly replaceBy: (pid: number) => void;
  readonly claim: ReturnType<typeof claimsOf>;
}

function awaitReady(native: Native, plan: Plan, control: number, options: LaunchOptions, init: Init): void {
  for (;;) {
    const record = receiveFrom(native, control, init.pid);
    switch (record.kind) {
      case 'ready':
        return;
      case 'waiting':
        init.claim(record.wait);
        answer(native, plan, record.wait, options, init.pid);
        tell(native, control, record.wait);
        break;
      case 'terminal':
        init.claim('terminal');
        options.onTerminal(record.master);
        tell(native, control, 'terminal');
        break;
      case 'forked':
        init.replaceBy(record.pid);
        break;
      case 'failed':
      case 'hook_failed':
        throw failureOf(record, helperOps(plan));
      case 'forked_outside': // exec only
      case 'forged':
        throw forgedFailure();
      case 'end':
        throw diedInSetUp(native, plan, init.pid);
    }
  }
}

/** Does the step that init waits for. */
function answer(native: Native, plan: Plan, wait: AskedWait, options: LaunchOptions, pid: number): void {
  switch (wait) {
    case 'hooks':
      options.onHostHooks(pid);
      return;
    case 'scheduler':
      setScheduler(native, plan.scheduler, pid);
      return;
    case 'unit': // before all others
    case 'place': // exec only
      throw forgedFailure();
  }
}
