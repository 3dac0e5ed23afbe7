import type { Config, LinuxMemoryPolicy, Scheduler, SchedulerPolicy } from '../../schema/generated/config.ts';
import { shown } from '../diag/pointer.ts';
import { maximumCpu, maximumNode, parseNumberList } from './number-list.ts';
import type { Report, Rule } from './rule.ts';
import { each } from './rule.ts';

// setpriority(2), sched(7), ioprio_set(2).
const leastNice = -20;
const mostNice = 19;
const leastPriority = 1;
const mostPriority = 99;
const mostIoPriority = 7;

/** DL_SCALE of kernel/sched/sched.h: the kernel's fixed-point numbers cannot represent shorter runtimes. */
const leastRuntime = 1024;
/** The kernel reserves the highest bit of these times, sched_setattr(2). */
const mostTime = 2n ** 63n - 1n;

export const schedulingRules: readonly Rule[] = [scheduler, ioPriority, execAffinity, personality, memoryPolicy];

export const ineffectiveSchedulingRules: readonly Rule[] = [unusedNice];

function scheduler({ process }: Config, report: Report): void {
  const values = process?.scheduler;
  if (values?.policy === undefined) return;
  const { policy, nice, priority } = values;
  const place = '/process/scheduler';
  const isRealTime = policy === 'SCHED_FIFO' || policy === 'SCHED_RR';
  if (policy === 'SCHED_ISO') {
    const message = 'process.scheduler.policy SCHED_ISO is reserved: no kernel implements it';
    report('process.scheduler', `${place}/policy`, message, 'use SCHED_RR or SCHED_FIFO');
  }
  if (nice !== undefined && isNice(policy) && (nice < leastNice || nice > mostNice)) {
    const message = `invalid scheduler.nice: ${nice} is not from ${leastNice} to ${mostNice}`;
    report('process.scheduler', `${place}/nice`, message);
  }
  if (priority !== undefined && priority !== 0 && !isRealTime) {
    report(...misplaced('priority', policy, 'SCHED_FIFO or SCHED_RR'));
  } else if (isRealTime && (priority === undefined || priority < leastPriority || priority > mostPriority)) {
    const found = priority === undefined ? 'it is missing' : `found ${priority}`;
    const message = `process.scheduler.priority must be from ${leastPriority} to ${mostPriority} for ${policy}, ${found}`;
    report('process.scheduler', `${place}/priority`, message);
  }
  deadline(values, report);
}

function isNice(policy: SchedulerPolicy): boolean {
  return policy === 'SCHED_OTHER' || policy === 'SCHED_BATCH';
}

/** sched_setattr(2): the kernel ignores it. */
function unusedNice({ process }: Config, report: Report): void {
  const { policy, nice = 0 } = process?.scheduler ?? {};
  if (policy === undefined || nice === 0 || isNice(policy)) return;
  const [code, pointer, message] = misplaced('nice', policy, 'SCHED_OTHER or SCHED_BATCH');
  report(code, pointer, message);
}

function misplaced(name: string, policy: SchedulerPolicy, of: string): ['process.scheduler', string, string] {
  return [
    'process.scheduler',
    `/process/scheduler/${name}`,
    `scheduler.${name} is only for ${of}, the policy is ${policy}`,
  ];
}

/** sched_setattr(2): runtime <= deadline <= period, where a period of 0 means the deadline. */
function deadline({ policy, ...times }: Scheduler, report: Report): void {
  const place = '/process/scheduler';
  if (policy !== 'SCHED_DEADLINE') {
    for (const name of ['runtime', 'deadline', 'period'] as const) {
      if (times[name] !== undefined && Number(times[name]) !== 0) report(...misplaced(name, policy, 'SCHED_DEADLINE'));
    }
    return;
  }
  const { runtime = 0, deadline: end = 0, period = 0 } = times;
  for (const [name, value] of Object.entries({ runtime, deadline: end, period })) {
    if (value <= mostTime) continue;
    report('process.scheduler', `${place}/${name}`, `scheduler.${name} must be less than 2^63 nanoseconds`);
  }
  if (runtime < leastRuntime) {
    const message = `scheduler.runtime must be at least ${leastRuntime} nanoseconds for SCHED_DEADLINE, found ${runtime}`;
    report('process.scheduler', `${place}/runtime`, message);
  }
  if (runtime > end) {
    const message = `scheduler.deadline must be at least runtime, found ${end} and ${runtime}`;
    report('process.scheduler', `${place}/deadline`, message, 'the three times are in nanoseconds');
  }
  if (Number(period) !== 0 && period < end) {
    const message = `scheduler.period must be at least deadline, found ${period} and ${end}`;
    report('process.scheduler', `${place}/period`, message);
  }
}

