import type { Diagnostic } from '../../diag/diagnostic.ts';
import { architecturesOf } from './architectures.ts';
import type { NativeArchitecture } from './architectures.ts';
import { instructionSize, maxInstructions } from './bpf.ts';
import { emitProgram } from './emit.ts';
import { readProfile } from './profile.ts';
import type { SeccompSection } from './profile.ts';
import { rangesOf } from './ranges.ts';

export interface SeccompOptions {
  /** The machine's own architecture, which a filter always knows. */
  readonly nativeArch: NativeArchitecture;
  /** Takes what is wrong with the profile; pointers start at /linux/seccomp. */
  readonly diagnostics: Diagnostic[];
  /** Takes the names of system calls that have a number on an architecture of the filter; for debug output. */
  readonly found?: Set<string>;
}

export interface CompiledSeccomp {
  /** Array of struct sock_filter, little endian: what seccomp(2) takes. */
  readonly filter: Uint8Array;
  /** SECCOMP_FILTER_FLAG_* for seccomp(2). */
  readonly flags: number;
  /** Whether a rule asks for SCMP_ACT_NOTIFY; the caller adds SECCOMP_FILTER_FLAG_NEW_LISTENER or refuses. */
  readonly notifies: boolean;
}

/**
 * Compiles a seccomp profile (runtime-spec config-linux.md, "Seccomp") to the filter of seccomp(2).
 * Undefined when the section asks for nothing, and when it has faults, which are added to `options.diagnostics`.
 */
export function compileSeccomp(section: SeccompSection, options: SeccompOptions): CompiledSeccomp | undefined {
  const profile = readProfile(section, options.diagnostics);
  if (profile === undefined) return undefined;
  const architectures = architecturesOf(options.nativeArch, section.architectures ?? []);
  const sections = architectures.map((architecture) => ({
    architecture,
    ranges: rangesOf(architecture, profile, options.found),
  }));
  const filter = emitProgram(sections, profile.defaultAction);
  const count = filter.length / instructionSize;
  if (count > maxInstructions) {
    options.diagnostics.push({
      code: 'seccomp.size',
      message: `cannot load the seccomp profile: it needs ${count} instructions, the kernel takes ${maxInstructions}`,
      pointer: '/linux/seccomp/syscalls',
    });
    return undefined;
  }
  return { filter, flags: profile.flags, notifies: profile.notifies };
}
