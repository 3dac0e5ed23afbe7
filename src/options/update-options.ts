import type { LinuxCpu, LinuxMemory, LinuxResources } from '../../schema/generated/config.ts';
import type { Options, TextOption } from './options.ts';
import { Failure } from '../diag/diagnostic.ts';

/** The options of `update` as a `linux.resources` object. */
export function resourcesOf(options: Options): LinuxResources {
  const cpu: LinuxCpu = {
    ...member(options, 'cpu-share', 'shares', unsigned),
    ...member(options, 'cpu-quota', 'quota', integer),
    ...member(options, 'cpu-period', 'period', unsigned),
    ...member(options, 'cpu-burst', 'burst', unsigned),
    ...member(options, 'cpu-rt-runtime', 'realtimeRuntime', integer),
    ...member(options, 'cpu-rt-period', 'realtimePeriod', unsigned),
    ...member(options, 'cpu-idle', 'idle', integer),
    ...(options['cpuset-cpus'] === undefined ? {} : { cpus: options['cpuset-cpus'] }),
    ...(options['cpuset-mems'] === undefined ? {} : { mems: options['cpuset-mems'] }),
  };
  const memory: LinuxMemory = {
    ...member(options, 'memory', 'limit', bytes),
    ...member(options, 'memory-reservation', 'reservation', bytes),
    ...member(options, 'memory-swap', 'swap', bytes),
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

/** Parses the value of an option; undefined if it is invalid. */
interface Reading {
  readonly parse: (text: string) => number | bigint | undefined;
  readonly hint: string;
}

const most = { signed: 0x7fff_ffff_ffff_ffffn, unsigned: 0xffff_ffff_ffff_ffffn };

const integer = integerUpTo(most.signed);

/** Negative values are rejected later, with the limits of the kernel. */
const unsigned = integerUpTo(most.unsigned);

function integerUpTo(greatest: bigint): Reading {
  return {
    parse: (text) => (/^[+-]?[0-9]+$/.test(text) ? exact(BigInt(text), greatest) : undefined),
    hint: 'give a decimal integer of at most 64 bits',
  };
}

const bytes: Reading = {
  parse: parseBytes,
  hint: 'give bytes, with an optional suffix k, m, g, t or p; -1 for no limit',
};

/** An option as a member of the config, if it is given. */
function member<Name extends keyof LinuxCpu | keyof LinuxMemory>(
  options: Options,
  option: TextOption,
  name: Name,
  { parse, hint }: Reading,
): Partial<Record<Name, number | bigint>> {
  const text = options[option];
  if (text === undefined) return {};
  const value = parse(text);
  if (value === undefined) {
    const message = `invalid value for ${option}: ${JSON.stringify(text)}`;
    throw new Failure({ code: 'update.value', message, hint });
  }
  return { [name]: value } as Record<Name, number | bigint>;
}

/** A size in Docker's syntax: `512m`, `1.5GiB`, `1024`; -1 for no limit. Undefined if it is invalid. */
function parseBytes(text: string): number | bigint | undefined {
  if (text === '-1') return -1;
  const match = /^([0-9]+)(?:\.([0-9]+))? ?([bkmgtp]?)(?:i?b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', unit = ''] = match;
  const power = Math.max(0, 'bkmgtp'.indexOf(unit.toLowerCase()));
  const factor = 1024n ** BigInt(unit === '' ? 0 : power);
  const scale = 10n ** BigInt(fraction.length);
  return exact((BigInt(whole + fraction) * factor) / scale, most.signed);
}

/** Undefined above `greatest`, or below the range of a signed 64-bit integer. */
function exact(value: bigint, greatest: bigint): number | bigint | undefined {
  if (value > greatest || value < ~most.signed) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
