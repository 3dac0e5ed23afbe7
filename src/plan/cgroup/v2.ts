import type { LinuxResources } from '../../../schema/generated/config.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import type { Hierarchy } from '../../facts/facts.ts';
import type { PlannedOp } from '../types.ts';
import { deviceProgram } from './device-program.ts';
import { ENOENT, isSet } from './limits.ts';
import type { Limits } from './limits.ts';

/** Resources as files of the unified hierarchy (kernel: Documentation/admin-guide/cgroup-v2.rst). */
export function unifiedLimits(
  resources: LinuxResources,
  hierarchy: Hierarchy | undefined,
  directory: string,
  faults: Diagnostic[],
): Limits {
  const ops: PlannedOp[] = [];
  const controllers = new Set<string>();
  const write = (file: string, data: string, from: string, ignore = 0): void => {
    const controller = file.slice(0, file.indexOf('.'));
    if (hierarchy?.controllers.includes(controller) !== true) {
      faults.push({
        code: 'cgroup.controller',
        message: `cannot set ${file} to ${data}: the controller "${controller}" is not available`,
        pointer: from,
      });
      return;
    }
    controllers.add(controller);
    ops.push({ op: 'write_file', path: `${directory}/${file}`, data, ignore, from });
  };
  const pids = resources.pids?.limit;
  if (pids !== undefined) {
    const limit = Number(pids) < 0 ? 'max' : Number(pids) === 0 ? '1' : String(pids);
    write('pids.max', limit, '/linux/resources/pids/limit');
  }
  writeMemory(resources, write, faults);
  writeCpu(resources, write);
  const program = deviceProgram(resources.devices ?? []);
  if (program !== undefined) {
    const from = resources.devices === undefined ? 'default' : '/linux/resources/devices';
    ops.push({ op: 'device_program', directory, program, from });
  }
  return { ops, controllers: [...controllers] };
}

type Write = (file: string, data: string, from: string, ignore?: number) => void;

function writeMemory(resources: LinuxResources, write: Write, faults: Diagnostic[]): void {
  const { limit, swap, reservation, swappiness, disableOOMKiller, useHierarchy } = resources.memory ?? {};
  const from = '/linux/resources/memory/';
  if (isSet(limit)) write('memory.max', maximum(limit), `${from}limit`);
  if (isSet(swap)) writeSwap(limit, swap, write, faults);
  if (isSet(reservation)) write('memory.low', maximum(reservation), `${from}reservation`);
  const legacy = { swappiness: isSet(swappiness), disableOOMKiller, useHierarchy };
  for (const name of ['swappiness', 'disableOOMKiller', 'useHierarchy'] as const) {
    if (legacy[name] !== true) continue;
    faults.push({
      code: 'cgroup.legacy',
      message: `cannot set memory ${name}: cgroup v2 has no such setting`,
      pointer: from + name,
    });
  }
}

/** The config's `swap` is memory and swap together, memory.swap.max is swap alone. */
function writeSwap(
  limit: number | bigint | undefined,
  swap: number | bigint,
  write: Write,
  faults: Diagnostic[],
): void {
  const from = '/linux/resources/memory/swap';
  if (Number(swap) < 0) {
    write('memory.swap.max', 'max', from, ENOENT);
  } else if (!isSet(limit)) {
    faults.push({ code: 'cgroup.swap', message: 'unable to set swap limit without memory limit', pointer: from });
  } else if (Number(limit) < 0) {
    write('memory.swap.max', String(swap), from);
  } else if (BigInt(swap) < BigInt(limit)) {
    faults.push({ code: 'cgroup.swap', message: 'memory+swap limit should be >= memory limit', pointer: from });
  } else {
    const alone = BigInt(swap) - BigInt(limit);
    write('memory.swap.max', String(alone), from, alone === 0n ? ENOENT : 0);
  }
}

function writeCpu(resources: LinuxResources, write: Write): void {
  const { shares, quota, period, burst, idle, cpus, mems } = resources.cpu ?? {};
  const from = '/linux/resources/cpu/';
  if (isSet(shares)) write('cpu.weight', String(cpuWeight(Number(shares))), `${from}shares`);
  if (isSet(quota) || isSet(period)) {
    const share = isSet(quota) && Number(quota) > 0 ? String(quota) : 'max';
    write(
      'cpu.max',
      `${share} ${isSet(period) ? String(period) : '100000'}`,
      `${from}${isSet(quota) ? 'quota' : 'period'}`,
    );
  }
  if (burst !== undefined) write('cpu.max.burst', String(burst), `${from}burst`, isSet(burst) ? 0 : ENOENT);
  if (idle !== undefined) write('cpu.idle', String(idle), `${from}idle`, isSet(idle) ? 0 : ENOENT);
  if (cpus) write('cpuset.cpus', cpus, `${from}cpus`);
  if (mems) write('cpuset.mems', mems, `${from}mems`);
}

function maximum(value: number | bigint): string {
  return Number(value) < 0 ? 'max' : String(value);
}

/** cpu.shares [2, 262144] to cpu.weight [1, 10000], such that the defaults 1024 and 100 correspond. */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}
