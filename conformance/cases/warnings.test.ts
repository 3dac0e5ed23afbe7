import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const ONLY_OURS = { oursOnly: 'the peers warn of other things' };

const mount = { destination: '/h', source: '/etc/hostname', type: 'bind', options: ['bind', 'mode=0644'] };
const ofMount = 'mount option "mode=0644" has no effect on a bind mount';
const ofName = (name: string): string => `the specification does not define ${name}: it has no effect`;
const ofHook = 'error running poststop hook';

interface Life {
  readonly what: string;
  readonly outcome: Outcome;
  /** The container's own output on standard error. */
  readonly own: string;
  /** The expected warning of the command. */
  readonly warnings: readonly string[];
}

/** Commands that succeed with a warning; `globals` are the options before the name of each. */
async function* lives(rt: Sandbox, globals: readonly string[]): AsyncGenerator<Life> {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/sh', '-c', 'echo err >&2'];
    Object.assign(config.root, { readOnly: true, 'x-own': true });
    config.mounts.push(mount);
    config.hooks = { poststop: [{ path: '/bin/false' }] };
  });
  const run = await rt.command(...globals, 'run', '--bundle', bundle.dir, rt.nextId());
  yield { what: 'run', outcome: run, own: 'err\n', warnings: [ofName('root.readOnly'), ofMount, ofHook] };

  const id = rt.nextId();
  // Not pipes: the container keeps them open, so the command would seem to end with the container.
  const file = join(rt.dir, 'stderr');
  const stderr = openSync(file, 'w');
  const words = [...globals, 'create', '--bundle', bundle.dir, id];
  const { status } = await rt.commandWith({ stdout: stderr, stderr }, ...words);
  closeSync(stderr);
  const create = { status, stdout: '', stderr: readFileSync(file, 'utf8') };
  yield { what: 'create', outcome: create, own: '', warnings: [ofName('root.readOnly'), ofMount] };
  await rt.command('start', id);
  const state = async (): Promise<string> => (await rt.command('state', id)).stdout;
  await until('it has ended', async () => (await state()).includes('"stopped"'));
  const deleted = await rt.command(...globals, 'delete', id);
  yield { what: 'delete', outcome: deleted, own: '', warnings: [ofHook] };

  const container = await rt.started(['wait']);
  const add = [...globals, 'mounts', 'add', container.id, '-'];
  const added = await rt.commandWith({ input: JSON.stringify([mount]) }, ...add);
  yield { what: 'mounts add', outcome: added, own: '', warnings: [ofMount] };

  const input = JSON.stringify({ memroy: { limit: 1 }, 'x-own': 1 });
  const updated = await rt.commandWith({ input }, ...globals, 'update', '--resources', '-', container.id);
  yield { what: 'update', outcome: updated, own: '', warnings: [ofName('linux.resources.memroy')] };

  const description = join(rt.dir, 'process.json');
  writeFileSync(description, JSON.stringify({ cwd: '/', args: ['/bin/true'], noNewPrivilege: true }));
  const executed = await rt.command(...globals, 'exec', '--process', description, container.id);
  yield { what: 'exec', outcome: executed, own: '', warnings: [ofName('process.noNewPrivilege')] };
  await container.remove('--force');
}

forEachRuntime(
  'with --log, warnings go only to the log: standard error belongs to the container',
  async (t, rt) => {
    const log = join(rt.dir, 'log');
    for (const format of ['json', 'text']) {
      for await (const life of lives(rt, ['--log', log, '--log-format', format])) {
        const { what, outcome, own, warnings } = life;
        t.strictSame([outcome.status, outcome.stderr], [0, own], `${what}, ${format}`);
        const [record = '', ...more] = readFileSync(log, 'utf8').trimEnd().split('\n');
        t.match(record, format === 'json' ? '"level":"warning"' : 'level=warning', what);
        for (const words of warnings)
          t.ok(record.replaceAll('\\"', '"').includes(words), `${what}: ${words} in ${record}`);
        t.strictSame(more, [], what);
        rmSync(log);
      }
    }
  },
  ONLY_OURS,
);

forEachRuntime(
  'without --log, a warning on standard error is marked as one',
  async (t, rt) => {
    for await (const { what, outcome, own, warnings } of lives(rt, [])) {
      t.equal(outcome.status, 0, what);
      const lines = outcome.stderr.split('\n').filter((line) => line.startsWith('rt:'));
      t.strictSame(lines.length, warnings.length, `${what}: ${outcome.stderr}`);
      lines.forEach((line, index) =>
        t.ok(line.startsWith(`rt: warning: ${warnings[index] ?? ''}`), `${what}: ${line}`),
      );
      t.ok(outcome.stderr.startsWith(own), what);
    }
  },
  ONLY_OURS,
);

forEachRuntime(
  'with --log, a failed command writes one record, and no warnings',
  async (t, rt) => {
    const log = join(rt.dir, 'log');
    const bundle = rt.bundle((config) => {
      config.process.args = ['/nosuch'];
      config.mounts.push(mount);
    });
    const outcome = await rt.command('--log', log, '--log-format', 'json', 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, '/nosuch');
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    t.equal(lines.length, 1);
    t.match(JSON.parse(lines[0] ?? ''), { level: 'error', msg: '/nosuch' });
  },
  ONLY_OURS,
);
