import type { Config } from '../../schema/generated/config.ts';
import { isNew } from '../bundle/namespaces.ts';
import { removeCgroups, withoutUnit } from '../cgroup/control.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic, Phase } from '../diag/diagnostic.ts';
import { attempt, inPhase } from '../diag/failure.ts';
import { formatTime } from '../diag/time.ts';
import { phase } from '../diag/trace.ts';
import { runHooks } from '../hooks/run.ts';
import type { Native } from '../host/native.ts';
import type { OnCgroups } from '../launch/make-cgroups.ts';
import { findOrigin } from '../launch/origin.ts';
import { resctrlRecord } from '../launch/resctrl.ts';
import { mountIdAt, releaseRoot } from '../launch/root.ts';
import type { Watch } from '../launch/watch.ts';
import { startHooks } from '../plan/hooks.ts';
import { helperOps } from '../plan/plan.ts';
import { mountsOnHost } from '../plan/rootfs.ts';
import { ContainerDirectory } from '../state/directory.ts';
import type { ContainerRecord } from '../state/record.ts';
import { absolutePath } from '../state/root.ts';
import type { StateRoot } from '../state/root.ts';
import { readRecord, writeRecord } from '../state/store.ts';
import type { NotifyProxy } from '../systemd/notify.ts';
import type { Compiled } from './compile.ts';
import { runPoststop } from './end.ts';
import { startTimeOf } from './process.ts';
import { hookSurroundings } from './report.ts';
import { statusOf, thisProcess } from './status.ts';
import type { Status } from './status.ts';
import type { Console } from './terminal.ts';
import { transact } from './transaction.ts';
import type { OnFailure } from './transaction.ts';

export interface MadeContainer {
  /** Locked, so that nobody removes an incomplete container. The caller closes it. */
  readonly directory: ContainerDirectory;
  readonly record: ContainerRecord;
  readonly console: Console;
  readonly compiled: Pick<Compiled, 'locate' | 'warnings'> & { readonly config: Config };
  /** Sockets for reporting that the program is ready. */
  readonly notify: NotifyProxy | undefined;
  /** Answers what the filter asks; undefined if it does not ask this process. */
  readonly watch?: Watch | undefined;
  /** Writes the profile of the calls that it let through; called at the end. */
  readonly recorded?: (() => readonly Diagnostic[]) | undefined;
}

/** What making and restoring a container have in common: its directory, and effects that register their own undo. */
export interface Creation {
  readonly directory: ContainerDirectory;
  readonly onFailure: OnFailure;
  readonly onCgroups: OnCgroups;
  /** From then on the unit is the container's, which only the command that started it may conclude. */
  readonly onUnitStarted: () => void;
  /** From then on hooks may run; a failure is followed by those of poststop. */
  readonly onHooks: () => void;
  /** Runs the hooks of the runtime namespace. */
  readonly onHostHooks: (pid: number) => void;
}

/**
 * Makes the directory of a container with its first record, so that `delete` can clean up after a crash, then runs
 * `body`. A failure of it leaves nothing behind, and is named after `action`.
 */
export function beginCreation<T>(
  native: Native,
  root: StateRoot,
  compiled: Compiled,
  record: ContainerRecord,
  action: Phase,
  body: (creation: Creation) => T,
): T {
  const directory = makeDirectory(native, root, record.id);
  return transact(
    (onFailure) => {
      onFailure('directory', () => {
        // It is locked, but may no longer exist.
        if (directory.lock()) directory.remove();
        else directory.close();
      });
      phase('save state', () => writeRecord(native, directory, record));
      onFailure('root', () => releaseRoot(native, record.rootfs, record.rootMount));
      const onHooks = (): void => {
        onFailure('hooks', () => {
          const failed = runPoststop(native, record);
          if (failed.length > 0) throw new Failure(failed);
        });
      };
      return body({
        directory,
        onFailure,
        onCgroups: (made) => onFailure('cgroups', () => removeCgroups(native, withoutUnit(made))),
        onUnitStarted: () => onFailure('cgroups', () => removeCgroups(native, compiled.plan.cgroup)),
        onHooks,
        onHostHooks: (pid) => {
          onHooks();
          runCreationHooks(native, compiled, record, pid);
        },
      });
    },
    (failure) => inPhase(compiled.locate(failure), action),
  );
}

/** If the id is in use, the failure tells what the container does, and removal is suggested only for a stopped one. */
function makeDirectory(native: Native, root: StateRoot, id: string): ContainerDirectory {
  try {
    return ContainerDirectory.make(native, root, id);
  } catch (error) {
    if (!(error instanceof Failure) || error.diagnostics[0]?.code !== 'state.exists') throw error;
    const [fault] = error.diagnostics;
    let status: Status | undefined;
    attempt(() => {
      ContainerDirectory.use(native, root.path, id, (directory) => {
        const record = readRecord(directory);
        status = record === undefined ? undefined : statusOf(native, directory, record);
      });
    });
    if (status === undefined) throw error;
    const hint = status === 'stopped' ? `rt delete ${id} removes it` : 'choose another id';
    throw new Failure({ ...fault, message: `${fault.message}, which is ${status}`, hint });
  }
}

/** The record of a container that has no process yet. `notified`: a service manager waits for it. */
export function firstRecord(
  native: Native,
  id: string,
  { bundle, config, plan, keyring }: Compiled,
  notified: boolean,
): ContainerRecord {
  const [seconds = 0, nanoseconds = 0] = native.realTime();
  const rootfs = config.root.path;
  const { startContainer = [], poststart, poststop } = config.hooks ?? {};
  const absoluteRoot = absolutePath(native, rootfs.startsWith('/') ? rootfs : `${bundle}/${rootfs}`);
  const origin = findOrigin(native, config);
  const rootMount = mountsOnHost(config, notified) ? mountIdAt(native, absoluteRoot) : undefined;
  return {
    version: 2,
    id,
    bundle,
    rootfs: absoluteRoot,
    ...(rootMount === undefined ? {} : { rootMount }),
    created: formatTime(seconds, nanoseconds),
    annotations: config.annotations ?? {},
    pid: 0,
    startTime: 0,
    creator: thisProcess(native),
    cgroup: plan.cgroup,
    ...(plan.resctrl.groups.length === 0 ? {} : { resctrl: resctrlRecord(native, plan) }),
    privatePidNamespace: isNew(config, 'pid'),
    ...(origin === undefined ? {} : { origin }),
    keyring: keyring !== undefined,
    ...(keyring === undefined ? {} : { keyringName: keyring }),
    hooks: { ...(poststart === undefined ? {} : { poststart }), ...(poststop === undefined ? {} : { poststop }) },
    ...(plan.uncertainStart ? { uncertainStart: true } : {}),
    ...(startContainer.length === 0 ? {} : { startHooks: startHooks(startContainer, helperOps(plan)) }),
  };
}

/** Run during init's setup, so that they can prepare its network namespace. */
function runCreationHooks(native: Native, { config }: Compiled, record: ContainerRecord, pid: number): void {
  const { prestart = [], createRuntime = [] } = config.hooks ?? {};
  if (prestart.length === 0 && createRuntime.length === 0) return;
  const surroundings = hookSurroundings(record, 'created', pid);
  runHooks(native, 'prestart', prestart, surroundings);
  runHooks(native, 'createRuntime', createRuntime, surroundings);
}

/** The record once the container's init exists. */
export function withInit(native: Native, record: ContainerRecord, pid: number): ContainerRecord {
  return { ...record, pid, startTime: startTimeOf(native, pid) };
}
