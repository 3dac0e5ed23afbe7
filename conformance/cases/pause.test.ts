import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, isUnified, readCgroup, removeParent } from '../harness/cgroup.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** A container that continuously writes single bytes to /tmp/count. */
async function counting(rt: Sandbox): Promise<{ container: Container; written: () => number; path: string }> {
  let path = '';
  const container = await rt.started([], (config) => {
    config.process.args = ['/bin/sh', '-c', 'while :; do echo -n x; done >/tmp/count'];
    path = config.linux.cgroupsPath;
  });
  const file = join(container.bundle.rootfs, 'tmp/count');
  const written = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  await until('the program runs', () => written() > 10);
  return { container, written, path };
}

function isFrozen(path: string): boolean {
  return isUnified()
    ? /^frozen 1$/m.test(readCgroup('', path, 'cgroup.events'))
    : readCgroup('freezer', path, 'freezer.state') === 'FROZEN';
}

forEachRuntime('pause suspends the program, resume continues it', async (t, rt) => {
  const { container, written, path } = await counting(rt);
  const paused = await rt.command('pause', container.id);
  t.strictSame(paused, { status: 0, stdout: '', stderr: '' });
  t.ok(isFrozen(path), 'the kernel says so when pause has returned');
  const before = written();
  t.equal((await container.state()).status, 'paused');
  t.equal(written(), before, 'not one byte more after a whole command has run');
  const resumed = await rt.command('resume', container.id);
  t.strictSame(resumed, { status: 0, stdout: '', stderr: '' });
  await until('it goes on', () => written() > before);
  t.equal((await container.state()).status, 'running');
  await container.remove('--force');
});

forEachRuntime(
  'pause and resume: only a running container is paused, only a paused one is resumed',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const fails = async (word: string, message: string): Promise<void> => {
      const outcome = await rt.command(word, container.id);
      t.equal(outcome.status, 1, word);
      t.match(outcome.stderr, message);
    };
    await fails('resume', 'container not paused');
    t.equal((await rt.command('pause', container.id)).status, 0);
    await fails('pause', 'container not running');
    const start = await container.start();
    t.equal(start.status, 1);
    t.match(start.stderr, /cannot start a(?:n already running container| container in the paused state)/);
    const remove = await container.remove();
    t.equal(remove.status, 1);
    t.match(remove.stderr, `cannot delete container ${container.id} that is not stopped: paused`);
    t.equal((await rt.command('resume', container.id)).status, 0);
    await container.kill('KILL');
    await until('it has stopped', async () => (await container.state()).status === 'stopped');
    await fails('pause', 'container not running');
    await fails('resume', 'container not paused');
    await container.remove();
    t.match((await rt.command('pause', container.id)).stderr, 'container does not exist');
  },
  { deviates: { crun: 'succeeds, or has other messages' } },
);

forEachRuntime(
  'a created container can be paused',
  async (t, rt) => {
    const container = await rt.created();
    t.equal((await rt.command('pause', container.id)).status, 0);
    t.equal((await container.state()).status, 'paused');
    t.equal((await rt.command('resume', container.id)).status, 0);
    t.equal((await container.state()).status, 'created');
    await container.remove('--force');
  },
  { deviates: { crun: 'says created' } },
);

forEachRuntime(
  'kill KILL ends a paused container',
  async (t, rt) => {
    const { container } = await counting(rt);
    t.equal((await rt.command('pause', container.id)).status, 0);
    t.equal((await container.kill('KILL')).status, 0);
    await until('it has stopped', async () => (await container.state()).status === 'stopped');
    await container.remove();
  },
  { deviates: { crun: '1.8 does not thaw on v1' } },
);

forEachRuntime('delete --force ends a paused container', async (t, rt) => {
  const { container } = await counting(rt);
  t.equal((await rt.command('pause', container.id)).status, 0);
  t.equal((await container.remove('--force')).status, 0);
});

forEachRuntime(
  'a frozen cgroup above that of a container: exec does not wait for its end, and delete --force names it',
  async (t, rt) => {
    const parent = `/${rt.nextId()}`;
    const container = await rt.started(['pause'], (config) => {
      config.linux.cgroupsPath = `${parent}/below`;
    });
    const file = join(cgroupDirectory('freezer', parent), isUnified() ? 'cgroup.freeze' : 'freezer.state');
    writeFileSync(file, isUnified() ? '1' : 'FROZEN');
    try {
      await until('it is frozen', () => isFrozen(`${parent}/below`));
      const hint = /a cgroup above ".*\/below" is frozen: thaw it/;
      const exec = await rt.command('exec', container.id, '/bin/probe', 'nothing');
      t.equal(exec.status, 255);
      t.match(exec.stderr, 'cannot exec in a paused container');
      t.match(exec.stderr, hint);
      const removed = await container.remove('--force');
      t.equal(removed.status, isUnified() ? 0 : 1, 'a process frozen by cgroup v1 cannot end');
      if (!isUnified()) t.match(removed.stderr, hint);
    } finally {
      writeFileSync(file, isUnified() ? '0' : 'THAWED');
    }
    t.equal((await container.remove('--force')).status, 0);
    await removeParent(parent.slice(1));
  },
  { deviates: { runc: 'exec waits for ever', crun: 'exec waits for ever' } },
);

forEachRuntime('another signal waits until a paused container is resumed', async (t, rt) => {
  const container = await rt.started(['wait']);
  await until('the program waits', () => container.stdout() !== '');
  t.equal((await rt.command('pause', container.id)).status, 0);
  t.equal((await container.kill('TERM')).status, 0);
  t.equal((await container.state()).status, 'paused');
  t.equal((await rt.command('resume', container.id)).status, 0);
  await until('it has ended', async () => (await container.state()).status === 'stopped');
  await container.remove();
});

for (const all of ['--all', '-a']) {
  forEachRuntime(
    `kill ${all} reaches every process of the container`,
    async (t, rt) => {
      let path = '';
      const container = await rt.started([], (config) => {
        config.process.args = ['/bin/sh', '-c', 'busybox sleep 1000 & busybox sleep 1000 & wait'];
        config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
        path = config.linux.cgroupsPath;
      });
      const processes = (): string[] => readCgroup('pids', path, 'cgroup.procs').split('\n').filter(Boolean);
      await until('all three run', () => processes().length === 3);
      t.equal((await rt.command('kill', all, container.id, 'KILL')).status, 0);
      await until('none is left', () => processes().length === 0);
      await container.remove();
    },
    { deviates: { crun: '1.8 wants the signal before the options' } },
  );
}
