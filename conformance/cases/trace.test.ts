import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { addUserNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { OpenFile } from '../harness/guest.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

const OURS = { oursOnly: '--trace is ours' };

/** The relevant members of a Chrome trace event. */
interface Event {
  name: string;
  cat?: string;
  ph: string;
  ts: number;
  dur: number;
  pid: number;
  tid: number;
  args: Record<string, string | number | boolean>;
}

interface PlannedOp {
  op: string;
  from: string;
}

type Plan = Record<'host' | 'awaited' | 'limits' | 'stage' | 'init', PlannedOp[]>;

/** The events of a trace file, by the names of its threads without their pids. */
class Trace {
  readonly process: string;
  readonly #threads = new Map<string, Event[]>();

  constructor(file: string) {
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] };
    const meta = traceEvents.filter(({ ph }) => ph === 'M');
    this.process = String(meta.find(({ name }) => name === 'process_name')?.args['name']);
    for (const { tid, args } of meta.filter(({ name }) => name === 'thread_name')) {
      const events = traceEvents.filter((event) => event.ph !== 'M' && event.tid === tid);
      this.#threads.set(String(args['name']).replace(/ .*/, ''), events);
    }
  }

  threads(): string[] {
    return [...this.#threads.keys()];
  }

  events(thread: string, category?: string): Event[] {
    return (this.#threads.get(thread) ?? []).filter(({ cat }) => category === undefined || cat === category);
  }

  names(thread: string, category: string): string[] {
    return this.events(thread, category).map(({ name }) => name);
  }

  /** The executed ops, in the form of a plan. */
  ops(thread: string): { op: string; from: unknown }[] {
    return this.events(thread, 'op').map(({ name, args }) => ({ op: name, from: args['from'] }));
  }
}

/** Runs a command with a trace, which is written to `file`. */
async function traced(rt: Sandbox, name: string, ...words: string[]): Promise<{ outcome: Outcome; trace: Trace }> {
  const file = join(rt.dir, name);
  const outcome = await rt.command('--trace', file, ...words);
  return { outcome, trace: new Trace(file) };
}

/** `rt plan` prints the plan of `create`. */
async function planOf(rt: Sandbox, bundle: Bundle): Promise<Plan> {
  const { stdout } = await rt.command('plan', '--format', 'json', '--bundle', bundle.dir);
  return JSON.parse(stdout) as Plan;
}

/** In the plan of `run`, no signal has to end an init that waits. */
async function planOfRun(rt: Sandbox, bundle: Bundle): Promise<Plan> {
  const plan = await planOf(rt, bundle);
  return { ...plan, init: plan.init.filter(({ op }) => op !== 'end_on_signals') };
}

/** Events of one thread are nested or disjoint. */
function checkNesting(t: Test, trace: Trace): void {
  const rounding = 0.0005;
  for (const thread of trace.threads()) {
    const events = trace.events(thread);
    const open: Event[] = [];
    const crossing = events.filter((event) => {
      while (open.length > 0 && endOf(open.at(-1)) <= event.ts + rounding) open.pop();
      const holds = open.length === 0 || endOf(event) <= endOf(open.at(-1)) + rounding;
      open.push(event);
      return !holds;
    });
    t.strictSame(crossing, [], `events of ${thread} are nested`);
    t.ok(
      events.every(({ ts, dur }) => ts >= 0 && dur >= 0),
      `events of ${thread} have times`,
    );
  }
}

function endOf(event: Event | undefined): number {
  return event === undefined ? 0 : event.ts + event.dur;
}

const nameAndFrom = ({ op, from }: PlannedOp): PlannedOp => ({ op, from });

forEachRuntime(
  'a trace of run has the steps of the runtime and every op of the plan, in order and nested',
  async (t, rt) => {
    const bundle = rt.bundle();
    const plan = await planOfRun(rt, bundle);
    const { outcome, trace } = await traced(rt, 'run.json', 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal(trace.process, 'rt run');
    t.strictSame(trace.threads(), ['runtime', 'init']);
    t.strictSame(trace.ops('init'), plan.init.map(nameAndFrom));
    t.strictSame(trace.ops('runtime'), [...plan.host, ...plan.awaited, ...plan.limits].map(nameAndFrom));
    const wanted = ['run', 'read config', 'parse', 'validate', 'rules', 'plan', 'save state', 'make cgroups', 'pack'];
    const phases = [...new Set(trace.names('runtime', 'phase'))];
    t.strictSame(
      phases.filter((name) => wanted.includes(name)),
      wanted,
    );
    for (const name of ['launch', 'wait for init', 'start program', 'wait', 'remove cgroups', 'remove state'])
      t.ok(phases.includes(name), name);
    checkNesting(t, trace);
    const [launch] = trace.events('runtime', 'native').filter(({ name }) => name === 'launch');
    const [first] = trace.events('init');
    const last = trace.events('init').at(-1);
    t.ok(launch !== undefined && first !== undefined && first.ts >= launch.ts, 'init begins after the clone');
    const [wait] = trace.events('runtime', 'phase').filter(({ name }) => name === 'wait');
    t.ok(last?.name === 'exec' && last.args['unfinished'] === true && endOf(last) <= endOf(wait));
  },
  OURS,
);

forEachRuntime(
  'a trace has the ops of a stage, and of init in a user namespace, on separate threads',
  async (t, rt) => {
    const bundle = rt.bundle((config) => addUserNamespace(config));
    const plan = await planOfRun(rt, bundle);
    t.ok(plan.stage.length > 0);
    const { outcome, trace } = await traced(rt, 'run.json', 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 0, outcome.stderr);
    t.strictSame(trace.threads(), ['runtime', 'stage', 'init']);
    t.strictSame(trace.ops('stage'), plan.stage.map(nameAndFrom));
    t.strictSame(trace.ops('init'), plan.init.map(nameAndFrom));
    checkNesting(t, trace);
  },
  OURS,
);

forEachRuntime(
  'a time namespace does not shift the times of a trace',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.namespaces.push({ type: 'time' });
      config.linux.timeOffsets = { monotonic: { secs: 100_000 }, boottime: { secs: 500_000 } };
    });
    const { outcome, trace } = await traced(rt, 'run.json', 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 0, outcome.stderr);
    const end = endOf(trace.events('runtime')[0]);
    t.ok(trace.events('init').every((event) => endOf(event) <= end));
    checkNesting(t, trace);
  },
  OURS,
);

