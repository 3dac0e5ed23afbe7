// Numbers of the kernel's user interface, as named in <linux/mount.h> and <linux/sched.h>.

export const MOUNT_ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  _ATIME: 0x70,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  NOSYMFOLLOW: 0x200000,
} as const;

/** Propagation types (mount_namespaces(7)). */
export const MS = { unbindable: 0x20000, private: 0x40000, slave: 0x80000, shared: 0x100000 } as const;

export const CLONE_NEW = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
  time: 0x00000080,
} as const;
