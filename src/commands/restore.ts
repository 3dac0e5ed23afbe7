import { AWAIT_START_HOW } from '../../schema/generated/ops.ts';
import { isNew, joinedPath } from '../bundle/namespaces.ts';
import { Failure } from '../diag/diagnostic.ts';
import { inPhase } from '../diag/failure.ts';
import { expectIfPresent, expectResult, systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFMT } from '../kernel/files.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { prepare, prepareJoin } from '../launch/make-cgroups.ts';
import { withoutLinks } from '../criu/destinations.ts';
import { isHandedIn, restoredMounts } from '../criu/external.ts';
import { openImages } from '../criu/images.ts';
import { protectMounts, requireNamespaces } from '../criu/protect.ts';
import { OPTION, REQUEST, callCriu, firstDescriptor } from '../criu/rpc.ts';
import type { Notification } from '../criu/rpc.ts';
import type { Field } from '../criu/protobuf.ts';
import { verifyImages } from '../criu/verify.ts';
import { hostFailure, runHostOps } from '../launch/host-ops.ts';
import { enterUnit } from '../launch/unit.ts';
import { managerSocket } from '../systemd/notify.ts';
import { requireOrigin } from '../launch/origin.ts';
import { visit } from '../launch/visit.ts';
import { checkpointFaults, networkKey, plannedMounts } from '../plan/checkpoint.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { containerUserOps, joinOp } from '../plan/join.ts';
import { planRestore } from '../plan/restore.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import type { PlannedOp } from '../plan/types.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { openProcess, startTimeOf } from '../container/process.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { pidFileMode, replaceFile, writeConfig, writeRecord } from '../state/store.ts';
import type { ContainerContext, Context, Outcome } from '../options/command.ts';
import { compile, nonce } from '../container/compile.ts';
import type { Compiled } from '../container/compile.ts';
import {
  commonOptions,
  criuOps,
  errorsOf,
  inheritedDescriptor,
  openDirectories,
  refuseNamespaces,
  removeLog,
  removeMade,
  terminalOption,
} from '../criu/request.ts';
import type { Directories } from '../criu/request.ts';
import { catchSignals, supervise } from '../container/foreground.ts';
import { firstRecord, runCreationHooks, undo } from '../container/make.ts';
import type { Progress } from '../container/make.ts';
import { runPoststart } from '../container/poststart.ts';
import { clean } from './run.ts';
import { giveMaster, openConsole } from '../container/terminal.ts';
import type { Console } from '../container/terminal.ts';

const logFile = 'restore.log';
const largestList = 1 << 16;

