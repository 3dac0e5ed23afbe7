import { isNew, joinedPath } from '../bundle/namespaces.ts';
import { parseSavedConfig } from '../bundle/process.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { inPhase, withoutPointers } from '../diag/failure.ts';
import { expectDone } from '../diag/system.ts';
import { readFacts } from '../facts/facts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../kernel/open-flags.ts';
import { driverOf } from '../cgroup/control.ts';
import { withoutLinks } from '../criu/destinations.ts';
import { externalMounts, externalNetwork, standardDescriptors } from '../criu/external.ts';
import { encodeMessage } from '../criu/protobuf.ts';
import type { Field } from '../criu/protobuf.ts';
import { OPTION, REQUEST, callCriu } from '../criu/rpc.ts';
import { checkpointFaults, plannedMounts } from '../plan/checkpoint.ts';
import { plan } from '../plan/index.ts';
import { ContainerDirectory, absent } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { keyringOf } from '../state/record.ts';
import type { ContainerRecord } from '../state/record.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../container/status.ts';
import { fileNames } from '../state/names.ts';
import { requireRecord, savedConfig } from '../state/store.ts';
import type { ContainerContext, Context, Outcome } from '../options/command.ts';
import {
  commonOptions,
  criuOps,
  errorsOf,
  openDirectories,
  refuseNamespaces,
  removeLog,
  removeMade,
  terminalOption,
} from '../criu/request.ts';
import type { Directories } from '../criu/request.ts';
import { endContainer } from '../container/end.ts';

const logFile = 'dump.log';
const newFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** Writes images of a container and ends it, unless it is to keep running. */
export function checkpoint(context: ContainerContext): Outcome {
  const { native, options } = context;
  refuseNamespaces(context);
  const root = stateRoot(native, context.globals.root).path;
  const [id] = context.operands;
  checkId(id);
  // Opened before the record is read, so that both are of the same container.
  const directory = ContainerDirectory.open(native, root, id);
  if (directory === undefined) throw absent(id);
  const record = requireRecord(directory);
  const status = statusOf(native, directory, record);
  if (status !== 'running' && status !== 'paused') {
    throw new Failure({ code: 'checkpoint.status', message: `Container cannot be checkpointed in ${status} state` });
  }
  const preDump = options['pre-dump'] === true;
  let directories: Directories | undefined;
  try {
    const fields = containerOptions(context, directory, record);
    const opened = openDirectories(context, true);
    directories = opened;
    removeLog(native, opened, 'dump');
    if (!preDump) writeDescriptors(context, opened, record);
    callCriu(native, {
      request: preDump ? REQUEST.preDump : REQUEST.dump,
      options: [...commonOptions(context, opened, logFile), ...fields, ...dumpOptions(context, preDump)],
      ops: criuOps(context, []),
      cloneFlags: 0,
      cgroup: '',
      onNotify: ({ stage }) => context.debug(`criu: ${stage}`),
      readLog: () => errorsOf(native, opened, logFile),
    });
  } catch (error) {
    if (directories !== undefined) removeMade(native, directories, logFile);
    // The config is the saved one, not a file of the caller.
    throw error instanceof Failure ? inPhase(withoutPointers(error), 'checkpoint failed') : error;
  }
  if (preDump || options['leave-running'] === true) return {};
  return { warnings: endContainer(native, directory, record) };
}

/** A restored program would find another socket, on which nobody listens. */
function notifyFaults(directory: ContainerDirectory): Diagnostic[] {
  if (!directory.has(fileNames.notify)) return [];
  const message = 'cannot checkpoint a container for which a service manager waited: it uses a socket of the host';
  return [{ code: 'checkpoint.unsupported', message, hint: 'create it without NOTIFY_SOCKET in the environment' }];
}

/** The container's properties for criu. */
function containerOptions(context: Context, directory: ContainerDirectory, record: ContainerRecord): Field[] {
  const { native } = context;
  const { text, path } = savedConfig(directory);
  const config = parseSavedConfig(text, path);
  const faults = [...checkpointFaults(config), ...notifyFaults(directory)];
  if (faults.length > 0) throw new Failure(faults);
  const { id, bundle, cgroup, pid } = record;
  const made = plan(config, readFacts(native), {
    id,
    bundle,
    keyring: keyringOf(record),
    awaitStart: 'socket',
    rootless: 'auto',
    cgroupManager: cgroup.hierarchies.length === 0 ? 'disabled' : cgroup.manager,
  });
  const freezer = driverOf(cgroup).freezer(cgroup);
  return [
    [OPTION.pid, pid],
    terminalOption(context, config),
    [OPTION.root, record.rootfs],
    ...externalMounts(native, pid, withoutLinks(native, record.rootfs, plannedMounts(config, made))).map(
      (word): Field => [OPTION.external, word],
    ),
    ...(joinedPath(config, 'network') === undefined ? [] : [[OPTION.external, externalNetwork(native, pid)] as const]),
    ...(isNew(config, 'network') ? [[OPTION.emptyNamespaces, CLONE_NEW.network] as const] : []),
    ...standardDescriptors(native, pid)
      .filter((name) => name.startsWith('file['))
      .map((name): Field => [OPTION.external, name]),
    ...(freezer === undefined ? [] : [[OPTION.freezeCgroup, freezer] as const]),
  ];
}

function dumpOptions({ options }: Context, preDump: boolean): Field[] {
  const flags = [
    [OPTION.leaveRunning, options['leave-running'] === true || preDump],
    [OPTION.tcpSkipInFlight, options['tcp-skip-in-flight'] === true],
    [OPTION.linkRemap, options['link-remap'] === true],
    [OPTION.trackMemory, preDump || options['parent-path'] !== undefined],
  ] as const;
  const parent = options['parent-path'];
  const status = options['status-fd'];
  return [
    ...flags.filter(([, value]) => value).map(([field]): Field => [field, true]),
    ...(parent === undefined ? [] : [[OPTION.parentImages, relative(parent)] as const]),
    ...(status === undefined || status < 0 ? [] : [[OPTION.statusDescriptor, status] as const]),
    ...pageServer(options['page-server']),
  ];
}

function relative(path: string): string {
  if (!path.startsWith('/')) return path;
  throw new Failure({ code: 'checkpoint.parent', message: '--parent-path must be relative to --image-path' });
}

function pageServer(word: string | undefined): Field[] {
  if (word === undefined) return [];
  const found = /^(.*):(\d{1,5})$/.exec(word);
  if (found === null) throw new Failure({ code: 'checkpoint.server', message: 'Use --page-server ADDRESS:PORT' });
  const server = encodeMessage([
    [1, found[1] ?? ''],
    [2, Number(found[2])],
  ]);
  return [[OPTION.pageServer, server]];
}

/** The former standard input, output and error, for restore. */
function writeDescriptors({ native }: Context, { images, imagePath }: Directories, { pid }: ContainerRecord): void {
  const path = `/proc/self/fd/${images}/descriptors.json`;
  native.unlink(path);
  const written = native.writeText(path, JSON.stringify(standardDescriptors(native, pid)), newFile, 0o600);
  expectDone(written, 'checkpoint.write', `cannot write "${imagePath}/descriptors.json"`, 'write');
}
