import { existsSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { TestConfig, TestHook } from '../harness/config.ts';
import { probePath } from '../harness/guest.ts';
import type { OpenFile } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
type Kind = (typeof KINDS)[number];

/** A hook that runs a shell script on the host; busybox has the same path on the host and in the rootfs. */
function shell(script: string, more: Partial<TestHook> = {}): TestHook {
  return { path: '/bin/busybox', args: ['busybox', 'sh', '-c', script], env: ['PATH=/bin:/usr/bin'], ...more };
}

/** The text that a hook wrote, or an empty one. */
const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** Adds one hook of each kind that records its name: on the host, or for startContainer in the rootfs. */
function noteAll(rt: Sandbox, config: TestConfig): string {
  const log = join(rt.dir, 'log');
  config.hooks = {};
  for (const kind of KINDS) {
    const target = kind === 'startContainer' ? '/started' : log;
    config.hooks[kind] = [shell(`echo ${kind} >> ${target}`), shell(`echo ${kind}2 >> ${target}`)];
  }
  return log;
}

forEachRuntime(
  'hooks run in the order of the specification, and those of a kind in the order of the list',
  async (t, rt) => {
    let log = '';
    const bundle = rt.bundle((config) => {
      log = noteAll(rt, config);
      config.process.args = ['/bin/probe', 'wait'];
    });
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    const create = ['prestart', 'prestart2', 'createRuntime', 'createRuntime2', 'createContainer', 'createContainer2'];
    t.strictSame(textOf(log).trim().split('\n'), create);
    t.notOk(existsSync(join(bundle.rootfs, 'started')), 'startContainer waits for start');
    await container.start();
    await until('the program runs', () => container.stdout().includes('ready'));
    t.equal(textOf(join(bundle.rootfs, 'started')), 'startContainer\nstartContainer2\n');
    t.strictSame(textOf(log).trim().split('\n'), [...create, 'poststart', 'poststart2']);
    await container.remove('--force');
    t.strictSame(textOf(log).trim().split('\n'), [...create, 'poststart', 'poststart2', 'poststop', 'poststop2']);
  },
  { deviates: { runc: '1.1 runs poststart in create' } },
);

forEachRuntime(
  'hooks get the state on standard input',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.annotations = { 'org.example.key': 'value' };
      config.process.args = ['/bin/probe', 'wait'];
      config.hooks = {};
      for (const kind of KINDS) {
        config.hooks[kind] = [shell(`cat > ${kind === 'startContainer' ? '' : rt.dir}/${kind}.json`)];
      }
    });
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    await container.start();
    await until('the program runs', () => container.stdout().includes('ready'));
    const { pid } = await container.state();
    await container.remove('--force');
    const stateOf = (kind: Kind): Record<string, unknown> =>
      JSON.parse(textOf(join(kind === 'startContainer' ? bundle.rootfs : rt.dir, `${kind}.json`))) as Record<
        string,
        unknown
      >;
    for (const kind of KINDS) {
      t.match(
        stateOf(kind),
        { id: container.id, bundle: bundle.dir, annotations: { 'org.example.key': 'value' } },
        kind,
      );
      t.type(stateOf(kind)['ociVersion'], 'string');
    }
    for (const kind of ['prestart', 'createRuntime'] as const) t.match(stateOf(kind), { status: 'created', pid }, kind);
    t.match(stateOf('createContainer'), { status: 'created' });
    t.match(stateOf('startContainer'), { status: 'created', pid: 1 });
    t.match(stateOf('poststart'), { status: 'running', pid });
    t.match(stateOf('poststop'), { status: 'stopped' });
    t.notOk('pid' in stateOf('poststop'), 'a stopped container has no pid');
  },
  { deviates: { runc: 'says creating in prestart, created in poststart', crun: 'other states' } },
);

