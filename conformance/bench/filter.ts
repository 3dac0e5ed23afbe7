import type { LinuxSeccomp, SeccompArch } from '../../schema/generated/config.ts';
import { checkSeccomp } from '../../src/plan/seccomp/compile.ts';
import { callNames } from '../harness/calls.ts';

/** Calls that no container needs: they change the kernel, the clock, the mounts or the tracing of others. */
const FORBIDDEN = new Set(
  (
    'acct add_key bpf clone clock_adjtime clock_settime create_module delete_module finit_module fsconfig fsmount fsopen fspick ' +
    'get_kernel_syms init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mount mount_setattr ' +
    'move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open personality pivot_root ' +
    'process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key setns settimeofday ' +
    'setdomainname sethostname swapoff swapon sysfs umount2 unshare uselib userfaultfd ustat vhangup _sysctl'
  ).split(' '),
);

const ARCHITECTURES: readonly SeccompArch[] =
  process.arch === 'arm64'
    ? ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']
    : ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];

/** A profile of the size of the engines' defaults: some 330 calls allowed, the others return an error. */
export function seccompProfile(): LinuxSeccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: [...ARCHITECTURES],
    syscalls: [
      {
        names: callNames().filter((name) => !FORBIDDEN.has(name)),
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

/** Its filter, as compiled by rt: records of struct sock_filter, filter.h(2). */
export function seccompFilter(): Uint8Array {
  const nativeArch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const checked = checkSeccomp(seccompProfile(), { nativeArch, diagnostics: [] });
  if (checked === undefined) throw new Error('the profile gives no filter');
  return checked.filter();
}
