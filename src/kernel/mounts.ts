// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** Attributes of mount_setattr(2). */
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
export const MS = {
  unbindable: 0x20000, // MS_UNBINDABLE
  private: 0x40000, // MS_PRIVATE
  slave: 0x80000, // MS_SLAVE
  shared: 0x100000, // MS_SHARED
} as const;
