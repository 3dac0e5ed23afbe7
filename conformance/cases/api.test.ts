import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/process.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';

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
      runtime.start(id);
      const code = runtime.wait(id);
      const ended = runtime.state(id).status;
      const ids = runtime.list().map((one) => one.id);
      const warnings = runtime.delete(id);
      console.error(JSON.stringify({ created, twice, code, ended, ids, warnings, left: runtime.list() }));`;
    const stdout = openSync(join(rt.dir, 'stdout'), 'w+');
    const argv = [process.execPath, '--input-type=module', '--eval', text, rt.root, bundle.dir, id];
    const outcome = await run(argv, { cwd: REPOSITORY, env: rt.env, stdout });
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(JSON.parse(outcome.stderr), {
      created: 'created',
      twice: /container with given ID already exists/,
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
