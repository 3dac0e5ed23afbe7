// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** Return values of a filter; the low half is data (seccomp(2)). */
export const SECCOMP_RET = {
  KILL_PROCESS: 0x80000000,
  KILL_THREAD: 0,
  TRAP: 0x30000,
  ERRNO: 0x50000,
  USER_NOTIF: 0x7fc00000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
  ACTION_FULL: 0xffff0000,
  DATA: 0xffff,
} as const;

/** The operation of seccomp(2) that loads a filter. */
export const SECCOMP_SET_MODE_FILTER = 1;

/** Flags of seccomp(2). */
export const SECCOMP_FILTER_FLAG_LOG = 0x2;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8;
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20;

/** The answer to a notification that has the kernel make the call. */
export const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;

/** The architecture of a call, as a filter sees it. */
export const AUDIT_ARCH_X86_64 = 0xc000003e;
export const AUDIT_ARCH_I386 = 0x40000003;
export const AUDIT_ARCH_AARCH64 = 0xc00000b7;
export const AUDIT_ARCH_RISCV64 = 0xc00000f3;
export const AUDIT_ARCH_ARM = 0x40000028;

/** The bit of x32 in the number of a call, and the number of the first call of ARM alone: asm/unistd.h there. */
export const X32_SYSCALL_BIT = 0x40000000;
export const ARM_NR_BASE = 0xf0000;

/** The longest program that the kernel accepts. */
export const BPF_MAXINSNS = 4096;

/** The opcodes of classic BPF that a filter may use here; seccomp(2) accepts all of them. */
export const FILTER_OPCODES = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  goto: 0x5, // BPF_JMP | BPF_JA
  ifEqual: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  ifGreater: 0x25, // BPF_JMP | BPF_JGT | BPF_K
  ifAtLeast: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  return: 0x6, // BPF_RET | BPF_K
} as const;
