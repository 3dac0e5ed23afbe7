import type { Config, LinuxDevice, LinuxDeviceCgroup, LinuxMemory } from '../../schema/generated/config.ts';
import type { Code } from '../diag/diagnostic.ts';
import { pointerPart, shown } from '../diag/pointer.ts';
import { printable } from '../diag/printable.ts';
import { hasNamespace } from './namespaces.ts';
import { cpuRules } from './rules-cpu.ts';
import type { Report, Rule } from './rule.ts';
import { each, isAbsolute } from './rule.ts';
import { sysctlNamespace, sysctlPath } from './sysctl.ts';

// Bits of a device number, include/linux/kdev_t.h: 12 for the major part, 20 for the minor part.
const maximumMajor = 4095;
const maximumMinor = 1048575;

/** Bytes. A limit below was probably written for another unit: no program runs with it. */
export const leastMemory = 1 << 20;

/** PID_MAX_LIMIT of include/linux/threads.h. */
const maximumProcesses = 4_194_304;

export const linuxRules: readonly Rule[] = [
  devices,
  deviceRules,
  memory,
  cpuLists,
  ...cpuRules,
  processes,
  weights,
  unified,
  cgroupsPath,
  sysctl,
];

function devices({ linux }: Config, report: Report): void {
  const seen = new Map<string, number>();
  each(linux?.devices, (device, index) => {
    const pointer = `/linux/devices/${index}`;
    const { path, type } = device;
    if (path !== undefined && !isAbsolute(path)) {
      const message = `linux.devices[${index}].path must be an absolute path, found ${shown(path)}`;
      report('device.path', `${pointer}/path`, message);
    }
    const first = seen.get(path);
    if (first === undefined) seen.set(path, index);
    else if (!isSameNode(device, linux?.devices?.[first])) {
      const message = `linux.devices[${first}] is another device with the path ${shown(path)}`;
      report('device.path', pointer, message, 'keep one of them');
    }
    if (type === 'p') return;
    deviceNumber(device, 'major', maximumMajor, index, report);
    deviceNumber(device, 'minor', maximumMinor, index, report);
  });
}

/** A fifo has no number, and u is another name of c (mknod(1)). */
function isSameNode(one: LinuxDevice, other: LinuxDevice | undefined): boolean {
  if (other === undefined) return false;
  const kind = ({ type }: LinuxDevice): string => (type === 'u' ? 'c' : type);
  if (kind(one) !== kind(other)) return false;
  return one.type === 'p' || (one.major === other.major && one.minor === other.minor);
}

function deviceNumber(device: LinuxDevice, part: 'major' | 'minor', most: number, index: number, report: Report): void {
  const value = device[part];
  if (value !== undefined && value >= 0 && value <= most) return;
  const found = value === undefined ? 'it is missing' : `found ${value}`;
  const message = `linux.devices[${index}].${part} must be an integer from 0 to ${most} for this type, ${found}`;
  report('device.number', `/linux/devices/${index}/${part}`, message);
}

/** config-linux.md, "Allowed Device list". */
function deviceRules({ linux }: Config, report: Report): void {
  each(linux?.resources?.devices, (rule, index) => {
    const { type = 'a', access = '' } = rule;
    if (type !== 'a' && type !== 'b' && type !== 'c') {
      const message = `invalid device type ${shown(type)}`;
      const hint = 'use a (all), b (block) or c (character)';
      report('device.type', `/linux/resources/devices/${index}/type`, message, hint);
    }
    if (access !== 'rwm' && !/^[rwm]+$/.test(access)) {
      const message =
        access === ''
          ? `device access at ${index} field cannot be empty`
          : `device access must be letters of rwm, found ${shown(access)}`;
      report('device.access', `/linux/resources/devices/${index}/access`, message, 'use letters of rwm');
    }
    wildcard(rule, 'major', index, report);
    wildcard(rule, 'minor', index, report);
  });
}

function wildcard(rule: LinuxDeviceCgroup, part: 'major' | 'minor', index: number, report: Report): void {
  const value = rule[part];
  if (value === undefined || (value >= -1 && value <= 4294967295)) return;
  const place = `linux.resources.devices[${index}].${part}`;
  const message = `${place} must be a device number, or -1 for all, found ${value}`;
  report('device.number', `/linux/resources/devices/${index}/${part}`, message);
}

function memory({ linux }: Config, report: Report): void {
  const values = linux?.resources?.memory;
  if (values === undefined) return;
  for (const name of ['limit', 'reservation', 'swap'] as const) atLeastNone(values, name, report);
  const { limit = 0, swap = 0, swappiness = 0 } = values;
  const pointer = '/linux/resources/memory/swap';
  if (swap > 0 && limit === 0) {
    const hint = 'linux.resources.memory.swap is memory plus swap; set limit too';
    report('memory.swap', pointer, 'unable to set swap limit without memory limit', hint);
  } else if (swap > 0 && limit > 0 && swap < limit) {
    const message = `memory+swap limit should be >= memory limit, found ${swap} and ${limit}`;
    report('memory.swap', pointer, message, 'linux.resources.memory.swap is memory plus swap');
  }
  // Engines use the largest unsigned number for "not set".
  if (swappiness > 100 && swappiness !== 18446744073709551615n) {
    const message = `linux.resources.memory.swappiness must be at most 100, found ${swappiness}`;
    report('memory.swappiness', '/linux/resources/memory/swappiness', message);
  }
}

