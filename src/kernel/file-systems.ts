// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** File system types reported by statfs(2). */
export const CGROUP_SUPER_MAGIC = 0x27e0eb;
export const CGROUP2_SUPER_MAGIC = 0x63677270;
export const NSFS_MAGIC = 0x6e736673;
export const SELINUX_MAGIC = 0xf97cff8c;
