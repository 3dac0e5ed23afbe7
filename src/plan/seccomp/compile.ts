import type { LinuxSyscall } from '../../../schema/generated/config.ts';
import { Failure } from '../../diag/diagnostic.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { BPF_MAXINSNS } from '../../kernel/seccomp.ts';
import { architecturesOf } from './architectures.ts';
import { instructionSize } from './bpf.ts';
import { Decisions } from './deciding.ts';
import { emitProgram } from './emit.ts';
import { readProfile } from './profile.ts';
import type { SeccompSection } from './profile.ts';
import { rangesOf } from './ranges.ts';
import { verdictOf } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import type { WatchMode } from './watched.ts';
import { Watched } from './watched.ts';

export interface SeccompOptions {
  /** The machine of uname(2), whose own architecture a filter always handles. */
  readonly nativeArch: string;
  /** Receives the faults of the profile; pointers start with /linux/seccomp. */
  readonly diagnostics: Diagnostic[];
}

export interface CheckedSeccomp {
  /**
   * Compiles the filter to an array of struct sock_filter, little endian, for seccomp(2). This is most of the work, and
   * needed only for the last step of init, so it runs during the other steps. Throws a Failure if the filter is too
   * large for the kernel, which is known only then.
   */
  readonly filter: () => Uint8Array;
  /** SECCOMP_FILTER_FLAG_* for seccomp(2). */
  readonly flags: number;
  /** Whether a rule uses SCMP_ACT_NOTIFY; the caller adds SECCOMP_FILTER_FLAG_NEW_LISTENER or refuses. */
  readonly notifies: boolean;
  /** The verdict on a call of the machine's own architecture, by its name there. */
  readonly verdict: (call: string) => Verdict;
  /** The same profile for a runtime that answers calls in place of the filter; `fallible`: rules for the mode of that name. */
  readonly watched: (mode: WatchMode, fallible?: () => readonly LinuxSyscall[]) => Watched;
}

/** A filter that returns USER_NOTIF for calls that often fail for want of rights. */
function compileSelection(
  { architectures = [] }: SeccompSection,
  syscalls: readonly LinuxSyscall[],
  options: SeccompOptions,
): Uint8Array {
  const selection = checkSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', architectures, syscalls: [...syscalls] }, options);
  return selection?.filter() ?? new Uint8Array(0);
}

/**
 * Checks a seccomp profile (runtime-spec config-linux.md, "Seccomp"). Undefined if the section has no effect, or if it
 * has faults, which are added to `options.diagnostics`.
 */
export function checkSeccomp(section: SeccompSection, options: SeccompOptions): CheckedSeccomp | undefined {
  const profile = readProfile(section, options.diagnostics);
  if (profile === undefined) return undefined;
  const architectures = architecturesOf(options.nativeArch, section.architectures ?? []);
  const filter = (): Uint8Array => {
    const sections = architectures.map((architecture) => ({
      architecture,
      ranges: rangesOf(architecture, profile),
    }));
    const program = emitProgram(sections, profile.defaultAction);
    const count = program.length / instructionSize;
    if (count <= BPF_MAXINSNS) return program;
    throw new Failure({
      code: 'seccomp.size',
      message: `cannot load the seccomp profile: it needs ${count} instructions, the kernel accepts ${BPF_MAXINSNS}`,
      pointer: '/linux/seccomp/syscalls',
    });
  };
  // The machine's own comes first.
  const verdict = (call: string): Verdict => verdictOf(section, profile, architectures[0], call);
  const watched: CheckedSeccomp['watched'] = (mode, fallible = () => []) => {
    const select = (): Uint8Array => compileSelection(section, fallible(), options);
    return new Watched(filter, architectures, new Decisions(section, profile), mode, select);
  };
  return { filter, flags: profile.flags, notifies: profile.notifies, verdict, watched };
}
