import { MEMORY_POLICY_FLAGS, SCHEDULER_POLICIES } from '../kernel/scheduling.ts';
import { fieldOf, hinted } from './words.ts';
import type { TopicWords } from './words.ts';

const realTimePolicies: readonly number[] = [SCHEDULER_POLICIES.SCHED_FIFO, SCHEDULER_POLICIES.SCHED_RR];

export const schedulingWords = {
  scheduler: {
    action: (op) => `cannot set ${fieldOf(op)}`,
    known: ({ policy }, { name }) => hinted(schedulerHint(policy, name)),
  },
  cpu_affinity: {
    action: (op) => (op.from === 'default' ? 'cannot reset the CPU affinity' : `cannot set ${fieldOf(op)}`),
    known: (_, { name }) =>
      name === 'EINVAL' ? { hint: 'none of these CPUs is online and in the cpuset of the cgroup' } : undefined,
  },
  io_priority: {
    action: (op) => `cannot set ${fieldOf(op)}`,
    known: (_, { name }) =>
      name === 'EPERM' ? { hint: 'the real-time class needs CAP_SYS_NICE; use IOPRIO_CLASS_BE' } : undefined,
  },
  personality: { action: (op) => `cannot set ${fieldOf(op)}` },
  memory_policy: {
    action: (op) => `cannot set ${fieldOf(op)}`,
    known({ mode }, { name }) {
      if (name !== 'EINVAL') return undefined;
      return mode & MEMORY_POLICY_FLAGS.MPOL_F_NUMA_BALANCING
        ? { hint: 'the kernel may not know MPOL_F_NUMA_BALANCING for this mode' }
        : { hint: 'a node of linux.memoryPolicy.nodes may be missing, or be outside linux.resources.cpu.mems' };
    },
  },
} satisfies TopicWords;

function schedulerHint(policy: number, name: string): string | undefined {
  if (name === 'EOPNOTSUPP') return 'the kernel has no utilization clamping (CONFIG_UCLAMP_TASK); drop the flag';
  if (name === 'EBUSY') return 'the host has not enough time left for this runtime and period';
  if (name !== 'EPERM') return undefined;
  if (policy === SCHEDULER_POLICIES.SCHED_DEADLINE) {
    return 'it needs CAP_SYS_NICE, and all CPUs: a cpuset without exclusive CPUs may not use SCHED_DEADLINE';
  }
  if (realTimePolicies.includes(policy)) {
    return 'it needs CAP_SYS_NICE; on cgroup v1 set linux.resources.cpu.realtimeRuntime too';
  }
  return 'it needs CAP_SYS_NICE';
}
