import { createHash } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { isUnified, lackingController } from '../harness/cgroup.ts';
import { MAPPED, addUserNamespace } from '../harness/config.ts';
import { execFile, execProbe, failed, withContainer } from '../harness/exec.ts';
import { answers } from '../harness/guest.ts';
import type { Ids } from '../harness/guest.ts';
import { kernelBefore } from '../harness/kernel.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { Receiver, TerminalSession, ttyLine } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

forEachRuntime('exec has the seccomp filter, limits and OOM score of the container', async (t, rt) => {
  await withContainer(
    rt,
    async (container) => {
      const words = ['ids', '--', 'rlimits', '--', 'mkdir', '/tmp/x', '--', 'read', '/proc/self/oom_score_adj'];
      const [ids, limits, mkdir, score] = await execProbe<
        [Ids, Record<string, string[]>, { errno: string }, { text: string }]
      >(rt, container, [], ...words);
      t.equal(ids.seccomp, '2');
      t.strictSame(limits['RLIMIT_CORE'], ['5', '6']);
      t.equal(mkdir.errno, 'EDOM');
      t.equal(score.text.trim(), '321');
      const [late] = await execProbe<[Ids]>(rt, container, ['--no-new-privs'], 'ids');
      t.equal(late.seccomp, '2');
    },
    (config) => {
      config.process.noNewPrivileges = false;
      config.process.oomScoreAdj = 321;
      config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 5, hard: 6 }];
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 33 }],
      };
    },
  );
});

/** Before Linux 6.2 a process that joins a v1 cpuset may run on all of its CPUs, regardless of its affinity. */
const FORGETS = kernelBefore(6, 2) && !isUnified() && lackingController('cpuset') === undefined;

/** The setting, and the CPUs on which the process of exec may then run. */
const AFFINITIES: readonly (readonly [affinity: { initial?: string; final?: string }, cpus: string])[] = [
  [{}, '0-1'],
  [{ initial: '1' }, FORGETS ? '0-1' : '1'],
  [{ initial: '0', final: '1' }, '1'],
  [{ final: '0' }, '0'],
  [{ initial: '', final: '0-1' }, '0-1'],
];

forEachRuntime(
  'exec: process.execCPUAffinity of the file or of config.json sets the CPUs of the process',
  async (t, rt) => {
    for (const [execCPUAffinity, cpus] of AFFINITIES) {
      const args = ['/bin/probe', 'ids'];
      await withContainer(rt, async (container) => {
        const [ids] = answers((await execFile(rt, container, { args, execCPUAffinity })).stdout) as [Ids];
        t.equal(ids.cpus, cpus, `file ${JSON.stringify(execCPUAffinity)}`);
      });
      await withContainer(
        rt,
        async (container) => {
          const [ids] = await execProbe<[Ids]>(rt, container, [], 'ids');
          t.equal(ids.cpus, cpus, `config ${JSON.stringify(execCPUAffinity)}`);
        },
        (config) => (config.process.execCPUAffinity = execCPUAffinity),
      );
    }
    await withContainer(rt, async (container) => {
      for (const name of ['initial', 'final'] as const) {
        const outcome = await execFile(rt, container, {
          args: ['/bin/true'],
          execCPUAffinity: { final: '0', [name]: '999' },
        });
        t.equal(outcome.status, failed, name);
        const field = `process\\.execCPUAffinity\\.${name}`;
        t.match(outcome.stderr, new RegExp(`cannot set ${field}: invalid argument \\(sched_setaffinity\\)`));
        t.match(outcome.stderr, 'hint: none of these CPUs is online');
      }
    });
  },
  {
    deviates: { runc: '1.1 does not know it', crun: '1.8 does not know it' },
    lacking: cpus().length === 2 ? undefined : 'the case is about two CPUs',
  },
);

forEachRuntime(
  'exec has the umask, scheduling, personality and memory policy of the container',
  async (t, rt) => {
    const verbs = ['ids', '--', 'sched', '--', 'mempolicy'];
    const expected = [{ umask: 0o027 }, { policy: 3, nice: 7, ioprio: (2 << 13) | 6, personality: 8 }, { mode: 2 }];
    await withContainer(
      rt,
      async (container) => {
        t.match(await execProbe(rt, container, [], ...verbs), expected);
        const user = { uid: 5, gid: 6, umask: 0o007 };
        const own = { user, args: ['/bin/probe', ...verbs], scheduler: { policy: 'SCHED_BATCH', nice: 9 } };
        const [ids, sched, memory] = answers((await execFile(rt, container, own)).stdout);
        t.match(ids, { umask: 0o007 });
        t.match(sched, { policy: 3, nice: 9, personality: 8 }, 'the file is the process');
        t.match(memory, { mode: 2 });
      },
      (config) => {
        config.process.user.umask = 0o027;
        config.process.scheduler = { policy: 'SCHED_BATCH', nice: 7 };
        config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
        config.linux.personality = { domain: 'LINUX32' };
        config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0' };
      },
    );
  },
  { deviates: { runc: '1.1 does not know them', crun: '1.8 does not know them' } },
);

