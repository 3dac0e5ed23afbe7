/** `run --lifeline`: a container that waits long for its start costs little, and then runs as one that has not waited. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
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

/** Runs a container by a lifeline; `act` is called while it waits for its start, if `long` not before it holds little. */
async function follow(
  rt: Sandbox,
  mutation: Mutation,
  long: boolean,
  act: (waiting: Waiting) => unknown,
): Promise<Seen> {
  const id = rt.nextId();
  const words = ['run', '--bundle', rt.bundle(mutation).dir, '--lifeline', '3', id];
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
