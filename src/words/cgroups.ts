import { periodRange, quotaRange } from '../bundle/rules-cpu.ts';
import type { Failed, Known, Planned, TopicWords } from './words.ts';

const joining = 'unable to apply cgroup configuration';

export const cgroupWords = {
  cgroup_create: {
    essential: true,
    action: ({ hierarchy, path }) => `${joining}: cannot make cgroup "${hierarchy}${path}"`,
    known(op, { name }) {
      if (name === 'EDEADLK') return { message: `container's cgroup unexpectedly frozen: "${op.hierarchy}${op.path}"` };
      return name === 'ENOTEMPTY' ? { message: notEmpty(op, 'processes') } : undefined;
    },
  },
  cgroup_enable: { action: ({ hierarchy, path }) => `${joining}: cannot make cgroup "${hierarchy}${path}"` },
  cgroup_delegate: { action: ({ directory, uid }) => `cannot give cgroup "${directory}" to user ${uid}` },
  cgroup_join: { action: ({ file }) => `${joining}: cannot join through "${file}"` },
  write_file: {
    essential: true,
    action: ({ data, path }) => `cannot write "${data.trim()}" to "${path}"`,
    known({ path }, failed) {
      if (failed.name === 'EINVAL' && path.endsWith('/memory.limit_in_bytes')) {
        return { hint: 'the limit of memory plus swap must not be lower: set swap too (rt update --memory-swap)' };
      }
      return valueCause(path, failed) ?? missingFile(path, failed);
    },
  },
  write_files: {
    action: ({ data, paths }, item) => `cannot write "${data[item] ?? ''}" to "${paths[item] ?? ''}"`,
    known: ({ paths }, failed) => valueCause(paths[failed.item] ?? '', failed),
  },
  write_first: {
    essential: true,
    // The first name is the documented one; the others are substitutes.
    action: ({ data, paths }, item) =>
      `cannot write "${data[item] ?? data[0] ?? ''}" to "${paths[item] ?? paths[0] ?? ''}"`,
    known: ({ paths }, failed) => valueCause(paths[0] ?? '', failed) ?? missingFile(paths[0] ?? '', failed),
  },
  write_device_rules: {
    action: ({ rules, directory }, item) => `cannot set device rule "${rules[item] ?? ''}" of "${directory}"`,
  },
  device_program: { action: ({ directory }) => `cannot set device rules of "${directory}"` },
  resctrl_group: {
    action: ({ mustExist, path }) => `cannot ${mustExist ? 'use' : 'make'} resctrl group "${path}"`,
  },
} satisfies TopicWords;

/** `whose`: what the cgroup has. */
export function notEmpty({ hierarchy, path }: Planned<'cgroup_create'>, whose: string): string {
  return `container's cgroup is not empty: "${hierarchy}${path}" has ${whose}`;
}

/** The values that a file takes. */
function valueCause(path: string, { name }: Failed): Known | undefined {
  if (name !== 'EINVAL') return undefined;
  switch (path.slice(path.lastIndexOf('/') + 1)) {
    case 'cpu.cfs_quota_us':
    case 'cpu.max':
      return {
        hint: `a quota is ${quotaRange}, a period ${periodRange}; a parent cgroup may allow less`,
      };
    case 'cpu.cfs_period_us':
      return { hint: `a period is ${periodRange}` };
    case 'cpu.cfs_burst_us':
    case 'cpu.max.burst':
      return { hint: 'the burst is at most linux.resources.cpu.quota' };
    case 'cpu.rt_runtime_us':
      return { hint: 'the runtime is at most the period, and what cpu.rt_runtime_us of the parent cgroup has left' };
    case 'cpuset.cpus':
    case 'cpuset.mems':
      return { hint: 'write a list such as 0-3,7, of what the host and the parent cgroup have' };
    default:
      return undefined;
  }
}

/** Explains a missing file that only some kernels and hosts have. */
function missingFile(path: string, { name }: Failed): Known | undefined {
  if (name !== 'ENOENT') return undefined;
  const file = path.slice(path.lastIndexOf('/') + 1);
  if (file.startsWith('hugetlb.')) {
    return { hint: 'this host has no huge pages of that size: see /sys/kernel/mm/hugepages' };
  }
  if (file.startsWith('blkio.') || file.startsWith('io.')) {
    return { hint: 'weights need the I/O scheduler bfq (modprobe bfq) or, on cgroup v2, a kernel with iocost' };
  }
  if (file.startsWith('cpu.rt_')) return { hint: 'the kernel was built without CONFIG_RT_GROUP_SCHED' };
  if (file.startsWith('memory.')) return { hint: 'the kernel does not account for this; swap needs swapaccount=1' };
  return { hint: 'this kernel has no such setting' };
}
