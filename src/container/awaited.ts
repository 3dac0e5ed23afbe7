import { parseSavedConfig } from '../bundle/process.ts';
import { withLocations } from '../diag/failure.ts';
import type { KnownOps } from '../launch/start.ts';
import type { ContainerContext } from '../options/command.ts';
import { ContainerDirectory, absent } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord, savedConfig } from '../state/store.ts';
import { SIGKILL } from '../kernel/signals.ts';
import type { MadeContainer } from './creation.ts';
import { becomeForeground } from './foreground.ts';
import type { WaitingContainer } from './make.ts';
import { removePidFile } from './pid-file.ts';

/** A container whose start this process has awaited before its engine ran (native/host/await_start.c). */
export interface AwaitedContainer extends MadeContainer {
  readonly control: number;
  readonly known: KnownOps;
  /** Its filter may end it before its program runs. */
  readonly uncertain: boolean;
  /** False if init had ended before the go-ahead, undefined if the lifeline was closed. */
  readonly heard: boolean | undefined;
}

/** Undefined in a process that has not waited: it makes the container. */
export function awaitedContainer(context: ContainerContext): AwaitedContainer | undefined {
  const { native } = context;
  const awaited = native.awaitedStart();
  if (typeof awaited === 'number') return undefined;
  const [control = -1, pid = 0, outcome = -1] = awaited;
  try {
    return findAgain(context, control, pid, outcome);
  } catch (error) {
    // It may have had its go-ahead, and nobody would attend to it. The pid is still that of init, which only this process
    // can reap.
    native.signalProcess(pid, SIGKILL);
    removePidFile(context);
    throw error;
  }
}

function findAgain(context: ContainerContext, control: number, pid: number, outcome: number): AwaitedContainer {
  const { native } = context;
  becomeForeground(context);
  const [id] = context.operands;
  checkId(id);
  const directory = ContainerDirectory.open(native, stateRoot(native, context.globals.root).path, id);
  if (directory === undefined) throw absent(id);
  const record = requireRecord(directory);
  // The id may have become another container's.
  if (record.pid !== pid) throw absent(id);
  const { text, path, name } = savedConfig(directory);
  const config = parseSavedConfig(text, path);
  return {
    directory,
    record,
    console: { kind: 'none' },
    compiled: { config, locate: (failure) => withLocations(failure, text, name), warnings: [] },
    notify: undefined,
    control,
    known: { kind: 'saved', startHooks: record.startHooks },
    uncertain: record.uncertainStart ?? false,
    heard: outcome < 0 ? undefined : outcome > 0,
  };
}

/** Whether nothing that this process holds is needed after the start, but what `awaitedContainer` finds again. */
export function canBeAwaited({ console, compiled, notify, watch, moved }: WaitingContainer): boolean {
  const holds = console.kind !== 'none' || notify !== undefined || watch !== undefined || moved !== undefined;
  return !holds && compiled.warnings.length === 0;
}