forEachRuntime(
  'hooks run in the namespaces and directory of their kind',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/probe', 'wait'];
      config.hooks = {};
      for (const kind of KINDS) {
        const file = kind === 'startContainer' ? `/${kind}` : `${rt.dir}/${kind}`;
        const proc = kind === 'createContainer' ? '/proc/thread-self' : '/proc/self';
        config.hooks[kind] = [
          shell(
            `busybox readlink ${proc}/ns/uts > ${file}; busybox readlink ${proc}/ns/mnt >> ${file}; pwd >> ${file}`,
          ),
        ];
      }
    });
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    await container.start();
    await until('the program runs', () => container.stdout().includes('ready'));
    const { pid } = await container.state();
    const uts = readlinkSync(`/proc/${pid}/ns/uts`);
    await container.remove('--force');
    const host = readlinkSync('/proc/self/ns/uts');
    const lines = (kind: Kind): string[] =>
      textOf(join(kind === 'startContainer' ? bundle.rootfs : rt.dir, kind))
        .trim()
        .split('\n');
    for (const kind of ['prestart', 'createRuntime', 'poststart', 'poststop'] as const)
      t.equal(lines(kind)[0], host, kind);
    for (const kind of ['prestart', 'createRuntime', 'poststart'] as const) t.equal(lines(kind)[2], bundle.dir, kind);
    t.equal(lines('startContainer')[0], uts);
  },
  { deviates: { crun: 'other directories' } },
);

/** Variables that busybox's shell sets itself, and those that tap adds to every process. */
const OF_OTHERS = /^(PATH|PWD|OLDPWD|SHLVL|_|NODE_OPTIONS|_TAPJS_PROCESSINFO_\w+)=/;

/** For each kind one hook for each suffix, which writes what a probe verb prints. */
async function environments(
  t: Test,
  rt: Sandbox,
  entries: Readonly<Record<string, { verb: string; env?: string[] }>>,
  change: (config: TestConfig) => void = () => undefined,
): Promise<(kind: Kind, suffix: string) => unknown> {
  const bundle = rt.bundle((config) => {
    config.process.env = ['PATH=/bin', 'LD_PRELOAD=./evil.so', 'FROM_IMAGE=1'];
    config.process.args = ['/bin/probe', 'wait'];
    config.hooks = {};
    for (const kind of KINDS) {
      const [file, probe] = kind === 'startContainer' ? [`/${kind}`, '/bin/probe'] : [`${rt.dir}/${kind}`, probePath()];
      config.hooks[kind] = Object.entries(entries).map(([suffix, { verb, env }]) => ({
        path: '/bin/busybox',
        args: ['busybox', 'sh', '-c', `${probe} ${verb} > ${file}.${suffix}`],
        ...(env === undefined ? {} : { env }),
      }));
    }
    change(config);
  });
  const container = await rt.create(bundle);
  t.equal(container.outcome.status, 0, container.outcome.stderr);
  await container.start();
  await until('the program runs', () => container.stdout().includes('ready'));
  await container.remove('--force');
  return (kind, suffix) => {
    const directory = kind === 'startContainer' ? bundle.rootfs : rt.dir;
    const value = JSON.parse(textOf(join(directory, `${kind}.${suffix}`))) as unknown;
    return suffix === 'fds' ? value : (value as string[]).filter((entry) => !OF_OTHERS.test(entry)).sort();
  };
}

forEachRuntime(
  'hooks have exactly the environment of their entry, and descriptors 0 to 2',
  async (t, rt) => {
    const seen = await environments(t, rt, {
      some: { verb: 'env', env: ['ONLY=this', 'A='] },
      none: { verb: 'env', env: [] },
      fds: { verb: 'fds' },
    });
    for (const kind of KINDS) {
      t.strictSame(seen(kind, 'some'), ['A=', 'ONLY=this'], kind);
      t.strictSame(seen(kind, 'none'), [], `${kind} with an empty env`);
      t.strictSame(
        (seen(kind, 'fds') as OpenFile[]).map(({ fd }) => fd),
        [0, 1, 2],
        `${kind} descriptors`,
      );
    }
  },
  { oursOnly: 'the peers treat an empty list as an absent one' },
);