function ioPriority({ process }: Config, report: Report): void {
  const priority = process?.ioPriority?.priority;
  if (priority === undefined || (priority >= 0 && priority <= mostIoPriority)) return;
  const message = `process.ioPriority.priority must be an integer from 0 to ${mostIoPriority}, found ${priority}`;
  report('process.priority', '/process/ioPriority/priority', message);
}

function execAffinity({ process }: Config, report: Report): void {
  const affinity = process?.execCPUAffinity;
  for (const name of ['initial', 'final'] as const) {
    const list = affinity?.[name];
    if (list === undefined) continue;
    const parsed = parseNumberList(list, maximumCpu);
    if (!('fault' in parsed)) continue;
    // Named as in runc, since users of engines search for these words.
    const title = name === 'initial' ? 'Initial' : 'Final';
    const message = `bad CPUAffinity.${title}: ${shown(list)}: ${parsed.fault}`;
    report('process.affinity', `/process/execCPUAffinity/${name}`, message, 'write a list of CPUs such as 0-3,7');
  }
}

function personality({ linux }: Config, report: Report): void {
  const values = linux?.personality;
  if (values === undefined) return;
  if (values.domain === undefined) {
    report('process.personality', '/linux/personality/domain', 'linux.personality.domain is missing');
  }
  each(values.flags, (flag, index) => {
    const message = `unknown personality flag ${shown(flag)}: the specification defines none`;
    report('process.personality', `/linux/personality/flags/${index}`, message, 'leave linux.personality.flags out');
  });
}

/** set_mempolicy(2). */
function memoryPolicy({ linux }: Config, report: Report): void {
  const values = linux?.memoryPolicy;
  if (values === undefined) return;
  const place = '/linux/memoryPolicy';
  const { mode, nodes = '' } = values;
  if (mode === undefined) {
    report('process.memory', `${place}/mode`, 'linux.memoryPolicy.mode is missing');
    return;
  }
  const list = parseNumberList(nodes, maximumNode);
  if ('fault' in list) {
    const message = `linux.memoryPolicy.nodes ${shown(nodes)}: ${list.fault}`;
    report('process.memory', `${place}/nodes`, message, 'write a list of memory nodes such as 0-3,7');
    return;
  }
  const isEmpty = list.bits.length === 0;
  const takesNone = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL';
  if (takesNone && !isEmpty) {
    report('process.memory', `${place}/nodes`, `linux.memoryPolicy.nodes must be empty for ${mode}`);
  } else if (!takesNone && mode !== 'MPOL_PREFERRED' && isEmpty) {
    report('process.memory', `${place}/nodes`, `linux.memoryPolicy.nodes must name a node for ${mode}`);
  }
  memoryPolicyFlags(values, isEmpty, report);
}

function memoryPolicyFlags({ mode, flags = [] }: LinuxMemoryPolicy, isEmpty: boolean, report: Report): void {
  const place = '/linux/memoryPolicy/flags';
  const fixed = flags.includes('MPOL_F_STATIC_NODES');
  const relative = flags.includes('MPOL_F_RELATIVE_NODES');
  if (fixed && relative) {
    const message = 'linux.memoryPolicy.flags must not have both MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES';
    report('process.memory', place, message);
  } else if ((fixed || relative) && isEmpty) {
    const flag = fixed ? 'MPOL_F_STATIC_NODES' : 'MPOL_F_RELATIVE_NODES';
    report('process.memory', place, `linux.memoryPolicy.flags: ${flag} needs linux.memoryPolicy.nodes`);
  }
  if (flags.includes('MPOL_F_NUMA_BALANCING') && mode !== 'MPOL_BIND' && mode !== 'MPOL_PREFERRED_MANY') {
    const message = `linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING is for MPOL_BIND, the mode is ${mode}`;
    report('process.memory', place, message);
  }
}
