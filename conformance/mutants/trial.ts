import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import type { planCases } from '../../src/plan/snapshots/cases.ts';
import type { violations } from '../../src/plan/invariants.ts';
import type { Change } from './changes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const snapshots = join(root, 'src/plan/snapshots');
/** In the project, so that modules outside of the bundles are found. */
const bundles = join(root, 'build/mutants');

/**
 * The test that noticed a change: a printed plan, a plan that no longer compiles, another unit test; undefined if none
 * did.
 */
export type Witness = 'plan' | 'failure' | 'test' | undefined;

export interface Verdict {
  readonly witness: Witness;
  /** It also violated an invariant, so the reason would be reported. */
  readonly named: boolean;
}

interface Plans {
  readonly planCases: typeof planCases;
  readonly violations: typeof violations;
}

const tests = readdirSync(join(root, 'src/plan'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && !name.startsWith('snapshots/'))
  .map((name) => `src/plan/${name}`);

/** The sources with the change; each keeps its own URL, by which it reads files. */
function changed({ file, text }: Pick<Change, 'file' | 'text'>): Plugin {
  return {
    name: 'changed',
    setup: (plugged) => {
      plugged.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = path === file ? text : readFileSync(path, 'utf8');
        return {
          loader: 'ts',
          contents: source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
        };
      });
    },
  };
}

async function bundle(change: Change, program: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
    plugins: [changed(change)],
  });
  return outputFiles[0]?.text ?? '';
}

const printed = new Map(
  readdirSync(snapshots)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => [name.slice(0, -'.txt'.length), readFileSync(join(snapshots, name), 'utf8')]),
);

/** The printed plans notice most changes and take a tenth of a second in this process, so they run first. */
async function tryPlans(change: Change): Promise<Verdict> {
  const program = `export { planCases } from './src/plan/snapshots/cases.ts';
    export { violations } from './src/plan/invariants.ts';`;
  const code = await bundle(change, program);
  let witness: Witness;
  try {
    const plans = (await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)) as Plans;
    for (const [name, print] of Object.entries(plans.planCases)) {
      const { text, ops } = print();
      if (plans.violations(ops).length > 0) return { witness: 'plan', named: true };
      if (text !== printed.get(name)) witness = 'plan';
    }
  } catch {
    witness = 'failure';
  }
  return { witness, named: false };
}

/** The other unit tests of the planner, in a process: true when all pass. */
async function passTests(change: Change, worker: number): Promise<boolean> {
  const code = await bundle(change, tests.map((test) => `import './${test}';`).join('\n'));
  mkdirSync(bundles, { recursive: true });
  const file = join(bundles, `${String(worker)}.mjs`);
  writeFileSync(file, code);
  return new Promise((resolve) => {
    const settings = { cwd: root, timeout: 60_000, maxBuffer: 1 << 26, env: { ...process.env, TAP_BAIL: '1' } };
    execFile(process.execPath, [file], settings, (error) => resolve(error === null));
  });
}

export async function judge(change: Change, worker: number): Promise<Verdict> {
  const verdict = await tryPlans(change);
  if (verdict.witness !== undefined) return verdict;
  return { witness: (await passTests(change, worker)) ? undefined : 'test', named: false };
}

export function removeBundles(): void {
  rmSync(bundles, { recursive: true, force: true });
}
