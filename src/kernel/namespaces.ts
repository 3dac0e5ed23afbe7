// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** Flags of clone(2) by the name of the namespace in config.json. */
export const CLONE_NEW = {
  mount: 0x20000, // CLONE_NEWNS
  cgroup: 0x2000000, // CLONE_NEWCGROUP
  uts: 0x4000000, // CLONE_NEWUTS
  ipc: 0x8000000, // CLONE_NEWIPC
  user: 0x10000000, // CLONE_NEWUSER
  pid: 0x20000000, // CLONE_NEWPID
  network: 0x40000000, // CLONE_NEWNET
  time: 0x80, // CLONE_NEWTIME
} as const;