forEachRuntime('exec --tty gives a terminal with the size of the caller', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const words = rt.argv('exec', '--tty', '--user', '1000', container.id, '/bin/probe', 'tty');
    const session = new TerminalSession(rt, words, { rows: 31, columns: 91 });
    const { status, restored } = await session.end();
    const tty = ttyLine(session.output());
    t.equal(status, 0);
    t.ok(restored);
    t.strictSame(tty.tty, [1, 1, 1]);
    t.ok(tty.controlling);
    t.equal(tty.foreground, tty.pid);
    t.equal(tty.uid, 1000);
    if (rt.runtime.ours) t.strictSame([tty.rows, tty.columns], [31, 91]);
    t.notOk(tty.console, '/dev/console belongs to init');
  });
});

forEachRuntime('exec --process with a terminal, detached: the console socket receives it', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const socket = join(rt.dir, 'console');
    const receiver = await Receiver.listen(rt, socket);
    const pidFile = join(rt.dir, 'pid');
    const change = {
      terminal: true,
      args: ['/bin/probe', 'tty', '--', 'wait'],
      consoleSize: { width: 70, height: 20 },
    };
    const outcome = await execFile(
      rt,
      container,
      change,
      '--detach',
      '--console-socket',
      socket,
      '--pid-file',
      pidFile,
    );
    t.equal(outcome.status, 0, outcome.stderr);
    const delivery = await receiver.receive();
    t.strictSame([delivery.messages, delivery.fds, delivery.more], [1, 1, false]);
    await until('the program has written', () => receiver.terminal().includes('}'));
    const tty = ttyLine(receiver.terminal());
    t.ok(tty.controlling);
    t.strictSame([tty.rows, tty.columns], [20, 70]);
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    await receiver.running.ended;
  });
});

forEachRuntime(
  'exec: a working directory behind a descriptor never leads to the host',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      for (let fd = 3; fd < 16; fd++) {
        const outcome = await rt.command('exec', '--cwd', `/proc/self/fd/${fd}`, container.id, '/bin/probe', 'cwd');
        t.ok(outcome.status !== 0 || /^"\//.test(outcome.stdout), `descriptor ${fd}: ${outcome.stdout}`);
      }
    });
  },
  { deviates: { runc: 'CVE-2024-21626', crun: 'not under test' } },
);

forEachRuntime(
  'exec: a program that is /proc/self/exe gets nothing of the runtime',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const [program = ''] = rt.runtime.argv.slice(-1);
      const digest = (): string => createHash('sha256').update(readFileSync(program)).digest('hex');
      const before = digest();
      const direct = await rt.command('exec', container.id, '/proc/self/exe', 'ids');
      t.not(direct.status, 0);
      writeFileSync(join(container.bundle.rootfs, 'bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 });
      t.not((await rt.command('exec', container.id, '/bin/evil')).status, 0);
      symlinkSync('/proc/self/exe', join(container.bundle.rootfs, 'bin/link'));
      t.not((await rt.command('exec', container.id, '/bin/link', 'ids')).status, 0);
      t.equal(digest(), before);
    });
  },
  { oursOnly: 'peers of Debian 12 start themselves again' },
);

forEachRuntime(
  'exec: nobody in the container can inspect the process before it executes the program',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const spy = rt.background('exec', container.id, '/bin/probe', 'spy', '/tmp/stop');
      await until('the spy is there', () => spy.output().includes('ready'));
      for (let round = 0; round < 60; round++) await rt.command('exec', container.id, '/bin/true');
      writeFileSync(join(container.bundle.rootfs, 'tmp/stop'), '');
      const { stdout } = await spy.ended;
      const { opened } = JSON.parse(stdout.split('\n')[1] ?? '') as { opened: number };
      t.equal(opened, 0);
    });
  },
  { oursOnly: 'the names of the processes are ours' },
);

for (const [where, mutate] of [
  ['', undefined],
  [', in a user namespace too', addUserNamespace],
] as const) {
  forEachRuntime(`exec shares the session keyring of the container${where}`, async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/probe', 'wait'];
      mutate?.(config);
    });
    if (mutate !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
    for (const directory of [rt.dir, bundle.dir]) chmodSync(directory, 0o755);
    const container = await rt.runDetached(bundle);
    try {
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      const keyring = async (): Promise<string | undefined> => {
        const { stdout } = await rt.command('exec', container.id, '/bin/sh', '-c', 'cat /proc/keys');
        return stdout
          .split('\n')
          .find((line) => line.includes(`_ses.${container.id}`))
          ?.split(' ')[0];
      };
      const serial = await keyring();
      t.ok(serial);
      t.equal(await keyring(), serial);
    } finally {
      await container.remove('--force');
    }
  });
}
