import { readFileSync } from 'node:fs';
import t from 'tap';
import ts from 'typescript';

/** The TypeScript type of each kind of argument (native/host/functions.h). */
const argumentTypes: Readonly<Record<string, string>> = {
  i: 'number',
  s: 'string',
  b: 'ArrayBuffer',
  a: 'readonly string[]',
  p: 'Packed',
};

/** The result types of each kind, whether or not the function can fail. */
const resultTypes: Readonly<Record<string, readonly string[]>> = {
  i: ['number', 'never'],
  s: ['string | number', 'string'],
  b: ['ArrayBuffer | number'],
  l: [
    'number[] | number',
    'number[]',
    'readonly [] | readonly [index: number, errno: number, item: number, call: string] | number',
    'readonly [pid: number, control: number, filter: number] | readonly [status: number, call: string] | number',
    'readonly [status: number, direction?: number, errno?: number, call?: string] | number',
  ],
};

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

t.test(
  'the interface of TypeScript has the functions of the table of C, in its order and with its kinds',
  async (t) => {
    const file = ts.createSourceFile('native.ts', read('native.ts'), ts.ScriptTarget.Latest);
    const declared = file.statements
      .filter(ts.isInterfaceDeclaration)
      .filter(({ name }) => name.text === 'Native')
      .flatMap(({ members }) => members.filter(ts.isMethodSignature))
      .map((member) => ({
        name: member.name.getText(file),
        arguments: member.parameters.map(({ type }) => type?.getText(file)),
        result: member.type?.getText(file) ?? '',
      }));
    const listed = [...read('../../native/host/functions.def').matchAll(/^FN\((\w+), "(\w*)", '(\w)'\)$/gm)];
    t.same(
      declared.map(({ name }) => name),
      listed.map(([, name]) => name),
    );
    for (const [index, [, name = '', kinds = '', result = '']] of listed.entries()) {
      const found = declared[index];
      t.same(
        found?.arguments,
        Array.from(kinds, (kind) => argumentTypes[kind]),
        name,
      );
      t.ok(resultTypes[result]?.includes(found?.result ?? ''), `${name}: ${found?.result ?? ''}`);
    }
  },
);
