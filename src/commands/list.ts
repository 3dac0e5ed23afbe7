import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { printable } from '../diag/printable.ts';
import type { Native } from '../host/native.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { stateReport } from '../container/report.ts';
import type { StateReport } from '../container/report.ts';
import { stateRoot } from '../state/root.ts';
import { statusOf } from '../container/status.ts';
import { listIds, readRecord } from '../state/store.ts';
import type { Context, Outcome } from '../options/command.ts';

/** Lists the containers below the state root. One that vanishes meanwhile is omitted. */
export function list(context: Context): Outcome {
  const { native, options } = context;
  const root = stateRoot(native, context.globals.root);
  const ids = listIds(native, root.path);
  if (ids === undefined && root.explicit) {
    throw new Failure({
      code: 'state.root',
      message: `cannot read directory "${root.path}": no such file or directory`,
    });
  }
  const reports: StateReport[] = [];
  const warnings: Diagnostic[] = [];
  const owners = new Owners(native);
  for (const id of ids ?? []) {
    try {
      const report = reportOf(native, root.path, id, owners);
      if (report !== undefined) reports.push(report);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      warnings.push(...error.diagnostics.map((one) => ({ ...one, message: `load container ${id}: ${one.message}` })));
    }
  }
  return { output: render(reports, options.quiet === true, options.format ?? 'table'), warnings };
}

function reportOf(native: Native, root: string, id: string, owners: Owners): StateReport | undefined {
  const directory = ContainerDirectory.open(native, root, id);
  if (directory === undefined) return undefined;
  try {
    const record = readRecord(directory);
    if (record === undefined) return undefined;
    return stateReport(record, statusOf(native, directory, record), owners.of(directory.uid));
  } finally {
    directory.close();
  }
}

function render(reports: readonly StateReport[], quiet: boolean, format: string): string {
  if (quiet) return reports.map(({ id }) => `${id}\n`).join('');
  // go-runc and scripts expect Go's output for an empty list.
  if (format === 'json') return reports.length === 0 ? 'null\n' : `${JSON.stringify(reports)}\n`;
  return table([
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...reports.map(({ id, pid, status, bundle, created, owner }) =>
      [id, String(pid), status, bundle, created, owner].map(printable),
    ),
  ]);
}

const narrowestColumn = 12;
const padding = 3;

/** Columns at least 12 wide with 3 blanks between; the last one is not padded. */
function table(rows: readonly (readonly string[])[]): string {
  const count = rows[0]?.length ?? 0;
  const widths: number[] = [];
  for (let column = 0; column < count - 1; column += 1) {
    widths.push(Math.max(narrowestColumn, ...rows.map((row) => (row[column] ?? '').length + padding)));
  }
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('')}\n`).join('');
}

/** Names of the users who own containers, each looked up once. */
class Owners {
  private readonly names = new Map<number, string>();
  private readonly native: Native;

  constructor(native: Native) {
    this.native = native;
  }

  of(uid: number): string {
    let name = this.names.get(uid);
    if (name === undefined) {
      name = userName(this.native, uid) ?? `#${uid}`;
      this.names.set(uid, name);
    }
    return name;
  }
}

/** From passwd(5) of the host; undefined if the user is not listed. */
function userName(native: Native, uid: number): string | undefined {
  const text = native.readText('/etc/passwd', 4 << 20);
  if (typeof text === 'number') return undefined;
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    if (fields[2] === String(uid)) return fields[0];
  }
  return undefined;
}
