import type { Diagnostic } from '../diag/diagnostic.ts';
import type { PlannedOp } from '../plan/types.ts';

/** SCHED_DEADLINE of sched(7). */
const deadlinePolicy = 6;
/** SCHED_FIFO and SCHED_RR. */
const realTimePolicies: readonly number[] = [1, 2];
const numaBalancing = 1 << 13;

/** Why the kernel refuses an attribute of the process, and what helps; `name` is that of the errno. */
export function processWords(op: PlannedOp, name: string): Partial<Diagnostic> | undefined {
  const hint = hintFor(op, name);
  return hint === undefined ? undefined : { hint };
}

function hintFor(op: PlannedOp, name: string): string | undefined {
  if (name === 'ENOSYS') return 'the kernel, or a seccomp filter around rt, does not have this call; drop the field';
  switch (op.op) {
    case 'oom_score_adj':
      return name === 'EACCES' ? 'only CAP_SYS_RESOURCE may lower the score; raise the value' : undefined;
    case 'rlimit':
      return name === 'EPERM' ? 'only CAP_SYS_RESOURCE may raise a hard limit; lower the value' : undefined;
    case 'scheduler':
      return schedulerHint(op.policy, name);
    case 'io_priority':
      return name === 'EPERM' ? 'the real-time class needs CAP_SYS_NICE; use IOPRIO_CLASS_BE' : undefined;
    case 'memory_policy':
      if (name !== 'EINVAL') return undefined;
      return op.mode & numaBalancing
        ? 'the kernel may not know MPOL_F_NUMA_BALANCING for this mode'
        : 'a node of linux.memoryPolicy.nodes may be missing, or be outside linux.resources.cpu.mems';
    case 'session_keyring':
      return name === 'EDQUOT'
        ? 'its user has as many keys as /proc/sys/kernel/keys allows: raise maxkeys and maxbytes (root_ for root), or use --no-new-keyring'
        : undefined;
    case 'cpu_affinity':
      return name === 'EINVAL' ? 'none of these CPUs is online and in the cpuset of the cgroup' : undefined;
    case 'security_attribute':
      return attributeHint(op.name, name);
    case 'seccomp_receiver':
      return name === 'ENOENT' || name === 'ECONNREFUSED'
        ? 'start the program that answers the notifications first; it has to listen on this socket'
        : undefined;
    case 'seccomp':
    case 'seccomp_notify':
      return seccompHint(op.flags, name);
    default:
      return undefined;
  }
}

/** SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19. */
const waitKillable = 1 << 5;

function seccompHint(flags: number, name: string): string | undefined {
  if (name === 'EINVAL' && flags & waitKillable) {
    return 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19 or later';
  }
  return name === 'EBUSY' ? 'rt itself runs under a filter with a listener: the kernel allows one' : undefined;
}

function schedulerHint(policy: number, name: string): string | undefined {
  if (name === 'EOPNOTSUPP') return 'the kernel has no utilization clamping (CONFIG_UCLAMP_TASK); drop the flag';
  if (name === 'EBUSY') return 'the host has not enough time left for this runtime and period';
  if (name !== 'EPERM') return undefined;
  if (policy === deadlinePolicy) {
    return 'it needs CAP_SYS_NICE, and all CPUs: a cpuset without exclusive CPUs may not use SCHED_DEADLINE';
  }
  if (realTimePolicies.includes(policy)) {
    return 'it needs CAP_SYS_NICE; on cgroup v1 set linux.resources.cpu.realtimeRuntime too';
  }
  return 'it needs CAP_SYS_NICE';
}

function attributeHint(attribute: string, name: string): string | undefined {
  if (attribute === 'apparmor/exec') {
    return name === 'ENOENT' ? 'load the profile with apparmor_parser, or name one of aa-status' : undefined;
  }
  return name === 'EINVAL' ? 'the label is not one of the loaded SELinux policy' : undefined;
}

/** The words that engines know from runc, and the path in back quotes by which Podman knows a label's failure. */
export function securityAction({ name, value }: PlannedOp & { op: 'security_attribute' }): string {
  const path = `\`/proc/self/attr/${name}\``;
  if (name === 'apparmor/exec') {
    return `apparmor failed to apply profile: cannot write "${value.slice('exec '.length)}" to ${path}`;
  }
  return `cannot set selinux label: cannot write "${value}" to ${path}`;
}
