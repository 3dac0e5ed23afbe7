import type { LinuxCpu, LinuxMemory, LinuxResources } from '../../../schema/generated/config.ts';
import { bandwidth, quotaRange, sharesRange } from '../../bundle/rules-cpu.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { ENOENT } from '../../kernel/errno.ts';
import { commonLimits, hugepageLimits } from './common.ts';
import { deviceLines } from './device-lines.ts';
import { LimitWriter, isSet } from './limits.ts';
import type { Limits, Setting } from './limits.ts';
import { plainLimits } from './plain.ts';
import { cgroupWith } from './record.ts';
import type { ContainerCgroup } from './record.ts';

/** Resources as files of the v1 controllers (kernel: Documentation/admin-guide/cgroup-v1). */
export function legacyLimits(
  resources: LinuxResources,
  cgroups: readonly ContainerCgroup[],
  faults: Diagnostic[],
): Limits {
  const directoryOf = (controller: string): string | undefined => cgroupWith(cgroups, controller)?.directory;
  const writer = new LimitWriter({ version: 'v1', directoryOf, missing }, faults);
  writeDevices(writer, resources, directoryOf('devices'));
  commonLimits(resources, writer);
  writeMemory(writer, resources);
  writeCpu(writer, resources.cpu ?? {});
  writeRealtime(writer, resources.cpu ?? {}, directoryOf('cpu'));
  writeBlockIo(writer, resources);
  hugepageLimits(resources, writer, 'limit_in_bytes');
  writeNetwork(writer, resources);
  if (Object.keys(resources.unified ?? {}).length > 0) {
    writer.fault(
      'cgroup.unified',
      'invalid configuration: cannot use unified on cgroup v1',
      '/linux/resources/unified',
      'use the fields of linux.resources, or boot the host with cgroup v2',
    );
  }
  return writer.result();
}

/** v1 controllers that are optional since Linux 6.12, and their build option. */
const optional: Readonly<Record<string, string>> = { memory: 'CONFIG_MEMCG_V1', cpuset: 'CONFIG_CPUSETS_V1' };

/** The cure for a controller without a hierarchy: the directory is seldom there. */
export function mountHint(controller: string): string {
  const directory = `/sys/fs/cgroup/${controller}`;
  return `mount it: mkdir -p ${directory} && mount -t cgroup -o ${controller} none ${directory}`;
}

function missing(controller: string): [cause: string, hint: string] {
  const mount = mountHint(controller);
  const option = optional[controller];
  return [
    `this host has no mounted cgroup hierarchy with the controller "${controller}"`,
    option === undefined ? mount : `${mount}; a kernel built without ${option} has it in cgroup v2 only`,
  ];
}

function writeDevices(writer: LimitWriter, { devices }: LinuxResources, directory: string | undefined): void {
  const from = devices === undefined ? 'default' : '/linux/resources/devices';
  if (directory !== undefined) {
    const rules = deviceLines(devices ?? [], writer.faults);
    writer.devices.push({ op: 'write_device_rules', directory, rules, from });
    return;
  }
  const [cause, hint] = missing('devices');
  writer.fault('cgroup.controller', `cannot restrict devices: ${cause}`, '/linux/resources/devices', hint);
}

