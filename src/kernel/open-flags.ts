// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/**
 * Flags of `open` and `writeText` of Native, on every architecture: the numbers of asm-generic/fcntl.h. On some
 * architectures some of them differ (arm64: O_DIRECTORY, O_NOFOLLOW), so C converts them (native/host/files.c) and
 * rejects unknown ones.
 */
export const O_RDONLY = 0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_SYNC = 0o4010000;
export const O_PATH = 0o10000000;
