import type { State } from '../../schema/generated/state.ts';
import { specVersion } from '../bundle/spec-version.ts';
import type { HookSurroundings } from '../hooks/run.ts';
import { hookOutputs } from '../plan/hooks.ts';
import type { BriefRecord, ContainerRecord } from '../state/record.ts';
import type { Status } from './status.ts';

/** State of a container as `state` and `list` print it (runtime-spec, "State", plus the keys that engines expect). */
export interface StateReport {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when stopped. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
  /** Processes that the kernel has killed for want of memory; missing if there are none, or it does not tell. */
  readonly oomKills?: number;
}

/** Keys are in the order in which they are printed. */
export function stateReport(record: BriefRecord, status: Status, owner: string, oomKills = 0): StateReport {
  return {
    ociVersion: specVersion,
    id: record.id,
    pid: status === 'stopped' ? 0 : record.pid,
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...annotationsOf(record),
    owner,
    ...(oomKills === 0 ? {} : { oomKills }),
  };
}

/** The inputs of hooks. Without `pid`, the state has no such key: the container has stopped. */
export function hookSurroundings(record: ContainerRecord, status: State['status'], pid?: number): HookSurroundings {
  return { state: hookState(record, status, pid), bundle: record.bundle, outputs: hookOutputs(record.annotations) };
}

function hookState(record: ContainerRecord, status: State['status'], pid?: number): string {
  const state: State = {
    ociVersion: specVersion,
    id: record.id,
    status,
    ...(pid === undefined ? {} : { pid }),
    bundle: record.bundle,
    ...annotationsOf(record),
  };
  return JSON.stringify(state);
}

function annotationsOf(record: BriefRecord): { annotations?: Readonly<Record<string, string>> } {
  return Object.keys(record.annotations).length === 0 ? {} : { annotations: record.annotations };
}
