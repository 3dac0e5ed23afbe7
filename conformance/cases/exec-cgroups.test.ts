import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectory, hierarchies, isUnified, lackingController } from '../harness/cgroup.ts';
import { changeNamespace } from '../harness/config.ts';
import { cgroupOf, detached, execProbe, failed, withContainer } from '../harness/exec.ts';
import type { Attempt } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { TerminalSession, ttyLine } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

forEachRuntime('exec is in the cgroups of the container', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const pidFile = join(rt.dir, 'exec.pid');
    const outcome = await detached(
      rt,
      '--pid-file',
      pidFile,
      container.id,
      '/bin/busybox',
      'sh',
      '-c',
      'exec sleep 1000 >/dev/null 2>&1',
    );
    t.equal(outcome.status, 0, outcome.stderr);
    const { pid } = await container.state();
    const own = readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/cgroup`, 'utf8');
    t.equal(own, readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    t.match(own, cgroupOf(container));
  });
});

forEachRuntime('exec after init has moved to a child cgroup', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const { pid } = await container.state();
    const moved = hierarchies()
      .map((mount) => join(mount, cgroupOf(container), 'below'))
      .filter((path) => existsSync(join(path, '..')));
    t.ok(moved.length > 0);
    for (const path of moved) {
      mkdirSync(path);
      if (path.includes('cpuset')) {
        for (const file of ['cpuset.cpus', 'cpuset.mems']) {
          writeFileSync(join(path, file), readFileSync(join(path, '..', file)));
        }
      }
      writeFileSync(join(path, 'cgroup.procs'), String(pid));
    }
    if (isUnified()) writeFileSync(`/sys/fs/cgroup${cgroupOf(container)}/cgroup.subtree_control`, '+pids');
    t.equal((await rt.command('exec', container.id, '/bin/true')).status, 0);
    await container.kill('KILL');
    await until('it stopped', async () => (await container.state()).status === 'stopped');
    for (const path of moved) await until('the cgroup is empty', () => removed(path));
  });
});

for (const pidNamespace of [true, false]) {
  forEachRuntime(
    `exec into a container that has used up pids.limit, ${pidNamespace ? 'in' : 'without'} a pid namespace`,
    async (t, rt) => {
      // Two limits for the step into the pid namespace, which briefly needs an additional process.
      for (const limit of [1, 2, 3]) {
        await withContainer(
          rt,
          async (container) => {
            const { pid } = await container.state();
            const own = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
            const plain = await rt.command('exec', container.id, '/bin/probe', 'nothing');
            t.equal(plain.status, 0, plain.stderr);
            const pidFile = join(rt.dir, 'exec.pid');
            const script = 'exec sleep 1000 >/dev/null 2>&1';
            const detach = await detached(rt, '--pid-file', pidFile, container.id, '/bin/sh', '-c', script);
            t.equal(detach.status, 0, detach.stderr);
            t.equal(readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/cgroup`, 'utf8'), own);
            const words = rt.argv('exec', '--tty', container.id, '/bin/probe', 'tty');
            const session = new TerminalSession(rt, words);
            t.equal((await session.end()).status, 0, session.output());
            t.match(ttyLine(session.output()), { tty: [1, 1, 1], controlling: true });
            const [fork] = await execProbe<[Attempt]>(rt, container, [], 'fork', '1');
            t.equal(fork.errno, 'EAGAIN', 'the limit holds for the program');
          },
          (config) => {
            config.linux.resources['pids'] = { limit };
            config.process.execCPUAffinity = { initial: '0', final: '0' };
            if (!pidNamespace) changeNamespace(config, 'pid');
          },
        );
      }
    },
    { deviates: { runc: '1.1 starts threads when it is in the cgroup already' } },
  );
}

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

