import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LinuxSeccomp, LinuxSeccompArg, SeccompAction } from '../../schema/generated/config.ts';
import type { NativeArchitecture } from '../../src/plan/seccomp/architectures.ts';

/** Why the oracle cannot run here; false if it can. In the form of tap's `skip`. */
export const oracleMissing: string | false = existsSync('/usr/include/seccomp.h') ? false : 'libseccomp-dev is missing';

/** libseccomp's result for a profile. */
export interface OracleFilter {
  readonly filter: Uint8Array;
  /** Names that the installed libseccomp does not know; it omitted their rules. */
  readonly unknown: ReadonlySet<string>;
}

/** Drives oracle.c, which it compiles into a temporary directory. */
export class Oracle {
  readonly #directory = mkdtempSync(join(tmpdir(), 'rt-seccomp-'));
  readonly #program = join(this.#directory, 'oracle');

  constructor() {
    const source = fileURLToPath(new URL('./oracle.c', import.meta.url));
    const warnings = ['-Wall', '-Wextra', '-Werror', '-Wswitch-enum', '-Wformat=2'];
    execFileSync(process.env['CC'] ?? 'cc', ['-std=c11', ...warnings, source, '-o', this.#program, '-lseccomp']);
  }

  /** The filter that libseccomp builds when driven as by runc. */
  build(profile: LinuxSeccomp, native: NativeArchitecture): OracleFilter {
    const run = spawnSync(this.#program, ['build'], { input: linesOf(profile, native).join('\n') + '\n' });
    const words = run.stderr.toString();
    if (run.status !== 0) throw new Error(`oracle: ${words}`);
    return {
      filter: new Uint8Array(run.stdout),
      unknown: new Set([...words.matchAll(/^unknown (.*)$/gm)].map((match) => match[1] ?? '')),
    };
  }

  /** Loads a filter into the running kernel; returns the error, or nothing if the kernel accepted it. */
  load(filter: Uint8Array, flags: number): string {
    const run = spawnSync(this.#program, ['load', this.#save(filter), String(flags)]);
    return run.status === 0 ? '' : `${run.signal ?? run.status}: ${run.stderr.toString()}`;
  }

  /** Makes calls under a filter in the running kernel: `result ERRNO` or `signal NUMBER` for each. */
  verdicts(filter: Uint8Array, calls: readonly (readonly [number: number, first: bigint])[]): string[] {
    const input = calls.map(([number, first]) => `${number} ${first.toString(16)} 0\n`).join('');
    return execFileSync(this.#program, ['verdict', this.#save(filter)], { input })
      .toString()
      .trimEnd()
      .split('\n');
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #save(filter: Uint8Array): string {
    const path = join(this.#directory, 'filter');
    writeFileSync(path, filter);
    return path;
  }
}

const returnValues: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_NOTIFY: 0x7fc0_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

/** The value that a filter returns for an action of a profile. */
export function returnValue(action: SeccompAction, errno: number | undefined): number {
  const carriesData = action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  return returnValues[action] + (carriesData ? (errno ?? 1) : 0);
}

/** The calls to libseccomp for a profile, as made by runc, one call per line. */
function linesOf(profile: LinuxSeccomp, native: NativeArchitecture): string[] {
  const defaultAction = returnValue(profile.defaultAction, profile.defaultErrnoRet);
  const named = (profile.architectures ?? []).map((name) => name.replace('SCMP_ARCH_', '').toLowerCase());
  const lines = [`default ${defaultAction.toString(16)}`, ...[native, ...named].map((name) => `arch ${name}`)];
  // The oracle runs on x86_64 and starts with its own architecture.
  if (native !== 'x86_64' && !named.includes('x86_64')) lines.push('without x86_64');
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const value = returnValue(action, errnoRet);
    if (value === defaultAction) continue;
    const isAlternative = new Set(args.map(({ index }) => index)).size < args.length;
    const groups = isAlternative ? args.map((arg) => [arg]) : [args];
    for (const name of names) {
      for (const group of groups) lines.push(`rule ${name} ${value.toString(16)}${group.map(wordsOf).join('')}`);
    }
  }
  return lines;
}

function wordsOf({ index, op, value, valueTwo }: LinuxSeccompArg): string {
  return ` ${index} ${op} ${BigInt(value).toString(16)} ${BigInt(valueTwo ?? 0).toString(16)}`;
}
