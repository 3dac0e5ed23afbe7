/** docs/spec-conformance.md says of every property what rt does with it. This is what keeps the page true. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';
import { unsupportedFaults } from '../src/bundle/unsupported.ts';
import type { Config } from './generated/config.ts';
import { schemaProperties } from './properties.ts';
import type { Property } from './properties.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
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
    const cases = [...proof.matchAll(/`([\w/-]+: [^`]+)`/g)].map(([, text = '']) => text);
    for (const subject of expandBraces(property)) rows.push({ kind, subject, status, cases, words: proof });
  }
  return rows;
}

interface TestFile {
  readonly text: string;
  /** What a title must match; the computed parts of a title are groups. */
  readonly titles: readonly RegExp[];
}

const testFiles = new Map<string, TestFile>();

function testFile(name: string): TestFile {
  const known = testFiles.get(name);
  if (known !== undefined) return known;
  const path = ['conformance/cases/', 'conformance/', '']
    .map((folder) => `${folder}${name}.test.ts`)
    .find((candidate) => existsSync(repository + candidate));
  const text = path === undefined ? '' : readFileSync(repository + path, 'utf8');
  const file = { text, titles: parseTitles(text) };
  testFiles.set(name, file);
  return file;
}

const quote = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const isCase = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) && /^(forEachRuntime|t\.test)$/.test(node.expression.getText());

const contains = (node: ts.Node, condition: (node: ts.Node) => boolean): boolean =>
  condition(node) || (ts.forEachChild(node, (child) => contains(child, condition)) ?? false);

/** Titles given to forEachRuntime or t.test, or to a function of the file that calls one of them. */
function parseTitles(source: string): RegExp[] {
  const tree = ts.createSourceFile('test.ts', source, ts.ScriptTarget.Latest, true);
  const wrappers = new Set(
    tree.statements.filter(ts.isFunctionDeclaration).flatMap((one) => (contains(one, isCase) ? [one.name?.text] : [])),
  );
  const found: RegExp[] = [];
  const visit = (node: ts.Node): void => {
    if (isCase(node) || (ts.isCallExpression(node) && wrappers.has(node.expression.getText()))) {
      for (const argument of node.arguments) {
        if (ts.isStringLiteralLike(argument)) found.push(new RegExp(`^${quote(argument.text)}$`));
        if (!ts.isTemplateExpression(argument)) continue;
        const spans = argument.templateSpans.map((span) => `(.+)${quote(span.literal.text)}`);
        found.push(new RegExp(`^${quote(argument.head.text)}${spans.join('')}$`));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** True for a title of the file. What a title computes must be words that the file has. */
function isTitle(name: string, title: string): boolean {
  const { text, titles } = testFile(name);
  const isThere = (part: string): boolean =>
    (/^[{[]/.test(part) ? (part.match(/\w+/g) ?? []) : part.split(',')).every((word) => text.includes(word));
  return titles.some((pattern) => pattern.exec(title)?.slice(1).every(isThere) ?? false);
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
    // A section that is refused as a whole needs no rows for what it holds.
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
      const colon = text.indexOf(': ');
      if (!isTitle(text.slice(0, colon), text.slice(colon + 2))) t.fail(`${subject}: there is no case "${text}"`);
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
    // A sample of a section is a sample of its first member, which has a row of its own.
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
  t.ok(isTitle('uts', 'hostname of 64 characters is the longest'));
  t.notOk(isTitle('uts', 'hostname of 65 characters is the longest'));
  t.ok(isTitle('resources', 'resources.pids.limit'));
  t.notOk(isTitle('resources', 'resources.nosuch.limit'));
});
