import type { Config } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import { expectDone, expectIfPresent, expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EEXIST } from '../kernel/errno.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../kernel/files.ts';
import { O_DIRECTORY } from '../kernel/open-flags.ts';
import { encodeMessage } from './protobuf.ts';
import type { Field } from './protobuf.ts';
import { OPTION, firstDescriptor } from './rpc.ts';
import type { PlannedOp } from '../plan/types.ts';
import type { Context } from '../options/command.ts';

/** Shared by checkpoint and restore: directories, options and the log of criu. */

/** The path may be a symbolic link, as with containerd; the entries of the directory are not trusted. */
const defaultImages = 'checkpoint';
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const configurationDirectory = '/etc/criu';
/** Format: `criu.conf` in criu(8). */
const configuration = `${configurationDirectory}/rt.conf`;
const othersMayWrite = 0o022;
const largestLog = 64 << 20;
const logLevel = 4;
/** criu_network_lock_method of criu's rpc.proto. */
const networkLocks: Readonly<Record<string, number>> = { iptables: 1, nftables: 2, skip: 3 };
const shownErrors = 3;
/** Failures that criu tolerates. */
const harmless = /Can't setup RLIMIT_NOFILE|tun: Unable to create tun/;

export interface Directories {
  readonly images: number;
  readonly work: number;
  /** As given by the caller. */
  readonly imagePath: string;
  readonly workPath: string;
  /** Paths that were missing and have been made. */
  readonly made: readonly string[];
}

/** Opens the image and log directories; with `make`, missing ones are made. */
export function openDirectories({ native, options }: Context, make: boolean): Directories {
  const imagePath = options['image-path'] ?? defaultImages;
  const workPath = options['work-path'] ?? imagePath;
  const made: string[] = [];
  const open = (path: string, missing: boolean): number => {
    if (missing && makeDirectory(native, path)) made.push(path);
    const opened = native.open(path, O_DIRECTORY, 0);
    return expectDone(opened, 'criu.directory', `cannot open directory "${path}"`, 'open');
  };
  try {
    const images = open(imagePath, make);
    const work = workPath === imagePath ? images : open(workPath, true);
    return { images, work, imagePath, workPath, made };
  } catch (error) {
    for (const path of made) native.rmdir(path);
    throw error;
  }
}

/** False if it already exists. */
function makeDirectory(native: Native, path: string): boolean {
  const status = native.mkdir(path, 0o700);
  if (status === -EEXIST) return false;
  expectDone(status, 'criu.directory', `cannot make directory "${path}"`, 'mkdir');
  return true;
}

/** After a failure: removes the directories made for it, but not criu's log, which contains the reason. */
export function removeMade(native: Native, { images, work, imagePath, made }: Directories, logFile: string): void {
  if (made.includes(imagePath)) {
    const directory = `/proc/self/fd/${images}`;
    const names = native.readDirectory(directory);
    for (const name of typeof names === 'number' ? [] : names.split('\0')) {
      if (name !== '' && !(name === logFile && work === images)) native.unlink(`${directory}/${name}`);
    }
  }
  // rmdir(2) keeps a directory that is not empty.
  for (const path of made) native.rmdir(path);
}

/** An existing log, or a link in its place, must not be written to. */
export function removeLog(native: Native, { work }: Directories, name: string): void {
  for (const file of [`${name}.log`, `stats-${name}`]) native.unlink(`/proc/self/fd/${work}/${file}`);
}

/** Options common to both requests. */
export function commonOptions({ native, options }: Context, { images, work }: Directories, logFile: string): Field[] {
  const flags = [
    [OPTION.tcpEstablished, options['tcp-established']],
    [OPTION.externalUnixSockets, options['ext-unix-sk']],
    [OPTION.shellJob, options['shell-job']],
    [OPTION.fileLocks, options['file-locks']],
    [OPTION.autoDedup, options['auto-dedup']],
    [OPTION.lazyPages, options['lazy-pages']],
  ] as const;
  return [
    [OPTION.imagesDirectory, images],
    [OPTION.workDirectory, work],
    [OPTION.logLevel, logLevel],
    [OPTION.logFile, logFile],
    [OPTION.notifyScripts, true],
    [OPTION.manageCgroups, false],
    // By a library: iptables requires its programs.
    [OPTION.networkLock, networkLocks[options['network-lock'] ?? 'nftables'] ?? 0],
    ...(hasConfiguration(native) ? [[OPTION.configFile, configuration] as const] : []),
    ...flags.filter(([, value]) => value === true).map(([field]): Field => [field, true]),
  ];
}

/**
 * Whether this host has options for criu. They override those of the command line, so only root may be able to change
 * them.
 */
