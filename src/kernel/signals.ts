// Generated from the kernel's headers by schema/build/kernel.ts; do not edit.

/** Signals with a special role in the code. */
export const SIGKILL = 9;
export const SIGSYS = 31;

/** The real-time signals; the C library reserves the first two. */
export const SIGRTMIN = 32;
export const SIGRTMAX = 64;

/** Signals by name, without SIG, in the order of their numbers (signal(7)). */
export const SIGNALS = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const;
