/**
 * The installed libseccomp -> schema/generated/syscalls.ts, the numbers of system calls by architecture.
 * Run by `make generate` if libseccomp-dev is installed. The output depends on the libseccomp version: its names are
 * kept, and calls newer than the library are added from the kernel's own assignment in schema/architectures.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { callTables } from '../architectures.ts';

const source = fileURLToPath(new URL('./syscalls.c', import.meta.url));
const target = fileURLToPath(new URL('../generated/syscalls.ts', import.meta.url));

/** Shorter gaps are written as holes, longer ones start a new run. */
const longestHole = 8;

type Table = Map<number, string>;

function readLibrary(): { version: string; tables: Map<string, Table> } {
  const directory = mkdtempSync(join(tmpdir(), 'rt-syscalls-'));
  try {
    const program = join(directory, 'syscalls');
    execFileSync(process.env['CC'] ?? 'cc', ['-O1', source, '-o', program, '-lseccomp'], { stdio: 'inherit' });
    const words = Object.entries(callTables).flatMap(([name, { arch, first, step }]) => [
      name,
      arch,
      `${first}`,
      `${step}`,
    ]);
    const [version = '', ...lines] = execFileSync(program, words, { encoding: 'utf8' }).trimEnd().split('\n');
    const tables = new Map<string, Table>();
    for (const line of lines) {
      const [table = '', number = '', name = ''] = line.split(' ');
      if (!tables.has(table)) tables.set(table, new Map());
      tables.get(table)?.set(Number(number), name);
    }
    return { version, tables };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function addNewer(name: string, table: Table): void {
  const known = new Set(table.values());
  for (const [number, call] of (callTables[name]?.newer ?? []).flatMap((addition) => [...addition])) {
    const holder = table.get(number);
    if (holder === undefined ? known.has(call) : holder !== call) {
      throw new Error(`${name}: libseccomp and the additions disagree on ${call} (${number})`);
    }
    table.set(number, call);
  }
}

/** Runs of consecutive numbers: the first number and the names, '-' for a number without one. */
function runsOf(table: Table): [first: number, names: string[]][] {
  const runs: [number, string[]][] = [];
  for (const number of [...table.keys()].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    const gap = last === undefined ? Infinity : number - (last[0] + last[1].length);
    if (last === undefined || gap > longestHole) runs.push([number, [table.get(number) ?? '-']]);
    else last[1].push(...Array<string>(gap).fill('-'), table.get(number) ?? '-');
  }
  return runs;
}

const { version, tables } = readLibrary();
let text = `/* Generated from libseccomp ${version} by schema/build/syscalls.ts; do not edit. */

/**
 * A run of consecutive numbers: the first one, and the names in the order of their numbers, separated by line feeds,
 * with '-' where a number has no call. Strings cost nothing to load and are split only when a profile needs them.
 */
export type Run = readonly [first: number, names: string];

`;
const others = new Set(tables.get('others')?.values());
tables.delete('others');
for (const [name, table] of tables) {
  addNewer(name, table);
  const runs = runsOf(table).map(([first, names]) => `[${first}, \`${names.join('\n')}\`]`);
  text += `export const ${name}: readonly Run[] = [${runs.join(', ')}];\n\n`;
  for (const call of table.values()) others.delete(call);
}
text += `/** Calls that only other architectures have, separated by line feeds. */
export const others = \`${[...others].sort().join('\n')}\`;
`;
writeFileSync(target, await format(text, { parser: 'typescript', singleQuote: true, printWidth: 120 }));
