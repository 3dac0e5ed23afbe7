import { AWAIT_START_HOW } from '../../schema/generated/ops.ts';
import { isNew } from '../bundle/namespaces.ts';
import { withoutLinks } from '../criu/destinations.ts';
import { requireOwnFiles } from '../criu/files.ts';
import { innerCgroupOf, openImages } from '../criu/images.ts';
import { requireNames } from '../criu/names.ts';
import { protectMounts, requireNamespaces, requireOwnMounts } from '../criu/protect.ts';
import { progressOf } from '../criu/progress.ts';
import {
  commonOptions,
  criuOps,
  errorsOf,
  openDirectories,
  refuseLostCgroups,
  refuseNamespaces,
  removeLog,
  removeMade,
} from '../criu/request.ts';
import type { Directories } from '../criu/request.ts';
import { restoreOptions } from '../criu/restore-options.ts';
import { REQUEST, callCriu, lastStage, racedCode } from '../criu/rpc.ts';
import type { Notification } from '../criu/rpc.ts';
import { verifyImages } from '../criu/verify.ts';
import { Failure } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { expectIfPresent, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFMT } from '../kernel/files.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { hostFailure, runHostOps } from '../launch/host-ops.ts';
import { prepare, prepareJoin } from '../launch/make-cgroups.ts';
import { leaveNetDevices, moveNetDevices, returnNetDevices } from '../launch/net-devices.ts';
import type { MovedDevices } from '../launch/net-devices.ts';
import { requireOrigin } from '../launch/origin.ts';
import { enterUnit } from '../launch/unit.ts';
import { visit } from '../launch/visit.ts';
import type { ContainerContext, Context } from '../options/command.ts';
import { checkpointFaults, plannedMounts } from '../plan/checkpoint.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { containerUserOps, joinOp } from '../plan/join.ts';
import { planRestore, unlockedMounts } from '../plan/restore.ts';
import type { RestoreOptions } from '../plan/restore.ts';
import { readOnlyRoot } from '../plan/rootfs.ts';
import type { PlannedOp } from '../plan/types.ts';
import { checkId } from '../state/id.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import type { StateRoot } from '../state/root.ts';
import { writeConfig, writeRecord } from '../state/store.ts';
import { managerSocket } from '../systemd/notify.ts';
import { compile, mistakesIn, nonce, withPositions } from './compile.ts';
import type { Compiled } from './compile.ts';
import { beginCreation, firstRecord, withInit } from './creation.ts';
import type { Creation, MadeContainer } from './creation.ts';
import { killContainer } from './end.ts';
import { becomeForeground } from './foreground.ts';
import { writePidFile } from './pid-file.ts';
import { openProcess, startTimeOf } from './process.ts';
import { giveMaster, openConsole } from './terminal.ts';
import type { Console } from './terminal.ts';
import { transact } from './transaction.ts';

const logFile = 'restore.log';
/** On a busy machine, criu may lose a race several times. */
const attempts = 10;

/** Makes a container from the bundle and the images that the options name; its processes run. */
export function restoreContainer(context: ContainerContext): MadeContainer {
  const { native, options } = context;
  refuseNamespaces(context);
  refuseManager(native);
  const detach = options.detach === true;
  if (!detach) becomeForeground(context);
  const [id] = context.operands;
  checkId(id);
  const root = stateRoot(native, context.globals.root);
  const compiled = compile(context, id, 'control', { nonce: nonce(native) });
  const { config, bundle } = compiled;
  const first = firstRecord(native, id, compiled, false);
  const console = openConsole(native, config.process ?? {}, options['console-socket'], detach, bundle);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return tryToRestore(context, compiled, root, first, console);
    } catch (error) {
      if (attempt === attempts || !(error instanceof Failure) || error.diagnostics[0]?.code !== racedCode) throw error;
      context.debug(`restore: ${error.diagnostics[0].message}: once more`);
    }
  }
}

function tryToRestore(
  context: ContainerContext,
  compiled: Compiled,
  root: StateRoot,
  first: ContainerRecord,
  console: Console,
): MadeContainer {
  const { native } = context;
  const images = checkedImages(context, compiled, first.rootfs);
  return beginCreation(native, root, compiled, first, 'restore', (creation) => {
    creation.onFailure('images', () => removeMade(native, images.directories, logFile));
    const record = withTemporary(native, compiled.config, first.rootfs, () =>
      restoreIn(context, compiled, images, console, first, creation),
    );
    const unlocked = withPositions(compiled, unlockedMounts(compiled.config, images.mounts));
    const warned = { ...compiled, warnings: [...mistakesIn(compiled), ...compiled.warnings, ...unlocked] };
    return { directory: creation.directory, record, console, compiled: warned, notify: undefined };
  });
}

/** A restored program was ready before its checkpoint, and does not report it again. */
function refuseManager(native: Native): void {
  if (managerSocket(native) === undefined) return;
  throw new Failure({
    code: 'notify.restore',
    message:
      'cannot report readiness to NOTIFY_SOCKET of the environment for a restored container: its program does not send it',
    hint: 'unset NOTIFY_SOCKET',
  });
}

/** Checked images of a container. */
interface Images {
  readonly directories: Directories;
  /** The container's mounts. */
  readonly mounts: readonly PlannedMount[];
}

