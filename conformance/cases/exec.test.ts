import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { hierarchies, isUnified, lackingController } from '../harness/cgroup.ts';
import { MAPPED, addUserNamespace, changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation, TestProcess } from '../harness/config.ts';
import { probePath } from '../harness/guest.ts';
import type { Ids, OpenFile } from '../harness/guest.ts';
import { kernelBefore } from '../harness/kernel.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { Receiver, TerminalSession, ttyLine } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

/** What the status of a failed exec is; crun uses 1. */
const failed = 255;

/** A container that waits, and its removal at the end of the case. */
async function withContainer(
  rt: Sandbox,
  body: (container: Container) => Promise<void>,
  mutate?: Mutation,
): Promise<void> {
  const container = await rt.started(['wait'], mutate);
  try {
    await body(container);
  } finally {
    await container.remove('--force');
  }
}

function cgroupOf(container: Container): string {
  return container.bundle.config.linux.cgroupsPath;
}

/** `exec --detach`, whose output goes nowhere: with a pipe the end of the program would be waited for. */
async function detached(rt: Sandbox, ...words: string[]): Promise<Outcome> {
  const nowhere = openSync('/dev/null', 'w');
  try {
    return await rt.commandWith({ stdout: nowhere }, 'exec', '--detach', ...words);
  } finally {
    closeSync(nowhere);
  }
}

/** `exec` of the probe; its lines. */
async function probe<Lines extends unknown[]>(
  rt: Sandbox,
  container: Container,
  flags: string[],
  ...words: string[]
): Promise<Lines> {
  const outcome = await rt.command('exec', ...flags, container.id, '/bin/probe', ...words);
  if (outcome.status !== 0) throw new Error(`exec ended with ${outcome.status}: ${outcome.stderr}`);
  return lines(outcome) as Lines;
}

function lines({ stdout }: Outcome): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

/** `exec --process`, with the least of a process that `change` completes. */
async function execFile(
  rt: Sandbox,
  container: Container,
  change: Partial<TestProcess>,
  ...flags: string[]
): Promise<Outcome> {
  const file = join(rt.dir, 'process.json');
  writeFileSync(file, JSON.stringify({ cwd: '/', user: { uid: 0, gid: 0 }, ...change }));
  return rt.command('exec', '--process', file, ...flags, container.id);
}

forEachRuntime('exec runs in every namespace and cgroup of the container, and ends with its status', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const { pid } = await container.state();
    const [spaces, ids] = await probe<[Record<string, string>, Ids]>(rt, container, [], 'ns', '--', 'ids');
    for (const name of ['ipc', 'mnt', 'net', 'pid', 'uts', 'cgroup', 'user']) {
      t.equal(spaces[name], readlinkSync(`/proc/${pid}/ns/${name}`), name);
    }
    t.ok(ids.pid > 1);
    t.equal(ids.ppid, 0, 'its parent is outside');
    t.equal(ids.sid, ids.pid, 'a session of its own');
    t.equal((await rt.command('exec', container.id, '/bin/sh', '-c', 'exit 7')).status, 7);
    t.equal((await rt.command('exec', container.id, '/bin/sh', '-c', 'kill -9 $$')).status, 137);
    const [words] = await probe<[string]>(rt, container, [], 'cwd');
    t.equal(words, '/');
  });
});

forEachRuntime('exec passes standard input, output and error', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const words = ['exec', container.id, '/bin/sh', '-c', 'cat; echo problem >&2'];
    const outcome = await rt.commandWith({ input: 'through\n' }, ...words);
    t.equal(outcome.stdout, 'through\n');
    t.equal(outcome.stderr, 'problem\n');
  });
});

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

forEachRuntime(
  'exec options: --cwd, --env, --user, --additional-gids, --no-new-privs',
  async (t, rt) => {
    await withContainer(
      rt,
      async (container) => {
        const flags = [
          '--cwd',
          '/tmp',
          '-e',
          'A=1',
          '--env',
          'B=two words',
          '--user',
          '1000:2000',
          '-g',
          '5',
          '-g',
          '6',
        ];
        const [cwd, env, ids] = await probe<[string, string[], Ids]>(
          rt,
          container,
          [...flags, '--no-new-privs'],
          ...['cwd', '--', 'env', '--', 'ids'],
        );
        t.equal(cwd, '/tmp');
        t.strictSame(
          env.filter((entry) => !entry.startsWith('HOME=')),
          ['PATH=/bin', 'C=3', 'A=1', 'B=two words'],
        );
        t.strictSame([ids.uid[0], ids.gid[0]], [1000, 2000]);
        t.strictSame(ids.groups, [5, 6]);
        t.equal(ids.noNewPrivs, 1);
        const [plain] = await probe<[Ids]>(rt, container, [], 'ids');
        t.equal(plain.noNewPrivs, 0);
      },
      (config) => {
        config.process.env = ['PATH=/bin', 'C=3'];
        config.process.noNewPrivileges = false;
      },
    );
  },
  { deviates: { crun: '1.8 has no --additional-gids' } },
);

