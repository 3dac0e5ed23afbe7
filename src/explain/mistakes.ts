import type {
  Config,
  LinuxDevice,
  LinuxDeviceCgroup,
  LinuxSeccomp,
  LinuxSyscall,
} from '../../schema/generated/config.ts';
import { isCapability } from '../bundle/capabilities.ts';
import { isBelow, normalizePath } from '../bundle/path.ts';
import { usuallyMasked, usuallyReadonly } from '../bundle/protected-paths.ts';
import { isAbsolute } from '../bundle/rule.ts';
import type { Report, Rule } from '../bundle/rule.ts';
import { bandwidth, quotaRange, sharesRange } from '../bundle/rules-cpu.ts';
import { leastMemory } from '../bundle/rules-linux.ts';
import { askNearest } from '../diag/near.ts';
import { shown } from '../diag/pointer.ts';
import { EPERM } from '../kernel/errno.ts';
import { defaultDeviceRules } from '../plan/cgroup/devices.ts';
import { filesystemOptions, meantFilesystem } from '../plan/filesystems.ts';
import { leastFiles } from '../plan/process.ts';
import { callNames, isCallName } from '../plan/seccomp/calls.ts';

/** Settings of a valid config that are rarely meant as they are. */
export const mistakeRules: readonly Rule[] = [
  namedUser,
  decimalModes,
  boundedCapabilities,
  lostCapabilities,
  fewFiles,
  relativeDestinations,
  hiddenMounts,
  filesystemTypes,
  unknownOptions,
  protectedPaths,
  deniedDevices,
  unlimitedSwap,
  smallMemory,
  smallQuota,
  clampedShares,
  seccompNames,
  seccompRules,
];

function namedUser({ process }: Config, report: Report): void {
  const { username, uid = 0 } = process?.user ?? {};
  if (username === undefined || username === '') return;
  const message = `process.user.username has no effect on Linux: the program runs as uid ${uid}`;
  report('process.username', '/process/user/username', message, 'set process.user.uid');
}

/** Usual modes that nobody means as the decimal number that JSON takes them for. */
const octalUmasks = [22, 27, 77];
const octalModes = [440, 444, 600, 640, 644, 660, 664, 666, 700, 750, 755, 770, 775, 777];

function decimalModes({ process, linux }: Config, report: Report): void {
  const check = (place: string, pointer: string, mode: number | undefined, octals: readonly number[]): void => {
    if (mode === undefined || !octals.includes(mode)) return;
    const message = `${place} ${mode} is octal 0${mode.toString(8)}: JSON has no octal numbers`;
    report('mode.decimal', pointer, message, `for octal 0${mode}, write ${parseInt(String(mode), 8)}`);
  };
  check('process.user.umask', '/process/user/umask', process?.user?.umask, octalUmasks);
  linux?.devices?.forEach(({ fileMode }, index) => {
    check(`linux.devices[${index}].fileMode`, `/linux/devices/${index}/fileMode`, fileMode, octalModes);
  });
}

/** capabilities(7), "Transformation of capabilities during execve()": the bounding set limits what root gets. */
function boundedCapabilities({ process }: Config, report: Report): void {
  const { permitted = [], bounding = [] } = process?.capabilities ?? {};
  const lost = permitted.filter((name) => isCapability(name) && !bounding.includes(name));
  if (lost.length === 0) return;
  const place = `/process/capabilities/permitted/${permitted.indexOf(lost[0] ?? '')}`;
  const message = `the program does not keep ${lost.join(', ')}, which process.capabilities.bounding lacks`;
  report('process.capability.lost', place, message, 'add it to bounding');
}

/** The same: a user other than root keeps its ambient capabilities only. */
function lostCapabilities({ process }: Config, report: Report): void {
  const { effective = [], bounding = [], ambient = [] } = process?.capabilities ?? {};
  const uid = process?.user?.uid ?? 0;
  const lost = effective.filter((name) => bounding.includes(name) && !ambient.includes(name) && isCapability(name));
  if (uid === 0 || lost.length === 0) return;
  const place = `/process/capabilities/effective/${effective.indexOf(lost[0] ?? '')}`;
  const message = `uid ${uid} loses ${lost.join(', ')} when the program starts: only root keeps what is not ambient`;
  report('process.capability.lost', place, message, 'add it to inheritable and ambient');
}