forEachRuntime(
  'traces of create and start: the ops of init before and after the go-ahead',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.hooks = { startContainer: [{ path: '/bin/probe', args: ['probe', 'nothing'] }] };
      config.process.args = ['/bin/probe', 'pause'];
    });
    const plan = await planOf(rt, bundle);
    const index = plan.init.findIndex(({ op }) => op === 'await_start');
    const file = join(rt.dir, 'create.json');
    const id = rt.nextId();
    // Its output is discarded, since the container keeps it open.
    const nowhere = openSync('/dev/null', 'w');
    const words = ['--trace', file, 'create', '--bundle', bundle.dir, id];
    const { status } = await rt.commandWith({ stdout: nowhere, stderr: nowhere }, ...words);
    closeSync(nowhere);
    t.equal(status, 0);
    const created = new Trace(file);
    t.strictSame(created.ops('init'), plan.init.slice(0, index + 1).map(nameAndFrom));
    t.equal(created.events('init').at(-1)?.args['unfinished'], true, 'init still waits');
    checkNesting(t, created);

    const { outcome, trace } = await traced(rt, 'start.json', 'start', id);
    t.equal(outcome.status, 0, outcome.stderr);
    t.strictSame(trace.ops('init'), plan.init.slice(index + 1).map(nameAndFrom));
    t.ok(trace.names('runtime', 'phase').includes('start program'));
    checkNesting(t, trace);
    t.match((await rt.command('state', id)).stdout, /"status": "running"/);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  OURS,
);