const users: readonly (readonly [text: string, ids: [number, number] | undefined])[] = [
  ['1', [1, 9]],
  ['1:2', [1, 2]],
  ['0', [0, 9]],
  ['4294967294', [4_294_967_294, 9]],
  ...['1:', ':1', '4294967295', '4294967296', '-1', '+1', '0x1', '1e3', '1 ', 'root', '99999999999999999999'].map(
    (text) => [text, undefined] as const,
  ),
];

forEachRuntime(
  'exec --user is exactly the user, or an error',
  async (t, rt) => {
    await withContainer(
      rt,
      async (container) => {
        for (const [text, ids] of users) {
          const outcome = await rt.command('exec', '--user', text, container.id, '/bin/probe', 'ids');
          if (ids === undefined) {
            t.equal(outcome.status, failed, text);
            t.match(outcome.stderr, /bad (uid|gid)/, text);
            continue;
          }
          const [found] = lines(outcome) as [Ids];
          t.strictSame([found.uid[0], found.gid[0]], ids, text);
        }
      },
      (config) => (config.process.user = { uid: 9, gid: 9 }),
    );
  },
  { oursOnly: 'runc takes some of these numbers' },
);

forEachRuntime('exec --cap adds to three sets, never to inheritable and ambient', async (t, rt) => {
  await withContainer(rt, async (container) => {
    for (const user of ['0', '1000']) {
      const [ids] = await probe<[Ids]>(rt, container, ['--cap', 'CAP_NET_RAW', '--user', user], 'ids');
      t.equal(ids.bounding, '0000000020002420');
      t.equal(ids.inheritable, '0000000000000000');
      t.equal(ids.ambient, '0000000000000000');
      t.equal(ids.effective, user === '0' ? '0000000020002420' : '0000000000000000');
    }
  });
});

forEachRuntime('exec stops looking for options at the id', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const outcome = await rt.command('exec', container.id, '/bin/echo', '--detach', '-t', '--', 'x');
    t.equal(outcome.stdout, '--detach -t -- x\n');
  });
});

forEachRuntime(
  'exec --process: the file is the process, the container adds rights and limits',
  async (t, rt) => {
    await withContainer(
      rt,
      async (container) => {
        const args = ['/bin/probe', 'env', '--', 'ids', '--', 'rlimits'];
        const outcome = await execFile(rt, container, { args, env: ['A=1', 'HOME=/x'], user: { uid: 5, gid: 6 } });
        const [env, ids, limits] = lines(outcome) as [string[], Ids, Record<string, string[]>];
        t.strictSame(env, ['A=1', 'HOME=/x']);
        t.strictSame([ids.uid[0], ids.gid[0]], [5, 6]);
        t.equal(ids.bounding, '0000000000000020');
        t.equal(ids.noNewPrivs, 0);
        t.strictSame(limits['RLIMIT_NOFILE'], ['111', '222']);
        const own = { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] };
        const changed = await execFile(rt, container, { args, env: [], capabilities: own, noNewPrivileges: true });
        const [, changedIds] = lines(changed) as [string[], Ids];
        t.equal(changedIds.effective, '0000000000000001');
        t.equal(changedIds.noNewPrivs, 1);
      },
      (config) => {
        grantCapabilities(config, 'CAP_KILL');
        config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 111, hard: 222 }];
        config.process.env = ['PATH=/bin', 'FROM_CONFIG=1'];
      },
    );
  },
  { deviates: { crun: '1.8 takes no limits from the container' } },
);

forEachRuntime(
  'exec --process: faults are told with their place',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const file = join(rt.dir, 'bad.json');
      writeFileSync(file, '{\n  "cwd": "relative",\n  "user": {"uid": -1},\n  "args": []\n}');
      const outcome = await rt.command('exec', '--process', file, container.id);
      t.equal(outcome.status, failed);
      t.match(outcome.stderr, /exec failed/);
      t.match(outcome.stderr, `${file}:3:`);
      for (const [text, words] of [
        ['', 'is empty'],
        ['{', 'not valid JSON'],
        ['{"cwd": "/"}', 'args must not be empty'],
      ] as const) {
        writeFileSync(file, text);
        const each = await rt.command('exec', '--process', file, container.id);
        t.equal(each.status, failed);
        t.match(each.stderr, words);
      }
      const absent = await rt.command('exec', '--process', '/nosuch', container.id);
      t.equal(absent.status, failed);
    });
  },
  { oursOnly: 'the words are ours' },
);