function atLeastNone(values: LinuxMemory, name: 'limit' | 'reservation' | 'swap', report: Report): void {
  const value = values[name];
  if (value === undefined || value >= -1) return;
  const message = `linux.resources.memory.${name} must be a number of bytes, or -1 for no limit, found ${value}`;
  report('memory.limit', `/linux/resources/memory/${name}`, message);
}

function cpuLists({ linux }: Config, report: Report): void {
  const { cpus, mems } = linux?.resources?.cpu ?? {};
  for (const [name, list] of Object.entries({ cpus, mems })) {
    if (list === undefined || /^[0-9,\s-]*$/.test(list)) continue;
    const message = `linux.resources.cpu.${name} must be a list such as 0-3,7, found ${shown(list)}`;
    report('cpu.list', `/linux/resources/cpu/${name}`, message);
  }
}

function processes({ linux }: Config, report: Report): void {
  const limit = linux?.resources?.pids?.limit;
  if (limit === undefined || limit <= maximumProcesses) return;
  const message = `linux.resources.pids.limit must be at most ${maximumProcesses}, or -1 for no limit, found ${limit}`;
  report('pids.limit', '/linux/resources/pids/limit', message);
}

/** config-linux.md, "Block IO": engines use 0 for "not set". */
function weights({ linux }: Config, report: Report): void {
  const values = linux?.resources?.blockIO;
  if (values === undefined) return;
  const check = (pointer: string, weight: number | undefined): void => {
    if (weight === undefined || weight === 0 || (weight >= 10 && weight <= 1000)) return;
    const place = pointer.slice(1).replaceAll('/', '.');
    report('blockio.weight', pointer, `${place} must be from 10 to 1000, found ${weight}`);
  };
  const pointer = '/linux/resources/blockIO';
  check(`${pointer}/weight`, values.weight);
  check(`${pointer}/leafWeight`, values.leafWeight);
  each(values.weightDevice, ({ weight, leafWeight }, index) => {
    check(`${pointer}/weightDevice/${index}/weight`, weight);
    check(`${pointer}/weightDevice/${index}/leafWeight`, leafWeight);
  });
}

function unified({ linux }: Config, report: Report): void {
  const values = linux?.resources?.unified;
  if (values === undefined) return;
  for (const name of Object.keys(values)) {
    if (!name.includes('/')) continue;
    const message = `unified resource ${shown(name)} must be a file name (no slashes)`;
    report('cgroup.unified', '/linux/resources/unified', message);
  }
}

/** Engines pass this path on from users: it must not lead out of the cgroup that they allow. */
function cgroupsPath({ linux }: Config, report: Report): void {
  const path = linux?.cgroupsPath;
  if (path === undefined || !path.includes('..') || !path.split('/').includes('..')) return;
  report('cgroup.path', '/linux/cgroupsPath', `linux.cgroupsPath must not contain "..", found ${shown(path)}`);
}

/** Only parameters of the container's own namespaces may be set; all others belong to the host. */
function sysctl(config: Config, report: Report): void {
  const values = config.linux?.sysctl;
  if (values === undefined) return;
  for (const name of Object.keys(values)) {
    const cause = sysctlFault(config, name);
    if (cause === undefined) continue;
    const pointer = `/linux/sysctl/${pointerPart(name)}`;
    report(cause.code, pointer, cause.message, cause.hint);
  }
}

interface SysctlFault {
  readonly code: Code;
  readonly message: string;
  readonly hint?: string;
}

function sysctlFault(config: Config, name: string): SysctlFault | undefined {
  const path = sysctlPath(name);
  if (path === undefined) {
    return { code: 'sysctl.name', message: `sysctl ${shown(name)} is not the name of a parameter` };
  }
  if (path === 'kernel/hostname') {
    const message = 'sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field';
    return { code: 'sysctl.hostname', message, hint: 'set hostname in config.json' };
  }
  const namespace = sysctlNamespace(path);
  if (namespace !== undefined && hasNamespace(config, namespace)) return undefined;
  if (namespace === 'ipc')
    return hostFault(namespace, `sysctl ${shown(name)} is not allowed in the hosts ipc namespace`);
  if (namespace === 'network') {
    return hostFault(namespace, `sysctl ${shown(name)} is not allowed in host network namespace`);
  }
  if (namespace === 'user') {
    return hostFault(namespace, `setting ucounts without a user namespace not allowed: ${printable(name)}`);
  }
  const message = `sysctl ${shown(name)} is not in a separate kernel namespace`;
  return { code: 'sysctl.host', message, hint: 'it would change the host; set it on the host' };
}

function hostFault(namespace: string, message: string): SysctlFault {
  return { code: 'namespace.sysctl', message, hint: `add {"type": "${namespace}"} to linux.namespaces` };
}
