import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

forEachRuntime(
  'a Node program runs a container through the package',
  async (t, rt) => {
    if (rt.runtime.name !== 'node') {
      t.comment('the package is for Node');
      return;
    }
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/sh', '-c', 'echo from inside; exit 7']));
    const id = rt.nextId();
    const text = `
      import { Failure, Runtime } from 'rt';
      const [root, bundle, id] = process.argv.slice(1);
      const runtime = new Runtime({ root });
      runtime.create(id, { bundle });
      const created = runtime.state(id).status;
      let twice;
      try { runtime.create(id, { bundle }); } catch (error) { twice = error instanceof Failure && error.message; }
      let number;
      try { runtime.create(5, { bundle }); } catch (error) { number = error instanceof Failure && error.message; }
      runtime.start(id);
      const code = runtime.wait(id);
      const ended = runtime.state(id).status;
      const ids = runtime.list().map((one) => one.id);
      const warnings = runtime.delete(id);
      console.error(JSON.stringify({ created, twice, number, code, ended, ids, warnings, left: runtime.list() }));`;
    const stdout = openSync(join(rt.dir, 'stdout'), 'w+');
    const argv = [process.execPath, '--input-type=module', '--eval', text, rt.root, bundle.dir, id];
    const outcome = await run(argv, { cwd: REPOSITORY, env: rt.env, stdout });
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(JSON.parse(outcome.stderr), {
      created: 'created',
      twice: /container with given ID already exists/,
      number: 'container id must be a string',
      code: 7,
      ended: 'stopped',
      ids: [id],
      warnings: [],
      left: [],
    });
    t.equal(readFileSync(join(rt.dir, 'stdout'), 'utf8'), 'from inside\n');
  },
  { oursOnly: 'the package of this project' },
);

/** A separate project with the package as distributed to users, without a registry. */
async function packedProject(rt: Sandbox): Promise<string> {
  const project = join(rt.dir, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', type: 'module', private: true }));
  const env = { ...rt.env, PATH: process.env['PATH'] ?? '', HOME: rt.dir, npm_config_cache: join(rt.dir, 'cache') };
  const pack = await run(['npm', 'pack', '--silent', '--pack-destination', project], { cwd: REPOSITORY, env });
  if (pack.status !== 0) throw new Error(`npm pack: ${pack.stderr}`);
  const install = ['npm', 'install', '--offline', '--no-audit', '--no-fund', `./${pack.stdout.trim()}`];
  const outcome = await run(install, { cwd: project, env });
  if (outcome.status !== 0) throw new Error(`npm install: ${outcome.stderr}`);
  return project;
}

/** The block of README's "Use it from a program". */
function readmeProgram(): string {
  const text = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const [, section = ''] = /^## Use it from a program\n([^]*?)^## /m.exec(text) ?? [];
  const [block = ''] = /(?:^(?: {4}.*)?\n)+/m.exec(section.slice(section.indexOf('\n    import '))) ?? [];
  return block.replaceAll(/^ {4}/gm, '');
}

/** The requirements of each module resolution. */
const RESOLUTIONS = [
  { module: 'node16' },
  { module: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
] as const;

forEachRuntime(
  'the package in a separate project: its types, and the example of README',
  async (t, rt) => {
    if (rt.runtime.name !== 'node') {
      t.comment('the package is for Node');
      return;
    }
    const project = await packedProject(rt);
    const program = readmeProgram();
    t.match(program, /^import .*runtime\.wait\(/ms);
    writeFileSync(join(project, 'example.ts'), program);
    writeFileSync(
      join(project, 'typed.ts'),
      `import { Failure, Runtime, explain } from 'rt';
       import type { Config, Diagnostic, Plan, StateReport } from 'rt';
       export const config: Config = { ociVersion: '1.3.0' };
       export function use(runtime: Runtime, error: unknown): [string, StateReport, readonly Diagnostic[]] {
         const plan: Plan = runtime.plan({ bundle: '/bundle' });
         // @ts-expect-error: there is no such option
         runtime.create('a', { nosuch: 1 });
         // @ts-expect-error: no number
         const wrong: number = runtime.state('a').status;
         return [explain(plan, 'text') + wrong, runtime.state('a'), error instanceof Failure ? error.diagnostics : []];
       }`,
    );
    const common = { target: 'es2020', lib: ['es2020'], types: [], strict: true, skipLibCheck: false, noEmit: true };
    for (const options of RESOLUTIONS) {
      const text = JSON.stringify({ compilerOptions: { ...common, ...options }, files: ['example.ts', 'typed.ts'] });
      writeFileSync(join(project, 'tsconfig.json'), text);
      const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
      const { status, stdout } = await run([process.execPath, tsc, '--project', project], { env: rt.env });
      t.strictSame({ status, stdout }, { status: 0, stdout: '' }, JSON.stringify(options));
    }

    // With names other than those of README, which may be in use on this host.
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/sh', '-c', 'exit 7']));
    const text = program
      .replaceAll('/run/mine', rt.root)
      .replaceAll('/bundle', bundle.dir)
      .replaceAll('mycontainer', rt.nextId());
    writeFileSync(
      join(project, 'example.mjs'),
      `${text}\nconsole.log(JSON.stringify([faults, code, runtime.list()]));`,
    );
    const outcome = await run([process.execPath, 'example.mjs'], { cwd: project, env: rt.env });
    t.equal(outcome.status, 0, outcome.stderr);
    const [faults, code, left] = JSON.parse(outcome.stdout) as unknown[];
    t.match(faults, [{ pointer: '/hostname', location: { line: 1 } }]);
    t.equal(code, 7);
    t.strictSame(left, []);
  },
  { oursOnly: 'the package of this project' },
);
