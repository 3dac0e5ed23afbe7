import type { WaitingOp } from '../../schema/generated/ops.ts';
import type { Words } from './words.ts';

export const waitWords: Words<WaitingOp> = {
  await_unit: { action: () => 'cannot wait for the unit of systemd' },
  await_cgroups: { action: () => 'cannot wait for cgroups' },
  await_limits: { action: () => 'cannot wait for limits' },
  await_hooks: { action: () => 'cannot wait for hooks of the runtime namespace' },
  await_scheduler: { action: () => 'cannot await scheduler' },
  await_start: { action: () => 'cannot await start' },
};
