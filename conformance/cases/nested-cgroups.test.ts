/** Processes that a container hides in cgroups below its own are found, ended and removed. */
import { readFileSync } from 'node:fs';
import { cgroupsWithPrefix } from '../harness/cgroup.ts';
import { changeNamespace } from '../harness/config.ts';
import type { TestConfig } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** Deeper than the maximum length of a path: 60 names of 255 bytes. */
const DEPTH = '60';

function mayMakeCgroups(config: TestConfig): void {
  config.linux.namespaces.push({ type: 'cgroup' });
  config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] });
}

async function withCgroups(rt: Sandbox, verb: readonly string[], isShared: boolean): Promise<Container> {
  const container = await rt.started(verb, (config) => {
    mayMakeCgroups(config);
    if (isShared) changeNamespace(config, 'pid');
  });
  await until('it has made its cgroups', () => container.stdout().includes('ready'));
  return container;
}

async function processesOf(rt: Sandbox, { id }: Container): Promise<number[]> {
  const outcome = await rt.command('ps', '--format', 'json', id);
  if (outcome.status !== 0) throw new Error(outcome.stderr);
  return JSON.parse(outcome.stdout) as number[];
}

/** Nobody waits for processes of a container that shares the pid namespace, so an ended one may be a zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const DEVIATES = {
  runc: 'does not come to what is deeper than a path is long',
  crun: 'does not come to what is deeper than a path is long',
};

for (const isShared of [false, true]) {
  const kind = isShared ? "the host's pid namespace" : 'a pid namespace';
  for (const how of ['running', 'frozen']) {
    forEachRuntime(
      `a process that is ${how} in a cgroup deeper than a path, with ${kind}: seen, stopped, killed, removed`,
      async (t, rt) => {
        const container = await withCgroups(rt, ['nest', DEPTH, how], isShared);
        const { pid } = await container.state();
        const pids = await processesOf(rt, container);
        t.equal(pids.length, 2, 'init and its child');
        t.ok(pids.includes(pid));
        for (const words of [['pause'], ['resume'], ['update', '--pids-limit', '100'], ['events', '--stats']]) {
          const outcome = await rt.command(...words, container.id);
          t.equal(outcome.status, 0, `${words.join(' ')}: ${outcome.stderr}`);
        }
        const killed = await container.kill('--all', 'KILL');
        t.equal(killed.status, 0, killed.stderr);
        await until('all have ended', () => !pids.some(isAlive));
        const removed = await container.remove();
        t.equal(removed.status, 0, removed.stderr);
        t.strictSame(cgroupsWithPrefix(rt.prefix), []);
      },
      { deviates: DEVIATES },
    );
  }

  for (const how of ['running', 'frozen', 'init']) {
    const who = how === 'init' ? 'an init that is frozen' : `a process that is ${how}`;
    forEachRuntime(
      `delete --force ends ${who} in a cgroup deeper than a path, with ${kind}`,
      async (t, rt) => {
        const container = await withCgroups(rt, ['nest', DEPTH, how], isShared);
        const pids = await processesOf(rt, container);
        const removed = await container.remove('--force');
        t.equal(removed.status, 0, removed.stderr);
        t.strictSame(pids.filter(isAlive), []);
        t.strictSame(cgroupsWithPrefix(rt.prefix), []);
      },
      { deviates: DEVIATES },
    );
  }
}

forEachRuntime(
  'kill reaches an init that is frozen in a cgroup made by the container',
  async (t, rt) => {
    const container = await withCgroups(rt, ['nest', '1', 'init'], false);
    const killed = await container.kill('KILL');
    t.equal(killed.status, 0, killed.stderr);
    await until('it has ended', async () => (await container.state()).status === 'stopped');
    const removed = await container.remove();
    t.equal(removed.status, 0, removed.stderr);
  },
  { deviates: { runc: 'leaves it frozen', crun: 'leaves it frozen' } },
);

forEachRuntime(
  'thousands of cgroups, and more that are made meanwhile, are removed with the container',
  async (t, rt) => {
    for (const isShared of [false, true]) {
      const container = await withCgroups(rt, ['breed', '3000'], isShared);
      t.equal((await processesOf(rt, container)).length, 1);
      const removed = await container.remove('--force');
      t.equal(removed.status, 0, removed.stderr);
      t.strictSame(cgroupsWithPrefix(rt.prefix), []);
    }
  },
);
