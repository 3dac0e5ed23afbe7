import type { Config, Process, Scheduler } from '../../schema/generated/config.ts';
import { maximumCpu, maximumNode, parseNumberList } from '../bundle/number-list.ts';
import type { Facts } from '../facts/facts.ts';
import { PERSONALITIES } from '../kernel/processes.ts';
import {
  IOPRIO_CLASS_SHIFT,
  IO_PRIORITY_CLASSES,
  MEMORY_POLICY_FLAGS,
  MEMORY_POLICY_MODES,
  SCHEDULER_FLAGS,
  SCHEDULER_POLICIES,
} from '../kernel/scheduling.ts';
import type { PlannedOp, SchedulerOp } from './types.ts';

export interface SchedulerPlan {
  /** While the process still has the capabilities that some policies need. */
  readonly early: readonly PlannedOp[];
  /** Set in the process after its last fork, without capabilities. */
  readonly late: readonly PlannedOp[];
  /** Set by the runtime meanwhile. */
  readonly byRuntime?: SchedulerOp;
}

/**
 * With `forks`, settings that a child does not inherit are set after the fork: SCHED_FLAG_RESET_ON_FORK, and
 * SCHED_DEADLINE, which cannot fork without it. Only capabilities in the initial user namespace count (capable() in
 * sched_setattr(2)): if the runtime has them, it acts for the process; otherwise the process never had any, and acts
 * itself.
 */
export function schedulerPlan({ scheduler }: Process, forks: boolean, facts: Facts): SchedulerPlan {
  if (scheduler === undefined) return { early: [], late: [] };
  const op = schedulerOp(scheduler);
  const passesOn =
    scheduler.policy !== 'SCHED_DEADLINE' && scheduler.flags?.includes('SCHED_FLAG_RESET_ON_FORK') !== true;
  if (!forks || passesOn) return { early: [op], late: [] };
  if (!facts.user.initial || facts.user.uid !== 0) return { early: [], late: [op] };
  return { early: [], late: [{ op: 'await_scheduler', from: op.from }], byRuntime: op };
}

/** I/O priority, personality and memory policy, while the process still has the capabilities for them. */
export function schedulingOps(config: Config, process: Process): PlannedOp[] {
  const { ioPriority } = process;
  const { personality, memoryPolicy } = config.linux ?? {};
  const ops: PlannedOp[] = [];
  if (ioPriority !== undefined) {
    const value = (IO_PRIORITY_CLASSES[ioPriority.class] << IOPRIO_CLASS_SHIFT) | (ioPriority.priority ?? 0);
    ops.push({ op: 'io_priority', value, from: '/process/ioPriority' });
  }
  if (personality?.domain !== undefined) {
    ops.push({ op: 'personality', persona: PERSONALITIES[personality.domain], from: '/linux/personality' });
  }
  if (memoryPolicy?.mode !== undefined) {
    const flags = (memoryPolicy.flags ?? []).reduce((bits, flag) => bits | MEMORY_POLICY_FLAGS[flag], 0);
    const mode = MEMORY_POLICY_MODES[memoryPolicy.mode] | flags;
    const nodes = bitsOf(memoryPolicy.nodes ?? '', maximumNode);
    ops.push({ op: 'memory_policy', mode, nodes, from: '/linux/memoryPolicy' });
  }
  return ops;
}

function schedulerOp(scheduler: Scheduler): SchedulerOp {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
  return {
    op: 'scheduler',
    pid: 0,
    policy: SCHEDULER_POLICIES[policy],
    flags: flags.reduce((bits, flag) => bits | SCHEDULER_FLAGS[flag], 0),
    nice,
    priority,
    runtime,
    deadline,
    period,
    from: '/process/scheduler',
  };
}

/**
 * The CPUs of a process that joins a running container: `initial` before it enters the cgroup, `final` after
 * (runtime-spec config.md, execCPUAffinity). The first process of a container does not use them.
 */
export function execAffinityOps(process: Process): { initial: PlannedOp[]; final: PlannedOp[] } {
  const ops = (name: 'initial' | 'final'): PlannedOp[] => {
    const list = process.execCPUAffinity?.[name];
    if (list === undefined || list.trim() === '') return [];
    return [{ op: 'cpu_affinity', cpus: bitsOf(list, maximumCpu), from: `/process/execCPUAffinity/${name}` }];
  };
  return { initial: ops('initial'), final: ops('final') };
}

/** Independent of the caller's affinity: the container may use all CPUs of its cpuset. */
export function resetAffinityOps(): PlannedOp[] {
  return [{ op: 'cpu_affinity', cpus: new Uint8Array(0), from: 'default' }];
}

/** The rules of the bundle have refused invalid lists. */
function bitsOf(text: string, maximum: number): Uint8Array {
  const list = parseNumberList(text, maximum);
  return 'bits' in list ? list.bits : new Uint8Array(0);
}
