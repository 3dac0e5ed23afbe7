import { listContainers } from '../container/list.ts';
import type { StateReport } from '../container/report.ts';
import { printable } from '../diag/printable.ts';
import type { Native } from '../host/native.ts';
import type { Context, Outcome } from '../options/command.ts';
import { stateRoot } from '../state/root.ts';

/** Lists the containers below the state root. */
export function list({ native, globals, options }: Context): Outcome {
  const { reports, warnings } = listContainers(native, stateRoot(native, globals.root));
  return { output: render(native, reports, options.quiet === true, options.format ?? 'table'), warnings };
}

function render(native: Native, reports: readonly StateReport[], quiet: boolean, format: string): string {
  if (quiet) return reports.map(({ id }) => `${id}\n`).join('');
  // go-runc and scripts expect Go's output for an empty list.
  if (format === 'json') return reports.length === 0 ? 'null\n' : `${JSON.stringify(reports)}\n`;
  return table(
    native,
    reports.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
  );
}

const head = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
const narrowestColumn = 12;
const padding = 3;

/** Columns at least 12 wide with 3 blanks between; the last one is not padded. */
function table(native: Native, rows: readonly string[][]): string {
  const widths = head.map(() => narrowestColumn);
  for (const row of rows) {
    if (native.isPrintable(row.join(''), 0) !== 1) row.splice(0, row.length, ...row.map(printable));
    for (let column = 0; column < row.length; column += 1) {
      const width = (row[column]?.length ?? 0) + padding;
      if (width > (widths[column] ?? 0)) widths[column] = width;
    }
  }
  widths[widths.length - 1] = 0;
  let lines = '';
  for (const row of [head, ...rows]) {
    for (let column = 0; column < row.length; column += 1) lines += row[column]?.padEnd(widths[column] ?? 0) ?? '';
    lines += '\n';
  }
  return lines;
}
