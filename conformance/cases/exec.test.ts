import { closeSync, existsSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeNamespace, grantCapabilities } from '../harness/config.ts';
import { execFile, execProbe, failed, withContainer } from '../harness/exec.ts';
import { answers, probePath } from '../harness/guest.ts';
import type { Ids, OpenFile } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

forEachRuntime(
  'exec runs in every namespace and cgroup of the container, and exits with the status of the program',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      const { pid } = await container.state();
      const [spaces, ids] = await execProbe<[Record<string, string>, Ids]>(rt, container, [], 'ns', '--', 'ids');
      for (const name of ['ipc', 'mnt', 'net', 'pid', 'uts', 'cgroup', 'user']) {
        t.equal(spaces[name], readlinkSync(`/proc/${pid}/ns/${name}`), name);
      }
      t.ok(ids.pid > 1);
      t.equal(ids.ppid, 0, 'its parent is outside');
      t.equal(ids.sid, ids.pid, 'a session of its own');
      t.equal((await rt.command('exec', container.id, '/bin/sh', '-c', 'exit 7')).status, 7);
      t.equal((await rt.command('exec', container.id, '/bin/sh', '-c', 'kill -9 $$')).status, 137);
      const [words] = await execProbe<[string]>(rt, container, [], 'cwd');
      t.equal(words, '/');
    });
  },
);

forEachRuntime('exec passes standard input, output and error', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const words = ['exec', container.id, '/bin/sh', '-c', 'cat; echo problem >&2'];
    const outcome = await rt.commandWith({ input: 'through\n' }, ...words);
    t.equal(outcome.stdout, 'through\n');
    t.equal(outcome.stderr, 'problem\n');
  });
});

forEachRuntime(
  'exec --no-new-privs=false: the program may gain privileges, whatever the container may',
  async (t, rt) => {
    await withContainer(
      rt,
      async (container) => {
        for (const [flags, expected] of [
          [[], 1],
          [['--no-new-privs'], 1],
          [['--no-new-privs=false'], 0],
        ] as const) {
          const [ids] = await execProbe<[Ids]>(rt, container, [...flags], 'ids');
          t.equal(ids.noNewPrivs, expected, flags.join());
        }
      },
      (config) => (config.process.noNewPrivileges = true),
    );
  },
  { deviates: { crun: 'the option takes no value' } },
);

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
        const [cwd, env, ids] = await execProbe<[string, string[], Ids]>(
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
        const [plain] = await execProbe<[Ids]>(rt, container, [], 'ids');
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
  'exec --user sets exactly the user, or is an error',
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
          const [found] = answers(outcome.stdout) as [Ids];
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
      const [ids] = await execProbe<[Ids]>(rt, container, ['--cap', 'CAP_NET_RAW', '--user', user], 'ids');
      t.equal(ids.bounding, '0000000020002420');
      t.equal(ids.inheritable, '0000000000000000');
      t.equal(ids.ambient, '0000000000000000');
      t.equal(ids.effective, user === '0' ? '0000000020002420' : '0000000000000000');
    }
  });
});

forEachRuntime(
  'exec --cap with an unknown name is a warning',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      for (const detach of [[], ['--detach']]) {
        const outcome = await rt.commandDetached('exec', ...detach, '--cap', 'NET_RAW', container.id, '/bin/true');
        t.equal(outcome.status, 0);
        t.equal(
          outcome.stderr,
          'rt: warning: unknown capability "NET_RAW" in --cap is not granted\n' + '  hint: write CAP_NET_RAW\n',
        );
      }
    });
  },
  { oursOnly: 'the peers word it otherwise' },
);

forEachRuntime('exec parses no options after the id', async (t, rt) => {
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
        const [env, ids, limits] = answers(outcome.stdout) as [string[], Ids, Record<string, string[]>];
        t.strictSame(env, ['A=1', 'HOME=/x']);
        t.strictSame([ids.uid[0], ids.gid[0]], [5, 6]);
        t.equal(ids.bounding, '0000000000000020');
        t.equal(ids.noNewPrivs, 0);
        t.strictSame(limits['RLIMIT_NOFILE'], ['111', '222']);
        const own = { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] };
        const changed = await execFile(rt, container, { args, env: [], capabilities: own, noNewPrivileges: true });
        const [, changedIds] = answers(changed.stdout) as [string[], Ids];
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
  'exec --process: faults are reported with their place',
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
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime(
  'exec failures exit with 255 and name the cause, without a pid file',
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
  'exec reports why the kernel could not run the program',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      writeFileSync(join(container.bundle.rootfs, 'script'), '#!/nosuch\n', { mode: 0o755 });
      const outcome = await rt.command('exec', container.id, '/script');
      t.equal(outcome.status, failed);
      t.match(outcome.stderr, 'its interpreter "/nosuch" is missing in the container');
    });
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime('exec into a missing or stopped container', async (t, rt) => {
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
  const [ids] = await execProbe<[Ids]>(rt, container, [], 'ids');
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
      const [spaces, ids] = await execProbe<[Record<string, string>, Ids]>(rt, container, [], 'ns', '--', 'ids');
      t.equal(spaces['pid'], readlinkSync('/proc/self/ns/pid'));
      t.equal(ids.sid, ids.pid);
      t.equal((await rt.command('exec', container.id, '/bin/sh', '-c', 'exit 3')).status, 3);
    },
    (config) => changeNamespace(config, 'pid'),
  );
});

forEachRuntime('exec --detach returns while the program runs, whose new parent is the engine', async (t, rt) => {
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

forEachRuntime('exec has only descriptors 0, 1 and 2, and those of --preserve-fds', async (t, rt) => {
  await withContainer(rt, async (container) => {
    const directory = openSync(rt.dir, 'r');
    const descriptors = [directory, directory, directory];
    const words = ['exec', container.id, '/bin/probe', 'fds'];
    const plain = await rt.commandWith({ descriptors }, ...words);
    t.strictSame(
      (answers(plain.stdout) as [OpenFile[]])[0].map(({ fd }) => fd),
      [0, 1, 2],
    );
    const kept = await rt.commandWith({ descriptors }, 'exec', '--preserve-fds', '2', ...words.slice(1));
    t.strictSame(
      (answers(kept.stdout) as [OpenFile[]])[0].map(({ fd }) => fd),
      [0, 1, 2, 3, 4],
    );
    closeSync(directory);
  });
});
