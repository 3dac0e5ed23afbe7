import { copyFileSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

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

/** Calls each asynchronous method. */
const EACH_METHOD = `
      import { AsyncRuntime, Failure } from 'rt';
      import { text } from 'node:stream/consumers';
      const [root, bundle, waiting, wrong, one, two, three, four] = process.argv.slice(1);
      const rt = new AsyncRuntime({ root });
      const seen = {};
      const held = await rt.prepare(one, { bundle, stdin: 'pipe' });
      const run = await held.start();
      run.stdin.end('word\\n');
      seen.out = await text(run.stdout);
      const { usage, ...end } = await run.ended;
      seen.end = { ...end, used: usage.stats.cpu.usage.total > 0 };
      await rt.create(two, { bundle: waiting });
      seen.created = (await rt.state(two)).status;
      await rt.start(two);
      const waited = rt.wait(two).then(() => 'waited');
      const program = await rt.exec(two, ['/bin/sh', '-c', 'echo $A; exit 5'], { env: { A: 'b' } });
      seen.exec = [await text(program.stdout), (await program.ended).exitCode];
      seen.ps = (await rt.ps(two)).length;
      await rt.pause(two);
      seen.paused = (await rt.list()).map(({ id, status }) => [id === two, status]);
      await rt.resume(two);
      for await (const event of rt.events(two, { interval: 20 })) { seen.event = event.type; break; }
      seen.stats = typeof (await rt.stats(two)).pids;
      await rt.kill(two, 'KILL');
      seen.waited = await waited;
      seen.deleted = await rt.delete(two);
      const stop = new AbortController();
      const aborted = await rt.run(three, { bundle: waiting, signal: stop.signal });
      stop.abort();
      seen.aborted = (await aborted.ended).signal;
      const unused = await rt.prepare(three, { bundle: waiting });
      await unused.close();
      const why = (promise) => promise.then(() => 'no error', (error) => [error instanceof Failure, error.code, error.name]);
      seen.errors = await Promise.all([
        why(rt.run(four, { bundle: wrong })),
        why(rt.state('nosuch')),
        why(rt.create(two, { bundle: waiting, signal: AbortSignal.abort() })),
        why(rt.run(5)),
        why(rt.run('a', { bundel: '' })),
        why(rt.exec('nosuch', ['sh'])),
        why(rt.exec('nosuch', ['sh'], { env: { 'A=B': 'c' } })),
        why(new AsyncRuntime({ binary: '/nosuch' }).features()),
      ]);
      const failure = await rt.run(four, { bundle: wrong }).catch((error) => error);
      seen.place = failure.diagnostics[0];
      seen.valid = await rt.validate({ bundle: wrong, host: true });
      seen.explained = (await rt.explain({ bundle })).runs.length > 0;
      seen.plan = (await rt.plan({ bundle })).includes('pivot_root');
      seen.features = (await rt.features()).ociVersionMax;
      seen.left = await rt.list();
      console.log(JSON.stringify(seen));`;

forEachRuntime(
  'the asynchronous methods of the package: each command once, errors as data, nothing left',
  async (t, rt) => {
    if (rt.runtime.name !== 'node') {
      t.comment('the package is for Node');
      return;
    }
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/sh', '-c', 'read x; echo "got $x"; exit 7']));
    const waiting = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const wrong = rt.bundle((config) => (config.process.args = ['/bin/nosuch']));
    const [one, two, three, four] = [rt.nextId(), rt.nextId(), rt.nextId(), rt.nextId()];
    const words = [rt.root, bundle.dir, waiting.dir, wrong.dir, one, two, three, four];
    const argv = [process.execPath, '--input-type=module', '--eval', EACH_METHOD, ...words];
    const outcome = await run(argv, { cwd: REPOSITORY, env: rt.env });
    t.equal(outcome.status, 0, outcome.stderr);
    const [none, typeError] = [
      [false, 20, 'AbortError'],
      [false, null, 'TypeError'],
    ];
    t.match(JSON.parse(outcome.stdout), {
      out: 'got word\n',
      end: { exitCode: 7, signal: null, warnings: [], used: true },
      created: 'created',
      exec: ['b\n', 5],
      ps: 1,
      paused: [[true, 'paused']],
      event: 'stats',
      stats: 'object',
      waited: 'waited',
      deleted: [],
      aborted: 'SIGKILL',
      errors: [
        [true, 'op.find_program', 'Failure'],
        [true, 'state.absent', 'Failure'],
        none,
        typeError,
        typeError,
        [true, 'state.absent', 'Failure'],
        typeError,
        [true, 'api.program', 'Failure'],
      ],
      place: { pointer: '/process/args/0', phase: 'create', location: { file: 'config.json' } },
      valid: { valid: true, suits: false, findings: [{ level: 'host', pointer: '/process/args/0' }] },
      explained: true,
      plan: true,
      features: '1.3.0',
      left: [],
    });
  },
  { oursOnly: 'the package of this project' },
);

forEachRuntime(
  'run --lifeline: the end of the program that follows it ends the container, whenever that is',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    for (const started of [false, true]) {
      const words = rt.argv('run', '--bundle', bundle.dir, '--lifeline', '3', rt.nextId());
      const text = `
        const child = require('child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: ['ignore', 1, 2, 'pipe'] });
        let told = '';
        child.stdio[3].on('data', (data) => {
          told += data;
          if (told.includes('created') && ${String(started)}) child.stdio[3].write('\\n');
          if (told.includes(${String(started)} ? 'started' : 'created')) process.kill(process.pid, 'SIGKILL');
        });`.replaceAll('\\\\', '\\');
      const outcome = await run([process.execPath, '--eval', text, ...words], { env: rt.env });
      t.equal(outcome.status, 137, outcome.stderr);
      await until('the container is gone', async () => (await rt.command('list', '--quiet')).stdout === '');
    }
    const refused = await rt.command('run', '--bundle', bundle.dir, '--lifeline', '0', rt.nextId());
    t.match(refused, { status: 1, stderr: /^rt: cannot use descriptor 0 as a lifeline\n/ });
    // Sockets that never tell that the other end is gone, or that have none.
    const text = `
      const server = require('net').createServer().listen(0).on('listening', () => {
        const stdio = ['ignore', 1, 2, server._handle.fd];
        process.exit(require('child_process').spawnSync(process.argv[1], process.argv.slice(2), { stdio }).status);
      });`;
    for (const opener of [
      ['bash', '-c', 'exec 3<>/dev/udp/127.0.0.1/9 && exec "$@"', 'bash'],
      [process.execPath, '--eval', text],
    ]) {
      const words = rt.argv('run', '--bundle', bundle.dir, '--lifeline', '3', rt.nextId());
      t.match(await run([...opener, ...words], { env: rt.env }), {
        status: 1,
        stderr: /^rt: cannot use descriptor 3 as a lifeline\n {2}hint: give a connected stream socket/,
      });
    }
  },
  { oursOnly: 'the option is ours' },
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
  // The types of streams and signals, as in any project for Node with types.
  mkdirSync(join(project, 'node_modules', '@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(join(REPOSITORY, 'node_modules', name), join(project, 'node_modules', name));
  }
  return project;
}

/** The block of README's "Use it from a program". */
function readmeProgram(): string {
  const text = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
  const [, section = ''] = /^## Use it from a program\n([^]*?)^## /m.exec(text) ?? [];
  const [block = ''] = /(?:^(?: {4}.*)?\n)+/m.exec(section.slice(section.indexOf('\n    import '))) ?? [];
  return block.replaceAll(/^ {4}/gm, '');
}

/** What must compile, and what must not. */
const TYPED = `import { Failure, Runtime, explain } from 'rt';
       import { AsyncRuntime } from 'rt';
       import type { Config, ContainerEvent, ContainerProcess, Diagnostic, End, Plan, StateReport } from 'rt';
       export async function asynchronous(runtime: AsyncRuntime): Promise<[string, number | undefined, ContainerEvent[]]> {
         const process: ContainerProcess = await runtime.run('a', { bundle: '/bundle', stdin: 'pipe' });
         process.stdin?.end('text');
         const { exitCode, usage }: End = await process.ended;
         // @ts-expect-error: no stream as an id
         await runtime.exec(process.stdout, ['sh']);
         const events: ContainerEvent[] = [];
         for await (const event of runtime.events('a', { interval: 100 })) events.push(event);
         const total: number | undefined = usage?.stats.cpu.usage.total;
         return [String(exitCode), total, events];
       }
       export const config: Config = { ociVersion: '1.3.0' };
       export function use(runtime: Runtime, error: unknown): [string, StateReport, readonly Diagnostic[]] {
         const plan: Plan = runtime.plan({ bundle: '/bundle' });
         // @ts-expect-error: there is no such option
         runtime.create('a', { nosuch: 1 });
         // @ts-expect-error: no number
         const wrong: number = runtime.state('a').status;
         return [explain(plan, 'text') + wrong, runtime.state('a'), error instanceof Failure ? error.diagnostics : []];
       }`;

/** Compiles them in a project, with each resolution, and the declarations of the package. Those of Node are not checked. */
const COMPILE = `
  const [path, resolutions, common] = process.argv.slice(1);
  const ts = require(path);
  for (const resolution of JSON.parse(resolutions)) {
    const { options } = ts.convertCompilerOptionsFromJson({ ...JSON.parse(common), ...resolution }, process.cwd());
    const program = ts.createProgram(['example.ts', 'typed.ts', 'typed.cts'], options);
    const ours = program.getSourceFiles().filter(({ fileName }) => !/undici-types|@types|typescript.lib/.test(fileName));
    const found = [...program.getOptionsDiagnostics(), ...ours.flatMap((file) => ts.getPreEmitDiagnostics(program, file))];
    if (found.length > 0 || ours.length < 20) console.log(resolution, ours.length, ts.formatDiagnostics(found, ts.createCompilerHost(options)));
  }`;

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
    writeFileSync(join(project, 'typed.ts'), TYPED);
    // The same for a project, or a file, of CommonJS.
    copyFileSync(join(project, 'typed.ts'), join(project, 'typed.cts'));
    const common = {
      target: 'es2020',
      lib: ['es2020'],
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const words = [join(REPOSITORY, 'node_modules', 'typescript'), JSON.stringify(RESOLUTIONS), JSON.stringify(common)];
    const compiled = await run([process.execPath, '--eval', COMPILE, ...words], { cwd: project, env: rt.env });
    t.strictSame(compiled, { status: 0, stdout: '', stderr: '' });

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