function fewFiles({ process }: Config, report: Report): void {
  process?.rlimits?.forEach(({ type, soft }, index) => {
    if (type !== 'RLIMIT_NOFILE' || Number(soft) >= leastFiles) return;
    const message = `RLIMIT_NOFILE ${soft} also holds for the setup of the container, which may fail before its program runs`;
    report('process.rlimit.files', `/process/rlimits/${index}/soft`, message, `give at least ${leastFiles}`);
  });
}

function relativeDestinations({ mounts = [] }: Config, report: Report): void {
  mounts.forEach(({ destination }, index) => {
    if (isAbsolute(destination)) return;
    const message = `mounts[${index}].destination ${shown(destination)} is relative, which the specification deprecates`;
    report(
      'mount.destination',
      `/mounts/${index}/destination`,
      message,
      `write ${shown(normalizePath(`/${destination}`))}`,
    );
  });
}

function hiddenMounts({ mounts = [] }: Config, report: Report): void {
  const places = mounts.map(({ destination }) => normalizePath(`/${destination}`));
  places.forEach((place, index) => {
    const by = places.findIndex((other, at) => at > index && (other === place || isBelow(place, other)));
    if (by < 0) return;
    const message = `mounts[${index}] on ${shown(place)} is hidden by mounts[${by}] on ${shown(places[by])}`;
    const cure = places[by] === place ? 'keep one of them' : `list mounts[${by}] before it`;
    report('mount.hidden', `/mounts/${index}/destination`, message, cure);
  });
}

function filesystemTypes({ mounts = [] }: Config, report: Report): void {
  mounts.forEach(({ type = '' }, index) => {
    const hint = meantFilesystem(type);
    if (hint === undefined) return;
    report('mount.type', `/mounts/${index}/type`, `no known kernel has a filesystem ${shown(type)}`, hint);
  });
}

function unknownOptions(config: Config, report: Report): void {
  filesystemOptions(config, report, false);
}

/** One that is not there is ignored, so a misspelt path protects nothing. */
function protectedPaths({ linux }: Config, report: Report): void {
  const known = [...usuallyMasked, ...usuallyReadonly];
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    linux?.[name]?.forEach((path, index) => {
      const hint = known.includes(path) ? undefined : askNearest(path, known);
      if (hint === undefined) return;
      const message = `linux.${name}[${index}] ${shown(path)} is not a path that is usually protected`;
      report('path.unusual', `/linux/${name}/${index}`, message, hint);
    });
  }
}

/** config-linux.md: the two lists are independent, so a node may be there that cannot be opened. */
function deniedDevices({ linux }: Config, report: Report): void {
  const rules = linux?.resources?.devices ?? [];
  if (rules.length > 0 && !rules.some((rule) => !rule.allow && isForAll(rule))) return;
  linux?.devices?.forEach((device, index) => {
    const { path, type, major = 0, minor = 0 } = device;
    if (type === 'p') return;
    const last = [...rules, ...defaultDeviceRules].findLast((rule) => opens(rule, device));
    if (last?.allow === true) return;
    const message = `linux.devices makes ${shown(path)}, but linux.resources.devices does not let the container open it`;
    const rule = JSON.stringify({ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access: 'rw' });
    report('device.denied', `/linux/devices/${index}`, message, `add ${rule} to linux.resources.devices`);
  });
}

function isForAll({ type = 'a', major = -1, minor = -1 }: LinuxDeviceCgroup): boolean {
  return type === 'a' || (major === -1 && minor === -1);
}

