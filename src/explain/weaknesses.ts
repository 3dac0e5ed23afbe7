import type { Config, LinuxNamespace, Mount, NamespaceType } from '../../schema/generated/config.ts';
import { hasNamespace, isNew } from '../bundle/namespaces.ts';
import { isBelow, normalizePath } from '../bundle/path.ts';
import type { Report, Rule } from '../bundle/rule.ts';
import type { Code } from '../diag/diagnostic.ts';
import { dotted, shown } from '../diag/pointer.ts';
import { knownHookKinds } from '../plan/hooks.ts';

/** What separates a container from its host less than its author may think; no engine makes such configs by default. */
export const unusualWeaknesses: readonly Rule[] = [pidNamespace, mappedRoot, writableBinds];

/** What engines often do, or leave to whoever writes the config. */
export const commonWeaknesses: readonly Rule[] = [
  namespaces,
  hostRoot,
  capabilities,
  newPrivileges,
  filter,
  kernelFilesystems,
  protectedPaths,
  devices,
  hooks,
  propagation,
  limits,
];

function pidNamespace(config: Config, report: Report): void {
  if (hasNamespace(config, 'pid')) return;
  const message =
    'no pid namespace: the container sees the processes of the host, and a kill of its program leaves others';
  report('weak.pid', '/linux/namespaces', message, addNamespace('pid'));
}

function mappedRoot({ linux }: Config, report: Report): void {
  for (const name of ['uidMappings', 'gidMappings'] as const) {
    const index = linux?.[name]?.findIndex(({ hostID, size }) => hostID === 0 && size > 0) ?? -1;
    if (index < 0) continue;
    const who = name === 'uidMappings' ? 'user' : 'group';
    const message = `linux.${name}[${index}] maps the ${who} root of the host: its files are not protected`;
    report('weak.mapping', `/linux/${name}/${index}/hostID`, message, 'map ids that nobody else has');
  }
}

/** With what a process that can write there can do to the host. */
const preciousPlaces: readonly (readonly [path: string, what: string])[] = [
  ['/', 'every file of the host'],
  ['/boot', 'the kernel that the host starts'],
  ['/dev', 'the devices of the host'],
  ['/etc', 'the users and services of the host'],
  ['/lib', 'the programs of the host'],
  ['/proc', 'the settings of the kernel'],
  ['/root', 'the files of root'],
  ['/sbin', 'the programs of the host'],
  ['/bin', 'the programs of the host'],
  ['/sys', 'the devices and cgroups of the host'],
  ['/usr', 'the programs of the host'],
  ['/var', 'the state of the services of the host'],
  ['/run', 'the sockets of the services of the host'],
];

const engineSocket = /\/(?:docker|containerd|podman|crio|dockershim|buildkitd)\.sock$/;

function writableBinds({ mounts = [] }: Config, report: Report): void {
  mounts.forEach((mount, index) => {
    const source = normalizePath(mount.source ?? '');
    if (!isBind(mount) || mount.source?.startsWith('/') !== true) return;
    if (engineSocket.test(source)) {
      const message = `mounts[${index}] gives the container ${shown(source)}: who can connect is root of the host`;
      report('weak.socket', `/mounts/${index}/source`, message, 'drop the mount');
      return;
    }
    const what = preciousPlaces.find(([path]) => path === source)?.[1];
    if (what === undefined || isReadonly(mount)) return;
    const message = `mounts[${index}] lets the container write to ${shown(source)}: ${what}`;
    report('weak.bind', `/mounts/${index}/source`, message, 'bind a directory of its own, or add the option "ro"');
  });
}

/** With what is shared if there is none. */
const shared: readonly (readonly [type: NamespaceType, code: Code, what: string])[] = [
  ['mount', 'weak.mount', 'mounts of the container are mounts of the host'],
  ['network', 'weak.network', 'the container uses the network of the host, with the abstract sockets of its services'],
  ['ipc', 'weak.ipc', 'the container shares System V IPC and message queues with the host'],
  ['uts', 'weak.uts', 'the container has the host name of the host'],
  ['cgroup', 'weak.cgroup', 'the container sees the names of the cgroups of the host'],
];

/** A path into /proc of init is the host's own namespace. */
const ofInit = /^\/proc\/1\/ns\//;

