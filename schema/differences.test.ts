/** docs/differences-from-*.md state where rt differs from its peers. This test keeps the pages correct. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { isTitle, namedCases, repository } from './named-cases.ts';

const COLUMNS = 5;

/** Cells of a line of a table; a bar in code or after a backslash separates nothing. */
function cells(line: string): string[] {
  return [...line.matchAll(/\| ((?:`[^`]*`|\\.|[^`|\\])*?) ?(?=\|)/g)].map(([, cell = '']) => cell);
}

for (const peer of ['runc', 'crun']) {
  t.test(`every difference from ${peer} has a reason, and a case that is there`, async (t) => {
    const lines = readFileSync(`${repository}/docs/differences-from-${peer}.md`, 'utf8').split('\n');
    const tables = lines.filter((line) => line.startsWith('|') && !line.startsWith('|---'));
    const isHeader = (line: string): boolean => line === `| what | rt | ${peer} | why | case |`;
    const rows = tables.filter((line) => !isHeader(line)).map(cells);
    t.equal(
      tables.length - rows.length,
      lines.filter((line) => line.startsWith('|---')).length,
      'every header is alike',
    );
    t.ok(rows.length > 20, `${rows.length} rows`);
    for (const row of rows) {
      const [what = ''] = row;
      if (row.length !== COLUMNS || row.includes('')) {
        t.fail(`"${what}": not a row of five full cells, but of ${row.length}`);
        continue;
      }
      const cases = namedCases(row[4] ?? '');
      if (cases.length === 0) t.fail(`${what}: no case`);
      for (const named of cases) if (!isTitle(named)) t.fail(`${what}: there is no case "${named}"`);
    }
    const subjects = rows.map(([what]) => what);
    t.strictSame(
      subjects.filter((what, index) => subjects.indexOf(what) !== index),
      [],
      'each stands there once',
    );
  });
}
