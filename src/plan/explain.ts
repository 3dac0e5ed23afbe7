import { OP_CODECS } from '../../schema/generated/ops.ts';
import type { Op } from '../../schema/generated/ops.ts';
import { printable } from '../diag/printable.ts';
import type { UnitPlan } from './cgroup/unit.ts';
import { numberWords } from './field-words.ts';
import { listing } from './seccomp/listing.ts';
import type { Plan } from './plan.ts';
import type { PlannedOp } from './types.ts';

/** Prints a plan for people (`text`) or programs (`json`; 64-bit integers that do not fit a double are strings). */
export function explain(plan: Plan, format: 'text' | 'json'): string {
  const filter = plan.filter?.();
  if (format === 'text') return text(plan, filter);
  // Its ops are among those of the helper.
  const printed = { ...plan, smallMounts: undefined, ...(filter === undefined ? {} : { filter }) };
  return `${JSON.stringify(printed, plainValue, 2)}\n`;
}

function plainValue(key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  // The seccomp filter is shown as text, a device program as 64-bit words.
  if (value instanceof Uint8Array) return key === 'filter' ? listing(value) : words(value);
  return value;
}

function words(bytes: Uint8Array): string[] {
  const result: string[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const word = Array.from(bytes.subarray(at, at + 8), (byte) => byte.toString(16).padStart(2, '0'));
    result.push(word.join(''));
  }
  return result;
}

function text(plan: Plan, filter: Uint8Array | undefined): string {
  const lines = [
    ...section('host: the runtime, before the clone', [...plan.host, ...plan.resctrl.host]),
    ...(plan.unit === undefined ? [] : unitLines(plan.unit)),
    `clone: flags ${numberWords('clone', 'flags', plan.cloneFlags)}` +
      (plan.cloneCgroup === '' ? '' : ` into cgroup ${plan.cloneCgroup}`),
    '',
    ...(plan.stage.length === 0
      ? []
      : section('stage: the helper before it becomes init, with the rights of the runtime', plan.stage)),
    ...section("init: the container's first process", plan.init),
    ...(plan.awaited.length === 0 ? [] : section('cgroups: the runtime, until init joins them', plan.awaited)),
    ...section('limits: the runtime, meanwhile', plan.limits),
    ...(filter === undefined ? [] : ['filter: sent to init, meanwhile', ...listing(filter), '']),
    ...(plan.scheduler === undefined ? [] : section('scheduler: the runtime, while init waits', [plan.scheduler])),
    ...(plan.netDevices.length === 0 ? [] : section('devices: the runtime, while init waits', plan.netDevices)),
  ];
  return lines.map(printable).join('\n');
}

/** Runs after the clone, while init waits in its first op. */
function unitLines({ name, properties, divide, ops }: UnitPlan): string[] {
  const rows = properties.map(
    ({ name: property, value }) => `      ${property}=${shown('unit', property, value.value)}`,
  );
  return [`unit: systemd starts ${name} with init in it`, ...rows, '', ...section('host: then', [...divide, ...ops])];
}

/** The lines of one list of operations: a title, one line per operation, an empty line. */
export function section(title: string, ops: readonly PlannedOp[]): string[] {
  const lines = ops.map((op, index) => `${String(index).padStart(4)}  ${call(op)}  # ${op.from}`);
  return [title, ...lines, ''];
}

function call(op: Op): string {
  const values = op as unknown as Readonly<Record<string, unknown>>;
  const fields = OP_CODECS[op.op].fields.map(([name]) => `${name}=${shown(op.op, name, values[name])}`);
  return [op.op, ...fields].join(' ');
}

function shown(op: string, name: string, value: unknown): string {
  if (value instanceof Uint8Array) {
    return name === 'program' ? `[${String(value.length / 8)} instructions]` : `[${words(value).join(' ')}]`;
  }
  if (typeof value === 'bigint' || typeof value === 'number') return numberWords(op, name, value);
  return JSON.stringify(value);
}
