/**
 * schema/kernel.ts and the headers of the kernel -> src/kernel/*.ts; and for C native/generated/kernel.c, which does
 * not compile if one of these numbers differs, and native/generated/open_flags.h, the flags that may differ.
 * Run by `make generate`; `make check` fails when the committed output differs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { kernelFiles, openFlags } from '../kernel.ts';
import type { Group } from '../kernel.ts';

const root = new URL('../../', import.meta.url);
const compiler = process.env['CC'] ?? 'cc';
const note = "Generated from the kernel's headers by schema/build/kernel.ts; do not edit.";

/** A number with its name in C. */
interface Known {
  readonly expression: string;
  readonly value: number;
}

interface Member extends Known {
  readonly name: string;
}

/** The lines printed by a C program with these statements. */
function runC(headers: readonly string[], statements: readonly string[]): string[] {
  if (statements.length === 0) return [];
  const directory = mkdtempSync(join(tmpdir(), 'rt-kernel-'));
  try {
    const program = join(directory, 'numbers');
    writeFileSync(`${program}.c`, `${includes(headers)}int main(void)\n{\n${statements.join('\n')}\n\treturn 0;\n}\n`);
    execFileSync(compiler, ['-D_GNU_SOURCE', `${program}.c`, '-o', program], { stdio: 'inherit' });
    return execFileSync(program, { encoding: 'utf8' }).trimEnd().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function includes(headers: readonly string[]): string {
  return headers.map((header) => `#include <${header}>\n`).join('');
}

function readGroup({ headers, numbers, unpublished = {} }: Group): Member[] {
  const names = numbers.map((number) => (typeof number === 'string' ? ([number, number] as const) : number));
  const published = names.map(([, expression]) => expression).filter((expression) => !(expression in unpublished));
  const prints = published.map((expression) => `\tprintf("%lld\\n", (long long)(${expression}));`);
  const printed = runC(['stdio.h', ...headers], prints);
  return names.map(([name, expression]) => {
    const value = unpublished[expression] ?? Number(printed[published.indexOf(expression)]);
    return { name, expression, value };
  });
}

/** A docstring in lines of at most 120 characters. */
function comment(text: string): string {
  if (text.length <= 113) return `/** ${text} */\n`;
  const lines = text.replaceAll(/(.{1,116})(?: |$)/g, ' * $1\n');
  return `/**\n${lines} */\n`;
}

function literal(value: number, base: Group['base']): string {
  if (base === undefined || value === 0) return String(value);
  return base === 8 ? `0o${value.toString(8)}` : `0x${value.toString(16)}`;
}

function typescript({ doc, object, base }: Group, members: readonly Member[]): string {
  if (object === undefined) {
    const lines = members.map(({ name, value }) => `export const ${name} = ${literal(value, base)};\n`);
    return comment(doc) + lines.join('');
  }
  const lines = members.map(({ name, expression, value }) => {
    const origin = expression.endsWith(name) ? '' : ` // ${expression}`;
    return `  ${name}: ${literal(value, base)},${origin}\n`;
  });
  return `${comment(doc)}export const ${object} = {\n${lines.join('')}} as const;\n`;
}

/** Every error number among the macros of the compiler, without aliases. */
function readErrors(): Known[] {
  const macros = execFileSync(compiler, ['-E', '-dM', '-include', 'asm/errno.h', '-x', 'c', '/dev/null'], {
    encoding: 'utf8',
  });
  return [...macros.matchAll(/^#define (E[A-Z0-9]+) (\d+)$/gm)]
    .map(([, expression = '', number]) => ({ expression, value: Number(number) }))
    .sort((one, other) => one.value - other.value);
}

function errorTable(errors: readonly Known[]): string {
  const prints = errors.map(({ value }) => `\tputs(strerror(${value}));`);
  const texts = runC(['stdio.h', 'string.h'], prints);
  const rows = errors.map(({ expression, value }, index) => {
    const text = texts[index] ?? '';
    // "RFS specific error" keeps its case.
    const isWord = /^[A-Z][a-z]/.test(text);
    return `    ${value}: ['${expression}', '${isWord ? text.charAt(0).toLowerCase() + text.slice(1) : text}'],\n`;
  });
  const doc = comment(
    'Every error number with its name and the text of strerror(3), in lower case because it ends a sentence. Made ' +
      'only after a failure, so that it costs nothing at a start.',
  );
  return (
    `${doc}export function errorTable(): Readonly<Record<number, readonly [name: string, text: string]>> {\n` +
    `  return {\n${rows.join('')}  };\n}\n`
  );
}

function checks(headers: ReadonlySet<string>, numbers: ReadonlyMap<string, number>): string {
  const lines = [...numbers].map(
    ([expression, value]) => `_Static_assert((${expression}) == ${value}, "${expression}");\n`,
  );
  return (
    `/* ${note}\n * The numbers of src/kernel, which are those of every architecture that this compiles for. */\n` +
    `${includes([...headers].sort())}\n${lines.join('')}`
  );
}

function openFlagsOfC(): string {
  // Access modes are the same on every architecture.
  const flags = readGroup(openFlags).filter(({ value }) => value > 3);
  const rows = flags.map(({ name, value }) => `\t{0${value.toString(8)}, ${name}}, \\\n`);
  return `/* ${note} */\n#pragma once\n\n#define RT_OPEN_FLAGS { \\\n${rows.join('')}}\n`;
}

const errors = readErrors();
const headers = new Set(['asm/errno.h']);
const checked = new Map(errors.map(({ expression, value }) => [expression, value]));
mkdirSync(new URL('src/kernel/', root), { recursive: true });
for (const [name, groups] of Object.entries(kernelFiles)) {
  const parts: string[] = [];
  for (const group of groups) {
    const members = readGroup(group);
    parts.push(typescript(group, members));
    if (group === openFlags) continue;
    for (const header of group.headers) headers.add(header);
    for (const { expression, value } of members) {
      if (group.unpublished?.[expression] === undefined) checked.set(expression, value);
    }
  }
  if (name === 'errno') parts.push(errorTable(errors));
  const text = `// ${note}\n\n${parts.join('\n')}`;
  writeFileSync(
    new URL(`src/kernel/${name}.ts`, root),
    await format(text, { parser: 'typescript', singleQuote: true, printWidth: 120 }),
  );
}
writeFileSync(new URL('native/generated/kernel.c', root), checks(headers, checked));
writeFileSync(new URL('native/generated/open_flags.h', root), openFlagsOfC());
