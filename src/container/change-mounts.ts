import type { Config, Mount } from '../../schema/generated/config.ts';
import type { MountList } from '../bundle/mount-list.ts';
import { parseSavedConfig } from '../bundle/process.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { readFacts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import { requireOrigin } from '../launch/origin.ts';
import { visit } from '../launch/visit.ts';
import { mountsMade, planAddedMounts, planRemovedMounts } from '../plan/live-mounts.ts';
import type { NamespaceOrigin } from '../plan/join.ts';
import type { PlannedOp } from '../plan/types.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { requireRecord, savedConfig } from '../state/store.ts';
import { openProcess } from './process.ts';

/**
 * Adds mounts to a created container, all or none; or removes mounts, up to the first missing one. Returns warnings.
 * `read` is called once the container has been found.
 */
export function changeMounts(
  native: Native,
  directory: ContainerDirectory,
  action: 'add' | 'remove',
  read: () => MountList,
): readonly Diagnostic[] {
  const record = requireRecord(directory);
  const target = record.pid === 0 ? undefined : openProcess(native, record.pid, record.startTime);
  if (target === undefined) throw new Failure({ code: 'mounts.status', message: 'container not running' });
  try {
    const list = read();
    const { text, path } = savedConfig(directory);
    const config = parseSavedConfig(text, path);
    const origin = requireOrigin(native, config, record.origin);
    const container: Container = { record, config, origin, target };
    if (action === 'add') return add(native, container, list);
    remove(native, container, list);
    return [];
  } finally {
    native.close(target);
  }
}

interface Container {
  readonly record: ContainerRecord;
  readonly config: Config;
  readonly origin: NamespaceOrigin;
  /** Pidfd of its init. */
  readonly target: number;
}

function add(native: Native, container: Container, { mounts, locate }: MountList): readonly Diagnostic[] {
  const { config, origin, target, record } = container;
  const facts = readFacts(native);
  try {
    const plan = planAddedMounts(config, mounts, facts, { ...record, origin, initPid: record.pid });
    const failed = visit(native, plan.ops, target);
    if (failed !== undefined) {
      const left = takeBack(native, container, mountsMade(plan.ops, failed.index));
      throw new Failure([...failed.failure.diagnostics, ...left]);
    }
    return plan.warnings.length === 0 ? [] : locate(new Failure(plan.warnings)).diagnostics;
  } catch (error) {
    throw error instanceof Failure ? inPhase(locate(error), 'add mounts') : error;
  }
}

function removal(
  native: Native,
  { config, origin, record }: Container,
  mounts: readonly Mount[],
): readonly PlannedOp[] {
  return planRemovedMounts(config, mounts, readFacts(native), { origin, initPid: record.pid });
}

/** Removes the mounts again; returns the failures. */
function takeBack(native: Native, container: Container, made: Mount[]): readonly Diagnostic[] {
  if (made.length === 0) return [];
  const failed = visit(native, removal(native, container, made), container.target);
  return failed === undefined ? [] : failed.failure.diagnostics;
}

function remove(native: Native, container: Container, { mounts, locate }: MountList): void {
  try {
    const failed = visit(native, removal(native, container, mounts), container.target);
    if (failed !== undefined) throw failed.failure;
  } catch (error) {
    throw error instanceof Failure ? inPhase(locate(error), 'remove mounts') : error;
  }
}
