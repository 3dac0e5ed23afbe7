// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** File types in the mode reported by stat(2): inode(7). */
export const S_IFMT = 0o170000;
export const S_IFIFO = 0o10000;
export const S_IFCHR = 0o20000;
export const S_IFDIR = 0o40000;
export const S_IFBLK = 0o60000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;

/** Operations of flock(2). */
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
