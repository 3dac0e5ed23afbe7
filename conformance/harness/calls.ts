import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aarch64, x86_64 } from '../../schema/generated/syscalls.ts';
import { guestProgram } from './guest.ts';
import type { Outcome } from './process.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** A system call of a traced command. */
export interface Call {
  /** The name used by fault.c: 0 is the process of the command. */
  readonly process: string;
  readonly number: number;
  readonly name: string;
  /** Index among its calls of that name, from 1. */
  readonly nth: number;
  readonly arguments: readonly number[];
  readonly path: string;
}

const names = new Map<number, string>();
const numbers = new Map<string, number>();
for (const [first, list] of process.arch === 'arm64' ? aarch64 : x86_64) {
  list.split('\n').forEach((name, index) => {
    names.set(first + index, name);
    numbers.set(name, first + index);
  });
}

/** Number of a system call on this machine. The first of `candidates` that it has: arm64 lacks mkdir(2), for example. */
export function callNumber(...candidates: readonly string[]): number {
  const number = candidates.map((name) => numbers.get(name)).find((one) => one !== undefined);
  if (number === undefined) throw new Error(`this machine has no call ${candidates.join(' or ')}`);
  return number;
}

/** Those of this machine. */
export function callNames(): string[] {
  return [...numbers.keys()].filter((name) => name !== '-');
}

/** This machine in linux.seccomp.architectures. */
export const NATIVE_ARCHITECTURE = process.arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64';

export function parseCall(line: string): Call {
  const [process = '', number = '', nth = '', ...rest] = line.split(' ');
  return {
    process,
    number: Number(number),
    name: names.get(Number(number)) ?? number,
    nth: Number(nth),
    arguments: rest.slice(0, 3).map((word) => Number(`0x${word}`)),
    path: rest[3] ?? '',
  };
}

export interface CallFault {
  readonly call: Pick<Call, 'process' | 'number' | 'nth'>;
  /** kill:PROCESS or errno:NUMBER, instead of the call. */
  readonly action: string;
}

/** Arguments of fault.c that describe the fault. */
export function faultArguments({ call: { process, number, nth }, action }: CallFault): string[] {
  return ['--at', process, String(number), String(nth), action];
}

/** A command traced by fault.c. */
interface Traced {
  readonly outcome: Outcome;
  readonly calls: readonly Call[];
  /** Whether the call that should fail was reached. */
  readonly reached: boolean;
}

let logs = 0;

/** Init of a container may still be on its way there when `create` has returned. */
async function waitsForStart(pid: number): Promise<void> {
  const waits = (): boolean => readFileSync(`/proc/${pid}/syscall`, 'utf8').startsWith(`${callNumber('accept4')} `);
  await until('init waits for start', waits);
}

/** Runs a command of the runtime, with a fault in one call if given; `attached`: also traces that process, A. */
export async function traced(
  rt: Sandbox,
  words: readonly string[],
  fault?: CallFault & { readonly attached?: number },
): Promise<Traced> {
  const log = join(rt.dir, `calls-${logs++}`);
  const at = fault === undefined ? [] : faultArguments(fault);
  const attach = fault?.attached === undefined ? [] : ['--attach', String(fault.attached)];
  if (fault?.attached !== undefined) await waitsForStart(fault.attached);
  const prefix = [guestProgram('fault'), ...attach, ...at, '--log', log, '--'];
  const outcome = await rt.commandThrough(prefix, ...words);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return {
    outcome,
    calls: lines.filter((line) => line.includes(' ')).map(parseCall),
    reached: lines.includes('fault'),
  };
}
