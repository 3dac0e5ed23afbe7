import type { LinuxSeccomp, SeccompArch } from '../../schema/generated/config.ts';
import { specVersion } from '../bundle/spec-version.ts';
import { validateConfig } from '../bundle/validate.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { attempt } from '../diag/failure.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { O_CREAT, O_EXCL, O_WRONLY } from '../kernel/open-flags.ts';
import {
  AUDIT_ARCH_AARCH64,
  AUDIT_ARCH_ARM,
  AUDIT_ARCH_I386,
  AUDIT_ARCH_X86_64,
  X32_SYSCALL_BIT,
} from '../kernel/seccomp.ts';
import type { Watch } from '../launch/watch.ts';
import { callsOfStart } from '../plan/seccomp/start-calls.ts';
import type { WatchedCall } from '../plan/seccomp/watched.ts';
import { absolutePath } from '../state/root.ts';
import { nonce } from './compile.ts';

const largest = 1024 * 1024;

/** The kernel has a program make these after a signal, at any time. */
const afterSignals = ['rt_sigreturn', 'restart_syscall'];

/**
 * Records the calls that `watch` lets through. FILE is written at once, so that one that cannot be written is known before
 * the program runs, and by the returned function again at the end. Throws a Failure if it is no profile.
 */
export function recordCalls(
  native: Native,
  watch: Watch,
  file: string,
  noNewPrivileges: boolean,
): () => readonly Diagnostic[] {
  const path = absolutePath(native, file);
  const profile = readProfile(native, path);
  const names = new Set([...callsOfStart(noNewPrivileges), ...afterSignals, 'exit_group']);
  const architectures = new Set(profile.architectures);
  const unknown = new Set<number>();
  const write = (): void => {
    const temporary = `${path}.${nonce(native)}`;
    const text = `${JSON.stringify(merged(profile, names, architectures), null, 2)}\n`;
    const action = `--record-seccomp: cannot write "${file}"`;
    const written = native.writeText(temporary, text, O_WRONLY | O_CREAT | O_EXCL, 0o644);
    const result = written < 0 ? written : native.rename(temporary, path);
    if (result >= 0) return;
    native.unlink(temporary);
    throw systemFailure('seccomp.record', action, written < 0 ? 'open' : 'rename', result);
  };
  write();
  watch.onAllowed = (call) => {
    architectures.add(architectureName(call));
    if (call.call === undefined || call.call.name === '') unknown.add(call.number);
    else names.add(call.call.name);
  };
  return () => [
    ...attempt(write),
    ...[...unknown].map((number) => ({
      code: 'seccomp.record' as const,
      message: `--record-seccomp: the system call ${number} has no name, so the profile cannot allow it`,
    })),
  ];
}

function readProfile(native: Native, path: string): LinuxSeccomp {
  const text = native.readText(path, largest);
  if (text === -ENOENT) return { defaultAction: 'SCMP_ACT_ERRNO', architectures: [], syscalls: [] };
  if (typeof text === 'number') {
    throw systemFailure('seccomp.record', `--record-seccomp: cannot read "${path}"`, 'read', text);
  }
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  if (isProfile(found)) return found;
  if (text.trim() === '') {
    throw new Failure({
      code: 'seccomp.record',
      message: `--record-seccomp: "${path}" is empty, which is no seccomp profile`,
      hint: 'remove it: it is made anew',
    });
  }
  throw new Failure({
    code: 'seccomp.record',
    message: `--record-seccomp: "${path}" is no seccomp profile, to which calls could be added`,
    hint: 'name a new file, or one with the value of linux.seccomp',
  });
}

function isProfile(value: unknown): value is LinuxSeccomp {
  // In a config, one that is absent or null is valid.
  if (typeof value !== 'object' || value === null) return false;
  return validateConfig({ ociVersion: specVersion, linux: { seccomp: value } }).length === 0;
}

/** The names are added to the first rule that allows calls without conditions. */
function merged(
  profile: LinuxSeccomp,
  names: ReadonlySet<string>,
  architectures: ReadonlySet<SeccompArch>,
): LinuxSeccomp {
  const { syscalls = [] } = profile;
  const at = syscalls.findIndex(({ action, args = [] }) => action === 'SCMP_ACT_ALLOW' && args.length === 0);
  const known = syscalls[at] ?? { names: [], action: 'SCMP_ACT_ALLOW' as const };
  const rule = { ...known, names: [...new Set([...known.names, ...names])].sort() };
  return {
    ...profile,
    architectures: [...architectures].sort(),
    syscalls: at < 0 ? [...syscalls, rule] : syscalls.with(at, rule),
  };
}

function architectureName({ audit, number }: WatchedCall): SeccompArch {
  switch (audit) {
    case AUDIT_ARCH_I386:
      return 'SCMP_ARCH_X86';
    case AUDIT_ARCH_ARM:
      return 'SCMP_ARCH_ARM';
    case AUDIT_ARCH_AARCH64:
      return 'SCMP_ARCH_AARCH64';
    case AUDIT_ARCH_X86_64:
      return number < X32_SYSCALL_BIT ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_X32';
    default:
      throw new RangeError(`no architecture ${audit}`);
  }
}
