import { readFileSync } from 'node:fs';

const HEADER = '/usr/include/x86_64-linux-gnu/asm/unistd_64.h';

/** Calls no container needs: they change the kernel, the clock, the mounts or the tracing of others. */
const FORBIDDEN = new Set(
  (
    'acct add_key bpf clone clock_adjtime clock_settime create_module delete_module finit_module fsconfig fsmount fsopen fspick ' +
    'get_kernel_syms init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr ' +
    'move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open personality pivot_root ' +
    'process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key setns settimeofday ' +
    'setdomainname sethostname swapoff swapon sysfs umount2 unshare uselib userfaultfd ustat vhangup _sysctl'
  ).split(' '),
);

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const AUDIT_ARCH_X86_64 = 0xc000003e;

/** Names and numbers of this machine's system calls, from the kernel's header. */
function systemCalls(): [string, number][] {
  return [...readFileSync(HEADER, 'utf8').matchAll(/^#define __NR_(\w+) (\d+)$/gm)].map(([, name = '', number]) => [
    name,
    Number(number),
  ]);
}

/** A profile of the size engines use by default: some 330 calls allowed, the rest an error. */
export function seccompProfile(): Record<string, unknown> {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      {
        names: systemCalls()
          .map(([name]) => name)
          .filter((name) => !FORBIDDEN.has(name)),
        action: 'SCMP_ACT_ALLOW',
      },
      {
        names: ['personality'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }],
      },
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  };
}

/**
 * The same profile, without its conditions on arguments, as the shortest filter there is: a comparison for each edge
 * of a range of allowed numbers, in a binary tree. Records of struct sock_filter, filter.h(2).
 */
export function seccompFilter(): Buffer {
  const allowed = new Set(
    systemCalls()
      .filter(([name]) => !FORBIDDEN.has(name))
      .map(([, number]) => number),
  );
  const last = Math.max(...allowed) + 1;
  const edges: { start: number; allowed: boolean }[] = [];
  for (let number = 0; number <= last; number++) {
    if (edges.at(-1)?.allowed !== allowed.has(number)) edges.push({ start: number, allowed: allowed.has(number) });
  }
  const code: [code: number, jumpTrue: number, jumpFalse: number, value: number][] = [
    [0x20, 0, 0, 4], // load arch
    [0x15, 1, 0, AUDIT_ARCH_X86_64],
    [0x06, 0, 0, EPERM],
    [0x20, 0, 0, 0], // load number
  ];
  const tree = (from: number, to: number): typeof code => {
    if (to - from === 1) return [[0x06, 0, 0, edges[from]?.allowed === true ? ALLOW : EPERM]];
    const middle = (from + to) >> 1;
    const low = tree(from, middle);
    return [[0x35, low.length, 0, edges[middle]?.start ?? 0], ...low, ...tree(middle, to)]; // jump if >=
  };
  code.push(...tree(0, edges.length));
  const bytes = Buffer.alloc(code.length * 8);
  code.forEach(([operation, jumpTrue, jumpFalse, value], index) => {
    bytes.writeUInt16LE(operation, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}
