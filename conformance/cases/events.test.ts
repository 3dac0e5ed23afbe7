import { isUnified, lackingController, readCgroup } from '../harness/cgroup.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const CRUN_LACKS = { crun: 'has no events' };

interface Event {
  type: string;
  id: string;
  data?: Record<string, Record<string, unknown>>;
}

function parse(text: string): Event[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Event);
}

/** Keys of objects, in order and recursively; the numbers differ between runs, and so do keys that are omitted if 0. */
function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.keys(value);
}

forEachRuntime(
  'events --stats: one line with the counters of the kernel',
  async (t, rt) => {
    let path = '';
    const container = await rt.started(['pause'], (config) => {
      Object.assign(config.linux.resources, { memory: { limit: 64 * MIB }, pids: { limit: 50 } });
      path = config.linux.cgroupsPath;
    });
    const outcome = await rt.command('events', '--stats', container.id);
    t.equal(outcome.status, 0);
    t.equal(outcome.stderr, '');
    t.match(outcome.stdout, /^\{"type":"stats","id":"[^"]*","data":\{"cpu":\{"usage":\{"total":\d+,.*\}\}\n$/);
    const [event] = parse(outcome.stdout);
    t.equal(event?.id, container.id);
    const data = event?.data ?? {};
    t.strictSame(Object.keys(data), [
      ...['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces'],
    ]);
    t.strictSame(shape(data['cpu']?.['usage']), [
      ...(isUnified() ? ['total'] : ['total', 'percpu', 'percpu_kernel', 'percpu_user']),
      ...['kernel', 'user'],
    ]);
    t.strictSame(data['pids'], { current: Number(readCgroup('pids', path, 'pids.current')), limit: 50 });
    t.match(data['memory'], { usage: { limit: 64 * MIB, failcnt: 0 }, kernelTCP: { failcnt: 0 } });
    const raw = (data['memory']?.['raw'] ?? {}) as Record<string, number>;
    t.strictSame(Object.keys(raw), Object.keys(raw).sort());
    t.ok(Object.keys(raw).length > 20);
    await container.remove('--force');
  },
  { deviates: CRUN_LACKS, lacking: lackingController('memory') },
);

forEachRuntime(
  'events: samples at the interval until the container ends',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const events = rt.background('events', '--interval', '100ms', container.id);
    await until('three samples are there', () => parse(events.output()).length >= 3);
    await container.remove('--force');
    t.equal((await events.ended).status, 0);
    for (const { type, id } of parse(events.output())) t.strictSame([type, id], ['stats', container.id]);
  },
  { deviates: CRUN_LACKS },
);

forEachRuntime(
  'events: running out of memory is an event',
  async (t, rt) => {
    const container = await rt.created((config) => {
      config.linux.resources['memory'] = { limit: 16 * MIB, swap: 16 * MIB };
      config.process.args = ['/bin/probe', 'memhog', String(200 * MIB)];
    });
    const events = rt.background('events', '--interval', '50ms', container.id);
    await until('it watches', () => parse(events.output()).length >= 1);
    await container.start();
    await until('the program was killed', async () => (await container.state()).status === 'stopped');
    await container.remove();
    t.equal((await events.ended).status, 0);
    const found = parse(events.output()).filter(({ type }) => type !== 'stats');
    t.ok(found.length >= 1, 'there is one');
    for (const event of found) t.strictSame(event, { type: 'oom', id: container.id });
  },
  { deviates: CRUN_LACKS, lacking: lackingController('memory') },
);

forEachRuntime(
  'events: errors',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const fails = async (message: string | RegExp, ...words: string[]): Promise<void> => {
      const outcome = await rt.command('events', ...words, container.id);
      t.equal(outcome.status, 1, words.join(' '));
      t.match(outcome.stderr, message);
    };
    await fails('duration interval must be greater than 0', '--interval', '0s');
    await fails('duration interval must be greater than 0', '--interval', '-5s');
    await fails(/invalid value .*soon.* for flag -interval/, '--interval', 'soon');
    await container.kill('KILL');
    await until('it has stopped', async () => (await container.state()).status === 'stopped');
    await fails(`container with id ${container.id} is not running`);
    await container.remove();
    await fails('container does not exist');
  },
  { deviates: { ...CRUN_LACKS } },
);
