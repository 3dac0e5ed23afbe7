import type { Config } from '../../schema/generated/config.ts';
import { seccompReceiver } from '../bundle/annotations.ts';
import { leastMemory } from '../bundle/rules-linux.ts';
import { hasReachedMemoryLimit, memoryKills, refusedProcesses } from '../cgroup/control.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { attempt } from '../diag/failure.ts';
import type { Native } from '../host/native.ts';
import { SIGKILL, SIGSYS } from '../kernel/signals.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';

/** A program that has ended, and its container. */
export interface EndedProgram {
  readonly exitCode: number;
  /** The signal that ended it, 0 for none. */
  readonly signal: number;
  readonly cgroup: CgroupRecord;
  /** The config of the program; undefined for one of `exec`, which may differ from it. */
  readonly config: Config | undefined;
  /** That whose linux.seccomp filters its calls, unless --explain-denied has told of those that were refused. */
  readonly unreported: Config | undefined;
}

/**
 * Why the kernel or another process ended a program, as far as can be known afterwards. Warnings: the exit code is that of
 * the program.
 */
export function causesOfEnd(
  native: Native,
  { exitCode, signal, cgroup, config, unreported }: EndedProgram,
): Diagnostic[] {
  if (exitCode === 0) return [];
  if (signal === SIGSYS) return [refusedCall(config, unreported)];
  const kills = memoryKills(native, cgroup);
  if (kills !== undefined && kills > 0 && (signal === SIGKILL || config !== undefined)) {
    let ofLimit: Config | undefined;
    // The exit code is that of the program, whatever cannot be read.
    attempt(() => {
      if (hasReachedMemoryLimit(native, cgroup)) ofLimit = config;
    });
    return [outOfMemory(kills, signal, config === undefined, ofLimit)];
  }
  if (signal === SIGKILL) return [killed(config, kills !== undefined)];
  return config === undefined ? [] : tooManyProcesses(native, cgroup, config);
}

/** Programs tell only that fork(2) failed with EAGAIN, which has other causes, too. */
function tooManyProcesses(native: Native, cgroup: CgroupRecord, { linux }: Config): Diagnostic[] {
  const limit = linux?.resources?.pids?.limit;
  if (limit === undefined || Number(limit) <= 0) return [];
  let refused = 0;
  attempt(() => {
    refused = refusedProcesses(native, cgroup);
  });
  if (refused === 0) return [];
  return [
    {
      code: 'end.processes',
      message: `${refused} ${refused === 1 ? 'time' : 'times'} a process or thread could not be made at the limit of ${String(limit)}`,
      pointer: '/linux/resources/pids/limit',
      hint: 'raise linux.resources.pids.limit',
    },
  ];
}

/** The words for that number, which is not 0. */
export function killedForMemory(kills: number): string {
  const [processes, were] = kills === 1 ? ['process', 'was'] : ['processes', 'were'];
  return `${kills} ${processes} of the container ${were} OOM-killed`;
}

const noMemoryAbove = 'the host or a cgroup above the container had no memory left';

/** `earlier`: the kills may be older than the program. `config`: that with the limit that was reached. */
function outOfMemory(kills: number, signal: number, earlier: boolean, config: Config | undefined): Diagnostic {
  const limit = config?.linux?.resources?.memory?.limit;
  const limited = limit !== undefined && Number(limit) > 0;
  const found = killedForMemory(kills) + (limited ? ` at the limit of ${String(limit)} bytes` : '');
  return {
    code: 'end.memory',
    message: signal === SIGKILL ? `the program was killed by SIGKILL, and ${found}` : found,
    ...(limited ? { pointer: '/linux/resources/memory/limit' } : {}),
    ...(earlier ? {} : { hint: limited ? raised(Number(limit)) : noMemoryAbove }),
  };
}

function raised(limit: number): string {
  const cure = 'raise linux.resources.memory.limit';
  return limit < leastMemory ? `${cure}, which is in bytes: a program needs some MiB` : cure;
}

/** SIGKILL without an out-of-memory kill, unless the kernel does not count these. */
function killed(config: Config | undefined, isCounted: boolean): Diagnostic {
  const at = (config?.process?.rlimits ?? []).findIndex(
    ({ type }) => type === 'RLIMIT_CPU' || type === 'RLIMIT_RTTIME',
  );
  const { type } = config?.process?.rlimits?.[at] ?? {};
  const others = [
    'another process has sent it',
    ...(isCounted ? [] : ['the kernel for want of memory']),
    ...(type === undefined ? [] : [`${type} was reached`]),
  ];
  return {
    code: 'end.killed',
    message: `the program was killed by SIGKILL${isCounted ? ', but not for want of memory' : ''}`,
    ...(type === undefined ? {} : { pointer: `/process/rlimits/${at}` }),
    hint: others.join(', or '),
  };
}

const logged = "the kernel's log names the number of the call: dmesg | grep type=1326";
const reported = 'run it with --explain-denied, which names the call, its arguments and the rule';

function refusedCall(config: Config | undefined, unreported: Config | undefined): Diagnostic {
  const pointer = endingRule(config);
  return {
    code: 'end.call',
    message:
      pointer === undefined
        ? 'the program was killed by SIGSYS: a seccomp filter does not allow a system call that it made'
        : 'the program was killed by SIGSYS: linux.seccomp, or a filter of its own, does not allow a system call that it made',
    ...(pointer === undefined ? {} : { pointer }),
    hint: endingRule(unreported) !== undefined && canBeReported(unreported) ? `${reported}; ${logged}` : logged,
  };
}

/** Whether no other process receives the notifications of its profile. */
function canBeReported(config: Config | undefined): boolean {
  const notifies = config?.linux?.seccomp?.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY');
  return config !== undefined && notifies !== true && seccompReceiver(config).path === '';
}

/** The first part of the profile by which a call ends in SIGSYS. */
function endingRule(config: Config | undefined): string | undefined {
  const seccomp = config?.linux?.seccomp;
  if (seccomp === undefined) return undefined;
  if (ends(seccomp.defaultAction)) return '/linux/seccomp/defaultAction';
  const at = (seccomp.syscalls ?? []).findIndex(({ action }) => ends(action));
  return at < 0 ? undefined : `/linux/seccomp/syscalls/${at}/action`;
}

function ends(action: string): boolean {
  return action.startsWith('SCMP_ACT_KILL') || action === 'SCMP_ACT_TRAP';
}
