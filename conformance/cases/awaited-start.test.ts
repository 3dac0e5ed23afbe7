/** `run --lifeline`: a container that waits long for its start costs little, and then runs as one that has not waited. */
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { LifelineEvent } from '../../src/container/lifeline.ts';
import type { Mutation } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import type { Outcome } from '../harness/process.ts';
import { until } from '../harness/wait.ts';

/** Bytes of a process that no other one shares. */
function privateBytes(pid: number): number {
  const found = /^Private_Dirty:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return 1024 * Number(found?.[1]);
}

interface Waiting {
  readonly id: string;
  /** Of the runtime. */
  readonly pid: number;
  readonly lifeline: Duplex;
}

interface Seen extends Outcome {
  readonly events: readonly unknown[];
}

interface Variation {
  /** Before the command. */
  readonly globals?: readonly string[];
  /** After the command. */
  readonly options?: readonly string[];
  /** Called as soon as the container waits. */
  readonly early?: (waiting: Waiting) => unknown;
}

/** Runs a container by a lifeline; `act` is called while it waits for its start, if `long` not before it holds little. */
async function follow(
  rt: Sandbox,
  mutation: Mutation,
  long: boolean,
  act: (waiting: Waiting) => unknown,
  { globals = [], options = [], early }: Variation = {},
): Promise<Seen> {
  const id = rt.nextId();
  const words = [...globals, 'run', '--bundle', rt.bundle(mutation).dir, '--lifeline', '3', ...options, id];
  const { child, ended } = rt.backgroundWith({ descriptors: ['pipe'] }, ...words);
  const { pid } = child;
  const lifeline = child.stdio[3];
  if (!(lifeline instanceof Duplex) || pid === undefined) throw new Error('no lifeline');
  lifeline.on('error', () => undefined);
  const events: LifelineEvent[] = [];
  const lines = createInterface({ input: lifeline });
  const over = once(lines, 'close');
  lines.on('line', (line) => events.push(JSON.parse(line) as LifelineEvent));
  await until('it waits', () => events.length > 0);
  await early?.({ id, pid, lifeline });
  if (long && rt.runtime.name === 'rt') await until('it holds little', () => privateBytes(pid) < 128 * 1024);
  await act({ id, pid, lifeline });
  const [outcome] = await Promise.all([ended, over]);
  const of = (text: string): string => text.replaceAll(id, 'ID');
  return {
    status: outcome.status,
    stdout: of(outcome.stdout),
    stderr: of(outcome.stderr),
    events: events.map((event) => comparable(event, of)),
  };
}

/** Without what differs between two containers. */
function comparable(event: LifelineEvent, of: (text: string) => string): unknown {
  const text = JSON.stringify({ ...event, pid: 0, usage: 'usage' in event && event.usage !== undefined });
  return JSON.parse(of(text));
}

const start = ({ lifeline }: Waiting): unknown => lifeline.write('\n');

const endings: Readonly<Record<string, [Mutation, (rt: Sandbox, waiting: Waiting) => unknown]>> = {
  'a program that ends': [
    (config) => (config.process.args = ['/bin/sh', '-c', 'echo out; echo $RT_AWAIT_START; exit 7']),
    (_, waiting) => start(waiting),
  ],
  'a signal that arrived before the start': [
    (config) => {
      config.process.args = ['/bin/sh', '-c', 'while :; do sleep 1; done'];
      // The init of a namespace ignores it.
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
    },
    (_, waiting) => {
      process.kill(waiting.pid, 'SIGTERM');
      start(waiting);
    },
  ],
  'the end of the lifeline': [() => undefined, (_, { lifeline }) => lifeline.end()],
  'a hook that fails': [
    (config) => (config.hooks = { startContainer: [{ path: '/bin/false' }] }),
    (_, waiting) => start(waiting),
  ],
  'an end of init before the start': [
    () => undefined,
    async (rt, waiting) => {
      await rt.command('kill', waiting.id, 'KILL');
    },
  ],
};

for (const [name, [edit, act]] of Object.entries(endings)) {
  forEachRuntime(
    `a start that comes late: ${name}`,
    async (t, rt) => {
      const [soon, late] = [
        await follow(rt, edit, false, (waiting) => act(rt, waiting)),
        await follow(rt, edit, true, (waiting) => act(rt, waiting)),
      ];
      t.strictSame(late, soon);
      t.match(soon.events.at(-1), { type: /ended|failed/ });
      t.equal((await rt.command('list', '--quiet')).stdout, '');
    },
    { oursOnly: 'the option is ours' },
  );
}

forEachRuntime(
  'a start that comes late after a signal that came early',
  async (t, rt) => {
    const early = ({ pid }: Waiting): unknown => process.kill(pid, 'SIGWINCH');
    const seen = await follow(rt, () => undefined, true, start, { early });
    t.equal(seen.status, 0, seen.stderr);
  },
  { oursOnly: 'the option is ours' },
);

forEachRuntime(
  'a start that comes late: the trace is that of the creation, too',
  async (t, rt) => {
    const trace = join(rt.dir, 'trace');
    const act = async (waiting: Waiting): Promise<void> => {
      await setTimeout(500);
      start(waiting);
    };
    const seen = await follow(rt, () => undefined, false, act, { globals: ['--trace', trace] });
    t.equal(seen.status, 0, seen.stderr);
    const text = readFileSync(trace, 'utf8');
    for (const step of ['launch', 'start program', 'wait']) t.match(text, `"name":"${step}"`);
  },
  { oursOnly: 'the option is ours' },
);

forEachRuntime(
  'a start that comes late: no program is left to itself if its state is gone',
  async (t, rt) => {
    const moved = `${rt.root}.moved`;
    const pidFile = join(rt.dir, 'pid');
    let init = 0;
    const act = async (waiting: Waiting): Promise<void> => {
      init = Number(readFileSync(pidFile, 'utf8'));
      renameSync(rt.root, moved);
      start(waiting);
      await setTimeout(500);
      waiting.lifeline.end();
    };
    const program: Mutation = (config) => (config.process.args = ['/bin/busybox', 'sleep', '60']);
    await follow(rt, program, true, act, { options: ['--pid-file', pidFile] });
    t.ok(init > 0);
    await until('its process has ended', () => !existsSync(`/proc/${init}`));
    if (rt.runtime.name === 'rt') t.notOk(existsSync(pidFile));
    rmSync(rt.root, { recursive: true, force: true });
    renameSync(moved, rt.root);
    for (const id of (await rt.command('list', '--quiet')).stdout.split('\n')) {
      if (id !== '') await rt.command('delete', '--force', id);
    }
  },
  { oursOnly: 'the option is ours' },
);

forEachRuntime(
  'a start that comes late: the variable of another process is of no effect',
  async (t, rt) => {
    for (const value of ['', 'x', '-1 -1 -1 1', '0 0 0 0', '1 0 2 1', '99999999999 1 1 1']) {
      const outcome = await rt.commandWith({ env: { ...rt.env, RT_AWAIT_START: value } }, 'state', 'missing');
      t.equal(outcome.status, 1, value);
      t.match(outcome.stderr, /container does not exist/, value);
    }
  },
  { oursOnly: 'the variable is ours' },
);

forEachRuntime('a created container holds little', async (t, rt) => {
  const container = await rt.created();
  const { pid } = await container.state();
  // Machine code of other architectures is longer.
  const most = process.arch === 'x64' ? 116 : 160;
  t.ok(privateBytes(pid) <= most * 1024, `${privateBytes(pid) / 1024} KiB`);
  await rt.command('delete', '--force', container.id);
});