function namespaces(config: Config, report: Report): void {
  for (const [type, code, what] of shared) {
    if (!hasNamespace(config, type)) {
      report(code, '/linux/namespaces', `no ${type} namespace: ${what}`, addNamespace(type));
    }
  }
  config.linux?.namespaces?.forEach(({ type, path = '' }: LinuxNamespace, index) => {
    if (!ofInit.test(path)) return;
    const message = `the ${type} namespace is that of the host: ${shown(path)} belongs to its first process`;
    report('weak.joined', `/linux/namespaces/${index}/path`, message, 'drop the path, for a namespace of its own');
  });
}

function addNamespace(type: NamespaceType): string {
  return `add {"type": "${type}"} to linux.namespaces`;
}

function hostRoot(config: Config, report: Report): void {
  if (hasNamespace(config, 'user') || config.process === undefined || (config.process.user?.uid ?? 0) !== 0) return;
  const message = 'the program runs as root of the host: uid 0 without a user namespace';
  const hint = 'set process.user.uid, or add a user namespace with linux.uidMappings and linux.gidMappings';
  report('weak.root', '/process/user/uid', message, hint);
}

/** capabilities(7): what each allows that reaches beyond the container. */
const powers: Readonly<Partial<Record<string, string>>> = {
  CAP_SYS_ADMIN: 'mount filesystems and enter namespaces: nearly all that root can',
  CAP_SYS_MODULE: 'load code into the kernel',
  CAP_SYS_RAWIO: 'access memory and devices directly',
  CAP_SYS_PTRACE: 'read and change other processes, those of the host too without a pid namespace',
  CAP_SYS_BOOT: 'restart the host',
  CAP_SYS_TIME: 'set the clock of the host',
  CAP_SYSLOG: 'read the kernel log and addresses',
  CAP_DAC_READ_SEARCH: 'open every file of a mounted filesystem, also outside of the root',
  CAP_MAC_ADMIN: 'change the rules of AppArmor and SELinux',
  CAP_MAC_OVERRIDE: 'override the rules of SMACK',
  CAP_BPF: 'load programs into the kernel',
  CAP_PERFMON: 'observe the whole kernel',
  CAP_NET_ADMIN: 'configure the network, that of the host too without a network namespace',
};

function capabilities(config: Config, report: Report): void {
  const { bounding = [], effective = [], permitted = [] } = config.process?.capabilities ?? {};
  const sets = { bounding, permitted, effective };
  // Within a user namespace they hold for what it owns.
  const scope = isNew(config, 'user') ? ', within its user namespace' : '';
  for (const [name, power] of Object.entries(powers)) {
    const set = (['effective', 'permitted', 'bounding'] as const).find((one) => sets[one].includes(name));
    if (set === undefined || power === undefined) continue;
    const place = `/process/capabilities/${set}/${sets[set].indexOf(name)}`;
    report('weak.capability', place, `${name}: may ${power}${scope}`, `drop ${name}`);
  }
}

function newPrivileges({ process }: Config, report: Report): void {
  if (process === undefined || process.noNewPrivileges === true) return;
  const message = 'the program can gain rights from set-user-ID programs and file capabilities';
  report('weak.privileges', '/process/noNewPrivileges', message, 'set process.noNewPrivileges to true');
}

function filter({ linux }: Config, report: Report): void {
  if (linux?.seccomp !== undefined) return;
  const message = 'no seccomp filter: the program can make every system call';
  report('weak.seccomp', '/linux/seccomp', message, 'add linux.seccomp, such as the profile of an engine');
}

function kernelFilesystems(config: Config, report: Report): void {
  config.mounts?.forEach((mount, index) => {
    const { type = '' } = mount;
    if (!['sysfs', 'cgroup', 'cgroup2'].includes(type) || isReadonly(mount)) return;
    // A cgroup namespace of its own confines what is mounted in it.
    const what = type === 'sysfs' ? 'the settings of devices and drivers' : 'its own limits';
    const message = `mounts[${index}] (${type}) is writable: who is root in the container can change ${what}`;
    report('weak.writable', `/mounts/${index}`, message, 'add the option "ro"');
  });
}

