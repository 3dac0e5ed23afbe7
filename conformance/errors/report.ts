import { misses } from './judge.ts';
import type { Points, Said } from './judge.ts';
import type { Trigger } from './trigger.ts';

export interface Row {
  readonly family: string;
  readonly trigger: Trigger;
  readonly cells: Readonly<Record<string, Said & { readonly points: Points }>>;
}

/** Of all points. */
const required = 0.97;

/** The table as Markdown, a summary for the terminal, and whether rt has the points it must have. */
export function report(
  rows: readonly Row[],
  names: readonly string[],
): { text: string; summary: string; passed: boolean } {
  const scores = scoreTable(rows, names);
  const lines = ['# What rt and its peers say about mistakes', '', ...scores];
  for (const family of new Set(rows.map((row) => row.family))) {
    const within = rows.filter((row) => row.family === family);
    lines.push('', `## ${family}`, '', row(['mistake', ...names]), row(['---', ...names.map(() => '---')]));
    for (const { trigger, cells } of within)
      lines.push(row([trigger.what, ...names.map((name) => cellText(cells[name]))]));
  }
  const lost = rows.filter(({ cells }) => (cells['rt']?.points ?? 2) < 2);
  const explained = lost.map(({ family, trigger, cells }) => {
    const said = cells['rt'];
    const lacking = said === undefined ? [] : misses(trigger, said, true);
    return `${String(said?.points)}  ${family}: ${trigger.what}\n     lacks ${lacking.join(', ')}\n${indented(said?.message ?? '')}`;
  });
  const passed = ratio(rows, 'rt') >= required && !rows.some(({ cells }) => cells['rt']?.points === 0);
  return { text: `${lines.join('\n')}\n`, summary: [...explained, '', ...scores].join('\n'), passed };
}

function scoreTable(rows: readonly Row[], names: readonly string[]): string[] {
  const families = [...new Set(rows.map(({ family }) => family))];
  const line = (title: string, within: readonly Row[]): string =>
    row([title, ...names.map((name) => score(within, name))]);
  return [
    row(['points', ...names]),
    row(['---', ...names.map(() => '---')]),
    ...families.map((family) =>
      line(
        family,
        rows.filter((one) => one.family === family),
      ),
    ),
    line('all', rows),
  ];
}

function judged(rows: readonly Row[], name: string): number[] {
  return rows.flatMap(({ cells }) => cells[name]?.points ?? []);
}

function sum(points: readonly number[]): number {
  return points.reduce((total, one) => total + one, 0);
}

function ratio(rows: readonly Row[], name: string): number {
  const points = judged(rows, name);
  return points.length === 0 ? 1 : sum(points) / (2 * points.length);
}

function score(rows: readonly Row[], name: string): string {
  const points = judged(rows, name);
  return `${sum(points)}/${2 * points.length} (${Math.floor(100 * ratio(rows, name))} %)`;
}

function cellText(said: (Said & { readonly points: Points }) | undefined): string {
  if (said === undefined) return '';
  const status = said.status === undefined ? 'hangs' : String(said.status);
  const text = said.message.length > 400 ? `${said.message.slice(0, 400)}…` : said.message;
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', '<br>');
  return `**${said.points === undefined ? '-' : String(said.points)}** [${status}] ${escaped}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function indented(text: string): string {
  const cut = text.length > 800 ? `${text.slice(0, 800)}…` : text;
  return cut
    .split('\n')
    .map((line) => `     > ${line}`)
    .join('\n');
}