function writeMemory(writer: LimitWriter, resources: LinuxResources): void {
  const from = '/linux/resources/memory/';
  const { memory = {} } = resources;
  writeMemoryAndSwap(writer, memory);
  plainLimits(resources, 'memory', writer);
  const kernel = { kernel: 'memory.kmem.limit_in_bytes', kernelTCP: 'memory.kmem.tcp.limit_in_bytes' } as const;
  for (const name of ['kernel', 'kernelTCP'] as const) {
    const value = memory[name];
    // -1 means no limit, which is also the state on a kernel that has dropped the file.
    if (isSet(value)) {
      writer.write({ file: kernel[name], data: String(value), from: from + name }, Number(value) < 0 ? ENOENT : 0);
    }
  }
  writer.warnings.push(...kernelMemoryWarnings(resources));
  // Engines use the largest uint64 for "not set".
  if (memory.swappiness !== undefined && BigInt(memory.swappiness) !== 0xffff_ffff_ffff_ffffn) {
    writer.write({ file: 'memory.swappiness', data: String(memory.swappiness), from: `${from}swappiness` });
  }
  if (memory.disableOOMKiller === true) {
    writer.write({ file: 'memory.oom_control', data: '1', from: `${from}disableOOMKiller` });
  }
  if (memory.useHierarchy === true) {
    writer.write({ file: 'memory.use_hierarchy', data: '1', from: `${from}useHierarchy` }, ENOENT);
  }
}

export function kernelMemoryWarnings({ memory = {} }: LinuxResources): Diagnostic[] {
  if (!isSet(memory.kernel) || Number(memory.kernel) <= 0) return [];
  return [
    {
      code: 'cgroup.kernel-memory',
      message: 'a limit of kernel memory has no effect since Linux 5.16: the kernel accepts and ignores the value',
      pointer: '/linux/resources/memory/kernel',
      hint: 'remove it: memory.limit includes this memory',
    },
  ];
}

/** The kernel keeps limit <= memsw.limit at any moment, so the order depends on the current values. */
function writeMemoryAndSwap(writer: LimitWriter, { limit, swap }: LinuxMemory): void {
  const from = '/linux/resources/memory/';
  const own: Setting | undefined = isSet(limit)
    ? { file: 'memory.limit_in_bytes', data: String(limit), from: `${from}limit` }
    : undefined;
  // A memory limit of -1 implies that memory plus swap is not limited either.
  const total = isSet(swap) ? swap : limit !== undefined && Number(limit) === -1 ? -1 : undefined;
  if (total === undefined) {
    if (own !== undefined) writer.write(own);
    return;
  }
  const both: Setting = {
    file: 'memory.memsw.limit_in_bytes',
    data: String(total),
    from: from + (isSet(swap) ? 'swap' : 'limit'),
  };
  if (Number(total) === -1) {
    // A kernel that does not account swap does not limit it either.
    writer.write(both, ENOENT);
    if (own !== undefined) writer.write(own);
  } else {
    writer.writeTogether(own === undefined ? [both] : [own, both]);
  }
}

function writeCpu(writer: LimitWriter, { shares, quota, period, burst, idle }: LinuxCpu): void {
  const from = '/linux/resources/cpu/';
  const together: Setting[] = [];
  if (isSet(shares)) {
    // The kernel would silently take the nearest value.
    const { least, most } = sharesRange;
    if (Number(shares) > most) {
      writer.fault('cpu.shares', `the maximum allowed cpu-shares is ${most}`, `${from}shares`);
    }
    if (Number(shares) < least) {
      writer.fault('cpu.shares', `the minimum allowed cpu-shares is ${least}`, `${from}shares`);
    }
    together.push({ file: 'cpu.shares', data: String(shares), from: `${from}shares` });
  }
  if (isSet(period)) together.push({ file: 'cpu.cfs_period_us', data: String(period), from: `${from}period` });
  checkQuota(writer, quota);
  if (isSet(quota)) together.push({ file: 'cpu.cfs_quota_us', data: String(quota), from: `${from}quota` });
  addBurst(writer, together, 'cpu.cfs_burst_us', burst);
  addIdle(writer, together, idle);
  writer.writeTogether(together);
}

/** Of either version. systemd's rounding may have made it large enough. */
export function checkQuota(writer: LimitWriter, quota: LinuxCpu['quota']): void {
  if (!isSet(quota) || quota < 0 || quota >= bandwidth.leastQuota) return;
  const message = `cpu.quota must be ${quotaRange}, found ${quota}`;
  writer.fault('cpu.bandwidth', message, '/linux/resources/cpu/quota');
}

