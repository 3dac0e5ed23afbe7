import type { Config } from '../../schema/generated/config.ts';
import { isNew } from '../bundle/namespaces.ts';
import { parseSavedConfig } from '../bundle/process.ts';
import { innerCgroup } from '../cgroup/files.ts';
import { driverOf } from '../cgroup/control.ts';
import { withoutLinks } from '../criu/destinations.ts';
import { dumpOptions } from '../criu/dump-options.ts';
import { externalMounts, externalNames, namespaceFiles, standardDescriptors } from '../criu/external.ts';
import type { Field } from '../criu/protobuf.ts';
import { progressOf } from '../criu/progress.ts';
import {
  commonOptions,
  criuOps,
  errorsOf,
  openDirectories,
  refuseLostCgroups,
  removeLog,
  removeMade,
  requireParent,
  terminalOption,
} from '../criu/request.ts';
import type { Directories } from '../criu/request.ts';
import { OPTION, REQUEST, callCriu } from '../criu/rpc.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { inPhase, withoutPointers } from '../diag/failure.ts';
import { expectDone } from '../diag/system.ts';
import { readFacts } from '../facts/facts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../kernel/open-flags.ts';
import type { Context } from '../options/command.ts';
import { checkpointFaults, plannedMounts } from '../plan/checkpoint.ts';
import { plan } from '../plan/index.ts';
import { handedOver, joinInheritedOps } from '../plan/restore.ts';
import type { ContainerDirectory } from '../state/directory.ts';
import { fileNames } from '../state/names.ts';
import { keyringOf } from '../state/record.ts';
import type { ContainerRecord } from '../state/record.ts';
import { savedConfig } from '../state/store.ts';
import { transact } from './transaction.ts';

const logFile = 'dump.log';
const newFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** Writes images of a container, or only those of its memory, which a later dump completes (--pre-dump). */
export function dump(context: Context, directory: ContainerDirectory, record: ContainerRecord): void {
  const { native, options } = context;
  const preDump = options['pre-dump'] === true;
  transact(
    (onFailure) => {
      const config = checkedConfig(directory);
      refuseLostCgroups(context, innerCgroup(native, record.cgroup), 'the container has cgroups below its own');
      const fields = containerOptions(context, config, record);
      const opened = openDirectories(context, true);
      onFailure('images', () => removeMade(native, opened, logFile));
      requireParent(context, opened);
      removeLog(native, opened, 'dump');
      if (!preDump) writeDescriptors(context, opened, record);
      callCriu(native, {
        request: preDump ? REQUEST.preDump : REQUEST.dump,
        options: [...commonOptions(context, opened, logFile), ...fields, ...dumpOptions(context, preDump)],
        ops: [
          ...joinInheritedOps(config, (type) => `/proc/${record.pid}/ns/${namespaceFiles[type]}`),
          ...criuOps(context, []),
        ],
        cloneFlags: 0,
        cgroup: '',
        onNotify: () => undefined,
        progress: progressOf(context, 'checkpoint', opened.images),
        readLog: () => errorsOf(native, opened, logFile),
      });
    },
    // The config is the saved one, not a file of the caller.
    (failure) => inPhase(withoutPointers(failure), 'checkpoint'),
  );
}

/** A restored program would find another socket, on which nobody listens. */
function notifyFaults(directory: ContainerDirectory): Diagnostic[] {
  if (!directory.has(fileNames.notify)) return [];
  const message = 'cannot checkpoint a container for which a service manager waited: it uses a socket of the host';
  return [{ code: 'checkpoint.unsupported', message, hint: 'create it without NOTIFY_SOCKET in the environment' }];
}

function checkedConfig(directory: ContainerDirectory): Config {
  const { text, path } = savedConfig(directory);
  const config = parseSavedConfig(text, path);
  const faults = [...checkpointFaults(config), ...notifyFaults(directory)];
  if (faults.length > 0) throw new Failure(faults);
  return config;
}

/** The container's properties for criu. */
function containerOptions(context: Context, config: Config, record: ContainerRecord): Field[] {
  const { native } = context;
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
    ...externalNames(native, pid, handedOver(config)).map((word): Field => [OPTION.external, word]),
    ...(isNew(config, 'network') ? [[OPTION.emptyNamespaces, CLONE_NEW.network] as const] : []),
    ...standardDescriptors(native, pid)
      .filter((name) => name.startsWith('file['))
      .map((name): Field => [OPTION.external, name]),
    ...(freezer === undefined ? [] : [[OPTION.freezeCgroup, freezer] as const]),
  ];
}

/** The former standard input, output and error, for restore. */
function writeDescriptors({ native }: Context, { images, imagePath }: Directories, { pid }: ContainerRecord): void {
  const path = `/proc/self/fd/${images}/descriptors.json`;
  native.unlink(path);
  const written = native.writeText(path, JSON.stringify(standardDescriptors(native, pid)), newFile, 0o600);
  expectDone(written, 'checkpoint.write', `cannot write "${imagePath}/descriptors.json"`, 'write');
}
