import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { forEachRuntime } from '../harness/runtimes.ts';
import { race } from '../races/callers.ts';
import { makeGround } from '../races/ground.ts';

forEachRuntime(
  'races: each of many concurrent callers on two containers gets an answer, and both containers can be removed',
  async (t, rt) => {
    const dir = join(rt.dir, 'race');
    mkdirSync(dir);
    mkdirSync(rt.root);
    const ground = makeGround(dir, rt.prefix, rt.argv());
    const { faults } = await race(ground, { calls: 100, callers: 8, seed: 1 });
    t.strictSame(faults, []);
    for (const id of ground.ids) {
      const { status, stderr } = await rt.command('delete', '--force', id);
      t.strictSame([status, stderr], [0, '']);
    }
  },
  { oursOnly: 'exit codes and messages are those of this project' },
);