/** Makes a container from a bundle and the images of another one, whose processes continue. */
export function restore(context: ContainerContext): Outcome {
  const { native, options } = context;
  refuseNamespaces(context);
  refuseManager(native);
  const foreground = options.detach !== true;
  if (foreground && options['no-subreaper'] !== true) native.becomeSubreaper();
  if (foreground) catchSignals(native);
  const made = makeFromImages(context, !foreground);
  const { progress, compiled, console, master } = made;
  const { directory, record } = progress;
  directory.unlock();
  try {
    runPoststart(native, directory, record);
  } catch (error) {
    throw error instanceof Failure ? inPhase(compiled.locate(error), 'restore failed') : error;
  }
  if (!foreground) return { warnings: compiled.warnings };
  const ended = supervise(native, { pid: record.pid, master, console });
  const atEnd = clean(native, directory, record);
  if (typeof ended === 'number') throw systemFailure('restore.wait', 'cannot wait for the container', 'waitpid', ended);
  return { exitCode: ended.exitCode, warnings: [...compiled.warnings, ...ended.warnings, ...atEnd] };
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

interface Restored {
  readonly progress: Progress;
  readonly compiled: Compiled;
  readonly console: Console;
  readonly master: number;
}

function makeFromImages(context: ContainerContext, detach: boolean): Restored {
  const { native, options } = context;
  const [id] = context.operands;
  checkId(id);
  const root = stateRoot(native, context.globals.root);
  const compiled = compile(context, id, 'control', { nonce: nonce(native) });
  const { config, plan, bundle, locate } = compiled;
  const record = firstRecord(context, id, compiled, false);
  const { mounts, directories } = checkedImages(context, compiled, record.rootfs);
  const console = openConsole(native, config.process ?? {}, options['console-socket'], detach, bundle);
  const directory = ContainerDirectory.make(native, root, id);
  const progress: Progress = { directory, record, unitStarted: false, hooksBegan: false };
  let master = -1;
  try {
    writeRecord(native, directory, progress.record);
    writeConfig(native, directory, compiled.saved);
    const onCgroups = (made: CgroupRecord): void => {
      progress.cgroup = made;
    };
    prepare(native, plan, onCgroups);
    prepareJoin(native, plan, onCgroups);
    const { rootfs } = progress.record;
    const restorePlan = planRestore(config, plan, mounts, { rootfs, directoryAt: (path) => directoryAt(native, path) });
    const onNotify = ({ stage, pid, descriptor }: Notification): void => {
      context.debug(`criu: ${stage}`);
      if (stage === 'setup-namespaces') {
        raiseLoopback(native, config, pid);
        progress.hooksBegan = true;
        runCreationHooks(native, compiled, progress.record, pid);
      } else if (stage === 'orphan-pts-master') {
        master = descriptor;
        giveMaster(native, console, descriptor);
      } else if (stage === 'post-restore') {
        progress.record = { ...progress.record, pid, startTime: startTimeOf(native, pid) };
        protect(native, progress.record, config, mounts);
        finish(context, compiled, progress);
      }
    };
    callCriu(native, {
      request: REQUEST.restore,
      options: [
        ...commonOptions(context, directories, logFile),
        ...restoreOptions(context, compiled, mounts, rootfs, directories),
      ],
      ops: [...restorePlan.ops, ...criuOps(context, restorePlan.slots)],
      cloneFlags: restorePlan.cloneFlags,
      cgroup: plan.cloneCgroup,
      onWaiting: (pid) => {
        if (plan.unit === undefined) return;
        enterUnit(native, plan.unit, pid, () => {
          progress.unitStarted = true;
        });
      },
      onNotify,
      readLog: () => errorsOf(native, directories, logFile),
    });
    if (progress.record.pid === 0)
      throw new Failure({ code: 'restore.pid', message: 'criu did not report the pid of the process' });
    return { progress, compiled, console, master };
  } catch (error) {
    const leftovers = undo(native, progress);
    removeMade(native, directories, logFile);
    if (!(error instanceof Failure)) throw error;
    throw inPhase(locate(new Failure([...error.diagnostics, ...leftovers], error.exitCode)), 'restore failed');
  }
}

/** The directories and the container's mounts, once the images have been checked against the config. */
function checkedImages(
  context: Context,
  { config, plan, locate }: Compiled,
  rootfs: string,
): { readonly directories: Directories; readonly mounts: readonly PlannedMount[] } {
  const { native, options } = context;
  let opened: Directories | undefined;
  try {
    const faults = checkpointFaults(config);
    if (faults.length > 0) throw new Failure(faults);
    const mounts = withoutLinks(native, rootfs, plannedMounts(config, plan));
    const directories = openDirectories(context, false);
    opened = directories;
    const images = openImages(native, directories.images, directories.imagePath);
    verifyImages(native, images, { config, plan, mounts, rootfs, lsmProfile: options['lsm-profile'] });
    removeLog(native, directories, 'restore');
    return { directories, mounts };
  } catch (error) {
    if (opened !== undefined) removeMade(native, opened, logFile);
    throw error instanceof Failure ? inPhase(locate(error), 'restore failed') : error;
  }
}

function restoreOptions(
  context: Context,
  { config }: Compiled,
  mounts: readonly PlannedMount[],
  rootfs: string,
  directories: Directories,
): Field[] {
  const { native, options } = context;
  return [
    [OPTION.root, rootfs],
    [OPTION.restoreSibling, true],
    terminalOption(context, config),
    ...restoredMounts(native, mounts).map((word): Field => [OPTION.external, word]),
    ...standardKeys(native, directories).flatMap((key, index) =>
      isHandedIn(key) ? [inheritedDescriptor(key, index)] : [],
    ),
    ...(joinedPath(config, 'network') === undefined ? [] : [inheritedDescriptor(networkKey, firstDescriptor + 1)]),
    ...(isNew(config, 'network') ? [[OPTION.emptyNamespaces, CLONE_NEW.network] as const] : []),
    ...(options['tcp-close'] === true ? [[OPTION.tcpClose, true] as const] : []),
    ...(options['lsm-profile'] === undefined ? [] : [[OPTION.lsmProfile, options['lsm-profile']] as const]),
    ...(options['lsm-mount-context'] === undefined
      ? []
      : [[OPTION.lsmMountContext, options['lsm-mount-context']] as const]),
  ];
}

/** The former standard input, output and error; names that cannot be passed to criu are ignored. */
function standardKeys(native: Native, { images }: Directories): readonly string[] {
  const result = native.readText(`/proc/self/fd/${images}/descriptors.json`, largestList);
  const text = expectIfPresent(result, 'images.read', 'cannot read image "descriptors.json"', 'read');
  if (text === undefined) return [];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.slice(0, 3).map(String) : [];
  } catch {
    return [];
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
    protectMounts(native, config, pid, target, mounts);
  } finally {
    native.close(target);
  }
}

/** The processes exist and are stopped: limits, state and pid file are set before they resume. */
function finish({ native, options }: Context, { plan }: Compiled, progress: Progress): void {
  const { record } = progress;
  const failed = runHostOps(native, plan.limits);
  if (failed !== undefined) throw hostFailure(native, failed);
  writeRecord(native, progress.directory, record);
  const pidFile = options['pid-file'];
  if (pidFile !== undefined) replaceFile(native, pidFile, String(record.pid), pidFileMode);
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

function directoryAt(native: Native, path: string): string | undefined {
  const status = expectIfPresent(native.stat(path, 1), 'root.look', `cannot look at "${path}"`, 'stat');
  if (status === undefined || ((status[0] ?? 0) & S_IFMT) !== S_IFDIR) return undefined;
  return expectResult(native.realPath(path), 'restore.source', `cannot find "${path}"`, 'readlink');
}
