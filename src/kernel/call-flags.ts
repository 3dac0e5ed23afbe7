// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** What O_TMPFILE of open(2) is besides O_DIRECTORY. */
export const __O_TMPFILE = 0o20000000;

/** Flags of mount(2). */
export const MOUNT_FLAGS = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  SYNCHRONOUS: 0x10,
  REMOUNT: 0x20,
  DIRSYNC: 0x80,
  NOATIME: 0x400,
  NODIRATIME: 0x800,
  BIND: 0x1000,
  MOVE: 0x2000,
  REC: 0x4000,
  SILENT: 0x8000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
  RELATIME: 0x200000,
  STRICTATIME: 0x1000000,
} as const;

/** Families of socket(2). */
export const SOCKET_FAMILIES = {
  UNIX: 1,
  INET: 2,
  INET6: 10,
  NETLINK: 16,
  PACKET: 17,
  BLUETOOTH: 31,
  ALG: 38,
  VSOCK: 40,
  XDP: 44,
} as const;

/** Names of types of socket(2). */
export const SOCKET_TYPES = {
  STREAM: 1,
  DGRAM: 2,
  RAW: 3,
  SEQPACKET: 5,
} as const;

/** Flags beside the type of socket(2). */
export const SOCKET_FLAGS = {
  NONBLOCK: 0x800,
  CLOEXEC: 0x80000,
} as const;