function hasConfiguration(native: Native): boolean {
  const action = `cannot use "${configuration}"`;
  const status = expectIfPresent(native.stat(configuration, 0), 'criu.configuration', action, 'stat');
  if (status === undefined) return false;
  const directory = expectResult(native.stat(configurationDirectory, 1), 'criu.configuration', action, 'stat');
  const refuse = (path: string, what: string, hint: string): never => {
    throw new Failure({ code: 'criu.configuration', message: `${action}: "${path}" ${what}`, hint });
  };
  if (((status[0] ?? 0) & S_IFMT) !== S_IFREG) refuse(configuration, 'is not a regular file', 'replace it by a file');
  for (const [path, [mode = 0, owner]] of [
    [configurationDirectory, directory],
    [configuration, status],
  ] as const) {
    if (owner !== 0) refuse(path, 'does not belong to root', `run chown root ${path}`);
    if ((mode & othersMayWrite) !== 0) refuse(path, 'may be changed by others than root', `run chmod go-w ${path}`);
  }
  return true;
}

/**
 * The cgroup of a restored container and its limits are those of config.json; cgroups below it are not restored. A caller
 * who asks for all cgroups must not lose them. `found` is the path of one, undefined if there is none.
 */
export function refuseLostCgroups({ options }: Context, found: string | undefined, cause: string): void {
  const mode = options['manage-cgroups-mode'];
  if (found === undefined || (mode !== 'full' && mode !== 'strict')) return;
  throw new Failure({
    code: 'criu.cgroups',
    message: `--manage-cgroups-mode ${mode} is not possible: ${cause}: "${printable(found)}"`,
    hint: 'use soft to lose them: all processes are restored in the cgroup of the container',
  });
}

/** criu sends the master of a container's own terminal; that of the caller's terminal stays where it is. */
export function terminalOption({ options }: Context, config: Config): Field {
  return [OPTION.orphanTerminalMaster, options['shell-job'] !== true || config.process?.terminal === true];
}

export function refuseNamespaces({ options }: Context): void {
  const unknown = (options['empty-ns'] ?? []).find((name) => name !== 'network');
  if (unknown === undefined) return;
  throw new Failure({ code: 'criu.namespace', message: `namespace "${unknown}" is not supported` });
}

export function inheritedDescriptor(key: string, descriptor: number): Field {
  return [
    OPTION.inheritDescriptor,
    encodeMessage([
      [1, key],
      [2, descriptor],
    ]),
  ];
}

/** The earlier images, if any, must be there: criu would report a missing directory as an error of its own. */
export function requireParent({ native, options }: Context, { images, imagePath }: Directories): void {
  const parent = options['parent-path'];
  if (parent === undefined) return;
  if (parent.startsWith('/')) {
    throw new Failure({ code: 'checkpoint.parent', message: '--parent-path must be relative to --image-path' });
  }
  const action = `cannot use --parent-path "${parent}" (in "${imagePath}")`;
  const status = native.stat(`/proc/self/fd/${images}/${parent}`, 1);
  const [mode = 0] = expectResult(status, 'checkpoint.parent', action, 'stat');
  if ((mode & S_IFMT) === S_IFDIR) return;
  throw new Failure({ code: 'checkpoint.parent', message: `${action}: it is not a directory` });
}

/** Executes criu, which inherits the socket and the descriptors in the slots. */
export function criuOps({ native, globals }: Context, slots: readonly number[]): PlannedOp[] {
  const own = native.getEnv('PATH');
  const search = typeof own === 'number' || own === '' ? defaultPath : `${own}:${defaultPath}`;
  const name = globals.criu ?? 'criu';
  const from = globals.criu === undefined ? 'default' : '--criu';
  return [
    { op: 'pass_descriptors', first: firstDescriptor, slots: [...slots], from },
    { op: 'find_program', name, search, from },
    { op: 'exec', args: [name, 'swrk', String(firstDescriptor)], env: [`PATH=${search}`], from },
  ];
}

/** The first errors of a log, without timestamps and source locations; empty if there are none. */
export function errorsOf(native: Native, { work, workPath }: Directories, logFile: string): string {
  const text = native.readText(`/proc/self/fd/${work}/${logFile}`, largestLog);
  if (typeof text === 'number') return '';
  const errors = text
    .split('\n')
    .filter((line) => /\bError \(/.test(line) && !harmless.test(line))
    .map((line) => line.replace(/^.*?\bError \([^)]*\): ?/, '').trim());
  return errors.length === 0 ? '' : `${errors.slice(0, shownErrors).join('; ')} (log file: ${workPath}/${logFile})`;
}
