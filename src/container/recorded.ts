import type { LinuxSeccomp, SeccompArch } from '../../schema/generated/config.ts';
import { specVersion } from '../bundle/spec-version.ts';
import { validateConfig } from '../bundle/validate.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { attempt } from '../diag/failure.ts';
import { expectDone, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_WRONLY } from '../kernel/open-flags.ts';
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

/** Different numbers without a name that are kept: there may be any number of them. */
const mostNumbers = 16;

/**
 * Records the calls that `watch` lets through. FILE is written at once, so that one that cannot be written is known before
 * the program runs, and by the returned function again at the end, in the directory that it had then: the container may
 * be able to replace it. Throws a Failure if it is no profile.
 */
export function recordCalls(
  native: Native,
  watch: Watch,
  file: string,
  noNewPrivileges: boolean,
): () => readonly Diagnostic[] {
  const target = openParent(native, file);
  let profile: LinuxSeccomp;
  const names = new Set([...callsOfStart(noNewPrivileges), ...afterSignals, 'exit_group']);
  const architectures = new Set<SeccompArch>();
  const write = (): void => replace(native, target, merged(profile, names, architectures));
  try {
    profile = readProfile(native, target);
    write();
  } catch (error) {
    native.close(target.directory);
    throw error;
  }
  const known = new Set(profile.architectures);
  const foreign = new Set<SeccompArch>();
  const unnamed = new Set<number>();
  let others = 0;
  watch.onAllowed = (call) => {
    const name = call.call?.name ?? '';
    if (name === '') {
      if (unnamed.size < mostNumbers) unnamed.add(call.number);
      else if (!unnamed.has(call.number)) others += 1;
      return;
    }
    const architecture = architectureName(call);
    names.add(name);
    architectures.add(architecture);
    if (!call.own && !known.has(architecture)) foreign.add(architecture);
  };
  return () => {
    const failed = attempt(write);
    native.close(target.directory);
    return [...failed, ...remarks(foreign, unnamed, others)];
  };
}

function remarks(foreign: ReadonlySet<SeccompArch>, unnamed: ReadonlySet<number>, others: number): Diagnostic[] {
  const remark = (words: string): Diagnostic => ({ code: 'seccomp.record', message: `--record-seccomp: ${words}` });
  const found: Diagnostic[] = [];
  if (foreign.size > 0) {
    const where = `calls of ${[...foreign].sort().join(', ')} were made`;
    found.push(remark(`${where}: the profile now allows all its names there, too, as it cannot tell which were`));
  }
  if (unnamed.size > 0) {
    const numbers = [...unnamed].join(', ');
    const more = others === 0 ? '' : `, and others, ${others} ${others === 1 ? 'time' : 'times'}`;
    found.push(remark(`calls that have no name, which the profile cannot allow, were made: ${numbers}${more}`));
  }
  return found;
}

/** FILE: a name in an open directory. */
interface Target {
  readonly file: string;
  readonly directory: number;
  readonly name: string;
}

function openParent(native: Native, file: string): Target {
  const path = absolutePath(native, file);
  const slash = path.lastIndexOf('/');
  const directory = native.open(path.slice(0, slash) || '/', O_PATH | O_DIRECTORY, 0);
  expectDone(directory, 'seccomp.record', `--record-seccomp: cannot write "${file}"`, 'open');
  return { file, directory, name: path.slice(slash + 1) };
}

function replace(native: Native, { file, directory, name }: Target, profile: LinuxSeccomp): void {
  const path = `/proc/self/fd/${directory}/${name}`;
  const temporary = `${path}.${nonce(native)}`;
  const text = `${JSON.stringify(profile, null, 2)}\n`;
  const written = native.writeText(temporary, text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  const result = written < 0 ? written : native.rename(temporary, path);
  if (result >= 0) return;
  native.unlink(temporary);
  const action = `--record-seccomp: cannot write "${file}"`;
  throw systemFailure('seccomp.record', action, written < 0 ? 'open' : 'rename', result);
}

function readProfile(native: Native, { file, directory, name }: Target): LinuxSeccomp {
  const text = native.readTextAt(directory, name, largest);
  if (text === -ENOENT) return { defaultAction: 'SCMP_ACT_ERRNO', architectures: [], syscalls: [] };
  if (typeof text === 'number') {
    throw systemFailure('seccomp.record', `--record-seccomp: cannot read "${file}"`, 'read', text);
  }
  let found: unknown = null;
  try {
    found = JSON.parse(text);
  } catch {
    // Is no profile.
  }
  if (isProfile(found)) return found;
  if (text.trim() === '') {
    throw new Failure({
      code: 'seccomp.record',
      message: `--record-seccomp: "${file}" is empty, which is no seccomp profile`,
      hint: 'remove it: it is made anew',
    });
  }
  throw new Failure({
    code: 'seccomp.record',
    message: `--record-seccomp: "${file}" is no seccomp profile, to which calls could be added`,
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
    architectures: [...new Set([...(profile.architectures ?? []), ...architectures])].sort(),
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
