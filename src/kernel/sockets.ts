// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** Types of socket(2). */
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;

/** Events of poll(2). */
export const POLLIN = 1;
export const POLLPRI = 2;