forEachRuntime(
  'a trace of exec has the ops of the process that enters the container',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { outcome, trace } = await traced(rt, 'exec.json', 'exec', container.id, '/bin/probe', 'exit', '7');
    t.equal(outcome.status, 7, outcome.stderr);
    const ops = trace.ops('init');
    t.ok(ops.some(({ op, from }) => op === 'join_process' && from === '/linux/namespaces'));
    t.strictSame(ops.at(-1), { op: 'exec', from: '/process/args' });
    const phases = trace.names('runtime', 'phase');
    for (const name of ['read state', 'find container', 'plan', 'launch', 'wait']) t.ok(phases.includes(name), name);
    checkNesting(t, trace);
    t.equal((await container.remove('--force')).status, 0);
  },
  OURS,
);

forEachRuntime(
  'a trace of a failing command marks the failed op, and the error is the same as without a trace',
  async (t, rt) => {
    const failing: Record<string, Mutation> = {
      init: (config) => config.mounts.push({ destination: '/x', type: 'bind', source: '/none', options: ['bind'] }),
      stage: (config) => {
        addUserNamespace(config);
        config.mounts.push({ destination: '/x', type: 'bind', source: '/none', options: ['bind'] });
      },
    };
    for (const [thread, mutate] of Object.entries(failing)) {
      const bundle = rt.bundle(mutate);
      const id = rt.nextId();
      const plain = await rt.command('run', '--bundle', bundle.dir, id);
      const { outcome, trace } = await traced(rt, `${thread}.json`, 'run', '--bundle', bundle.dir, id);
      t.strictSame(outcome, plain);
      t.equal(outcome.status, 1);
      const failed = [...trace.events('init', 'op'), ...trace.events('stage', 'op')].filter(
        ({ args }) => 'error' in args,
      );
      t.strictSame(
        failed.map(({ args }) => [args['error'], args['from']]),
        [['ENOENT', '/mounts/4']],
      );
      t.strictSame(trace.events(thread, 'op').at(-1), failed[0], `it is the last op of ${thread}`);
      checkNesting(t, trace);
    }
  },
  OURS,
);

forEachRuntime(
  'with a trace the program runs in the same environment as without',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'fds', '--', 'env', '--', 'clocks']));
    const seen = (outcome: Outcome): unknown[] => {
      const [fds, env] = outcome.stdout
        .split('\n')
        .map((line): unknown => (line === '' ? undefined : JSON.parse(line)));
      return [outcome.status, outcome.stderr, (fds as OpenFile[]).map(({ fd }) => fd), env];
    };
    const plain = await rt.command('run', '--bundle', bundle.dir, rt.nextId());
    const { outcome } = await traced(rt, 'run.json', 'run', '--bundle', bundle.dir, rt.nextId());
    t.strictSame(seen(outcome), seen(plain));
  },
  OURS,
);

forEachRuntime(
  'other commands can be traced, too, with unchanged output',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    for (const words of [['state', container.id], ['list'], ['kill', container.id, 'WINCH'], ['--version']]) {
      const plain = await rt.command(...words);
      const file = join(rt.dir, 'trace.json');
      t.strictSame(await rt.command('--trace', file, ...words), plain, words.join(' '));
      const trace = new Trace(file);
      t.strictSame(trace.threads(), ['runtime']);
      checkNesting(t, trace);
    }
    t.equal((await container.remove('--force')).status, 0);
  },
  OURS,
);

forEachRuntime(
  'a trace that cannot be written is one error, before anything is done',
  async (t, rt) => {
    const bundle = rt.bundle();
    for (const [file, why] of [
      [join(rt.dir, 'none', 'trace.json'), 'no such file or directory'],
      [rt.dir, 'is a directory'],
    ] as const) {
      const outcome = await rt.command('--trace', file, 'run', '--bundle', bundle.dir, rt.nextId());
      t.strictSame(outcome, { status: 1, stdout: '', stderr: `rt: cannot write trace "${file}": ${why} (open)\n` });
      t.notOk(existsSync(rt.root), 'no state');
    }
    t.strictSame(
      readdirSync(rt.dir).filter((name) => name.endsWith('.json')),
      [],
    );
  },
  OURS,
);
