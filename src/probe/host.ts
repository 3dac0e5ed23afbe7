import type { Config, Hooks, Mount } from '../../schema/generated/config.ts';
import { capabilityMask } from '../bundle/capabilities.ts';
import { isNew } from '../bundle/namespaces.ts';
import { maximumCpu, parseNumberList } from '../bundle/number-list.ts';
import { collect } from '../bundle/rules.ts';
import type { Report } from '../bundle/rule.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { errnoText } from '../diag/errno.ts';
import { shown } from '../diag/pointer.ts';
import { isAbsent } from '../diag/system.ts';
import type { Facts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../kernel/files.ts';
import { hostRoot } from '../plan/rootfs.ts';
import { checkProgram } from './program.ts';
import { viewOf } from './view.ts';

/** Reads a file of /proc or /sys; undefined if it cannot be read. */
type ReadText = (path: string) => string | undefined;

/**
 * What on this host is against a config without faults, besides what its plan says: nothing is changed. `bundle` is an
 * absolute path.
 */
export function checkHost(native: Native, facts: Facts, config: Config, bundle: string): readonly Diagnostic[] {
  const read: ReadText = (path) => {
    const text = native.readText(path, 1 << 16);
    return typeof text === 'string' ? text : undefined;
  };
  return collect(
    [
      (_, report) => root(native, config, bundle, facts, report),
      (_, report) => mounts(native, config, bundle, read, report),
      (_, report) => namespaces(native, config, report),
      (_, report) => hooks(native, config.hooks ?? {}, report),
      (_, report) => cpuLists(config, read, report),
      (_, report) => sysctls(native, config, report),
      (_, report) => limits(config, read, report),
      (_, report) => capabilities(config, read, report),
    ],
    config,
  );
}

function root(native: Native, config: Config, bundle: string, facts: Facts, report: Report): void {
  const path = hostRoot(config, bundle);
  const status = native.stat(path, 0);
  const refuse = (cause: string, hint?: string): void =>
    report('host.root', '/root/path', `the root filesystem ${shown(path)} ${cause}`, hint);
  if (typeof status === 'number') {
    refuse(isAbsent(status) ? 'does not exist' : `cannot be looked at: ${errnoText(-status)}`);
    return;
  }
  const type = (status[0] ?? 0) & S_IFMT;
  if (type === S_IFLNK) refuse('is a symbolic link', 'name the directory to which it leads');
  else if (type !== S_IFDIR) refuse('is not a directory');
  else if (config.process !== undefined) {
    const view = viewOf(native, config, bundle, path);
    const seen = view(config.process.cwd);
    if (seen.kind === 'there' && ((seen.status[0] ?? 0) & S_IFMT) !== S_IFDIR) {
      report('host.cwd', '/process/cwd', `the working directory ${shown(config.process.cwd)} is not a directory`);
    }
    checkProgram(native, view, facts.architecture, config.process, report);
  }
}

function isBind({ type, options = [] }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

function mounts(native: Native, config: Config, bundle: string, read: ReadText, report: Report): void {
  const known = (read('/proc/filesystems') ?? '').split('\n').map((line) => line.split('\t')[1]);
  config.mounts?.forEach((mount, index) => {
    const { type = '', source = '', destination } = mount;
    const pointer = `/mounts/${index}`;
    if (!isBind(mount)) {
      // The type cgroup stands for that of the host.
      if (type === 'cgroup' || known.includes(type) || known.length < 2) return;
      const message = `the kernel has no filesystem ${shown(type)} now (/proc/filesystems)`;
      report('host.filesystem', `${pointer}/type`, message, `load its module, such as by modprobe ${type}`);
      return;
    }
    const path = source.startsWith('/') ? source : `${bundle}/${source}`;
    const status = native.stat(path, 1);
    if (typeof status === 'number') {
      const cause = isAbsent(status) ? 'does not exist' : `cannot be looked at: ${errnoText(-status)}`;
      report('host.source', `${pointer}/source`, `the bind source ${shown(path)} ${cause}`);
      return;
    }
    const view = viewOf(native, config, bundle, hostRoot(config, bundle), index);
    const seen = view(destination);
    if (seen.kind !== 'there') return;
    const words = (list: readonly number[]): string =>
      ((list[0] ?? 0) & S_IFMT) === S_IFDIR ? 'a directory' : 'a file';
    const [from, to] = [words(status), words(seen.status)];
    if (from === to) return;
    const message = `cannot mount ${shown(path)}, ${from}, on ${shown(destination)}, ${to}`;
    report('host.kind', `${pointer}/destination`, message, 'bind a file on a file, a directory on a directory');
  });
}

function namespaces(native: Native, { linux }: Config, report: Report): void {
  linux?.namespaces?.forEach(({ type, path }, index) => {
    if (path === undefined || path === '' || typeof native.stat(path, 1) !== 'number') return;
    report('host.namespace', `/linux/namespaces/${index}/path`, `the ${type} namespace ${shown(path)} does not exist`);
  });
}

const hostHooks = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'] as const;

function hooks(native: Native, kinds: Hooks, report: Report): void {
  for (const kind of hostHooks) {
    kinds[kind]?.forEach(({ path }, index) => {
      const status = native.stat(path, 1);
      const [mode = 0] = typeof status === 'number' ? [] : status;
      if (typeof status !== 'number' && (mode & S_IFMT) !== S_IFDIR && (mode & 0o111) !== 0) return;
      const cause = typeof status === 'number' ? 'does not exist' : 'is not an executable file';
      report('host.hook', `/hooks/${kind}/${index}/path`, `the ${kind} hook ${shown(path)} ${cause}`);
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
  process?.rlimits?.forEach(({ type, hard }, index) => {
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