/**
 * 0 is the state on a kernel without the file; it is written first, since a smaller quota must not be below the burst.
 */
export function addBurst(writer: LimitWriter, together: Setting[], file: string, burst: LinuxCpu['burst']): void {
  if (burst === undefined) return;
  const setting: Setting = { file, data: String(burst), from: '/linux/resources/cpu/burst' };
  if (isSet(burst)) together.push(setting);
  else writer.write(setting, ENOENT);
}

/** 0 is written first: the kernel refuses a weight for an idle cgroup. */
export function addIdle(writer: LimitWriter, together: Setting[], idle: LinuxCpu['idle']): void {
  if (idle === undefined) return;
  const setting: Setting = { file: 'cpu.idle', data: String(idle), from: '/linux/resources/cpu/idle' };
  if (isSet(idle)) together.push(setting);
  else writer.write(setting, ENOENT);
}

/** Before init joins: a cgroup without bandwidth refuses a realtime process. */
function writeRealtime(
  writer: LimitWriter,
  { realtimePeriod, realtimeRuntime }: LinuxCpu,
  directory: string | undefined,
): void {
  const from = '/linux/resources/cpu/';
  const settings: Setting[] = [];
  if (isSet(realtimePeriod)) {
    settings.push({ file: 'cpu.rt_period_us', data: String(realtimePeriod), from: `${from}realtimePeriod` });
  }
  if (isSet(realtimeRuntime)) {
    settings.push({ file: 'cpu.rt_runtime_us', data: String(realtimeRuntime), from: `${from}realtimeRuntime` });
  }
  if (settings.length === 0) return;
  const own = new LimitWriter({ version: 'v1', directoryOf: () => directory, missing }, writer.faults);
  own.writeTogether(settings);
  writer.early.push(...own.ops);
}

function writeBlockIo(writer: LimitWriter, resources: LinuxResources): void {
  const from = '/linux/resources/blockIO/';
  const { blockIO: blockIo = {} } = resources;
  const { weight, weightDevice = [] } = blockIo;
  const first = (files: readonly string[], data: string, source: string): void =>
    writer.writeFirst(files.map((file) => ({ file, data, from: source })));
  if (isSet(weight)) first(['blkio.weight', 'blkio.bfq.weight'], String(weight), `${from}weight`);
  plainLimits(resources, 'blockIO', writer);
  weightDevice.forEach((device, index) => {
    const number = `${String(device.major)}:${String(device.minor)}`;
    const place = `${from}weightDevice/${String(index)}`;
    if (isSet(device.weight)) {
      first(['blkio.weight_device', 'blkio.bfq.weight_device'], `${number} ${String(device.weight)}`, place);
    }
    if (isSet(device.leafWeight)) {
      first(['blkio.leaf_weight_device'], `${number} ${String(device.leafWeight)}`, place);
    }
  });
  const throttles = {
    throttleReadBpsDevice: 'read_bps',
    throttleWriteBpsDevice: 'write_bps',
    throttleReadIOPSDevice: 'read_iops',
    throttleWriteIOPSDevice: 'write_iops',
  } as const;
  for (const name of Object.keys(throttles) as (keyof typeof throttles)[]) {
    (blockIo[name] ?? []).forEach(({ major, minor, rate = 0 }, index) => {
      writer.write({
        file: `blkio.throttle.${throttles[name]}_device`,
        data: `${String(major)}:${String(minor)} ${String(rate)}`,
        from: `${from}${name}/${String(index)}`,
      });
    });
  }
}

function writeNetwork(writer: LimitWriter, resources: LinuxResources): void {
  const from = '/linux/resources/network/';
  plainLimits(resources, 'network', writer);
  (resources.network?.priorities ?? []).forEach(({ name, priority }, index) => {
    const data = `${name} ${String(priority)}`;
    writer.write({ file: 'net_prio.ifpriomap', data, from: `${from}priorities/${String(index)}` });
  });
}