/** What must be hidden or read-only in a procfs, if the container has one. */
function protectedPaths({ mounts = [], linux }: Config, report: Report): void {
  if (!mounts.some(({ type }) => type === 'proc')) return;
  const { maskedPaths = [], readonlyPaths = [] } = linux ?? {};
  const check = (path: string, protectedBy: readonly string[], name: string, what: string): void => {
    if (protectedBy.some((one) => one === path || isBelow(path, one))) return;
    report('weak.proc', `/linux/${name}`, `${path} is ${what}`, `add it to linux.${name}`);
  };
  check('/proc/kcore', maskedPaths, 'maskedPaths', 'readable: it is the memory of the kernel');
  check('/proc/keys', maskedPaths, 'maskedPaths', 'readable: it lists keys of other users');
  const closed = [...maskedPaths, ...readonlyPaths];
  check('/proc/sys', closed, 'readonlyPaths', 'writable: it has the settings of the kernel');
  check('/proc/sysrq-trigger', closed, 'readonlyPaths', 'writable: it can restart the host');
}

/** Those that every container has, by type and number. */
const harmlessDevices = ['c 1:3', 'c 1:5', 'c 1:7', 'c 1:8', 'c 1:9', 'c 5:0', 'c 5:1', 'c 5:2'];

function devices({ linux }: Config, report: Report): void {
  linux?.devices?.forEach(({ path, type, major, minor }, index) => {
    const what = `${type === 'u' ? 'c' : type} ${String(major ?? 0)}:${String(minor ?? 0)}`;
    if (type === 'p' || harmlessDevices.includes(what)) return;
    const message = `linux.devices[${index}] gives the container the device ${shown(path)} (${what}) of the host`;
    report('weak.device', `/linux/devices/${index}`, message, 'drop it if the program does not need it');
  });
  // The last rule that matches decides; without any, only harmless devices may be opened.
  const rules = linux?.resources?.devices ?? [];
  const last = rules.findLastIndex(({ type = 'a', major = -1, access = '' }) => {
    return Number(major) < 0 && (type === 'a' || type === 'b' || type === 'c') && /[rw]/.test(access);
  });
  if (rules[last]?.allow !== true) return;
  const message = 'every device of the host may be opened, or every block or character device';
  report('weak.devices', `/linux/resources/devices/${last}`, message, 'allow the devices that the program needs');
}

function hooks({ hooks: kinds = {}, root }: Config, report: Report): void {
  const inRoot = root?.path.startsWith('/') === true ? normalizePath(root.path) : undefined;
  for (const kind of knownHookKinds()) {
    kinds[kind]?.forEach(({ path }, index) => {
      const pointer = `/hooks/${kind}/${index}/path`;
      const place = dotted(`/hooks/${kind}/${index}`);
      if (kind === 'startContainer') {
        const message = `${place} is ${shown(path)} of the image: it runs before the program, with its rights`;
        report('weak.hook', pointer, message, 'use only with images that you trust');
      } else if (inRoot !== undefined && isBelow(normalizePath(path), inRoot)) {
        const message = `${place} is ${shown(path)} in the root of the container: what the image holds runs on the host`;
        report('weak.hook', pointer, message, 'use a program outside of root.path');
      }
    });
  }
}

function propagation({ linux }: Config, report: Report): void {
  if (linux?.rootfsPropagation?.endsWith('shared') !== true) return;
  const message = 'linux.rootfsPropagation is shared: mounts made in the container appear on the host';
  report('weak.propagation', '/linux/rootfsPropagation', message, 'use "slave" or "private"');
}

function limits({ linux }: Config, report: Report): void {
  const { memory, pids } = linux?.resources ?? {};
  const cases = [
    ['memory', memory?.limit, 'memory', 'can use all memory of the host'],
    ['pids', pids?.limit, 'pids', 'can make processes until the host has no more'],
  ] as const;
  for (const [section, limit, name, what] of cases) {
    if (limit !== undefined && Number(limit) >= 0) continue;
    report(
      'weak.limit',
      `/linux/resources/${section}/limit`,
      `no ${name} limit: the container ${what}`,
      `set linux.resources.${section}.limit`,
    );
  }
}

function isBind({ type, options = [] }: Mount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}

/** The last word counts. */
function isReadonly({ options = [] }: Mount): boolean {
  return options.findLast((word) => /^r?r[ow]$/.test(word))?.endsWith('ro') === true;
}