forEachRuntime(
  'exec --cgroup runs in a child cgroup',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const controller = isUnified() ? '' : 'pids';
      const below = join('/sys/fs/cgroup', controller, cgroupOf(container), 'sub');
      mkdirSync(below);
      const pidFile = join(rt.dir, 'pid');
      const word = isUnified() ? 'sub' : 'pids:/sub';
      const outcome = await detached(
        rt,
        '--pid-file',
        pidFile,
        '--cgroup',
        word,
        container.id,
        '/bin/sh',
        '-c',
        'exec sleep 1000 >/dev/null 2>&1',
      );
      t.equal(outcome.status, 0, outcome.stderr);
      const pid = readFileSync(pidFile, 'utf8');
      t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `${cgroupOf(container)}/sub\n`);
      process.kill(Number(pid), 'SIGKILL');
      await until('the cgroup is empty', () => removed(below));
      const unknown = await rt.command(
        'exec',
        '--cgroup',
        isUnified() ? 'absent' : 'nonsense:/x',
        container.id,
        '/bin/true',
      );
      t.not(unknown.status, 0);
    });
  },
  { deviates: { crun: 'other syntax' } },
);

forEachRuntime(
  'exec into a paused container is refused, or waits for resume',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const freezer = isUnified()
        ? { file: `/sys/fs/cgroup${cgroupOf(container)}/cgroup.freeze`, on: '1', off: '0' }
        : { file: `/sys/fs/cgroup/freezer${cgroupOf(container)}/freezer.state`, on: 'FROZEN', off: 'THAWED' };
      writeFileSync(freezer.file, freezer.on);
      await until('it is paused', async () => (await container.state()).status === 'paused');
      const refused = await rt.command('exec', container.id, '/bin/true');
      t.equal(refused.status, failed);
      t.match(refused.stderr, 'cannot exec in a paused container (use --ignore-paused to override)');
      const waiting = rt.background('exec', '--ignore-paused', container.id, '/bin/echo', 'at last');
      await until(
        'it is in the cgroup',
        () =>
          readFileSync(freezer.file.replace(/[^/]*$/, 'cgroup.procs'), 'utf8')
            .trim()
            .split('\n').length > 1,
      );
      t.equal(waiting.output(), '');
      writeFileSync(freezer.file, freezer.off);
      const outcome = await waiting.ended;
      t.equal(outcome.status, 0, outcome.stderr);
      t.equal(outcome.stdout, 'at last\n');
    });
  },
  {
    deviates: {
      crun: '1.8 has no --ignore-paused',
      runc: '1.1 waits for its child in a way that a frozen one never ends',
    },
  },
);

const MIB = 1 << 20;

/** To what is used and cannot be reclaimed: the kernel refuses less. */
function lowerMemoryLimit(directory: string): void {
  writeFileSync(join(directory, 'memory.force_empty'), '0');
  for (let more = 0; more < MIB; more += 4096) {
    const used = Number(readFileSync(join(directory, 'memory.usage_in_bytes'), 'utf8'));
    try {
      writeFileSync(join(directory, 'memory.limit_in_bytes'), String(used + more));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    }
  }
  throw new Error(`cannot lower the limit of ${directory}`);
}

forEachRuntime(
  'exec at the memory limit: an OOM-killed process of the runtime is an error that names the limit, a program ends with 137',
  async (t, rt) => {
    await withContainer(
      rt,
      async (container) => {
        const hog = ['exec', container.id, '/bin/probe', 'memhog', String(64 * MIB)];
        t.match(await rt.command(...hog), { status: 137, stderr: rt.runtime.ours ? /OOM-killed/ : '' }, 'the program');
        // Without init, which the kernel could choose instead, the new process is alone in the cgroup.
        writeFileSync(join(cgroupDirectory('memory', '/'), 'cgroup.procs'), String((await container.state()).pid));
        for (const flags of [[], ['--detach']]) {
          const outcome = await until('a process does not fit', async () => {
            lowerMemoryLimit(cgroupDirectory('memory', cgroupOf(container)));
            const one = await rt.commandDetached('exec', ...flags, container.id, '/bin/true');
            // One in which the kernel finds pages to reclaim, or that is killed only once its program runs.
            return one.status === 0 || one.status === 137 ? undefined : one;
          });
          t.equal(outcome.status, failed);
          t.match(outcome.stderr, /^rt: exec failed: .*OOM-killed.*memory limit.*\n {2}hint: .*rt update --memory\n$/);
        }
        t.equal((await container.state()).status, 'running');
      },
      (config) => (config.linux.resources['memory'] = { limit: 16 * MIB, swap: 16 * MIB }),
    );
  },
  {
    lacking: isUnified()
      ? 'cgroup v2 kills whoever is in the cgroup when the limit is lowered'
      : lackingController('memory'),
    oursOnly: 'the peers have other messages',
  },
);
