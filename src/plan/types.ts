import type { Op } from '../../schema/generated/ops.ts';

/** Origin of the op: a JSON pointer (`/mounts/3`), a flag (`--no-new-keyring`) or `default`. */
export type From = string;

/** An operation and its origin. */
export type PlannedOp = Op & {
  readonly from: From;
  /** The origin of each part of an op that writes several files. */
  readonly items?: readonly From[];
};

/** `pid` is filled in once known. */
export type SchedulerOp = PlannedOp & { readonly op: 'scheduler' };

/** Whether the runtime may make cgroups: the host's root may make all, others those delegated to them. */
export type Rootless = 'true' | 'false' | 'auto';
