import type { LinuxResources } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Hierarchy } from '../../facts/facts.ts';
import type { PlannedOp } from '../types.ts';
import { deviceLines } from './devices.ts';
import { ENOENT, isSet } from './limits.ts';
import type { Limits } from './limits.ts';

interface Writer {
  readonly hierarchies: readonly Hierarchy[];
  readonly directories: readonly string[];
  readonly ops: PlannedOp[];
  readonly faults: Diagnostic[];
}

/** Resources as files of the v1 controllers (kernel: Documentation/admin-guide/cgroup-v1). */
export function legacyLimits(
  resources: LinuxResources,
  hierarchies: readonly Hierarchy[],
  directories: readonly string[],
  faults: Diagnostic[],
): Limits {
  const writer: Writer = { hierarchies, directories, ops: [], faults };
  writeCpuset(writer, resources);
  writeDevices(writer, resources);
  writeMemory(writer, resources);
  writeCpu(writer, resources);
  const pids = resources.pids?.limit;
  if (pids !== undefined) {
    // 0 is a valid limit since 1.3, but the controller takes 1 for "no fork".
    const limit = Number(pids) < 0 ? 'max' : Number(pids) === 0 ? '1' : String(pids);
    write(writer, 'pids', 'pids.max', limit, '/linux/resources/pids/limit');
  }
  return { ops: writer.ops, controllers: [] };
}

function directoryOf(writer: Writer, controller: string): string | undefined {
  const index = writer.hierarchies.findIndex(({ controllers }) => controllers.includes(controller));
  return writer.directories[index];
}

function write(writer: Writer, controller: string, file: string, data: string, from: string, ignore = 0): void {
  const directory = directoryOf(writer, controller);
  if (directory !== undefined) {
    writer.ops.push({ op: 'write_file', path: `${directory}/${file}`, data, ignore, from });
    return;
  }
  writer.faults.push({
    code: 'cgroup.controller',
    message: `cannot set ${file} to ${data}: this host has no mounted cgroup hierarchy with the controller "${controller}"`,
    pointer: from,
    hint: `mount it: mount -t cgroup -o ${controller} none /sys/fs/cgroup/${controller}`,
  });
}

function writeCpuset(writer: Writer, resources: LinuxResources): void {
  const { cpus, mems } = resources.cpu ?? {};
  if (cpus) write(writer, 'cpuset', 'cpuset.cpus', cpus, '/linux/resources/cpu/cpus');
  if (mems) write(writer, 'cpuset', 'cpuset.mems', mems, '/linux/resources/cpu/mems');
}

function writeDevices(writer: Writer, resources: LinuxResources): void {
  const directory = directoryOf(writer, 'devices');
  const from = resources.devices === undefined ? 'default' : '/linux/resources/devices';
  if (directory !== undefined) {
    writer.ops.push({ op: 'write_device_rules', directory, rules: deviceLines(resources.devices ?? []), from });
    return;
  }
  writer.faults.push({
    code: 'cgroup.controller',
    message: 'cannot restrict devices: this host has no mounted cgroup hierarchy with the controller "devices"',
    pointer: '/linux/resources/devices',
    hint: 'mount it: mount -t cgroup -o devices none /sys/fs/cgroup/devices',
  });
}

function writeMemory(writer: Writer, resources: LinuxResources): void {
  const memory = resources.memory ?? {};
  const from = '/linux/resources/memory/';
  const { limit, swap } = memory;
  if (isSet(limit)) write(writer, 'memory', 'memory.limit_in_bytes', String(limit), `${from}limit`);
  // Of a memory limit of -1 follows that memory and swap are not limited either.
  const total = isSet(swap) ? swap : limit !== undefined && Number(limit) === -1 ? -1 : undefined;
  if (total !== undefined) {
    const ignore = Number(total) === -1 ? ENOENT : 0;
    write(writer, 'memory', 'memory.memsw.limit_in_bytes', String(total), `${from}swap`, ignore);
  }
  if (isSet(memory.reservation)) {
    write(writer, 'memory', 'memory.soft_limit_in_bytes', String(memory.reservation), `${from}reservation`);
  }
  // The largest uint64 stands for "not set" in configurations that engines write.
  if (memory.swappiness !== undefined && BigInt(memory.swappiness) !== 0xffff_ffff_ffff_ffffn) {
    write(writer, 'memory', 'memory.swappiness', String(memory.swappiness), `${from}swappiness`);
  }
  if (memory.disableOOMKiller === true) {
    write(writer, 'memory', 'memory.oom_control', '1', `${from}disableOOMKiller`);
  }
  if (memory.useHierarchy === true) {
    write(writer, 'memory', 'memory.use_hierarchy', '1', `${from}useHierarchy`, ENOENT);
  }
}

function writeCpu(writer: Writer, resources: LinuxResources): void {
  const cpu = resources.cpu ?? {};
  const from = '/linux/resources/cpu/';
  if (isSet(cpu.shares)) write(writer, 'cpu', 'cpu.shares', String(cpu.shares), `${from}shares`);
  if (isSet(cpu.period)) write(writer, 'cpu', 'cpu.cfs_period_us', String(cpu.period), `${from}period`);
  if (isSet(cpu.quota)) write(writer, 'cpu', 'cpu.cfs_quota_us', String(cpu.quota), `${from}quota`);
  if (cpu.burst !== undefined) {
    const ignore = isSet(cpu.burst) ? 0 : ENOENT;
    write(writer, 'cpu', 'cpu.cfs_burst_us', String(cpu.burst), `${from}burst`, ignore);
  }
  if (cpu.idle !== undefined) {
    write(writer, 'cpu', 'cpu.idle', String(cpu.idle), `${from}idle`, isSet(cpu.idle) ? 0 : ENOENT);
  }
}