function restoreIn(
  context: Context,
  compiled: Compiled,
  { directories, mounts }: Images,
  console: Console,
  first: ContainerRecord,
  { directory, onFailure, ...effects }: Creation,
): ContainerRecord {
  const { native } = context;
  const { config, plan, saved } = compiled;
  const { rootfs } = first;
  writeConfig(native, directory, saved);
  prepare(native, plan, effects.onCgroups);
  prepareJoin(native, plan, effects.onCgroups);
  const restorePlan = planRestore(config, plan, mounts, restorePaths(native, directories, rootfs));
  const restored: ContainerRecord[] = [];
  const kept: (MovedDevices | undefined)[] = [];
  const onNotify = ({ stage, pid, descriptor }: Notification): void => {
    if (stage === 'setup-namespaces') {
      raiseLoopback(native, config, pid);
      const moved = moveNetDevices(native, plan, pid);
      onFailure('net devices', () => returnNetDevices(native, moved));
      kept.push(moved);
      effects.onHostHooks(pid);
    } else if (stage === 'orphan-pts-master') {
      giveMaster(native, console, descriptor);
    } else if (stage === 'post-restore') {
      const record = withInit(native, first, pid);
      onFailure('init', () => killContainer(native, record));
      restored.push(record);
      protect(native, record, config, mounts);
      const failed = runHostOps(native, plan.limits);
      if (failed !== undefined) throw hostFailure(native, failed);
      writeRecord(native, directory, record);
      writePidFile(context, pid);
    } else if (stage === lastStage) {
      for (const { pid: init } of restored) requireOwnFiles(native, init);
    }
  };
  callCriu(native, {
    request: REQUEST.restore,
    options: [
      ...commonOptions(context, directories, logFile),
      ...restoreOptions(context, config, mounts, rootfs, directories),
    ],
    ops: [...restorePlan.ops, ...criuOps(context, restorePlan.slots)],
    cloneFlags: restorePlan.cloneFlags,
    cgroup: plan.cloneCgroup,
    onWaiting: (pid) => {
      if (plan.unit !== undefined) enterUnit(native, plan.unit, pid, effects.onUnitStarted);
    },
    onNotify,
    progress: progressOf(context, 'restore', directories.images),
    readLog: () => errorsOf(native, directories, logFile),
  });
  for (const moved of kept) leaveNetDevices(native, moved);
  const [record] = restored;
  if (record !== undefined) return record;
  throw new Failure({ code: 'restore.pid', message: 'criu did not report the pid of the process' });
}

/** The directories and the container's mounts, once the images have been checked against the config. */
function checkedImages(context: Context, { config, plan, locate }: Compiled, rootfs: string): Images {
  const { native, options } = context;
  return transact(
    (onFailure) => {
      const faults = checkpointFaults(config);
      if (faults.length > 0) throw new Failure(faults);
      const mounts = withoutLinks(native, rootfs, plannedMounts(config, plan));
      const directories = openDirectories(context, false);
      onFailure('images', () => removeMade(native, directories, logFile));
      const images = openImages(native, directories.images, directories.imagePath);
      refuseLostCgroups(context, innerCgroupOf(native, images), 'the images have processes in several cgroups');
      verifyImages(native, images, { config, plan, mounts, rootfs, lsmProfile: options['lsm-profile'] });
      requireNames(native, images, rootfs, mounts);
      removeLog(native, directories, 'restore');
      return { directories, mounts };
    },
    (failure) => inPhase(locate(failure), 'restore'),
  );
}

/**
 * criu mounts the old root on `/tmp` of the new one, or on a directory that it makes there; since 4.2 the root is read-only
 * by then. So it gets one, if there is none, for as long as `body` runs.
 */
function withTemporary<T>(native: Native, config: Compiled['config'], rootfs: string, body: () => T): T {
  const path = `${rootfs}/tmp`;
  const made = readOnlyRoot(config) !== undefined && native.mkdir(path, 0o700) >= 0;
  try {
    return body();
  } finally {
    if (made) native.rmdir(path);
  }
}

/** Called before any process of the container resumes. */
function protect(
  native: Native,
  { pid, startTime }: ContainerRecord,
  config: Compiled['config'],
  mounts: readonly PlannedMount[],
): void {
  const target = openProcess(native, pid, startTime);
  if (target === undefined) throw new Failure({ code: 'restore.died', message: 'the restored process has ended' });
  try {
    requireNamespaces(native, pid, config);
    requireOwnMounts(native, pid, mounts);
    protectMounts(native, config, pid, target, mounts);
  } finally {
    native.close(target);
  }
}

/** The loopback device of a new namespace is down: criu needs it up to restore connections over it. */
function raiseLoopback(native: Native, config: Compiled['config'], pid: number): void {
  if (!isNew(config, 'network')) return;
  const target = openProcess(native, pid, startTimeOf(native, pid));
  if (target === undefined) return;
  const origin = requireOrigin(native, config, undefined);
  const ops: PlannedOp[] = [
    ...containerUserOps(config, pid, origin),
    joinOp(config, origin, CLONE_NEW.network),
    { op: 'loopback_up', from: 'default' },
    { op: 'await_start', how: AWAIT_START_HOW.control, from: 'default' },
  ];
  const failed = visit(native, ops, target);
  native.close(target);
  if (failed !== undefined) throw failed.failure;
}

/** The images as another process finds them: by the descriptor of this one. */
function restorePaths(native: Native, { images }: Directories, rootfs: string): RestoreOptions {
  const pid = expectResult(native.readLink('/proc/self'), 'images.read', 'cannot read "/proc/self"', 'readlink');
  return { rootfs, images: `/proc/${pid}/fd/${images}`, directoryAt: (path) => directoryAt(native, path) };
}

function directoryAt(native: Native, path: string): string | undefined {
  const status = expectIfPresent(native.stat(path, 1), 'root.look', `cannot look at "${path}"`, 'stat');
  if (status === undefined || ((status[0] ?? 0) & S_IFMT) !== S_IFDIR) return undefined;
  return expectResult(native.realPath(path), 'restore.source', `cannot find "${path}"`, 'readlink');
}
