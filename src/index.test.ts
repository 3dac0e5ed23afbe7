import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Runtime } from './index.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** What a plain Node program prints that imports the package by its name, as its users do. */
function program(text: string, ...words: string[]): unknown {
  const options = { cwd: repository, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } } as const;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', text, ...words], options));
}

const config = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['/bin/true'] },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
};

t.test('a Node program validates a config', async (t) => {
  const found = program(
    `import { validate } from 'rt';
     const text = process.argv[1];
     console.log(JSON.stringify([validate(text), validate(text.replace('"/"', '7'))]));`,
    JSON.stringify(config, null, 2),
  );
  t.match(found, [
    { faults: [], unsupported: [] },
    { faults: [{ pointer: '/process/cwd', location: { file: 'config.json', line: 7 } }] },
  ]);
});

t.test('a Node program reads a plan, features, and why something fails', async (t) => {
  const bundle = t.testdir({ 'config.json': JSON.stringify(config) });
  mkdirSync(join(bundle, 'rootfs'));
  mkdirSync(join(bundle, 'state'));
  const found = program(
    `import { Failure, Runtime, explain } from 'rt';
     const runtime = new Runtime({ root: process.argv[1] + '/state' });
     const plan = runtime.plan({ bundle: process.argv[1] }, 'c1');
     let failure;
     try { runtime.state('nosuch'); } catch (error) { failure = [error instanceof Failure, error.diagnostics[0].message]; }
     const last = plan.init.at(-1);
     console.log(JSON.stringify([last.op, explain(plan, 'text').includes('pivot_root'), runtime.features().ociVersionMax, failure, runtime.list()]));`,
    bundle,
  );
  t.match(found, ['exec', true, '1.3.0', [true, /^container does not exist/], []]);
});

/** Never called: `make check` compiles it, as it would a program that uses the package. */
export function typed(runtime: Runtime): [status: string, code: number] {
  // @ts-expect-error: there is no such option
  runtime.create('a', { nosuch: 1 });
  return [runtime.state('a').status, runtime.wait('a')];
}