forEachRuntime(
  'exec failures end with 255 and say what is wrong, without a pid file',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const pidFile = join(rt.dir, 'never');
      const cases: readonly (readonly [flags: string[], args: string[], words: string])[] = [
        [[], ['nosuch'], 'exec: "nosuch": executable file not found in $PATH'],
        [[], ['/nosuch'], 'exec: "/nosuch": stat /nosuch: no such file or directory'],
        [[], ['/etc'], 'exec: "/etc": is a directory'],
        [[], ['/etc/file'], 'exec: "/etc/file": permission denied'],
        [['--cwd', '/absent'], ['/bin/true'], 'chdir to cwd ("/absent")'],
        [['--cwd', 'relative'], ['/bin/true'], 'Cwd must be an absolute path'],
        [['--env', 'nosign'], ['/bin/true'], 'invalid environment variable'],
        [['--cap', 'CAP_NONSENSE'], ['/bin/true'], 'CAP_NONSENSE'],
        [['--cgroup', '../x'], ['/bin/true'], 'bad sub cgroup path'],
        [[], [], 'exec args cannot be empty'],
      ];
      writeFileSync(join(container.bundle.rootfs, 'etc/file'), '', { mode: 0o644 });
      for (const [flags, args, words] of cases) {
        for (const detach of [[], ['--detach']]) {
          const outcome = await rt.command('exec', ...detach, '--pid-file', pidFile, ...flags, container.id, ...args);
          t.equal(outcome.status, failed, words);
          t.match(outcome.stderr, words);
          t.match(outcome.stderr, 'exec failed: ');
          t.notOk(existsSync(pidFile), words);
        }
      }
    });
  },
  { oursOnly: 'the peers of Debian 12 word some of these otherwise' },
);

forEachRuntime(
  'exec tells why the kernel could not run the program',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      writeFileSync(join(container.bundle.rootfs, 'script'), '#!/nosuch\n', { mode: 0o755 });
      const outcome = await rt.command('exec', container.id, '/script');
      t.equal(outcome.status, failed);
      t.match(outcome.stderr, 'its interpreter "/nosuch" is missing in the container');
    });
  },
  { oursOnly: 'the words are ours' },
);

forEachRuntime('exec into a container that is not there, or has stopped', async (t, rt) => {
  const unknown = await rt.command('exec', rt.nextId(), '/bin/true');
  t.not(unknown.status, 0);
  t.match(unknown.stderr, 'does not exist');
  const container = await rt.started(['nothing']);
  await until('it stopped', async () => (await container.state()).status === 'stopped');
  const stopped = await rt.command('exec', container.id, '/bin/true');
  t.not(stopped.status, 0);
  if (rt.runtime.name !== 'crun') t.match(stopped.stderr, /cannot exec in a stopped container|container .* stopped/);
  await container.remove();
});

forEachRuntime('exec into a created container', async (t, rt) => {
  const container = await rt.created((config) => (config.process.args = ['/bin/probe', 'wait']));
  const [ids] = await probe<[Ids]>(rt, container, [], 'ids');
  t.ok(ids.pid > 1);
  t.equal((await container.state()).status, 'created');
  await container.remove('--force');
});

forEachRuntime(
  'exec into a container without a usable /proc',
  async (t, rt) => {
    await withContainer(
      rt,
      async (container) => {
        const outcome = await rt.command('exec', '--user', '1000', container.id, '/bin/echo', 'there');
        t.equal(outcome.stdout, 'there\n', outcome.stderr);
      },
      (config) => (config.mounts = config.mounts.filter(({ destination }) => destination !== '/proc')),
    );
  },
  { deviates: { runc: 'needs /proc of the container' } },
);

forEachRuntime('exec into a container that shares the pid namespace of the caller', async (t, rt) => {
  await withContainer(
    rt,
    async (container) => {
      const [spaces, ids] = await probe<[Record<string, string>, Ids]>(rt, container, [], 'ns', '--', 'ids');
      t.equal(spaces['pid'], readlinkSync('/proc/self/ns/pid'));
      t.equal(ids.sid, ids.pid);
      t.equal((await rt.command('exec', container.id, '/bin/sh', '-c', 'exit 3')).status, 3);
    },
    (config) => changeNamespace(config, 'pid'),
  );
});

