/**
 * Changes the lists of operations in src/plan one at a time, runs the planner's unit tests on each changed copy, and
 * reports those that no test notices. A change leaves out one element of a list, or exchanges two neighbours.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** What a copy consists of, for the planner's tests to run in it. */
const copied = ['src', 'schema', 'conformance/configs', 'package.json', 'tsconfig.json'];
const requiredShare = 95;
const copies: string[] = [];

function removeCopies(): void {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true, force: true });
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    removeCopies();
    process.exit(128 + number);
  });
}

interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly text: string;
}

function planFiles(): string[] {
  const all = readdirSync(join(root, 'src/plan'), { recursive: true, encoding: 'utf8' });
  return all
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('snapshots/'))
    .map((name) => join(root, 'src/plan', name));
}

/** Every list of operations in a file, changed in each way. */
function mutantsOf(program: ts.Program, file: string): Mutant[] {
  const source = program.getSourceFile(file);
  if (source === undefined) throw new Error(`${file} is not part of the program`);
  const checker = program.getTypeChecker();
  const found: Mutant[] = [];
  const isOps = (list: ts.ArrayLiteralExpression): boolean => {
    const type = checker.getContextualType(list) ?? checker.getTypeAtLocation(list);
    return checker.typeToString(type).includes('PlannedOp') || checker.typeToString(type).includes('{ op: ');
  };
  const replaced = (start: number, end: number, text: string): string =>
    source.text.slice(0, start) + text + source.text.slice(end);
  const mutate = (list: ts.ArrayLiteralExpression): void => {
    list.elements.forEach((element, index) => {
      const next = list.elements[index + 1];
      const [start, end] = [element.getStart(), element.getEnd()];
      const comma = source.text.slice(end, next?.getStart() ?? list.getEnd()).indexOf(',');
      const line = source.getLineAndCharacterOfPosition(start).line + 1;
      const shown = element.getText().split('\n')[0] ?? '';
      found.push({
        file,
        line,
        what: `without ${shown}`,
        text: replaced(start, comma < 0 ? end : end + comma + 1, ''),
      });
      if (next === undefined) return;
      const between = source.text.slice(end, next.getStart());
      found.push({
        file,
        line,
        what: `${shown} after its neighbour`,
        text: replaced(start, next.getEnd(), `${next.getText()}${between}${element.getText()}`),
      });
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isArrayLiteralExpression(node) && node.elements.length > 0 && isOps(node)) mutate(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'rt-mutants-'));
  copies.push(copy);
  for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Runs test files in one process: true when all pass. */
function pass(copy: string, tests: readonly string[]): Promise<boolean> {
  const program = tests.map((test) => `await import('./${test}');`).join('\n');
  const args = ['--import=tsx', '--input-type=module', '--eval', program];
  return new Promise((resolve) => {
    const options = { cwd: copy, timeout: 300_000, env: { ...process.env, TAP_BAIL: '1' } };
    execFile(process.execPath, args, options, (error) => resolve(error === null));
  });
}

const [plans, others] = partition(
  readdirSync(join(root, 'src/plan'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.startsWith('seccomp/'))
    .map((name) => join('src/plan', name)),
);

/** The printed plans notice most, so they go first. */
function partition(tests: readonly string[]): [string[], string[]] {
  const isPlans = (test: string): boolean => test.includes('snapshots/');
  return [tests.filter(isPlans), tests.filter((test) => !isPlans(test))];
}

/** True when a test of the planner fails in the copy. */
async function isNoticed(copy: string, { file, text }: Mutant): Promise<boolean> {
  const target = join(copy, relative(root, file));
  const original = readFileSync(file, 'utf8');
  writeFileSync(target, text);
  try {
    return !(await pass(copy, plans)) || !(await pass(copy, others));
  } finally {
    writeFileSync(target, original);
  }
}

async function main(): Promise<number> {
  const files = planFiles();
  const program = ts.createProgram(files, {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(root, 'tsconfig.json'), (name) => readFileSync(name, 'utf8')).config,
      ts.sys,
      dirname(join(root, 'tsconfig.json')),
    ).options,
  });
  const mutants = files.flatMap((file) => mutantsOf(program, file));
  const waiting = mutants.values();
  const missed: Mutant[] = [];
  let done = 0;
  const work = async (): Promise<void> => {
    const copy = makeCopy();
    for (const mutant of waiting) {
      if (!(await isNoticed(copy, mutant))) missed.push(mutant);
      if (++done % 50 === 0) console.log(`${done} of ${mutants.length}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work));
  } finally {
    removeCopies();
  }
  for (const { file, line, what } of missed.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line)) {
    console.log(`not noticed: ${relative(root, file)}:${line} ${what}`);
  }
  const noticed = mutants.length - missed.length;
  const share = (100 * noticed) / mutants.length;
  console.log(
    `${noticed} of ${mutants.length} changes are noticed (${share.toFixed(1)} %, at least ${requiredShare} % must be)`,
  );
  return share >= requiredShare ? 0 : 1;
}

process.exitCode = await main();
