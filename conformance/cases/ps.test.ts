import { readFileSync } from 'node:fs';
import { changeNamespace } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const sleeps = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('busybox\0sleep\0');

async function three(rt: Sandbox): Promise<Container> {
  const container = await rt.started([], (config) => {
    config.process.args = ['/bin/sh', '-c', 'busybox sleep 1000 & busybox sleep 1000 & wait'];
  });
  const pids = async (): Promise<number[]> =>
    (JSON.parse((await rt.command('ps', '--format', 'json', container.id)).stdout) as number[] | null) ?? [];
  // Before it executes its program a process has the command line of the shell.
  await until('three processes run', async () => (await pids()).filter(sleeps).length === 2);
  return container;
}

forEachRuntime(
  'ps --format json: the pids on the host, nothing else',
  async (t, rt) => {
    const container = await three(rt);
    const outcome = await rt.command('ps', '--format', 'json', container.id);
    t.equal(outcome.status, 0);
    t.equal(outcome.stderr, '');
    t.match(outcome.stdout, /^\[\d+,\d+,\d+\]\n$/);
    t.ok((JSON.parse(outcome.stdout) as number[]).includes((await container.state()).pid));
    await container.remove('--force');
  },
  { deviates: { crun: 'prints a line for each' } },
);

forEachRuntime(
  'ps: the rows of ps(1) with the processes of the container',
  async (t, rt) => {
    const container = await three(rt);
    const { pid } = await container.state();
    const outcome = await rt.command('ps', container.id);
    t.equal(outcome.status, 0);
    const lines = outcome.stdout.trim().split('\n');
    t.match(lines[0], /^UID +PID +PPID .* CMD$/);
    t.equal(lines.length, 4);
    t.ok(lines.some((line) => line.split(/ +/)[1] === String(pid)));
    t.equal(lines.filter((line) => line.endsWith('busybox sleep 1000')).length, 2);
    await container.remove('--force');
  },
  { deviates: { crun: 'has a table of its own' } },
);

forEachRuntime(
  'ps without options for it prints what ps -ef does, also where there is no ps(1)',
  async (t, rt) => {
    const container = await rt.started([], (config) => {
      config.process.args = ['/bin/sh', '-c', 'busybox sleep 1000 & exec busybox sleep 1001'];
      config.process.user = { uid: 8, gid: 8 };
    });
    const pids = async (): Promise<unknown[]> =>
      JSON.parse((await rt.command('ps', '--format', 'json', container.id)).stdout) as unknown[];
    await until('two processes are there', async () => (await pids()).length === 2);
    // Ages and shares of the processor change.
    const stable = (text: string): string => text.replaceAll(/^(.{20,26}) [ \d]\d (.{14}) .{8} /gm, '$1 $2 ');
    const same = await until('two tables are the same', async () => {
      const own = await rt.command('ps', container.id);
      const other = await rt.command('ps', container.id, '-ef');
      t.strictSame([own.status, own.stderr], [0, '']);
      return stable(own.stdout) === stable(other.stdout) && own.stdout;
    });
    t.match(same, /^mail +\d+ +\d+ +\d+ \d\d:\d\d \? +00:00:00 busybox sleep 1000$/m);
    const without = await rt.commandThrough(['env', 'PATH=/nowhere'], 'ps', container.id);
    t.strictSame([without.status, without.stderr], [0, '']);
    t.match(without.stdout, /^UID +PID +PPID +C STIME TTY +TIME CMD\n(?:.+\n){2}$/);
    await container.remove('--force');
  },
  { oursOnly: 'a peer runs ps(1)' },
);

forEachRuntime(
  'ps shows control characters as ps(1) does',
  async (t, rt) => {
    const container = await rt.started([], (config) => {
      config.process.args = ['/bin/busybox', 'sh', '-c', 'sleep 1000 #\u001b[31m\n'];
    });
    const own = await rt.command('ps', container.id);
    t.match(own.stdout, 'sh -c sleep 1000 #?[31m?');
    await container.remove('--force');
  },
  { oursOnly: 'a peer runs ps(1)' },
);

forEachRuntime(
  'ps passes arguments after the id to ps(1)',
  async (t, rt) => {
    const container = await three(rt);
    const { pid } = await container.state();
    const outcome = await rt.command('ps', container.id, '-e', '-o', 'pid,comm');
    t.match(outcome.stdout, new RegExp(`^ *PID COMMAND\n(?: *\\d+ \\w+\n){3}$`));
    t.match(outcome.stdout, new RegExp(`^ *${pid} sh$`, 'm'));
    const without = await rt.command('ps', container.id, '-e', '-o', 'comm');
    t.equal(without.status, 1);
    t.match(without.stderr, "couldn't find PID field in ps output");
    const wrong = await rt.command('ps', container.id, '--no-such-option');
    t.equal(wrong.status, 1);
    await container.remove('--force');
  },
  { deviates: { crun: 'takes no words for ps(1)' } },
);

forEachRuntime(
  'ps of a stopped container lists nothing',
  async (t, rt) => {
    const container = await rt.started(['nothing']);
    await until('it has ended', async () => (await container.state()).status === 'stopped');
    const json = await rt.command('ps', '-f', 'json', container.id);
    t.strictSame(json, { status: 0, stdout: 'null\n', stderr: '' });
    const table = await rt.command('ps', container.id);
    t.equal(table.status, 0);
    t.equal(table.stdout.trim().split('\n').length, 1);
    await container.remove();
    const gone = await rt.command('ps', container.id);
    t.equal(gone.status, 1);
    t.match(gone.stderr, 'container does not exist');
  },
  { deviates: { crun: 'prints an empty list' } },
);

forEachRuntime(
  'ps of a stopped container without a pid namespace lists what its program has left',
  async (t, rt) => {
    const container = await rt.started([], (config) => {
      config.process.args = ['/bin/sh', '-c', 'busybox sleep 1000 & exec busybox true'];
      changeNamespace(config, 'pid');
    });
    await until('it has ended', async () => (await container.state()).status === 'stopped');
    const list = async (): Promise<number[]> =>
      (JSON.parse((await rt.command('ps', '--format', 'json', container.id)).stdout) as number[] | null) ?? [];
    const [pid = 0, ...others] = await list();
    t.strictSame(others, []);
    t.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep');
    t.equal((await container.kill('KILL', '--all')).status, 0);
    await until('nothing is left', async () => (await list()).length === 0);
    t.equal((await container.remove()).status, 0);
  },
  { deviates: { crun: 'takes --all before the id only' } },
);

forEachRuntime('ps of a created and of a paused container', async (t, rt) => {
  const container = await rt.created();
  const { pid } = await container.state();
  t.equal((await rt.command('ps', '-f', 'json', container.id)).stdout.replaceAll(/\s/g, ''), `[${pid}]`);
  await rt.command('pause', container.id);
  t.equal((await rt.command('ps', '-f', 'json', container.id)).stdout.replaceAll(/\s/g, ''), `[${pid}]`);
  await container.remove('--force');
});
