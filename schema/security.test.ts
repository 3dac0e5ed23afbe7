/** docs/security.md states for every known attack whether rt withstands it. This test keeps the page correct. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { isTitle, namedCases, repository } from './named-cases.ts';

const page = readFileSync(`${repository}/docs/security.md`, 'utf8');

interface Row {
  /** The first cell. */
  readonly subject: string;
  readonly verdict: string;
  readonly proof: string;
}

/** Rows of the tables of attacks: those with a verdict. */
function readRows(): Row[] {
  return page.split('\n').flatMap((line): Row[] => {
    // A title may contain a bar.
    const [, subject = '', verdict = '', proof = ''] =
      /^\| (.*?) \| (?:.* \| )?(held|n\/a) \| (.*) \|$/.exec(line) ?? [];
    return verdict === '' ? [] : [{ subject, verdict, proof }];
  });
}

const rows = readRows();

t.test('every attack has a case that is there, or a reason', async (t) => {
  t.ok(rows.length > 60, `${rows.length} rows`);
  for (const { subject, verdict, proof } of rows) {
    const cases = namedCases(proof);
    if (verdict === 'held') t.not(cases.length, 0, `${subject}: a case`);
    else t.not(proof, '', `${subject}: a reason`);
    for (const named of cases) if (!isTitle(named)) t.fail(`${subject}: there is no case "${named}"`);
  }
});

t.test('every id stands there once', async (t) => {
  const ids = rows.flatMap(({ subject }) => subject.match(/(CVE|GHSA)-[\w-]+/g) ?? []);
  t.ok(ids.length > 80, `${ids.length} ids`);
  t.strictSame(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  );
});

t.test('every attack is in the page', async (t) => {
  const named = new Set(
    rows.flatMap(({ proof }) => namedCases(proof)).map((text) => text.slice(0, text.indexOf(': '))),
  );
  for (const file of [
    'audit',
    'host-descriptors',
    'exchanged-names',
    'planted-links',
    'runtime-processes',
    'untrusted-input',
  ])
    t.ok(named.has(`attacks/${file}`), file);
});
