import type {
  Config,
  IoPriorityClass,
  MemoryPolicyFlag,
  MemoryPolicyMode,
  PersonalityDomain,
  Process,
  Scheduler,
  SchedulerFlag,
  SchedulerPolicy,
} from '../../schema/generated/config.ts';
import { maximumCpu, maximumNode, parseNumberList } from '../bundle/number-list.ts';
import type { Facts } from '../facts/facts.ts';
import type { PlannedOp, SchedulerOp } from './types.ts';

/** SCHED_* of sched(7). */
export const SCHEDULER_POLICIES: Readonly<Record<SchedulerPolicy, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

/** SCHED_FLAG_* of linux/sched.h. */
export const SCHEDULER_FLAGS: Readonly<Record<SchedulerFlag, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

/** IOPRIO_CLASS_* of linux/ioprio.h. */
const IO_PRIORITY_CLASSES: Readonly<Record<IoPriorityClass, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};

const ioClassShift = 13;

/** PER_* of personality(2). */
const PERSONALITIES: Readonly<Record<PersonalityDomain, number>> = { LINUX: 0, LINUX32: 8 };

/** MPOL_* of set_mempolicy(2). */
export const MEMORY_POLICY_MODES: Readonly<Record<MemoryPolicyMode, number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

export const MEMORY_POLICY_FLAGS: Readonly<Record<MemoryPolicyFlag, number>> = {
  MPOL_F_STATIC_NODES: 1 << 15,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_NUMA_BALANCING: 1 << 13,
};

export interface SchedulerPlan {
  /** While the process still has the rights that some values need. */
  readonly early: readonly PlannedOp[];
  /** Of the process behind its last fork, with no right left. */
  readonly late: readonly PlannedOp[];
  /** Done by the runtime meanwhile. */
  readonly byRuntime?: SchedulerOp;
}

/**
 * When `forks`, what a fork does not pass on waits until it is done: SCHED_FLAG_RESET_ON_FORK, and SCHED_DEADLINE, which
 * may not fork without that. Rights count only in the first user namespace (capable() of sched_setattr(2)): where the
 * runtime has them it acts in place of the process, elsewhere the process has as many as it ever had.
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

/** How the kernel schedules its input and output and addresses the process, while it still has the rights for that. */
export function schedulingOps(config: Config, process: Process): PlannedOp[] {
  const { ioPriority } = process;
  const { personality, memoryPolicy } = config.linux ?? {};
  const ops: PlannedOp[] = [];
  if (ioPriority !== undefined) {
    const value = (IO_PRIORITY_CLASSES[ioPriority.class] << ioClassShift) | (ioPriority.priority ?? 0);
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
 * CPUs of a process that joins a running container: `initial` before it enters the cgroup, `final` after
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

/** Whatever CPUs the caller was bound to: the container may use all that its cpuset gives. */
export function resetAffinityOps(): PlannedOp[] {
  return [{ op: 'cpu_affinity', cpus: new Uint8Array(0), from: 'default' }];
}

/** The rules of the bundle have refused what is not a list. */
function bitsOf(text: string, maximum: number): Uint8Array {
  const list = parseNumberList(text, maximum);
  return 'bits' in list ? list.bits : new Uint8Array(0);
}
