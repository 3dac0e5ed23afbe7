import type { LinuxCpu, LinuxMemory, LinuxResources } from '../../../schema/generated/config.ts';
import { sharesRange } from '../../bundle/rules-cpu.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { ENOENT } from '../../kernel/errno.ts';
import type { PlannedOp } from '../types.ts';
import { commonLimits, hugepageLimits, maximum } from './common.ts';
import { deviceProgram } from './device-program.ts';
import { LimitWriter, isSet } from './limits.ts';
import type { ControllerFiles, Current, Limits, Setting } from './limits.ts';
import { plainLimits } from './plain.ts';
import type { ContainerCgroup } from './record.ts';
import { unifiedSettings } from './unified.ts';
import { addBurst, addIdle, checkQuota } from './v1.ts';

const defaultPeriod = '100000';

/** Resources as files of the unified hierarchy (kernel: Documentation/admin-guide/cgroup-v2.rst). */
export function unifiedLimits(
  resources: LinuxResources,
  cgroup: ContainerCgroup | undefined,
  faults: Diagnostic[],
  current: Current = {},
): Limits {
  const { controllers = [], directory = '' } = cgroup ?? {};
  const available = (controller: string): boolean => controllers.includes(controller);
  const files: ControllerFiles = {
    version: 'v2',
    directoryOf: (controller) => (available(controller) ? directory : undefined),
    missing: (controller) => [`the controller "${controller}" is not available`],
  };
  const writer = new LimitWriter(files, faults);
  commonLimits(resources, writer);
  writeMemory(resources, writer, current);
  writeCpu(resources.cpu ?? {}, writer, current);
  writeBlockIo(resources, writer);
  hugepageLimits(resources, writer, 'max');
  plainLimits(resources, 'network', writer);
  if ((resources.network?.priorities ?? []).length > 0) writer.refuseField('/linux/resources/network/priorities');
  writer.devices.push(deviceOp(resources, directory));
  // Last, so that they override equivalent fields.
  unifiedSettings(resources.unified ?? {}, writer, available, directory);
  return writer.result();
}

/** A container without device rules is restricted to the default devices. */
function deviceOp({ devices }: LinuxResources, directory: string): PlannedOp {
  const program = deviceProgram(devices ?? []) ?? new Uint8Array();
  return {
    op: 'device_program',
    directory,
    program,
    from: devices === undefined ? 'default' : '/linux/resources/devices',
  };
}

function writeMemory(resources: LinuxResources, writer: LimitWriter, current: Current): void {
  const from = '/linux/resources/memory/';
  const { memory = {} } = resources;
  const { limit, swappiness, disableOOMKiller, kernel, kernelTCP } = memory;
  if (isSet(limit)) writer.write({ file: 'memory.max', data: maximum(limit), from: `${from}limit` });
  writeSwap(memory, writer, current);
  plainLimits(resources, 'memory', writer);
  // useHierarchy has no effect here: the unified hierarchy always accounts children to their parents.
  if (isSet(swappiness) && BigInt(swappiness) !== 0xffff_ffff_ffff_ffffn) writer.refuseField(`${from}swappiness`);
  if (disableOOMKiller === true) writer.refuseField(`${from}disableOOMKiller`);
  if (kernel !== undefined && Number(kernel) > 0) writer.refuseField(`${from}kernel`);
  if (kernelTCP !== undefined && Number(kernelTCP) > 0) writer.refuseField(`${from}kernelTCP`);
}

