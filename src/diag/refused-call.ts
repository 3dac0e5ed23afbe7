import type { Native } from '../host/native.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import type { Diagnostic } from './diagnostic.ts';
import { hasBit, statusFields } from './process-status.ts';

/** The first Linux with every call that a container needs. */
const neededKernel = [5, 14] as const;

/** Calls that filters such as Docker's refuse. */
const filteredCalls: ReadonlySet<string> = new Set([
  'bpf',
  'clone3',
  'close_range',
  'fchmodat2',
  'fsconfig',
  'fsmount',
  'fsopen',
  'keyctl',
  'memfd_create',
  'mount_setattr',
  'move_mount',
  'open_tree',
  'openat2',
  'pidfd_open',
  'pidfd_send_signal',
  'sched_setattr',
  'seccomp',
  'setns',
  'statx',
  'unshare',
]);

/** Calls that a process with CAP_SYS_ADMIN may always make. */
const adminCalls: readonly string[] = ['clone3', 'unshare'];

/** A failure that a missing or forbidden system call may have caused, with that in its hint; any other as it is. */
export function explainRefusal(native: Native, diagnostic: Diagnostic): Diagnostic {
  const { errno, syscall, hint } = diagnostic;
  if (syscall === undefined) return diagnostic;
  // EINVAL: the kernel has the call without its newer flags.
  if (errno === 'ENOSYS' || errno === 'EINVAL') {
    const release = native.kernel().split('\0')[0] ?? '';
    if (isTooOld(release)) {
      return { ...diagnostic, hint: `the kernel is ${release}: rt needs Linux ${neededKernel.join('.')} or newer` };
    }
    if (errno === 'EINVAL') return diagnostic;
    return { ...diagnostic, hint: [missingHint(native, syscall, release), hint].filter(Boolean).join('; or ') };
  }
  if (errno !== 'EPERM' || !filteredCalls.has(syscall)) return diagnostic;
  const { filtered, isAdmin } = ownStatus(native);
  if (!filtered) return diagnostic;
  const isCertain = isAdmin && adminCalls.includes(syscall);
  const more = isCertain ? allow(syscall) : `the seccomp filter around rt (${filterSign}) may refuse ${syscall}, too`;
  return { ...diagnostic, hint: isCertain || hint === undefined ? more : `${hint}; ${more}` };
}

function missingHint(native: Native, syscall: string, release: string): string {
  return ownStatus(native).filtered
    ? allow(syscall)
    : `use a kernel with ${syscall}: this one, ${release}, was built without it, or is a sandbox such as gVisor`;
}

const filterSign = 'Seccomp: 2 in /proc/self/status';

function allow(syscall: string): string {
  return `allow ${syscall} in the seccomp filter around rt (${filterSign}), for one of Docker by --privileged`;
}

function isTooOld(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => parseInt(part, 10));
  return major < neededKernel[0] || (major === neededKernel[0] && minor < neededKernel[1]);
}

/** What proc_pid_status(5) tells of this process. */
function ownStatus(native: Native): { readonly filtered: boolean; readonly isAdmin: boolean } {
  const field = statusFields(native, 'self');
  return {
    filtered: field('Seccomp') === '2',
    isAdmin: hasBit(field('CapEff'), CAPABILITIES.CAP_SYS_ADMIN),
  };
}
