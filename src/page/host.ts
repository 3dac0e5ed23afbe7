import type { Facts } from '../facts/facts.ts';

/** The host for which the page plans, since it cannot ask one: root, cgroup v2, AppArmor. */
export const typicalHost: Facts = {
  cgroups: {
    version: 2,
    hierarchies: [
      {
        mount: '/sys/fs/cgroup',
        controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'],
        own: '/system.slice/engine.service',
        version: 2,
      },
    ],
  },
  lastCapability: 40,
  architecture: 'x86_64',
  hasKcore: true,
  delegatedCgroupFiles: ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'],
  resctrl: '/sys/fs/resctrl',
  hasApparmor: true,
  hasSelinux: false,
  user: { uid: 0, gid: 0, initial: true },
  idMapTools: { uid: '/usr/bin/newuidmap', gid: '/usr/bin/newgidmap' },
  mayMakeCgroup: () => true,
  isBlockDevice: () => false,
  hasManyMounts: false,
  deviceThread: undefined,
  usesDevice: (type) => type === 'ext4' || type === 'xfs' || type === 'btrfs',
  linkAt: () => undefined,
  realPath: (path) => path,
  nodeOfDevice: (path) => path,
};
