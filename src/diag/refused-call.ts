import type { Native } from '../host/native.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import type { Diagnostic } from './diagnostic.ts';

/** The first version of Linux with a call that rt needs; it has had all others for longer. */
const firstVersions: Readonly<Partial<Record<string, string>>> = {
  bpf: '3.18',
  clone3: '5.3',
  close_range: '5.9',
  faccessat2: '5.8',
  fchmodat2: '6.6',
  fsconfig: '5.2',
  fsmount: '5.2',
  fsopen: '5.2',
  keyctl: '2.6',
  memfd_create: '3.17',
  mount_setattr: '5.12',
  move_mount: '5.2',
  open_tree: '5.2',
  openat2: '5.6',
  pidfd_open: '5.3',
  pidfd_send_signal: '5.1',
  sched_setattr: '3.14',
  seccomp: '3.17',
  setns: '3.0',
  statx: '4.11',
  unshare: '2.6',
};

/** Calls that a process with CAP_SYS_ADMIN may always make. */
const adminCalls: readonly string[] = ['clone3', 'unshare'];

const maximumStatus = 65_536;

/** A failure that a missing or forbidden system call may have caused, with that in its hint; any other as it is. */
export function explainRefusal(native: Native, diagnostic: Diagnostic): Diagnostic {
  const { errno, syscall, hint } = diagnostic;
  if (syscall === undefined) return diagnostic;
  if (errno === 'ENOSYS') {
    return { ...diagnostic, hint: [missingHint(native, syscall), hint].filter(Boolean).join('; or ') };
  }
  if (errno !== 'EPERM' || firstVersions[syscall] === undefined) return diagnostic;
  const { filtered, isAdmin } = ownStatus(native);
  if (!filtered) return diagnostic;
  const isCertain = isAdmin && adminCalls.includes(syscall);
  const more = isCertain ? allow(syscall) : `the seccomp filter around rt (${filterSign}) may refuse ${syscall}, too`;
  return { ...diagnostic, hint: isCertain || hint === undefined ? more : `${hint}; ${more}` };
}

function missingHint(native: Native, syscall: string): string {
  const first = firstVersions[syscall];
  const release = native.kernel().split('\0')[0] ?? '';
  if (first !== undefined && isOlder(release, first)) {
    return `use Linux ${first} or later, which has ${syscall}: this is ${release}`;
  }
  return ownStatus(native).filtered
    ? allow(syscall)
    : `use a kernel with ${syscall}: this one, ${release}, was built without it, or is a sandbox such as gVisor`;
}

const filterSign = 'Seccomp: 2 in /proc/self/status';

function allow(syscall: string): string {
  return `allow ${syscall} in the seccomp filter around rt (${filterSign}), for one of Docker by --privileged`;
}

function isOlder(release: string, first: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => parseInt(part, 10));
  const [needed = 0, neededMinor = 0] = first.split('.').map(Number);
  return major < needed || (major === needed && minor < neededMinor);
}

/** What proc_pid_status(5) tells of this process. */
function ownStatus(native: Native): { readonly filtered: boolean; readonly isAdmin: boolean } {
  const read = native.readText('/proc/self/status', maximumStatus);
  const text = typeof read === 'string' ? read : '';
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1] ?? '0'}`);
  return {
    filtered: /^Seccomp:\s*2$/m.test(text),
    isAdmin: ((capabilities >> BigInt(CAPABILITIES.CAP_SYS_ADMIN)) & 1n) === 1n,
  };
}
