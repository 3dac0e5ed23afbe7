/** The architectures on which rt runs, and those whose programs they run. `make generate` writes their calls and numbers. */

/** Since Linux 5.1 a new call gets one number on all architectures; in the order of scripts/syscall.tbl. */
const everywhere: ReadonlyMap<number, string> = new Map(
  (
    'cachestat fchmodat2 - futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr ' +
    'lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr ' +
    'file_getattr file_setattr listns'
  )
    .split(' ')
    .map((name, index) => [451 + index, name] as const)
    .filter(([, name]) => name !== '-'),
);
/** In the gap that only x86_64 has: arch/x86/entry/syscalls/syscall_64.tbl, ABI "64". */
const x86Only: ReadonlyMap<number, string> = new Map([
  [335, 'uretprobe'],
  [336, 'uprobe'],
]);

/** arch/riscv/include/uapi/asm/unistd.h. */
const riscvOnly: ReadonlyMap<number, string> = new Map([[258, 'riscv_hwprobe']]);

/** The calls of an architecture, or a separately numbered part of them. */
export interface CallTable {
  /** libseccomp's name of the architecture. */
  readonly arch: string;
  /** The architecture of a call, as a filter sees it: a name of linux/audit.h. */
  readonly audit: string;
  readonly first: number;
  /** Of the call's number in libseccomp; -1 for a table of an argument. */
  readonly step: 1 | -1;
  /** Calls that libseccomp does not know. */
  readonly newer: readonly ReadonlyMap<number, string>[];
}

/**
 * By the name of the table. Those of socketcall and ipc list the calls that i386 reaches through one multiplexing call
 * each: their numbers in libseccomp are negative, -100 and -200 minus the first argument of the multiplexer.
 */
export const callTables: Readonly<Record<string, CallTable>> = {
  x86_64: { arch: 'x86_64', audit: 'AUDIT_ARCH_X86_64', first: 0, step: 1, newer: [everywhere, x86Only] },
  x32: { arch: 'x32', audit: 'AUDIT_ARCH_X86_64', first: 0x4000_0000, step: 1, newer: [everywhere] },
  x86: { arch: 'x86', audit: 'AUDIT_ARCH_I386', first: 0, step: 1, newer: [everywhere] },
  socketcall: { arch: 'x86', audit: 'AUDIT_ARCH_I386', first: -100, step: -1, newer: [] },
  ipc: { arch: 'x86', audit: 'AUDIT_ARCH_I386', first: -200, step: -1, newer: [] },
  aarch64: { arch: 'aarch64', audit: 'AUDIT_ARCH_AARCH64', first: 0, step: 1, newer: [everywhere] },
  riscv64: { arch: 'riscv64', audit: 'AUDIT_ARCH_RISCV64', first: 0, step: 1, newer: [everywhere, riscvOnly] },
  arm: { arch: 'arm', audit: 'AUDIT_ARCH_ARM', first: 0, step: 1, newer: [everywhere] },
  armPrivate: { arch: 'arm', audit: 'AUDIT_ARCH_ARM', first: 0x0f_0000, step: 1, newer: [] },
};