forEachRuntime(
  'hooks without env: those of the host have the environment of the command, startContainer that of the process',
  async (t, rt) => {
    const seen = await environments(t, rt, { absent: { verb: 'env' } });
    for (const kind of ['prestart', 'createRuntime', 'poststart', 'poststop'] as const) {
      t.strictSame(seen(kind, 'absent'), [`RT_SANDBOX=${rt.dir}`], kind);
    }
    t.strictSame(seen('createContainer', 'absent'), [], 'neither that of the image nor that of the caller');
    t.strictSame(seen('startContainer', 'absent'), ['FROM_IMAGE=1', 'HOME=/', 'LD_PRELOAD=./evil.so']);
  },
  { deviates: { runc: '1.1 gives createContainer hooks the environment of the image', crun: 'that of the caller' } },
);

forEachRuntime('hooks without env: startContainer without process.env has HOME', async (t, rt) => {
  const entries = { absent: { verb: 'env' } };
  const seen = await environments(t, rt, entries, (config) => delete config.process.env);
  t.strictSame(seen('startContainer', 'absent'), ['HOME=/']);
});

forEachRuntime('hooks: args absent means the path is argv[0]', async (t, rt) => {
  const script = join(rt.dir, 'hook');
  writeFileSync(script, `#!/bin/sh\necho "$0 $#" > ${rt.dir}/seen\n`, { mode: 0o755 });
  const container = await rt.created((config) => (config.hooks = { createRuntime: [{ path: script }] }));
  t.equal(textOf(join(rt.dir, 'seen')), `${script} 0\n`);
  await container.remove('--force');
});

for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) {
  forEachRuntime(
    `hooks: a failing ${kind} fails create and leaves nothing`,
    async (t, rt) => {
      const container = await rt.create(
        rt.bundle((config) => {
          config.hooks = {
            [kind]: [shell('echo to-stdout; echo to-stderr >&2; exit 3'), shell(`touch ${rt.dir}/second`)],
          };
        }),
      );
      t.equal(container.outcome.status, 1);
      t.match(container.outcome.stderr, new RegExp(`error running ${kind} hook #0.*: exit status 3`));
      t.match(container.outcome.stderr, 'to-stdout');
      t.match(container.outcome.stderr, 'to-stderr');
      t.notOk(existsSync(join(rt.dir, 'second')), 'the rest of the list is skipped');
      t.not((await rt.command('state', container.id)).status, 0);
    },
    { deviates: { runc: '1.1: other messages', crun: 'other messages' } },
  );
}

