import type { Config, Hooks, Mount, Process } from '../../schema/generated/config.ts';
import { capabilityMask } from '../bundle/capabilities.ts';
import { isNew } from '../bundle/namespaces.ts';
import { maximumCpu, parseNumberList } from '../bundle/number-list.ts';
import { collect } from '../bundle/rules.ts';
import { each } from '../bundle/rule.ts';
import type { Report } from '../bundle/rule.ts';
import { isWithin } from '../bundle/sound.ts';
import type { Sound } from '../bundle/sound.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { denialOf, lookInto } from '../diag/look.ts';
import type { Prospect, Sight } from '../diag/look.ts';
import { shown } from '../diag/pointer.ts';
import { isAbsent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { EACCES, ENOENT } from '../kernel/errno.ts';
import { NSFS_MAGIC } from '../kernel/file-systems.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../kernel/files.ts';
import { filesystemOptions, meantFilesystem } from '../plan/filesystems.ts';
import { programOf } from '../plan/process.ts';
import { hostRoot } from '../plan/rootfs.ts';
import { missingRoot } from '../words/root.ts';
import { causeOf, explainDirectory, explainPath, foreseeProgram } from '../words/program.ts';
import { isLoadable } from './modules.ts';
import { hasFillingHooks, isBind, mountedOf, prospectOf, sourceOf } from './prospect.ts';

/** Reads a file of /proc or /sys; undefined if it cannot be read. */
type ReadText = (path: string) => string | undefined;

export interface HostFindings {
  readonly against: readonly Diagnostic[];
  /** What is rarely meant, given this host. */
  readonly notes: readonly Diagnostic[];
}

/**
 * What on this host is against a config, besides what its plan says: nothing is changed. `bundle` is an absolute path.
 * What depends on a part that is left out is not looked at.
 */
export function checkHost(native: Native, { config, left }: Sound, bundle: string): HostFindings {
  const isSound = (...parts: readonly string[]): boolean =>
    !left.some((pointer) => parts.some((part) => isWithin(pointer, part) || isWithin(part, pointer)));
  const read: ReadText = (path) => {
    const text = native.readText(path, 1 << 16);
    return typeof text === 'string' ? text : undefined;
  };
  const notes: Diagnostic[] = [];
  const against = collect(
    [
      (_, report) => files(native, config, bundle, read, report, notes, isSound),
      (_, report) => filesystemOptions(config, report, true),
      (_, report) => namespaces(native, config, report),
      (_, report) => hooks(native, config.hooks ?? {}, report),
      (_, report) => cpuLists(config, read, report),
      (_, report) => sysctls(native, config, report),
      (_, report) => limits(config, read, report),
      (_, report) => isSound('/linux/namespaces') && capabilities(config, read, report),
    ],
    config,
  );
  return { against, notes };
}

/** Why the runtime cannot use a path of the host, from a negative errno. */
function unusable(
  native: Native,
  path: string,
  status: number,
  cure?: string,
): readonly [cause: string, hint: string | undefined] {
  if (isAbsent(status)) {
    const plain: Diagnostic = {
      code: 'host.source',
      message: 'does not exist',
      ...(cure === undefined ? {} : { hint: cure }),
    };
    const { message, hint } = explainPath(path, plain, lookInto(native, 'self'));
    return [message, hint];
  }
  const denial = status === -EACCES ? denialOf(lookInto(native, 'self'), path) : undefined;
  return [`cannot be looked at: ${errnoText(-status)}${denial?.words ?? ''}`, denial?.hint];
}

/** The root filesystem, and what will be in it once each mount is made. */
function files(
  native: Native,
  config: Config,
  bundle: string,
  read: ReadText,
  report: Report,
  notes: Diagnostic[],
  isSound: (...parts: readonly string[]) => boolean,
): void {
  if (config.root === undefined) return;
  const root = hostRoot(config, bundle);
  const status = native.stat(root, 0);
  const refuse = (cause: string, hint?: string): void =>
    report('host.root', '/root/path', `the root filesystem ${shown(root)} ${cause}`, hint);
  const type = typeof status === 'number' ? 0 : (status[0] ?? 0) & S_IFMT;
  if (typeof status === 'number') refuse(...unusable(native, root, status, missingRoot));
  else if (type === S_IFLNK) refuse('is a symbolic link', 'name the directory to which it leads');
  else if (type !== S_IFDIR) refuse('is not a directory');
  const prospect = prospectOf(native, config, root, isSound(...ofRights));
  const known = (read('/proc/filesystems') ?? '').split('\n').map((line) => line.split('\t')[1]);
  const fillable = hasFillingHooks(config);
  each(config.mounts, (mount, index) => {
    const there = isSound('/mounts') ? prospect.mount(mount.destination, mountedOf(mount, bundle, fillable)) : unknown;
    if (isBind(mount)) bind(native, mount, index, bundle, there, report);
    else if (known.length > 1 && !known.includes(mount.type)) filesystem(native, mount, index, report);
  });
  const { process } = config;
  if (type !== S_IFDIR || process === undefined) return;
  if (isSound('/process/cwd', '/mounts')) notes.push(...madeDirectory(prospect, process.cwd));
  if (isSound(...ofProgram)) program(prospect, config, process, report);
}

const unknown: Sight = { kind: 'unknown' };

/** What decides which files the program may execute. */
const ofRights = [
  ...['user', 'capabilities'].map((name) => `/process/${name}`),
  ...['namespaces', 'uidMappings', 'gidMappings'].map((name) => `/linux/${name}`),
];

/** What decides which program it is, and what is there. */
const ofProgram = [...['args', 'cwd', 'env'].map((name) => `/process/${name}`), ...ofRights, '/mounts'];

function filesystem(native: Native, { type = '' }: Mount, index: number, report: Report): void {
  // The type cgroup stands for that of the host.
  if (type === 'cgroup' || isLoadable(native, type)) return;
  const message = `the kernel has no filesystem ${shown(type)} (/proc/filesystems), and no module of that name`;
  const hint = meantFilesystem(type) ?? 'install the module, or use another type';
  report('host.filesystem', `/mounts/${index}/type`, message, hint);
}

function bind(native: Native, mount: Mount, index: number, bundle: string, there: Sight, report: Report): void {
  const path = sourceOf(mount, bundle);
  const status = native.stat(path, 1);
  if (typeof status === 'number') {
    const [cause, hint] = unusable(native, path, status, 'create it, or drop the mount');
    report('host.source', `/mounts/${index}/source`, `the bind source ${shown(path)} ${cause}`, hint);
    return;
  }
  if (there.kind !== 'file' && there.kind !== 'special' && there.kind !== 'directory') return;
  const words = (isDirectory: boolean): string => (isDirectory ? 'a directory' : 'a file');
  const [from, to] = [words(((status[0] ?? 0) & S_IFMT) === S_IFDIR), words(there.kind === 'directory')];
  if (from === to) return;
  const message = `cannot mount ${shown(path)}, ${from}, on ${shown(mount.destination)}, ${to}`;
  report('host.kind', `/mounts/${index}/destination`, message, 'bind a file on a file, a directory on a directory');
}

/** The working directory, if rt will make it. */
function madeDirectory(prospect: Prospect, cwd: string): Diagnostic[] {
  if (prospect.at(cwd).kind !== 'missing') return [];
  const message = `the working directory ${shown(cwd)} does not exist: rt makes it, and it stays on the host`;
  const hint = 'correct process.cwd, or make it in the image';
  return [explainDirectory(cwd, { code: 'host.cwd.made', message, pointer: '/process/cwd', hint }, prospect)];
}

function program(prospect: Prospect, { mounts = [] }: Config, process: Process, report: Report): void {
  const { cwd } = process;
  const wanted = { ...programOf(process), mounts: mounts.map(({ destination }) => destination) };
  const directory = prospect.at(cwd);
  if (['file', 'special', 'no directory', 'loop'].includes(directory.kind)) {
    report('host.cwd', '/process/cwd', `the working directory ${shown(cwd)} is not a directory`);
  }
  // It may be entered before the user is changed.
  const isRelative = wanted.name.includes('/') && !wanted.name.startsWith('/');
  if (wanted.name === '' || (isRelative && directory.kind === 'closed')) return;
  const cause = foreseeProgram(wanted, prospect, cwd);
  if (cause !== undefined) report('host.program', '/process/args/0', cause.words, cause.hint);
}

function namespaces(native: Native, { linux }: Config, report: Report): void {
  each(linux?.namespaces, ({ type, path }, index) => {
    if (path === undefined || path === '') return;
    const status = native.stat(path, 1);
    // Opens nothing: a FIFO would wait.
    const isNamespace = typeof status !== 'number' && native.fileSystemType(path) === NSFS_MAGIC;
    if (isNamespace) return;
    const [cause, hint] =
      typeof status === 'number'
        ? unusable(native, path, status)
        : (['is not a namespace', 'give a file such as those in /proc/PID/ns'] as const);
    report('host.namespace', `/linux/namespaces/${index}/path`, `the ${type} namespace ${shown(path)} ${cause}`, hint);
  });
}

const hostHooks = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const;

function hooks(native: Native, kinds: Hooks, report: Report): void {
  for (const kind of hostHooks) {
    each(kinds[kind], ({ path }, index) => {
      const status = native.stat(path, 1);
      const cause = causeOf(lookInto(native, 'self'), path, ENOENT);
      if (typeof status !== 'number' && cause === undefined) return;
      const words = cause?.words || (typeof status === 'number' ? `: ${errnoText(-status)}` : '');
      const message = `the ${kind} hook ${shown(path)} cannot be executed${words}`;
      report('host.hook', `/hooks/${kind}/${index}/path`, message, cause?.hint);
    });
  }
}

function cpuLists({ linux, process }: Config, read: ReadText, report: Report): void {
  const { cpus, mems } = linux?.resources?.cpu ?? {};
  const { initial, final } = process?.execCPUAffinity ?? {};
  const lists = [
    ['/linux/resources/cpu/cpus', cpus, 'cpu', 'CPUs'],
    ['/linux/resources/cpu/mems', mems, 'node', 'memory nodes'],
    ['/process/execCPUAffinity/initial', initial, 'cpu', 'CPUs'],
    ['/process/execCPUAffinity/final', final, 'cpu', 'CPUs'],
  ] as const;
  for (const [pointer, list, device, name] of lists) {
    const online = read(`/sys/devices/system/${device}/online`)?.trim();
    if (list === undefined || list === '' || online === undefined) continue;
    const wanted = parseNumberList(list, maximumCpu);
    const present = parseNumberList(online, maximumCpu);
    if ('fault' in wanted) {
      report('host.cpus', pointer, `${shown(list)} is not a list of ${name}: ${wanted.fault}`, 'write such as 0-3,7');
    } else if ('bits' in present && wanted.bits.some((byte, at) => (byte & ~(present.bits[at] ?? 0)) !== 0)) {
      report('host.cpus', pointer, `${shown(list)} names more than the ${name} of this host, ${online}`);
    }
  }
}

function sysctls(native: Native, { linux }: Config, report: Report): void {
  for (const name of Object.keys(linux?.sysctl ?? {})) {
    const path = `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`;
    const status = native.stat(path, 1);
    if (typeof status !== 'number' || !isAbsent(status)) continue;
    const hint = 'load the module to which it belongs, or drop it';
    report('host.sysctl', `/linux/sysctl/${name.replaceAll('/', '~1')}`, `the kernel has no ${shown(path)}`, hint);
  }
}

/** As setrlimit(2): only CAP_SYS_RESOURCE of the host raises a hard limit, and none beyond nr_open. */
function limits({ process }: Config, read: ReadText, report: Report): void {
  const own = read('/proc/self/limits') ?? '';
  const mayRaise = hasCapabilities(read, ['CAP_SYS_RESOURCE']);
  const mostFiles = BigInt(read('/proc/sys/fs/nr_open')?.trim() ?? 0xffff_ffff);
  each(process?.rlimits, ({ type, hard }, index) => {
    const pointer = `/process/rlimits/${index}/hard`;
    if (type === 'RLIMIT_NOFILE' && BigInt(hard) > mostFiles) {
      const message = `RLIMIT_NOFILE must be at most ${String(mostFiles)} (/proc/sys/fs/nr_open), found ${String(hard)}`;
      report('host.rlimit', pointer, message);
      return;
    }
    const line = own.split('\n').find((text) => text.startsWith(rowOfLimit[type] ?? '-'));
    const most = line?.slice(26).trim().split(/\s+/)[1];
    if (mayRaise || most === undefined || most === 'unlimited' || BigInt(hard) <= BigInt(most)) return;
    const message = `rt may set ${type} to at most ${most}, its own hard limit, found ${String(hard)}`;
    report('host.rlimit', pointer, message, 'raise the limit of the caller, or give it CAP_SYS_RESOURCE');
  });
}

/** The rows of /proc/self/limits; the values begin in column 26. */
const rowOfLimit: Readonly<Partial<Record<string, string>>> = {
  RLIMIT_AS: 'Max address space',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_STACK: 'Max stack size',
};

/** capset(2) grants only what the runtime has itself; within a new user namespace it has everything. */
function capabilities(config: Config, read: ReadText, report: Report): void {
  if (isNew(config, 'user')) return;
  const { permitted = [] } = config.process?.capabilities ?? {};
  const lacking = permitted.filter((name) => !hasCapabilities(read, [name]));
  if (lacking.length === 0) return;
  const pointer = `/process/capabilities/permitted/${permitted.indexOf(lacking[0] ?? '')}`;
  const message = `rt cannot grant ${lacking.join(', ')}: it lacks the capability itself`;
  report('host.capability', pointer, message, 'drop it, or run rt with more rights');
}

function hasCapabilities(read: ReadText, names: readonly string[]): boolean {
  const own = /^CapPrm:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  const wanted = capabilityMask(names);
  return own === undefined || (BigInt(`0x${own}`) & wanted) === wanted;
}
