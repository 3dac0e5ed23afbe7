/** Checks that the cases named in pages exist. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const repository = fileURLToPath(new URL('..', import.meta.url));

interface TestFile {
  readonly text: string;
  /** A pattern for titles; the computed parts of a title are groups. */
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
  ts.isCallExpression(node) && /^(forEachRuntime|attack|t\.test)$/.test(node.expression.getText());

const contains = (node: ts.Node, condition: (node: ts.Node) => boolean): boolean =>
  condition(node) || (ts.forEachChild(node, (child) => contains(child, condition)) ?? false);

/** Titles given to forEachRuntime, attack or t.test, or to a function of the file that calls one of them. */
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
        const spans = argument.templateSpans.map((span) => `(.*)${quote(span.literal.text)}`);
        found.push(new RegExp(`^${quote(argument.head.text)}${spans.join('')}$`));
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Cases named in a page, as `file: title`. */
export function namedCases(text: string): string[] {
  return [...text.matchAll(/`([\w/-]+: [^`]+)`/g)].map(([, named = '']) => named);
}

/** True for a title of the file. The computed parts of a title must occur in the file. */
export function isTitle(named: string): boolean {
  const colon = named.indexOf(': ');
  const title = named.slice(colon + 2);
  const { text, titles } = testFile(named.slice(0, colon));
  const isThere = (part: string): boolean =>
    (/^[{[]/.test(part) ? (part.match(/\w+/g) ?? []) : part.split(',')).every((word) => text.includes(word));
  return titles.some((pattern) => pattern.exec(title)?.slice(1).every(isThere) ?? false);
}
