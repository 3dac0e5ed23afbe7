import type { WaitingOp } from '../../schema/generated/ops.ts';
import type { Words } from './words.ts';

export const waitWords: Words<WaitingOp> = {
  await_runtime: { action: () => 'cannot await runtime' },
  host_hooks: { action: () => 'cannot host hooks' },
  await_scheduler: { action: () => 'cannot await scheduler' },
  await_start: { action: () => 'cannot await start' },
};