forEachRuntime('exec when init has moved to a cgroup below', async (t, rt) => {
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

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

forEachRuntime(
  'exec --cgroup runs in a cgroup below',
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
  'exec into a paused container is refused, or waits for it to go on',
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

forEachRuntime('exec has the seccomp filter, limits and OOM score of the container', async (t, rt) => {
  await withContainer(
    rt,
    async (container) => {
      const words = ['ids', '--', 'rlimits', '--', 'mkdir', '/tmp/x', '--', 'read', '/proc/self/oom_score_adj'];
      const [ids, limits, mkdir, score] = await probe<
        [Ids, Record<string, string[]>, { errno: string }, { text: string }]
      >(rt, container, [], ...words);
      t.equal(ids.seccomp, '2');
      t.strictSame(limits['RLIMIT_CORE'], ['5', '6']);
      t.equal(mkdir.errno, 'EDOM');
      t.equal(score.text.trim(), '321');
      const [late] = await probe<[Ids]>(rt, container, ['--no-new-privs'], 'ids');
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

/** Before Linux 6.2 whoever joins a v1 cpuset may run on all of its CPUs, whatever was asked for. */
const FORGETS = kernelBefore(6, 2) && !isUnified() && lackingController('cpuset') === undefined;

/** What is asked for, and on which CPUs exec's process may run then. */
const AFFINITIES: readonly (readonly [affinity: { initial?: string; final?: string }, cpus: string])[] = [
  [{}, '0-1'],
  [{ initial: '1' }, FORGETS ? '0-1' : '1'],
  [{ initial: '0', final: '1' }, '1'],
  [{ final: '0' }, '0'],
  [{ initial: '', final: '0-1' }, '0-1'],
];

forEachRuntime(
  'exec: process.execCPUAffinity says on which CPUs the process runs, of the file or of config.json',
  async (t, rt) => {
    for (const [execCPUAffinity, cpus] of AFFINITIES) {
      const args = ['/bin/probe', 'ids'];
      await withContainer(rt, async (container) => {
        const [ids] = lines(await execFile(rt, container, { args, execCPUAffinity })) as [Ids];
        t.equal(ids.cpus, cpus, `file ${JSON.stringify(execCPUAffinity)}`);
      });
      await withContainer(
        rt,
        async (container) => {
          const [ids] = await probe<[Ids]>(rt, container, [], 'ids');
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
        t.match(await probe(rt, container, [], ...verbs), expected);
        const user = { uid: 5, gid: 6, umask: 0o007 };
        const own = { user, args: ['/bin/probe', ...verbs], scheduler: { policy: 'SCHED_BATCH', nice: 9 } };
        const [ids, sched, memory] = lines(await execFile(rt, container, own));
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

forEachRuntime('exec --detach returns while the program runs, whose parent is then the engine', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const file = join(rt.dir, 'children');
    const pidFile = join(rt.dir, 'exec.pid');
    const words = rt.argv('exec', '--detach', '--pid-file', pidFile, container.id, '/bin/probe', 'exit', '9');
    const outcome = await run([probePath(), 'subreaper', file, ...words], { env: rt.env });
    const pid = readFileSync(pidFile, 'utf8');
    t.match(pid, /^\d+$/);
    const [child] = outcome.stdout
      .split('\n')
      .filter((line) => line.includes('"pid"'))
      .map((line): unknown => JSON.parse(line));
    t.match(child, { pid: Number(pid), exited: 1, status: 9 });
  });
});

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

forEachRuntime('exec has only descriptors 0, 1 and 2, and those of --preserve-fds', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const directory = openSync(rt.dir, 'r');
    const descriptors = [directory, directory, directory];
    const words = ['exec', container.id, '/bin/probe', 'fds'];
    const plain = await rt.commandWith({ descriptors }, ...words);
    t.strictSame(
      (lines(plain) as [OpenFile[]])[0].map(({ fd }) => fd),
      [0, 1, 2],
    );
    const kept = await rt.commandWith({ descriptors }, 'exec', '--preserve-fds', '2', ...words.slice(1));
    t.strictSame(
      (lines(kept) as [OpenFile[]])[0].map(({ fd }) => fd),
      [0, 1, 2, 3, 4],
    );
    closeSync(directory);
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
  'exec: nobody in the container can look into the process before it is the program',
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
