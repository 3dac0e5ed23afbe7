import type { Config, Process } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { CLONE_NEW } from './constants.ts';
import { boundingOps, credentialOps, execOps, oomOps, processOf, programOps, rightsOps } from './process.ts';
import { keyringOps } from './keyring.ts';
import { seccompOps } from './seccomp/ops.ts';
import { terminalOps } from './terminal.ts';
import type { PlannedOp } from './types.ts';

export interface ExecOptions {
  readonly id: string;
  /** False when the container was made without a session keyring of its own. */
  readonly keyring: boolean;
  /** Cgroup v1 files that take the process in. */
  readonly tasks: readonly string[];
}

/**
 * Compiles what a further process does from its birth to execve. `config` is the container's, as it was at
 * create; `process` is complete. Throws a Failure with every fault that only shows here.
 */
export function planExec(config: Config, process: Process, facts: Facts, options: ExecOptions): PlannedOp[] {
  const faults: Diagnostic[] = [];
  const filter = seccompOps(config, facts, faults);
  if (faults.length > 0) throw new Failure(faults);
  const early = process.noNewPrivileges !== true && filter.length > 0;
  const outlive = outliveOps(config, process);
  return [
    ...oomOps(processOf(config)), // through the host's procfs, before the container's namespaces are entered
    ...options.tasks.map((file): PlannedOp => ({ op: 'cgroup_join', file, from: 'default' })),
    { op: 'join_process', flags: namespaceFlags(config), from: '/linux/namespaces' },
    ...(options.keyring ? keyringOps(options.id) : []),
    ...openTerminalOps(process),
    ...rightsOps(process),
    ...boundingOps(process, facts), // the bounding set needs CAP_SETPCAP, which is dropped below
    ...(early ? [...outlive, ...filter] : []), // the filter may forbid the fork, and needs CAP_SYS_ADMIN
    ...credentialOps(process),
    ...(early ? [] : outlive), // with no rights left that somebody in the pid namespace could take over
    ...programOps(process), // with the user's rights
    ...(early ? [] : filter), // as late as possible: the profile need not allow our own calls
    ...execOps(process),
  ];
}

/** Every namespace that is not the runtime's: the kernel refuses to join one's own user namespace. */
function namespaceFlags(config: Config): number {
  let flags = 0;
  for (const { type } of config.linux?.namespaces ?? []) flags |= CLONE_NEW[type];
  return flags >>> 0;
}

/** A pid namespace is entered by children only, and a controlling terminal belongs to the session of the last one. */
function outliveOps(config: Config, process: Process): PlannedOp[] {
  const fork = Number((config.linux?.namespaces ?? []).some(({ type }) => type === 'pid'));
  return [{ op: 'outlive', fork, terminal: Number(process.terminal === true), from: 'default' }];
}

function openTerminalOps(process: Process): PlannedOp[] {
  const ops = terminalOps(process, 0);
  return ops.length === 0 ? [] : [{ op: 'open_root_directory', path: '/', from: 'default' }, ...ops];
}
