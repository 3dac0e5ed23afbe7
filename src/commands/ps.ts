import { Failure } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import { systemFailure } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { requireCgroup } from '../cgroup/control.ts';
import { cgroupProcesses } from '../cgroup/files.ts';
import type { ContainerContext, Outcome } from '../options/command.ts';
import { findContainer } from '../container/find.ts';
import { processTable } from '../container/process-table.ts';

const largestOutput = 64 << 20;

/** Lists the processes of a container, by their pids on the host or in a table, for whose options ps(1) of the host is run. */
export function ps(context: ContainerContext): Outcome {
  const { native, options, operands } = context;
  const { record, status } = findContainer(context);
  const stopped = status === 'stopped';
  // Processes in the cgroup of a container that is stopped or unfinished are not its own, but for those that did not end
  // with init because they are in another pid namespace than one of its own.
  const none = status === 'creating' || (stopped && record.privatePidNamespace);
  if (!none && !stopped) requireCgroup(record.cgroup, 'list its processes');
  const pids = none ? [] : cgroupProcesses(native, record.cgroup);
  // go-runc expects Go's output for an empty list.
  if (options.format === 'json') return { output: `${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n` };
  const words = operands.slice(1);
  const lines = words.length === 0 ? processTable(native, pids) : selectRows(outputOf(native, words), new Set(pids));
  return { output: lines.map((line) => `${printable(line)}\n`).join('') };
}

function outputOf(native: Native, words: readonly string[]): string[] {
  const command = ['ps', ...words];
  const output = native.capture(command, largestOutput);
  if (typeof output === 'number') {
    const hint = 'ps must be installed on the host; without options for it, rt needs no program';
    throw systemFailure('ps.run', `cannot run "${command.join(' ')}"`, 'posix_spawn', output, hint);
  }
  return output.split('\n').filter((line) => line !== '');
}

/** The header, and the lines whose column PID names one of the processes. */
function selectRows(lines: readonly string[], pids: ReadonlySet<number>): string[] {
  const [header = '', ...rows] = lines;
  const column = fields(header).indexOf('PID');
  if (column < 0) throw new Failure({ code: 'ps.pid', message: "couldn't find PID field in ps output" });
  const own = rows.filter((row) => pids.has(Number(fields(row)[column])));
  return [header, ...own];
}

function fields(line: string): string[] {
  return line.trim().split(/\s+/);
}
