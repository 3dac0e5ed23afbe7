import type { LinuxDeviceCgroup } from '../../../schema/generated/config.ts';
import {
  BPF_DEVCG_ACC_MKNOD,
  BPF_DEVCG_ACC_READ,
  BPF_DEVCG_ACC_WRITE,
  BPF_DEVCG_DEV_BLOCK,
  BPF_DEVCG_DEV_CHAR,
  DEVICE_OPCODES,
} from '../../kernel/device-programs.ts';
import { defaultDeviceRules } from './devices.ts';

/** The request as passed to the program: `struct bpf_cgroup_dev_ctx` of <linux/bpf.h>. */
const typeAndAccess = 0;
const majorOffset = 4;
const minorOffset = 8;
const accessBits: Readonly<Record<string, number>> = {
  m: BPF_DEVCG_ACC_MKNOD,
  r: BPF_DEVCG_ACC_READ,
  w: BPF_DEVCG_ACC_WRITE,
};
const everyAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

/** Registers: the verdict, the context, the access bits not yet decided by a rule, type, major, minor. */
const r = { verdict: 0, context: 1, access: 2, type: 3, major: 4, minor: 5 } as const;

type Instruction = readonly [code: number, destination: number, source: number, offset: number, immediate: number];

/**
 * Device rules as a program for a v2 cgroup. As on v1 the last rule that matches an access decides, so they are tried
 * from last to first; an access that no rule matches is denied. Undefined if everything is allowed.
 */
export function deviceProgram(rules: readonly LinuxDeviceCgroup[]): Uint8Array | undefined {
  const all = [...rules, ...defaultDeviceRules].reverse();
  const total = all.find(isTotal);
  if (total?.allow === true && all.indexOf(total) === defaultDeviceRules.length) return undefined;
  const instructions: Instruction[] = [
    [DEVICE_OPCODES.load, r.access, r.context, typeAndAccess, 0],
    [DEVICE_OPCODES.moveRegister, r.type, r.access, 0, 0],
    [DEVICE_OPCODES.and, r.type, 0, 0, 0xffff],
    [DEVICE_OPCODES.shiftRight, r.access, 0, 0, 16],
    [DEVICE_OPCODES.load, r.major, r.context, majorOffset, 0],
    [DEVICE_OPCODES.load, r.minor, r.context, minorOffset, 0],
  ];
  for (const rule of all) {
    // The verifier refuses unreachable code, so rules before a rule for everything are dropped.
    if (isTotal(rule)) {
      instructions.push(...verdict(rule.allow));
      return encode(instructions);
    }
    instructions.push(...ruleCode(rule));
  }
  instructions.push(...verdict(false));
  return encode(instructions);
}

function isTotal(rule: LinuxDeviceCgroup): boolean {
  return (rule.type ?? 'a') === 'a' && isAny(rule.major) && isAny(rule.minor) && accessOf(rule) === everyAccess;
}

function isAny(value: number | bigint | undefined): boolean {
  return value === undefined || Number(value) === -1;
}

function accessOf({ access = '' }: LinuxDeviceCgroup): number {
  let bits = 0;
  for (const letter of access) bits |= accessBits[letter] ?? 0;
  return bits;
}

function ruleCode(rule: LinuxDeviceCgroup): Instruction[] {
  const access = accessOf(rule);
  const decide: Instruction[] = rule.allow
    ? [[DEVICE_OPCODES.and, r.access, 0, 0, ~access], [DEVICE_OPCODES.ifNot, r.access, 0, 2, 0], ...verdict(true)]
    : [[DEVICE_OPCODES.ifSet, r.access, 0, 1, access], [DEVICE_OPCODES.jump, 0, 0, 2, 0], ...verdict(false)];
  const tests: (readonly [register: number, value: number])[] = [];
  if (rule.type !== 'a' && rule.type !== undefined)
    tests.push([r.type, rule.type === 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR]);
  if (!isAny(rule.major)) tests.push([r.major, Number(rule.major)]);
  if (!isAny(rule.minor)) tests.push([r.minor, Number(rule.minor)]);
  const skip = tests.map(([register, value], index): Instruction => [
    DEVICE_OPCODES.ifNot,
    register,
    0,
    tests.length - index - 1 + decide.length,
    value,
  ]);
  return [...skip, ...decide];
}

function verdict(allow: boolean): Instruction[] {
  return [
    [DEVICE_OPCODES.move, r.verdict, 0, 0, Number(allow)],
    [DEVICE_OPCODES.exit, 0, 0, 0, 0],
  ];
}

/** struct bpf_insn, little endian. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  instructions.forEach(([code, destination, source, offset, immediate], index) => {
    const parts = [code, destination | (source << 4), offset & 0xff, offset >> 8];
    for (let byte = 0; byte < 4; byte++) parts.push((immediate >>> (8 * byte)) & 0xff);
    bytes.set(parts, index * 8);
  });
  return bytes;
}
