import type { LinuxCpu, LinuxMemory, LinuxResources } from '../../schema/generated/config.ts';
import type { Options, TextOption } from '../cli/options.ts';
import { Failure } from '../diag/diagnostic.ts';

/** The options of `update` as a `linux.resources` object. */
export function resourcesOf(options: Options): LinuxResources {
  const cpu: LinuxCpu = {
    ...integer(options, 'cpu-share', 'shares'),
    ...integer(options, 'cpu-quota', 'quota'),
    ...integer(options, 'cpu-period', 'period'),
    ...integer(options, 'cpu-burst', 'burst'),
    ...integer(options, 'cpu-rt-runtime', 'realtimeRuntime'),
    ...integer(options, 'cpu-rt-period', 'realtimePeriod'),
    ...integer(options, 'cpu-idle', 'idle'),
    ...(options['cpuset-cpus'] === undefined ? {} : { cpus: options['cpuset-cpus'] }),
    ...(options['cpuset-mems'] === undefined ? {} : { mems: options['cpuset-mems'] }),
  };
  const memory: LinuxMemory = {
    ...bytes(options, 'memory', 'limit'),
    ...bytes(options, 'memory-reservation', 'reservation'),
    ...bytes(options, 'memory-swap', 'swap'),
  };
  const pids = options['pids-limit'];
  const weight = options['blkio-weight'];
  return {
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(pids === undefined ? {} : { pids: { limit: pids } }),
    ...(weight === undefined ? {} : { blockIO: { weight } }),
  };
}

function integer<Name extends keyof LinuxCpu>(
  options: Options,
  option: TextOption,
  name: Name,
): Partial<Record<Name, number | bigint>> {
  const text = options[option];
  if (text === undefined) return {};
  if (!/^[+-]?[0-9]+$/.test(text)) throw invalid(option, text, 'give a decimal integer');
  return { [name]: exact(BigInt(text)) } as Record<Name, number | bigint>;
}

function bytes<Name extends keyof LinuxMemory>(
  options: Options,
  option: TextOption,
  name: Name,
): Partial<Record<Name, number | bigint>> {
  const text = options[option];
  if (text === undefined) return {};
  const value = parseBytes(text);
  if (value === undefined) throw invalid(option, text, 'give bytes, with k, m, g, t or p behind if you like, or -1');
  return { [name]: value } as Record<Name, number | bigint>;
}

/** A size as Docker writes it: `512m`, `1.5GiB`, `1024`; -1 for no limit. Undefined for what is none. */
export function parseBytes(text: string): number | bigint | undefined {
  if (text === '-1') return -1;
  const match = /^([0-9]+)(?:\.([0-9]+))? ?([bkmgtp]?)(?:i?b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', unit = ''] = match;
  const power = Math.max(0, 'bkmgtp'.indexOf(unit.toLowerCase()));
  const factor = 1024n ** BigInt(unit === '' ? 0 : power);
  const scale = 10n ** BigInt(fraction.length);
  return exact((BigInt(whole + fraction) * factor) / scale);
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function invalid(option: string, text: string, hint: string): Failure {
  return new Failure({ code: 'update.value', message: `invalid value for ${option}: ${JSON.stringify(text)}`, hint });
}
