import { listContainers } from '../container/list.ts';
import type { StateReport } from '../container/report.ts';
import { printable } from '../diag/printable.ts';
import type { Context, Outcome } from '../options/command.ts';
import { stateRoot } from '../state/root.ts';

/** Lists the containers below the state root. */
export function list({ native, globals, options }: Context): Outcome {
  const { reports, warnings } = listContainers(native, stateRoot(native, globals.root));
  return { output: render(reports, options.quiet === true, options.format ?? 'table'), warnings };
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
