import type { Op, OpCalls } from '../../schema/generated/ops.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoName, errnoText } from '../diag/errno.ts';
import type { PlannedOp } from '../plan/types.ts';
import { cgroupWords } from './cgroups.ts';
import { deviceWords } from './devices.ts';
import { mountWords } from './mounts.ts';
import { namespaceWords } from './namespaces.ts';
import { networkWords } from './network.ts';
import { processWords } from './process.ts';
import { programWords } from './program.ts';
import { rootWords } from './root.ts';
import { schedulingWords } from './scheduling.ts';
import { securityWords } from './security.ts';
import { userWords } from './user.ts';
import { waitWords } from './waits.ts';
import type { OpName, OpWords, Words } from './words.ts';

const opWords: Words<OpName> = {
  ...cgroupWords,
  ...deviceWords,
  ...mountWords,
  ...namespaceWords,
  ...networkWords,
  ...processWords,
  ...programWords,
  ...rootWords,
  ...schedulingWords,
  ...securityWords,
  ...userWords,
  ...waitWords,
};

/**
 * Describes the failure of an op in words that name its object. `detail` is further text from the kernel, `item` the
 * part that failed in an op with several.
 */
export function describeOp(op: PlannedOp, errno: number, call: string, detail: string, item = 0): Diagnostic {
  // TypeScript does not know that the entry belongs to the op; the name of the call is only compared.
  const words = opWords[op.op] as OpWords<OpName>;
  const failed = { name: errnoName(errno), text: errnoText(errno), call: call as OpCalls[OpName], detail, item };
  const cause = detail === '' ? failed.text : `${failed.text}: ${detail.replace(/^[ew] /, '')}`;
  const known =
    failed.name !== 'ENOSYS'
      ? words.known?.(op, failed)
      : words.essential === true
        ? undefined
        : { hint: 'drop the field' };
  return {
    code: `op.${op.op}`,
    message: `${words.action(op, item)}: ${cause} (${call})`,
    errno: failed.name,
    syscall: call,
    ...pointerOf(op, item),
    ...known,
  };
}

/** The ops of which --debug tells. None of their words has a value of an environment. */
const stepOps: ReadonlySet<string> = new Set<OpName>([
  ...(Object.keys(cgroupWords) as (keyof typeof cgroupWords)[]),
  'mount_filesystem',
  'mount_bind',
  'remove_mount',
  'hook',
  'clone_init',
  'fork_init',
  'exec',
]);

/** What an op does, such as `mount proc on "/proc" (/mounts/0)`; undefined for one that --debug passes over. */
export function stepOf(op: Op & Partial<PlannedOp>): string | undefined {
  if (!stepOps.has(op.op)) return undefined;
  const words = opWords[op.op] as OpWords<OpName>;
  const action = words.action(op as PlannedOp, 0).replace(/^.*?cannot /, '');
  return op.from?.startsWith('/') === true ? `${action} (${op.from})` : action;
}

function pointerOf(op: PlannedOp, item: number): Partial<Diagnostic> {
  const from = op.items?.[item] ?? op.from;
  return from.startsWith('/') ? { pointer: from } : {};
}