/** The config's `swap` is memory plus swap, memory.swap.max is swap alone. */
function writeSwap({ limit, swap }: LinuxMemory, writer: LimitWriter, current: Current): void {
  const from = '/linux/resources/memory/swap';
  const write = (data: string, ignore = 0): void => writer.write({ file: 'memory.swap.max', data, from }, ignore);
  if (!isSet(swap)) {
    // Without a memory limit there is no swap limit. The file is missing if swap is not accounted.
    if (limit !== undefined && Number(limit) === -1) write('max', ENOENT);
    return;
  }
  const memory = isSet(limit) ? limit : current.memoryLimit;
  if (Number(swap) < 0) write('max', ENOENT);
  else if (!isSet(memory)) writer.fault('memory.swap', 'unable to set swap limit without memory limit', from);
  else if (Number(memory) < 0) write(String(swap));
  else if (BigInt(swap) < BigInt(memory)) {
    writer.fault('memory.swap', 'memory+swap limit should be >= memory limit', from);
  } else {
    const alone = BigInt(swap) - BigInt(memory);
    write(String(alone), alone === 0n ? ENOENT : 0);
  }
}

function writeCpu(cpu: LinuxCpu, writer: LimitWriter, current: Current): void {
  const { shares, quota, period, burst, idle, realtimePeriod, realtimeRuntime } = cpu;
  const from = '/linux/resources/cpu/';
  const together: Setting[] = [];
  if (isSet(shares)) {
    together.push({ file: 'cpu.weight', data: String(cpuWeight(Number(shares))), from: `${from}shares` });
  }
  checkQuota(writer, quota);
  if (isSet(quota) || isSet(period)) {
    const share = isSet(quota) ? (Number(quota) > 0 ? String(quota) : 'max') : (current.quota ?? 'max');
    const data = `${share} ${isSet(period) ? String(period) : (current.period ?? defaultPeriod)}`;
    together.push({ file: 'cpu.max', data, from: `${from}${isSet(quota) ? 'quota' : 'period'}` });
  }
  addBurst(writer, together, 'cpu.max.burst', burst);
  addIdle(writer, together, idle);
  writer.writeTogether(together);
  if (isSet(realtimePeriod)) writer.refuseField(`${from}realtimePeriod`);
  if (isSet(realtimeRuntime)) writer.refuseField(`${from}realtimeRuntime`);
}

function writeBlockIo(resources: LinuxResources, writer: LimitWriter): void {
  const from = '/linux/resources/blockIO/';
  const { blockIO: blockIo = {} } = resources;
  const { weight, weightDevice = [] } = blockIo;
  if (isSet(weight)) writeWeight('', weight, `${from}weight`, writer);
  plainLimits(resources, 'blockIO', writer);
  weightDevice.forEach((device, index) => {
    const place = `${from}weightDevice/${String(index)}`;
    const number = `${String(device.major)}:${String(device.minor)} `;
    if (isSet(device.weight)) writeWeight(number, device.weight, `${place}/weight`, writer);
    if (isSet(device.leafWeight)) writer.refuseField(`${place}/leafWeight`);
  });
  const throttles = {
    throttleReadBpsDevice: 'rbps',
    throttleWriteBpsDevice: 'wbps',
    throttleReadIOPSDevice: 'riops',
    throttleWriteIOPSDevice: 'wiops',
  } as const;
  for (const name of Object.keys(throttles) as (keyof typeof throttles)[]) {
    (blockIo[name] ?? []).forEach(({ major, minor, rate }, index) => {
      const value = isSet(rate) ? String(rate) : 'max';
      const data = `${String(major)}:${String(minor)} ${throttles[name]}=${value}`;
      writer.write({ file: 'io.max', data, from: `${from}${name}/${String(index)}` });
    });
  }
}

/** BFQ uses the same weight; io.weight (of iocost) has a different range. */
function writeWeight(device: string, weight: number, from: string, writer: LimitWriter): void {
  writer.writeFirst([
    { file: 'io.bfq.weight', data: `${device}${String(weight)}`, from },
    { file: 'io.weight', data: `${device}${String(ioWeight(weight))}`, from },
  ]);
}

/** blkio weight [10, 1000] to io.weight [1, 10000]. */
export function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** cpu.shares [2, 262144] to cpu.weight [1, 10000], such that the defaults 1024 and 100 correspond. */
export function cpuWeight(shares: number): number {
  if (shares <= sharesRange.least) return 1;
  if (shares >= sharesRange.most) return 10000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}
