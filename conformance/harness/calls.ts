import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { x86_64 } from '../../schema/generated/syscalls.ts';
import { guestProgram } from './guest.ts';
import type { Outcome } from './process.ts';
import type { Sandbox } from './sandbox.ts';

/** A system call of a traced command. */
export interface Call {
  /** As fault.c names it: 0 is that of the command. */
  readonly process: string;
  readonly number: number;
  readonly name: string;
  /** Which of its calls of that name it is, from 1. */
  readonly nth: number;
  readonly arguments: readonly number[];
  readonly path: string;
}

const names = new Map<number, string>();
for (const [first, list] of x86_64) list.split('\n').forEach((name, index) => names.set(first + index, name));

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
  /** kill:PROCESS or errno:NUMBER, in place of the call. */
  readonly action: string;
}

/** Words of fault.c for what goes wrong. */
export function faultArguments({ call: { process, number, nth }, action }: CallFault): string[] {
  return ['--at', process, String(number), String(nth), action];
}

/** A command that fault.c has traced. */
interface Traced {
  readonly outcome: Outcome;
  readonly calls: readonly Call[];
  /** Whether it came to the call that was to go wrong. */
  readonly reached: boolean;
}

let logs = 0;

/** Runs a command of the runtime, in which a call goes wrong where one is given; `attached`: also of that process, A. */
export async function traced(
  rt: Sandbox,
  words: readonly string[],
  fault?: CallFault & { readonly attached?: number },
): Promise<Traced> {
  const log = join(rt.dir, `calls-${logs++}`);
  const at = fault === undefined ? [] : faultArguments(fault);
  const attach = fault?.attached === undefined ? [] : ['--attach', String(fault.attached)];
  const prefix = [guestProgram('fault'), ...attach, ...at, '--log', log, '--'];
  const outcome = await rt.commandThrough(prefix, ...words);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return {
    outcome,
    calls: lines.filter((line) => line.includes(' ')).map(parseCall),
    reached: lines.includes('fault'),
  };
}
