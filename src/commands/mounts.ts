import type { Config, Mount } from '../../schema/generated/config.ts';
import { parseMounts } from '../bundle/mount-list.ts';
import type { MountList } from '../bundle/mount-list.ts';
import { parseSavedConfig } from '../bundle/process.ts';
import type { Operands } from '../options/options.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { expectResult } from '../diag/system.ts';
import { readFacts } from '../facts/facts.ts';
import { requireOrigin } from '../launch/origin.ts';
import { visit } from '../launch/visit.ts';
import { mountsMade, planAddedMounts, planRemovedMounts } from '../plan/live-mounts.ts';
import type { NamespaceOrigin } from '../plan/join.ts';
import type { PlannedOp } from '../plan/types.ts';
import { openProcess } from '../container/process.ts';
import { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord, savedConfig } from '../state/store.ts';
import type { Context, Outcome } from '../options/command.ts';

const standardInput = 0;
const largestDocument = 16 << 20;

/** Adds mounts to a created container, all or none; or removes mounts, up to the first missing one. */
export function mounts(context: Context<Operands<'mounts'>>): Outcome {
  const [action, id, file] = context.operands;
  if (action !== 'add' && action !== 'remove') {
    throw new Failure({
      code: 'mounts.action',
      message: `unknown mounts command ${JSON.stringify(action)}`,
      hint: 'use one of: add, remove',
    });
  }
  const { native } = context;
  const root = stateRoot(native, context.globals.root).path;
  return ContainerDirectory.use(native, root, id, (directory) => change(context, directory, action, file));
}

function change(context: Context, directory: ContainerDirectory, action: 'add' | 'remove', file: string): Outcome {
  const { native } = context;
  const record = requireRecord(directory);
  const target = record.pid === 0 ? undefined : openProcess(native, record.pid, record.startTime);
  if (target === undefined) throw new Failure({ code: 'mounts.status', message: 'container not running' });
  try {
    const list = readMounts(context, file, action);
    const { text, path } = savedConfig(directory);
    const config = parseSavedConfig(text, path);
    const origin = requireOrigin(native, config, record.origin);
    const container: Container = { record, config, origin, target };
    if (action === 'remove') return remove(context, container, list);
    return { warnings: add(context, container, list) };
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

function readMounts({ native }: Context, file: string, action: 'add' | 'remove'): MountList {
  const name = file === '-' ? 'standard input' : file;
  const text = file === '-' ? native.readFd(standardInput, largestDocument) : native.readText(file, largestDocument);
  return parseMounts(expectResult(text, 'mounts.read', `cannot read "${name}"`, 'read'), name, action);
}

function add({ native }: Context, container: Container, { mounts, locate }: MountList): readonly Diagnostic[] {
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
    throw error instanceof Failure ? inPhase(locate(error), 'cannot add mounts') : error;
  }
}

function removal(
  native: Context['native'],
  { config, origin, record }: Container,
  mounts: readonly Mount[],
): readonly PlannedOp[] {
  return planRemovedMounts(config, mounts, readFacts(native), { origin, initPid: record.pid });
}

/** Removes the mounts again; returns the failures. */
function takeBack(native: Context['native'], container: Container, made: Mount[]): readonly Diagnostic[] {
  if (made.length === 0) return [];
  const failed = visit(native, removal(native, container, made), container.target);
  return failed === undefined ? [] : failed.failure.diagnostics;
}

function remove({ native }: Context, container: Container, { mounts, locate }: MountList): Outcome {
  try {
    const failed = visit(native, removal(native, container, mounts), container.target);
    if (failed !== undefined) throw failed.failure;
    return {};
  } catch (error) {
    throw error instanceof Failure ? inPhase(locate(error), 'cannot remove mounts') : error;
  }
}