/** Whether the rule decides on reading or writing the device. */
function opens(
  { type = 'a', major = -1, minor = -1, access = 'rwm' }: LinuxDeviceCgroup,
  device: LinuxDevice,
): boolean {
  if (!/[rw]/.test(access)) return false;
  if (type === 'a') return true;
  return (
    type === (device.type === 'b' ? 'b' : 'c') &&
    (major === -1 || major === device.major) &&
    (minor === -1 || minor === device.minor)
  );
}

function unlimitedSwap({ linux }: Config, report: Report): void {
  const { limit, swap } = linux?.resources?.memory ?? {};
  if (limit === undefined || Number(limit) <= 0 || swap !== undefined) return;
  const message = 'linux.resources.memory.limit does not limit swap: the container may use all of it';
  const hint = 'set linux.resources.memory.swap: memory plus swap, so the value of limit for no swap';
  report('memory.swap', '/linux/resources/memory/limit', message, hint);
}

function smallMemory({ linux }: Config, report: Report): void {
  const limit = Number(linux?.resources?.memory?.limit ?? 0);
  if (limit <= 0 || limit >= leastMemory) return;
  const message = `linux.resources.memory.limit is ${limit} bytes: a program needs some MiB`;
  report('memory.small', '/linux/resources/memory/limit', message, 'write it in bytes: 64 MiB is 67108864');
}

function smallQuota({ linux }: Config, report: Report): void {
  const quota = Number(linux?.resources?.cpu?.quota ?? 0);
  if (quota <= 0 || quota >= bandwidth.leastQuota) return;
  const message = `linux.resources.cpu.quota is ${quota} microseconds: unless systemd rounds it up, the kernel refuses it`;
  report('cpu.bandwidth', '/linux/resources/cpu/quota', message, `write ${quotaRange}`);
}

function clampedShares({ linux }: Config, report: Report): void {
  const shares = Number(linux?.resources?.cpu?.shares ?? 0);
  const { least, most } = sharesRange;
  if (shares === 0 || (shares >= least && shares <= most)) return;
  const message = `linux.resources.cpu.shares is ${shares}: cgroup v1 refuses it, for v2 it is ${Math.min(Math.max(shares, least), most)}`;
  report('cpu.shares', '/linux/resources/cpu/shares', message, `write ${least} to ${most}`);
}

/** Profiles name calls of all machines and kernels, so only a name close to a known one is a likely mistake. */
function seccompNames({ linux }: Config, report: Report): void {
  linux?.seccomp?.syscalls?.forEach(({ names }, section) => {
    names.forEach((name, index) => {
      const hint = isCallName(name) ? undefined : askNearest(name, callNames());
      if (hint === undefined) return;
      const message = `linux.seccomp names ${shown(name)}, which is not a system call: it has no effect`;
      report('seccomp.name', `/linux/seccomp/syscalls/${section}/names/${index}`, message, hint);
    });
  });
}

function seccompRules({ linux }: Config, report: Report): void {
  const seccomp = linux?.seccomp;
  const { syscalls = [], defaultAction } = seccomp ?? {};
  if (seccomp === undefined) return;
  syscalls.forEach((rule, index) => {
    if (!repeatsDefault(rule, seccomp)) return;
    const message = `linux.seccomp.syscalls[${index}] has no effect: ${rule.action} is the default action`;
    report('seccomp.rule', `/linux/seccomp/syscalls/${index}/action`, message, 'drop it, or choose another action');
  });
  if (defaultAction !== 'SCMP_ACT_ALLOW' || syscalls.some(({ action }) => action !== defaultAction)) return;
  const message = 'linux.seccomp allows every call: the default action is SCMP_ACT_ALLOW, and no rule refuses one';
  report('seccomp.open', '/linux/seccomp/defaultAction', message, 'refuse calls, or drop linux.seccomp');
}

function repeatsDefault({ action, errnoRet }: LinuxSyscall, { defaultAction, defaultErrnoRet }: LinuxSeccomp): boolean {
  return action === defaultAction && (errnoRet ?? EPERM) === (defaultErrnoRet ?? EPERM);
}
