import type { WaitingOp } from '../../schema/generated/ops.ts';
import type { Words } from './words.ts';

export const waitWords: Words<WaitingOp> = {
  await_unit: { action: () => 'cannot wait for the systemd unit' },
  await_cgroups: { action: () => 'cannot wait for the cgroups' },
  await_limits: { action: () => 'cannot wait for the limits' },
  await_hooks: { action: () => 'cannot wait for the hooks of the runtime namespace' },
  await_scheduler: { action: () => 'cannot wait for the scheduler to be set' },
  await_start: { action: () => 'cannot wait for the start' },
};
