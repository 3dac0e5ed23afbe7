import type { Failed, Known, TopicWords } from './words.ts';

const joining = 'unable to apply cgroup configuration';

export const cgroupWords = {
  cgroup_create: {
    essential: true,
    action: ({ hierarchy, path }) => `${joining}: cannot make cgroup "${hierarchy}${path}"`,
    known({ hierarchy, path }, { name }) {
      if (name === 'EDEADLK') return { message: `container's cgroup unexpectedly frozen: "${hierarchy}${path}"` };
      if (name !== 'ENOTEMPTY') return undefined;
      return { message: `container's cgroup is not empty: "${hierarchy}${path}" has processes` };
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
        return { hint: 'the limit of memory plus swap must not be lower: set swap too' };
      }
      return missingFile(path, failed);
    },
  },
  write_files: {
    action: ({ data, paths }, item) => `cannot write "${data[item] ?? ''}" to "${paths[item] ?? ''}"`,
  },
  write_first: {
    essential: true,
    // The first name is the documented one; the others are substitutes.
    action: ({ data, paths }, item) =>
      `cannot write "${data[item] ?? data[0] ?? ''}" to "${paths[item] ?? paths[0] ?? ''}"`,
    known: ({ paths }, failed) => missingFile(paths[0] ?? '', failed),
  },
  write_device_rules: {
    action: ({ rules, directory }, item) => `cannot set device rule "${rules[item] ?? ''}" of "${directory}"`,
  },
  device_program: { action: ({ directory }) => `cannot set device rules of "${directory}"` },
  resctrl_group: {
    action: ({ mustExist, path }) => `cannot ${mustExist ? 'use' : 'make'} resctrl group "${path}"`,
  },
} satisfies TopicWords;

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
