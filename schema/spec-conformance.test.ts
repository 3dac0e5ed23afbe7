/** docs/spec-conformance.md states how rt handles every property. This test keeps the page correct. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { unsupportedFaults } from '../src/bundle/unsupported.ts';
import type { Config } from './generated/config.ts';
import { isTitle, namedCases, repository } from './named-cases.ts';
import { schemaProperties } from './properties.ts';
import type { Property } from './properties.ts';

const page = readFileSync(`${repository}/docs/spec-conformance.md`, 'utf8');

type Kind = 'config' | 'state' | 'features';
type Status = 'yes' | 'differs' | 'refused' | 'not yet';
const statuses: readonly string[] = ['yes', 'differs', 'refused', 'not yet'] satisfies Status[];

interface Row {
  readonly kind: Kind;
  /** Path of a property, or `path = value` for one value of it. */
  readonly subject: string;
  readonly status: string;
  /** Cases, as `file: title`. */
  readonly cases: readonly string[];
  readonly words: string;
}

/** `a.{b,c}` stands for `a.b` and `a.c`. */
function expandBraces(text: string): string[] {
  const match = /\{([^}]*)\}/.exec(text);
  if (match === null) return [text];
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  return (match[1] ?? '').split(',').flatMap((part) => expandBraces(before + part + after));
}

function readRows(): Row[] {
  const rows: Row[] = [];
  let kind: Kind = 'config';
  for (const line of page.split('\n')) {
    const heading = /^## .*\b(config|state|features)\b/.exec(line);
    if (heading !== null) kind = heading[1] as Kind;
    const [, property = '', status = '', proof = ''] = /^\| `([^`]+)` \| ([a-z ]+) \| (.*?) ?\|$/.exec(line) ?? [];
    if (property === '') continue;
    const cases = namedCases(proof);
    for (const subject of expandBraces(property)) rows.push({ kind, subject, status, cases, words: proof });
  }
  return rows;
}

const rows = readRows();
const kinds: readonly Kind[] = ['config', 'state', 'features'];
const properties = new Map<Kind, readonly Property[]>(kinds.map((kind) => [kind, schemaProperties(kind)]));
const pathOf = (subject: string): string => subject.split(' = ')[0] ?? '';
const propertyOf = ({ kind, subject }: Row): Property | undefined =>
  properties.get(kind)?.find(({ path }) => path === pathOf(subject));

t.test('every property has a row', async (t) => {
  for (const kind of kinds) {
    const own = rows.filter((row) => row.kind === kind);
    // A section that is refused as a whole needs no rows for its members.
    const closed = own.filter(({ status }) => status === 'refused').map(({ subject }) => `${subject}.`);
    const subjects = new Set(own.map(({ subject }) => subject));
    for (const { path } of properties.get(kind) ?? []) {
      if (closed.some((section) => path.startsWith(section))) continue;
      if (!subjects.has(path)) t.fail(`docs/spec-conformance.md has no row for ${kind} ${path}`);
    }
  }
});

t.test('every row is about a property, or a value of one, and says one of four words', async (t) => {
  const seen = new Set<string>();
  for (const row of rows) {
    const property = propertyOf(row);
    const [, value] = row.subject.split(' = ');
    if (property === undefined) t.fail(`${row.kind} ${row.subject} is not a property of the schema`);
    else if (value !== undefined && property.values.length > 0 && !property.values.includes(value)) {
      t.fail(`${row.subject} is not one of the values ${property.values.join(', ')}`);
    }
    if (!statuses.includes(row.status)) t.fail(`${row.subject}: "${row.status}" is none of ${statuses.join(', ')}`);
    if (seen.has(row.kind + row.subject)) t.fail(`${row.subject} has two rows`);
    seen.add(row.kind + row.subject);
  }
  t.ok(rows.length > 200, `${rows.length} rows`);
});

t.test('what is supported has a case, and every case that is named is there', async (t) => {
  for (const { subject, status, cases, words } of rows) {
    if (status === 'yes' && cases.length === 0) t.fail(`${subject}: no case`);
    if (status === 'differs' || status === 'refused') t.ok(words !== '', `${subject}: says why`);
    for (const text of cases) {
      if (!isTitle(text)) t.fail(`${subject}: there is no case "${text}"`);
    }
  }
});

t.test('what has a row as supported is not refused, and the other way round', async (t) => {
  for (const row of rows.filter(({ kind }) => kind === 'config')) {
    const property = propertyOf(row);
    if (property === undefined) continue;
    const config = property.sample(row.subject.split(' = ')[1]) as Config;
    const refused = unsupportedFaults(config).map(({ message }) => message);
    const open = row.status === 'yes' || row.status === 'differs';
    // A sample of a section is a sample of its first member, which has its own row.
    const isSection = rows.some(({ subject }) => subject.startsWith(`${row.subject}.`));
    if (open && !isSection && refused.length > 0) {
      t.fail(`${row.subject} is "${row.status}", but: ${refused.join(', ')}`);
    }
    if (!open && refused.length === 0) {
      t.fail(`${row.subject} is "${row.status}", but rt takes it: say yes and name the case`);
    }
  }
});

t.test('the rows of a sample are read as they are written', async (t) => {
  t.strictSame(expandBraces('a.{b,c}[].{d,e}'), ['a.b[].d', 'a.b[].e', 'a.c[].d', 'a.c[].e']);
  t.ok(isTitle('uts: hostname of 64 characters is the longest'));
  t.notOk(isTitle('uts: hostname of 65 characters is the longest'));
  t.ok(isTitle('resources: resources.pids.limit'));
  t.notOk(isTitle('resources: resources.nosuch.limit'));
});