forEachRuntime(
  'hooks: of much output the last 4 KiB are shown, in lines',
  async (t, rt) => {
    const much = 'i=0; while [ $i -lt 1000 ]; do i=$((i + 1)); echo "line $i"; done >&2; echo the cause >&2; exit 3';
    for (const kind of ['createRuntime', 'createContainer']) {
      const log = join(rt.dir, kind);
      const bundle = rt.bundle((config) => (config.hooks = { [kind]: [shell(much)] }));
      const globals = ['--log', log, '--log-format', 'json'];
      const { stderr } = await rt.command(...globals, 'create', '--bundle', bundle.dir, rt.nextId());
      t.match(
        stderr,
        /exit status 3, stdout: , stderr: \.\.\..*\n {4}line \d+\n[^]*\n {4}line 1000\n {4}the cause\n {2}config/,
      );
      t.notMatch(stderr, /line 1\n/, 'not the first');
      const { msg } = JSON.parse(textOf(log)) as { msg: string };
      t.match(msg, /\nline 999\nline 1000\nthe cause \(config\.json/);
      t.ok(msg.length > 4096 && msg.length < 4500, `${kind}: ${msg.length}`);
    }
  },
  { oursOnly: 'the form of the message' },
);

forEachRuntime(
  'hooks: a failing startContainer fails start with the cause',
  async (t, rt) => {
    const container = await rt.created((config) => {
      config.hooks = { startContainer: [shell(':'), shell('exit 3')] };
      config.process.args = ['/bin/probe', 'echo', 'ran'];
    });
    const outcome = await container.start();
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /startContainer hook #1 "\/bin\/busybox": exit status 3/);
    await until('init ended', async () => (await container.state()).status === 'stopped');
    t.equal(container.stdout(), '', 'the program did not run');
    t.equal((await container.remove()).status, 0);
  },
  { oursOnly: 'the peers report success and fail later' },
);

forEachRuntime(
  'hooks: a failing poststart fails start and kills the container',
  async (t, rt) => {
    const container = await rt.created((config) => {
      config.hooks = { poststart: [shell('exit 3')] };
      config.process.args = ['/bin/probe', 'wait'];
    });
    const outcome = await container.start();
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /poststart hook #0.*: exit status 3/);
    await container.remove('--force');
  },
  { deviates: { runc: '1.1 runs poststart in create', crun: 'ignores the failure' } },
);

forEachRuntime(
  'hooks: poststop runs after a create that failed in or after createContainer',
  async (t, rt) => {
    for (const [name, createContainer, program] of [
      ['failed', 'exit 3', '/bin/true'],
      ['later', ':', '/nonexistent'],
    ] as const) {
      const seen = join(rt.dir, name);
      const outcome = await rt.run((config) => {
        config.hooks = { createContainer: [shell(createContainer)], poststop: [shell(`cat >>${seen}`)] };
        config.process.args = [program];
      });
      t.equal(outcome.status, 1, name);
      t.match(JSON.parse(textOf(seen)), { status: 'stopped' }, name);
    }
  },
  { deviates: { crun: '1.8 runs no poststop hooks then' } },
);

forEachRuntime('hooks: a failing poststop leaves the container deleted', async (t, rt) => {
  const container = await rt.created(
    (config) => (config.hooks = { poststop: [shell('exit 3'), shell(`touch ${rt.dir}/second`)] }),
  );
  await container.remove('--force');
  t.not((await rt.command('state', container.id)).status, 0);
  if (rt.runtime.ours) t.ok(existsSync(join(rt.dir, 'second')), 'the other hooks run, as the specification has it');
});

forEachRuntime(
  'hooks: timeout kills the hook and its children',
  async (t, rt) => {
    const container = await rt.create(
      rt.bundle((config) => {
        config.hooks = {
          createRuntime: [shell(`busybox sleep 5000 & echo $! > ${rt.dir}/child; busybox sleep 5000`, { timeout: 1 })],
        };
      }),
    );
    t.equal(container.outcome.status, 1);
    t.match(container.outcome.stderr, /hook ran past specified timeout of 1/);
    const child = textOf(join(rt.dir, 'child')).trim();
    await until('the child of the hook ended', () => {
      const stat = textOf(`/proc/${child}/stat`);
      return stat === '' || stat.includes(') Z ');
    });
  },
  { oursOnly: 'the peers kill only the hook itself' },
);

/** The command during which hooks of a kind run. */
const COMMANDS: Readonly<Record<Kind, 'create' | 'start' | 'delete'>> = {
  prestart: 'create',
  createRuntime: 'create',
  createContainer: 'create',
  startContainer: 'start',
  poststart: 'start',
  poststop: 'delete',
};

for (const kind of KINDS) {
  forEachRuntime(
    `hooks: timeout of ${kind} ends the hook, and the command reports it`,
    async (t, rt) => {
      const container = await rt.create(
        rt.bundle((config) => {
          config.process.args = ['/bin/probe', 'wait'];
          config.hooks = { [kind]: [shell(':'), shell('exec busybox sleep 5000', { timeout: 1 })] };
        }),
      );
      const outcomes = {
        create: container.outcome,
        start: await container.start(),
        delete: await container.remove('--force'),
      };
      const { status, stderr } = outcomes[COMMANDS[kind]];
      // For poststop hooks the specification requires a warning.
      t.equal(status, kind === 'poststop' ? 0 : 1, stderr);
      t.match(stderr, new RegExp(`${kind} hook #1 "/bin/busybox": hook ran past specified timeout of 1\\.0s`));
      t.match(stderr, new RegExp(`/hooks/${kind}/1`));
    },
    { oursOnly: 'other messages' },
  );
}

/** The size of configs of Kubernetes and device plugins: only execve(2) limits it. */
const ENTRIES = 3000;
const list = (text: string): string[] => Array.from({ length: ENTRIES }, (_, index) => `${text}${index}`);

for (const kind of KINDS) {
  forEachRuntime(
    `hooks: ${kind} with ${ENTRIES} arguments, as many variables and a large state`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        const script = `test $# = ${ENTRIES} && test "$V${ENTRIES - 1}" = v && test $(/bin/busybox wc -c) -gt 300000`;
        const args = ['busybox', 'sh', '-c', script, 'hook', ...list('argument')];
        const env = list('V').map((name) => `${name}=v`);
        config.hooks = { [kind]: [shell('exit 0'), shell('', { args, env }), shell('exit 0')] };
        config.annotations = Object.fromEntries(list('org.example.').map((key) => [key, 'v'.repeat(100)]));
      });
      t.equal(outcome.status, 0);
      t.equal(outcome.stderr, '');
    },
    { deviates: { crun: 'fails when a hook ends before it has read the state' } },
  );
}

