import type { Process } from '../../schema/generated/config.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { RLIMITS } from '../kernel/processes.ts';
import { SCHEDULER_POLICIES } from '../kernel/scheduling.ts';
import { messageIn, messagesIn } from './images.ts';
import { numberOf, signedOf, wideOf, zigzagOf } from './protobuf.ts';
import type { Message } from './protobuf.ts';

/** Field numbers of task_core_entry, task_rlimits_entry, rlimit_entry and thread_core_entry. */
const task = { limits: 8, oomScoreAdj: 14 } as const;
const limits = { list: 1 } as const;
const limit = { hard: 2 } as const;
const thread = { nice: 3, policy: 4, priority: 5 } as const;

const numbers: Readonly<Record<string, number>> = RLIMITS;
const policies: Readonly<Record<string, number>> = SCHEDULER_POLICIES;
const realtime: readonly number[] = [
  SCHEDULER_POLICIES.SCHED_FIFO,
  SCHEDULER_POLICIES.SCHED_RR,
  SCHEDULER_POLICIES.SCHED_DEADLINE,
];
const ownScore = '/proc/self/oom_score_adj';

type Difference = readonly [what: string, pointer: string];

/**
 * What the images set with the privileges of criu that a process of the config could not have set itself: resource limits, the
 * score for the OOM killer, and the scheduler of a thread. `core`: the image; `old` and `own`: its parts about the process and the
 * thread.
 */
export function limitDifferences(
  native: Native,
  process: Process = { cwd: '/' },
  core: string,
  old: Message | undefined,
  own: Message,
): readonly Difference[] {
  const may = (capability: string): boolean => process.capabilities?.bounding?.includes(capability) === true;
  const differences: Difference[] = [];
  if (old !== undefined && !may('CAP_SYS_RESOURCE')) {
    differences.push(...raisedLimits(process, core, old));
    const { oomScoreAdj } = process;
    const least = oomScoreAdj ?? Math.min(0, ownScoreAdj(native));
    if ((signedOf(old, task.oomScoreAdj) ?? least) < least) {
      differences.push([`${core} is less likely to be killed for want of memory`, '/process/oomScoreAdj']);
    }
  }
  if (!may('CAP_SYS_NICE') && isPreferred(process, own)) {
    differences.push([`${core} is preferred by the scheduler`, '/process/scheduler']);
  }
  return differences;
}

/** Of one that is missing in the images, criu leaves its own. */
function raisedLimits({ rlimits = [] }: Process, core: string, old: Message): Difference[] {
  const entry = messageIn(old, task.limits, core);
  const found = entry === undefined ? [] : messagesIn(entry, limits.list, core);
  return rlimits.flatMap(({ type, hard }, index): Difference[] => {
    const one = found[numbers[type] ?? -1];
    const restored = one === undefined ? undefined : wideOf(one, limit.hard);
    if (restored !== undefined && restored <= BigInt(hard)) return [];
    return [[`${core} has a higher ${type}`, `/process/rlimits/${String(index)}`]];
  });
}

function ownScoreAdj(native: Native): number {
  return Number(expectResult(native.readText(ownScore, 64), 'images.read', `cannot read "${ownScore}"`, 'read'));
}

function isPreferred({ scheduler, rlimits = [] }: Process, own: Message): boolean {
  const policy = numberOf(own, thread.policy) ?? 0;
  const mayRaise = (type: string): boolean => rlimits.some((one) => one.type === type);
  if (realtime.includes(policy) && !mayRaise('RLIMIT_RTPRIO')) {
    const wanted = scheduler === undefined ? undefined : policies[scheduler.policy];
    return policy !== wanted || (numberOf(own, thread.priority) ?? 0) > (scheduler?.priority ?? 0);
  }
  // Without one in the config it is that of the caller.
  const least = scheduler?.nice;
  return least !== undefined && !mayRaise('RLIMIT_NICE') && (zigzagOf(own, thread.nice) ?? 0) < least;
}
