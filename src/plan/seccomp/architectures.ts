import type { SeccompArch } from '../../../schema/generated/config.ts';
import { Failure } from '../../diag/diagnostic.ts';
import {
  ARM_NR_BASE,
  AUDIT_ARCH_AARCH64,
  AUDIT_ARCH_ARM,
  AUDIT_ARCH_I386,
  AUDIT_ARCH_RISCV64,
  AUDIT_ARCH_X86_64,
  X32_SYSCALL_BIT,
} from '../../kernel/seccomp.ts';
import { calls } from './calls.ts';
import type { Call, CallRun } from './calls.ts';

/** A separately numbered part of an architecture's 32-bit call numbers. */
export interface Space {
  /** Number of its first call; the space ends where the next one starts. */
  readonly first: number;
  /** Calls by number, relative to `first`; absent if calls of the space are not admitted. */
  readonly runs?: readonly CallRun[];
  /** Whether all 64 bits of arguments are compared; 32-bit ABIs use the low half. */
  readonly wide: boolean;
  readonly multiplexers?: readonly Multiplexer[];
}

/** A multiplexing call, whose first argument selects another call. */
export interface Multiplexer {
  readonly call: Call;
  /** Calls by the value of the first argument. */
  readonly runs: readonly CallRun[];
}

/** An architecture, identified by a value of seccomp_data.arch. */
export interface Architecture {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly spaces: readonly Space[];
}

function makeArchitectures() {
  const { x86_64, x32, x86, aarch64, arm, armPrivate, riscv64, multiplexed } = calls();
  const x86_64Space: Space = { first: 0, runs: x86_64, wide: true };
  return {
    x86_64: { audit: AUDIT_ARCH_X86_64, spaces: [x86_64Space, { first: X32_SYSCALL_BIT, wide: false }] },
    x86_64WithX32: {
      audit: AUDIT_ARCH_X86_64,
      spaces: [x86_64Space, { first: X32_SYSCALL_BIT, runs: x32, wide: false }],
    },
    x86: {
      audit: AUDIT_ARCH_I386,
      spaces: [{ first: 0, runs: x86, wide: false, multiplexers: [multiplexed.socketcall, multiplexed.ipc] }],
    },
    aarch64: { audit: AUDIT_ARCH_AARCH64, spaces: [{ first: 0, runs: aarch64, wide: true }] },
    arm: {
      audit: AUDIT_ARCH_ARM,
      spaces: [
        { first: 0, runs: arm, wide: false },
        { first: ARM_NR_BASE, runs: armPrivate, wide: false },
      ],
    },
    riscv64: { audit: AUDIT_ARCH_RISCV64, spaces: [{ first: 0, runs: riscv64, wide: true }] },
  } as const satisfies Record<string, Architecture>;
}

let made: ReturnType<typeof makeArchitectures> | undefined;

/** Made once, like the call tables; for the binary, at build time (src/host/main-quickjs.ts). */
export function architectures(): ReturnType<typeof makeArchitectures> {
  return (made ??= makeArchitectures());
}

type Selection = readonly [own: Architecture, ...others: Architecture[]];

/** By the machine of uname(2): its own architecture, and those of a profile that it can run. */
const selections = {
  x86_64: (named) => {
    const { x86_64, x86_64WithX32, x86 } = architectures();
    const own = named.includes('SCMP_ARCH_X32') ? x86_64WithX32 : x86_64;
    return named.includes('SCMP_ARCH_X86') ? [own, x86] : [own];
  },
  aarch64: (named) => {
    const { aarch64, arm } = architectures();
    return named.includes('SCMP_ARCH_ARM') ? [aarch64, arm] : [aarch64];
  },
  riscv64: () => [architectures().riscv64],
} satisfies Readonly<Record<string, (named: readonly SeccompArch[]) => Selection>>;

export type NativeArchitecture = keyof typeof selections;

/**
 * The architectures that a filter must handle: the machine's own, which comes first, and those of the profile that the
 * machine can run. No call can come from another one, so the rest of the profile's list needs no code. Throws a Failure
 * for a machine that rt does not know.
 */
export function architecturesOf(machine: string, named: readonly SeccompArch[]): Selection {
  if (Object.hasOwn(selections, machine)) return selections[machine as NativeArchitecture](named);
  throw new Failure({ code: 'host.architecture', message: `rt does not know the architecture "${machine}"` });
}

/** Names that a profile may list. Those of machines that rt does not run on need no code. */
const names: Readonly<Record<SeccompArch, true>> = {
  SCMP_ARCH_AARCH64: true,
  SCMP_ARCH_ARM: true,
  SCMP_ARCH_LOONGARCH64: true,
  SCMP_ARCH_M68K: true,
  SCMP_ARCH_MIPS: true,
  SCMP_ARCH_MIPS64: true,
  SCMP_ARCH_MIPS64N32: true,
  SCMP_ARCH_MIPSEL: true,
  SCMP_ARCH_MIPSEL64: true,
  SCMP_ARCH_MIPSEL64N32: true,
  SCMP_ARCH_PARISC: true,
  SCMP_ARCH_PARISC64: true,
  SCMP_ARCH_PPC: true,
  SCMP_ARCH_PPC64: true,
  SCMP_ARCH_PPC64LE: true,
  SCMP_ARCH_RISCV64: true,
  SCMP_ARCH_S390: true,
  SCMP_ARCH_S390X: true,
  SCMP_ARCH_SH: true,
  SCMP_ARCH_SHEB: true,
  SCMP_ARCH_X32: true,
  SCMP_ARCH_X86: true,
  SCMP_ARCH_X86_64: true,
};

export function knownArchitectures(): SeccompArch[] {
  return Object.keys(names) as SeccompArch[];
}