for (const kind of ['createRuntime', 'createContainer'] as const) {
  forEachRuntime(
    `hooks: ${kind} with an argument that execve does not accept is an error that names it`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.hooks = { [kind]: [shell('exit 0', { args: ['busybox', 'x'.repeat(200_000)] })] };
      });
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, `error running ${kind} hook #0 "/bin/busybox": argument list too long`);
    },
    { oursOnly: 'other messages' },
  );
}

forEachRuntime('hooks: a path that does not exist fails create with its name', async (t, rt) => {
  const container = await rt.create(
    rt.bundle((config) => (config.hooks = { createRuntime: [{ path: '/nonexistent/hook' }] })),
  );
  t.equal(container.outcome.status, 1);
  t.match(container.outcome.stderr, '/nonexistent/hook');
});

forEachRuntime('hooks: a relative path is refused', async (t, rt) => {
  const container = await rt.create(rt.bundle((config) => (config.hooks = { createRuntime: [{ path: 'bin/true' }] })));
  t.equal(container.outcome.status, 1);
  t.match(container.outcome.stderr, 'bin/true');
});

forEachRuntime('hooks: startContainer is looked up in the container, the others on the host', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.hooks = {
      createRuntime: [{ path: join(rt.dir, 'host-only') }],
      startContainer: [{ path: '/guest-only' }],
    };
  });
  writeFileSync(join(rt.dir, 'host-only'), `#!/bin/sh\n:> ${rt.dir}/host-ran\n`, { mode: 0o755 });
  writeFileSync(join(bundle.rootfs, 'guest-only'), '#!/bin/sh\n:> /guest-ran\n', { mode: 0o755 });
  symlinkSync('/nonexistent', join(bundle.rootfs, 'unrelated'));
  const outcome = await rt.runBundle(bundle);
  t.equal(outcome.status, 0, outcome.stderr);
  t.ok(existsSync(join(rt.dir, 'host-ran')));
  t.ok(existsSync(join(bundle.rootfs, 'guest-ran')));
});

forEachRuntime(
  'hooks of a created container that is never started: poststop runs, poststart does not',
  async (t, rt) => {
    let log = '';
    const container = await rt.created((config) => (log = noteAll(rt, config)));
    await container.remove('--force');
    t.notOk(textOf(log).includes('poststart'));
    t.match(textOf(log), 'poststop');
  },
  { deviates: { runc: '1.1 runs poststart in create' } },
);
