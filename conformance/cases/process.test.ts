import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { execFile, withContainer } from '../harness/exec.ts';
import { answers, probePath } from '../harness/guest.ts';
import type { Ids, OpenFile } from '../harness/guest.ts';
import { addUserNamespace, grantCapabilities } from '../harness/config.ts';
import { start } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const NO_CAPABILITIES = '0000000000000000';
/** CAP_KILL 5, CAP_NET_BIND_SERVICE 10, CAP_AUDIT_WRITE 29. */
const MINIMAL_CAPABILITIES = '0000000020000420';

forEachRuntime('process.user sets real, effective and saved ids', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
    config.process.user = { uid: 1234, gid: 4321 };
  });
  t.strictSame(ids.uid, [1234, 1234, 1234]);
  t.strictSame(ids.gid, [4321, 4321, 4321]);
});

forEachRuntime('process.user.username is for Windows: uid and gid determine the user', async (t, rt) => {
  const bundle = rt.bundle((config) => Object.assign(config.process.user, { username: 'user' }));
  writeFileSync(join(bundle.rootfs, 'etc/passwd'), 'user:x:1000:1000::/home/user:/bin/sh\n');
  const [ids] = await rt.observeBundle<[Ids]>(bundle, [['ids']]);
  t.strictSame(
    [ids.uid, ids.gid],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  );
});

forEachRuntime('process.user without additionalGids clears the groups of the caller', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  t.strictSame(ids.groups, []);
});

forEachRuntime('process.user.additionalGids is exactly the list of groups', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [5, 5, 2_000_000_000] };
  });
  t.strictSame([...new Set(ids.groups)], [5, 2_000_000_000]);
});

/** `count` groups, and those in /proc/self/status. */
const manyGroups = (count: number): number[] => Array.from({ length: count }, (_, index) => 10 + index);
const groupsOf = (status: string): number[] => (/^Groups:\t(.*?) *$/m.exec(status)?.[1] ?? '').split(' ').map(Number);

for (const count of [1025, 65_536]) {
  forEachRuntime(`process.user.additionalGids: ${count} groups, for run and exec`, async (t, rt) => {
    const user = { uid: 1000, gid: 1000, additionalGids: manyGroups(count) };
    const [status] = await rt.observe<[{ text: string }]>([['read', '/proc/self/status']], (config) => {
      config.process.user = user;
    });
    t.strictSame(groupsOf(status.text), user.additionalGids);
    await withContainer(rt, async (container) => {
      const outcome = await execFile(rt, container, { args: ['/bin/probe', 'read', '/proc/self/status'], user });
      const [status] = answers(outcome.stdout) as [{ text: string }];
      t.strictSame(groupsOf(status.text), user.additionalGids);
    });
  });
}

forEachRuntime(
  'process.user.additionalGids: more groups than the kernel allows are an error that names the limit',
  async (t, rt) => {
    const outcome = await rt.run((config) => (config.process.user.additionalGids = manyGroups(65_537)));
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'process.user.additionalGids has 65537 groups: Linux allows at most 65536');
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime(
  'process.user accepts ids up to 2^32 - 2 and never looks them up as names',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.user = { uid: 4_294_967_294, gid: 4_294_967_294 };
    });
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), '4294967294:x:0:0::/root:/bin/sh\n');
    const [ids] = await rt.observeBundle<[Ids]>(bundle, [['ids']]);
    t.equal(ids.uid[0], 4_294_967_294);
    t.equal(ids.gid[0], 4_294_967_294);
  },
  { deviates: { runc: 'limits ids to 2^31 - 1' } },
);

forEachRuntime('process.user.umask is applied and defaults to 0022', async (t, rt) => {
  const [defaults] = await rt.observe<[Ids]>([['ids']]);
  t.equal(defaults.umask, 0o022);
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
    config.process.user.umask = 0o077;
  });
  t.equal(ids.umask, 0o077);
});

forEachRuntime('process.args reaches the program unchanged', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.process.args = [
      '/bin/sh',
      '-c',
      'for word; do echo "[$word]"; done',
      'sh',
      '',
      'a b',
      '$HOME',
      'ü\t"',
      '-x',
    ];
  });
  t.equal(outcome.stdout, '[]\n[a b]\n[$HOME]\n[ü\t"]\n[-x]\n');
});

forEachRuntime('process.args[0] without a slash is searched in PATH of process.env', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.process.env = ['PATH=/nonexistent:/etc:/bin'];
    config.process.args = ['probe', 'echo', 'found'];
  });
  t.equal(outcome.stdout, 'found');
});

forEachRuntime('process.args[0] with a slash is relative to process.cwd', async (t, rt) => {
  const outcome = await rt.run((config) => {
    config.process.cwd = '/bin';
    config.process.args = ['./probe', 'echo', 'found'];
  });
  t.equal(outcome.stdout, 'found');
});

forEachRuntime(
  'process.env is passed unchanged, with HOME from /etc/passwd last',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.env = ['PATH=/bin', 'A=1', 'B=a=b', 'EMPTY='];
      config.process.user = { uid: 1000, gid: 1000 };
    });
    writeFileSync(
      join(bundle.rootfs, 'etc/passwd'),
      'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n',
    );
    const [env] = await rt.observeBundle<[string[]]>(bundle, [['env']]);
    t.strictSame(env, ['PATH=/bin', 'A=1', 'B=a=b', 'EMPTY=', 'HOME=/home/user']);
  },
  { deviates: { crun: 'other order' } },
);

forEachRuntime('process.env HOME is / if the user is not in /etc/passwd', async (t, rt) => {
  const [env] = await rt.observe<[string[]]>([['env']], (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  t.strictSame(env, ['PATH=/bin', 'HOME=/']);
});

forEachRuntime(
  'process.env keeps a given HOME and drops an empty one',
  async (t, rt) => {
    const [given] = await rt.observe<[string[]]>(
      [['env']],
      (config) => (config.process.env = ['HOME=/x', 'PATH=/bin']),
    );
    t.strictSame(given, ['HOME=/x', 'PATH=/bin']);
    const [empty] = await rt.observe<[string[]]>([['env']], (config) => (config.process.env = ['HOME=', 'PATH=/bin']));
    t.strictSame(empty, ['PATH=/bin', 'HOME=/']);
  },
  { deviates: { runc: '1.1 keeps an empty HOME', crun: 'keeps an empty HOME' } },
);

forEachRuntime(
  'process.env with a duplicate name keeps the last value at its position',
  async (t, rt) => {
    const [env] = await rt.observe<[string[]]>([['env']], (config) => {
      config.process.env = ['A=1', 'PATH=/bin', 'A=2', 'HOME=/'];
    });
    t.strictSame(env, ['PATH=/bin', 'A=2', 'HOME=/']);
  },
  { deviates: { runc: '1.1 keeps the place of the first', crun: 'keeps both' } },
);

forEachRuntime(
  'process.env absent: HOME is the only variable, for run, exec and exec --process',
  async (t, rt) => {
    const home = ['HOME=/home/user'];
    const bundle = rt.bundle((config) => {
      delete config.process.env;
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.args = ['/bin/probe', 'env', '--', 'wait'];
    });
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), 'user:x:1000:1000::/home/user:/bin/sh\n');
    const container = await rt.runDetached(bundle);
    await until('the program runs', () => container.stdout().includes('ready'));
    t.strictSame(answers(container.stdout())[0], home);
    const args = ['/bin/probe', 'env'];
    t.strictSame(answers((await rt.command('exec', container.id, ...args)).stdout), [home]);
    const user = { uid: 1000, gid: 1000 };
    t.strictSame(answers((await execFile(rt, container, { args, user })).stdout), [home]);
    await container.remove('--force');
  },
  { deviates: { crun: '1.8 has none for exec --process' } },
);

forEachRuntime('process.env never shows the environment of the runtime', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'env']));
  const outcome = await rt.commandWith(
    { env: { ...rt.env, LD_PRELOAD: '', SECRET: 'x' } },
    'run',
    '--bundle',
    bundle.dir,
    rt.nextId(),
  );
  t.strictSame(JSON.parse(outcome.stdout), ['PATH=/bin', 'HOME=/']);
});

forEachRuntime('process.cwd is the working directory and is made if missing', async (t, rt) => {
  const [there] = await rt.observe<[string]>([['cwd']], (config) => (config.process.cwd = '/tmp'));
  t.equal(there, '/tmp');
  const [made] = await rt.observe<[string]>([['cwd']], (config) => (config.process.cwd = '/new/dir'));
  t.equal(made, '/new/dir');
});

forEachRuntime('process.cwd reached through a link stays in the root', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.cwd = '/link'));
  mkdirSync(join(bundle.rootfs, 'srv/real'), { recursive: true });
  const { symlinkSync } = await import('node:fs');
  symlinkSync('../../../../srv/real', join(bundle.rootfs, 'link'));
  const [cwd] = await rt.observeBundle<[string]>(bundle, [['cwd']]);
  t.equal(cwd, '/srv/real');
});

forEachRuntime('process.cwd through a descriptor of the runtime never leads to the host', async (t, rt) => {
  for (let fd = 3; fd < 12; fd++) {
    const bundle = rt.bundle((config) => {
      config.process.cwd = `/proc/self/fd/${fd}`;
      config.process.args = ['/bin/probe', 'cwd'];
    });
    const outcome = await rt.runBundle(bundle);
    t.ok(outcome.status !== 0 || /^"\//.test(outcome.stdout), `descriptor ${fd}: ${outcome.stdout}`);
  }
});

/** The sets of a container with these capabilities, and the warnings, for run, exec and exec --process. */
async function granted(
  rt: Sandbox,
  capabilities: Record<string, string[]>,
): Promise<readonly (readonly [command: string, Ids, warnings: string])[]> {
  const args = ['/bin/probe', 'ids'];
  const ids = ({ stdout, stderr }: Outcome): Ids => {
    if (stdout === '') throw new Error(stderr);
    return answers(stdout)[0] as Ids;
  };
  const ran = await rt.run((config) => Object.assign(config.process, { args, capabilities }));
  const container = await rt.started(['wait'], (config) => (config.process.capabilities = capabilities));
  const executed = await rt.command('exec', container.id, ...args);
  const given = await execFile(rt, container, { args, capabilities });
  await container.remove('--force');
  return [
    ['run', ids(ran), ran.stderr],
    ['exec', ids(executed), executed.stderr],
    ['exec --process', ids(given), given.stderr],
  ];
}

const KILL = ['CAP_KILL'];
const ONLY_KILL = '0000000000000020';

/** Capabilities that cannot be granted beside CAP_KILL: the sets, and the words of the warning. */
const ungrantable: readonly (readonly [what: string, sets: Record<string, string[]>, words: RegExp, hint: string])[] = [
  [
    'unknown',
    { bounding: ['CAP_NOSUCH', ...KILL], effective: ['CAP_NOSUCH', ...KILL] },
    /unknown capability "CAP_NOSUCH" in process\.capabilities\.bounding\[0\] is not granted\n/,
    '/process/capabilities/bounding/0',
  ],
  [
    'misspelt',
    { bounding: ['CAP_CHOWM', ...KILL] },
    /unknown capability "CAP_CHOWM" .*\n.*did you mean CAP_CHOWN\?\n/s,
    '/process/capabilities/bounding/0',
  ],
  [
    'effective but not permitted',
    { effective: [...KILL, 'CAP_CHOWN'] },
    /effective: CAP_CHOWN cannot be granted without permitted/,
    '/process/capabilities/effective/1',
  ],
  [
    'inheritable but not in the bounding set',
    { inheritable: [...KILL, 'CAP_CHOWN'] },
    /inheritable: CAP_CHOWN cannot be granted without bounding/,
    '/process/capabilities/inheritable/1',
  ],
  [
    'ambient but not inheritable',
    { inheritable: KILL, ambient: [...KILL, 'CAP_CHOWN'] },
    /ambient: CAP_CHOWN cannot be granted without permitted and inheritable/,
    '/process/capabilities/ambient/1',
  ],
];

for (const [what, sets, words, pointer] of ungrantable) {
  forEachRuntime(
    `process.capabilities: one that is ${what} is a warning, and the others are granted`,
    async (t, rt) => {
      const all = { bounding: KILL, permitted: KILL, effective: KILL, ...sets };
      for (const [command, ids, warnings] of await granted(rt, all)) {
        t.strictSame([ids.bounding, ids.permitted, ids.effective], [ONLY_KILL, ONLY_KILL, ONLY_KILL], command);
        const more = sets['inheritable'] === undefined ? NO_CAPABILITIES : ONLY_KILL;
        t.equal(ids.inheritable, more, command);
        t.equal(ids.ambient, sets['ambient'] === undefined ? NO_CAPABILITIES : ONLY_KILL, command);
        t.match(warnings, words, command);
        if (command === 'run') t.match(warnings, new RegExp(`config\\.json:\\d+:\\d+ {2}${pointer}\\n`));
        t.equal(warnings.split('rt: warning:').length, 2, 'only one');
      }
      const bundle = rt.bundle((config) => (config.process.capabilities = all));
      const validated = await rt.command('validate', '--bundle', bundle.dir);
      t.equal(validated.status, 0);
      t.match(validated.stdout, new RegExp(`${pointer}: warning: `));
    },
    { oursOnly: 'the peers warn only of some' },
  );
}

forEachRuntime(
  'process.capabilities: those that the runtime itself lacks are a warning, and the others are granted',
  async (t, rt) => {
    const without = ['setpriv', '--bounding-set=-chown,-fowner', '--inh-caps=-chown,-fowner'];
    const names = ['CAP_KILL', 'CAP_CHOWN', 'CAP_FOWNER'];
    const sets = { bounding: names, permitted: names, effective: names, inheritable: names, ambient: names };
    const expected = /CAP_CHOWN, CAP_FOWNER cannot be granted: rt itself does not have them\n/;
    for (const early of [false, true]) {
      const bundle = rt.bundle((config) => {
        Object.assign(config.process, { args: ['/bin/probe', 'ids'], capabilities: sets, noNewPrivileges: !early });
        config.linux.seccomp = {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['capget'], action: 'SCMP_ACT_KILL_PROCESS' }],
        };
      });
      const ran = await rt.commandThrough(without, 'run', '--bundle', bundle.dir, rt.nextId());
      t.equal(ran.status, 0, ran.stderr);
      t.match(ran.stderr, expected);
      t.match(ran.stderr, '/process/capabilities/bounding/1\n');
      t.match(answers(ran.stdout), [Object.fromEntries(Object.keys(sets).map((set) => [set, ONLY_KILL]))]);
    }
    const container = await rt.started(['wait']);
    const words = ['exec', '--cap', 'CAP_CHOWN', '--cap', 'CAP_FOWNER', container.id, '/bin/probe', 'ids'];
    const executed = await rt.commandThrough(without, ...words);
    t.match(executed.stderr, expected);
    t.match(answers(executed.stdout), [{ bounding: MINIMAL_CAPABILITIES, effective: MINIMAL_CAPABILITIES }]);
    // In a user namespace of its own the container has every capability.
    const own = rt.bundle((config) => {
      addUserNamespace(config);
      Object.assign(config.process, { args: ['/bin/probe', 'ids'], capabilities: { ...sets, ambient: [] } });
    });
    const inside = await rt.command('run', '--bundle', own.dir, rt.nextId());
    t.equal(inside.stderr, '');
    await container.remove('--force');
  },
  { oursOnly: 'the peers fail' },
);

forEachRuntime(
  'process.capabilities: one that only the bounding set lists and the runtime lacks is a warning',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/probe', 'ids'];
      config.process.capabilities = { bounding: ['CAP_CHOWN', 'CAP_KILL'] };
    });
    const without = ['setpriv', '--bounding-set=-chown'];
    const outcome = await rt.commandThrough(without, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(outcome.stderr, /CAP_CHOWN cannot be granted: rt itself does not have it\n/);
    t.match(answers(outcome.stdout), [{ bounding: ONLY_KILL }]);
  },
  { oursOnly: 'the peers say nothing' },
);

forEachRuntime('process.capabilities of root: three sets as given, the other two empty', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']]);
  t.equal(ids.bounding, MINIMAL_CAPABILITIES);
  t.equal(ids.permitted, MINIMAL_CAPABILITIES);
  t.equal(ids.effective, MINIMAL_CAPABILITIES);
  t.equal(ids.inheritable, NO_CAPABILITIES);
  t.equal(ids.ambient, NO_CAPABILITIES);
});

forEachRuntime('process.capabilities of a user: nothing without ambient', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => (config.process.user = { uid: 1000, gid: 1000 }));
  t.equal(ids.bounding, MINIMAL_CAPABILITIES);
  for (const set of ['permitted', 'effective', 'inheritable', 'ambient'] as const)
    t.equal(ids[set], NO_CAPABILITIES, set);
});

forEachRuntime('process.capabilities.ambient gives a user the capability', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    const caps = ['CAP_KILL'];
    config.process.capabilities = {
      bounding: caps,
      effective: caps,
      permitted: caps,
      inheritable: caps,
      ambient: caps,
    };
  });
  for (const set of ['permitted', 'effective', 'inheritable', 'ambient', 'bounding'] as const) {
    t.equal(ids[set], '0000000000000020', set);
  }
});

forEachRuntime(
  'process.capabilities.ambient without inheritable starts, and gives nothing',
  async (t, rt) => {
    const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      const caps = ['CAP_KILL'];
      config.process.capabilities = { bounding: caps, effective: caps, permitted: caps, ambient: caps };
    });
    t.equal(ids.ambient, NO_CAPABILITIES);
    t.equal(ids.effective, NO_CAPABILITIES);
  },
  { deviates: { crun: 'not under test' } },
);

forEachRuntime('process.capabilities: the five sets may differ', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => {
    // Without this, execve may not raise capabilities that were not permitted.
    config.process.noNewPrivileges = false;
    config.process.capabilities = {
      bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_FOWNER'],
      permitted: ['CAP_KILL', 'CAP_CHOWN'],
      effective: ['CAP_KILL'],
      inheritable: ['CAP_CHOWN'],
    };
  });
  t.equal(ids.bounding, '0000000000000029');
  t.equal(ids.inheritable, '0000000000000001');
  // At execve root regains the inheritable and bounding capabilities, capabilities(7).
  t.equal(ids.permitted, '0000000000000029');
});

forEachRuntime('process.capabilities: execve starts from each of the five sets', async (t, rt) => {
  const container = await rt.created((config) => {
    config.process.capabilities = {
      bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_FOWNER', 'CAP_SETUID'],
      permitted: ['CAP_KILL', 'CAP_CHOWN', 'CAP_FOWNER'],
      effective: ['CAP_KILL'],
      inheritable: ['CAP_CHOWN', 'CAP_FOWNER'],
      ambient: ['CAP_CHOWN'],
    };
  });
  // execve of the program combines them, so they are read from the process that waits for start.
  const status = readFileSync(`/proc/${(await container.state()).pid}/status`, 'utf8');
  const sets = [...status.matchAll(/^Cap(\w+):\s0*(\w+)$/gm)].map(([, name, mask]) => [name, mask]);
  t.strictSame(Object.fromEntries(sets), { Inh: '9', Prm: '29', Eff: '20', Bnd: 'a9', Amb: '1' });
  await container.remove('--force');
});

forEachRuntime('process.capabilities with empty lists leaves none', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']], (config) => (config.process.capabilities = {}));
  for (const set of ['permitted', 'effective', 'inheritable', 'ambient', 'bounding'] as const) {
    t.equal(ids[set], NO_CAPABILITIES, set);
  }
});

forEachRuntime('process.rlimits sets soft and hard limits', async (t, rt) => {
  const [limits] = await rt.observe<[Record<string, string[]>]>([['rlimits']], (config) => {
    config.process.rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_STACK', soft: 1_048_576, hard: 2_097_152 },
      { type: 'RLIMIT_NPROC', soft: 77, hard: 77 },
    ];
  });
  t.strictSame(limits['RLIMIT_NOFILE'], ['100', '200']);
  t.strictSame(limits['RLIMIT_CORE'], ['0', '0']);
  t.strictSame(limits['RLIMIT_STACK'], ['1048576', '2097152']);
  t.strictSame(limits['RLIMIT_NPROC'], ['77', '77']);
});

/** Soft and hard limit of each type, below those of any caller but sufficient. */
const LIMITS: Readonly<Record<string, readonly [soft: number, hard: number]>> = {
  RLIMIT_AS: [2 ** 32, 2 ** 33],
  RLIMIT_CORE: [1, 2],
  RLIMIT_CPU: [100, 200],
  RLIMIT_DATA: [2 ** 31, 2 ** 32],
  RLIMIT_FSIZE: [2 ** 30, 2 ** 31],
  RLIMIT_LOCKS: [11, 12],
  RLIMIT_MEMLOCK: [4096, 8192],
  RLIMIT_MSGQUEUE: [1000, 2000],
  RLIMIT_NOFILE: [30, 40],
  RLIMIT_NPROC: [70, 80],
  RLIMIT_RSS: [2 ** 30, 2 ** 31],
  RLIMIT_RTTIME: [1_000_000, 2_000_000],
  RLIMIT_SIGPENDING: [50, 60],
  RLIMIT_STACK: [2 ** 20, 2 ** 21],
};

forEachRuntime('process.rlimits knows every type', async (t, rt) => {
  const [limits] = await rt.observe<[Record<string, string[]>]>([['rlimits']], (config) => {
    config.process.rlimits = Object.entries(LIMITS).map(([type, [soft, hard]]) => ({ type, soft, hard }));
  });
  for (const [type, [soft, hard]] of Object.entries(LIMITS)) {
    t.strictSame(limits[type], [String(soft), String(hard)], type);
  }
});

forEachRuntime('process.rlimits keeps 64-bit values exactly', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/probe', 'rlimits'];
    config.process.rlimits = [{ type: 'RLIMIT_FSIZE', soft: 111, hard: 222 }];
  });
  bundle.saveText(
    JSON.stringify(bundle.config).replace('111', '9007199254740993').replace('222', '18446744073709551615'),
  );
  const outcome = await rt.runBundle(bundle);
  t.equal(outcome.status, 0, outcome.stderr);
  const limits = JSON.parse(outcome.stdout) as Record<string, string[]>;
  t.strictSame(limits['RLIMIT_FSIZE'], ['9007199254740993', '18446744073709551615']);
});

forEachRuntime(
  'process.rlimits absent leaves the limits of the caller',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'rlimits']));
    const { run } = await import('../harness/process.ts');
    const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
    const outcome = await run(['sh', '-c', 'ulimit -S -n 321; exec "$@"', 'sh', ...words], { env: rt.env });
    const limits = JSON.parse(outcome.stdout) as Record<string, string[]>;
    t.equal(limits['RLIMIT_NOFILE']?.[0], '321');
  },
  { deviates: { runc: '1.1 leaks the raised limit of Go', node: 'Node raises its own limit before any program runs' } },
);

forEachRuntime('process.noNewPrivileges is set and not set', async (t, rt) => {
  const [set] = await rt.observe<[Ids]>([['ids']], (config) => (config.process.noNewPrivileges = true));
  t.equal(set.noNewPrivs, 1);
  const [unset] = await rt.observe<[Ids]>([['ids']], (config) => (config.process.noNewPrivileges = false));
  t.equal(unset.noNewPrivs, 0);
});

forEachRuntime('process.oomScoreAdj is applied', async (t, rt) => {
  const [score] = await rt.observe<[{ text: string }]>([['read', '/proc/self/oom_score_adj']], (config) => {
    config.process.oomScoreAdj = 345;
  });
  t.equal(score.text, '345\n');
});

forEachRuntime('process starts with an empty signal mask, default actions and a new session', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']]);
  t.equal(ids.sigBlocked, NO_CAPABILITIES);
  t.equal(ids.sigIgnored, NO_CAPABILITIES);
  t.equal(ids.pid, 1);
  t.equal(ids.sid, 1);
});

forEachRuntime('process has only descriptors 0, 1 and 2, even if the runtime was given more', async (t, rt) => {
  const { openSync, closeSync } = await import('node:fs');
  const host = openSync('/', 'r');
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'fds']));
  const outcome = await rt.commandWith({ descriptors: [host, host, host] }, 'run', '--bundle', bundle.dir, rt.nextId());
  closeSync(host);
  t.strictSame(
    (JSON.parse(outcome.stdout) as OpenFile[]).map(({ fd }) => fd),
    [0, 1, 2],
  );
});

forEachRuntime('process.user owns its standard output and the host keeps its /dev/null', async (t, rt) => {
  const [files] = await rt.observe<[OpenFile[]]>([['fds']], (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  t.equal(files[1]?.uid, 1000, 'so that /proc/self/fd/1 can be opened again');
});

forEachRuntime('file capabilities give a user nothing under noNewPrivileges', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.noNewPrivileges = true;
  });
  chmodSync(join(bundle.rootfs, 'bin/probe'), 0o4755);
  const [ids] = await rt.observeBundle<[Ids]>(bundle, [['ids']]);
  t.strictSame(ids.uid, [1000, 1000, 1000]);
});

forEachRuntime('the program is not the runtime: /proc/1/exe cannot be opened for writing', async (t, rt) => {
  const [exe, link] = await rt.observe<[{ errno: string }, { link: string }]>(
    [
      ['open', '/proc/self/exe', 'w'],
      ['stat', '/proc/1/exe'],
    ],
    (config) => grantCapabilities(config, 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE'),
  );
  t.equal(exe.errno, 'ETXTBSY');
  t.equal(link.link, '/bin/probe');
});

forEachRuntime(
  'a session keyring beyond the quota of its user is an error with a hint',
  async (t, rt) => {
    const bundle = rt.bundle();
    const refuse = [probePath(), 'refuse', 'keyctl', '1', 'EDQUOT'];
    const outcome = await rt.commandThrough(refuse, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot make the session keyring "_ses\.[^"]+": disk quota exceeded \(keyctl\)/);
    t.match(outcome.stderr, /hint: .*\/proc\/sys\/kernel\/keys.* or use --no-new-keyring/);
    const without = await rt.commandThrough(refuse, 'run', '--no-new-keyring', '--bundle', bundle.dir, rt.nextId());
    t.equal(without.status, 0, without.stderr);
  },
  { oursOnly: 'the messages are specific to rt' },
);

/** The serial numbers of the session keyrings in /proc/keys with this name, or with this prefix. */
function keyrings(text: string, name: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.includes(` ${name}`))
    .map((line) => line.split(' ')[0] ?? '');
}

for (const owner of [0, 1000]) {
  forEachRuntime(
    `a session keyring that uid ${owner} has made with the name of the container is not used by the container`,
    async (t, rt) => {
      chmodSync(rt.dir, 0o755);
      const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
      const id = rt.nextId();
      const name = `_ses.${id}`;
      const squatter = start(
        [join(bundle.rootfs, 'bin/probe'), 'keyring', name, 'sh', '-c', 'cat /proc/keys; exec cat'],
        {
          user: { uid: owner, gid: owner },
          interactive: true,
        },
      );
      try {
        const [theirs = ''] = await until('it has one', () => {
          const found = keyrings(squatter.output(), name);
          return found.length > 0 && found;
        });
        const container = await rt.create(bundle, id);
        t.equal(container.outcome.status, 0, container.outcome.stderr);
        t.equal((await container.start()).status, 0);
        const inside = async (): Promise<string[]> =>
          keyrings((await rt.command('exec', id, '/bin/cat', '/proc/keys')).stdout, name);
        const seen = (await inside()).filter((serial) => serial !== theirs);
        t.equal(seen.length, 1, 'it has one of its own');
        t.strictSame(
          (await inside()).filter((serial) => serial !== theirs),
          seen,
          'the same for each exec',
        );
        await container.remove('--force');
      } finally {
        squatter.child.kill('SIGKILL');
        await squatter.ended;
      }
    },
    { oursOnly: 'peers join whatever has the name' },
  );
}

/** Hostile replacements of /etc/passwd in an image. */
/** Files of the image: how each is made, and why it cannot be searched, if a warning says so. */
const passwdFiles: Record<string, readonly [make: (path: string) => void, reason?: string]> = {
  'a fifo': [(path) => execFileSync('mkfifo', [path]), 'it is not a regular file'],
  'a device': [(path) => execFileSync('mknod', [path, 'c', '1', '5']), 'it is not a regular file'],
  'a directory': [(path) => mkdirSync(path), 'it is a directory'],
  'a link to an endless device': [(path) => symlinkSync('/dev/zero', path), 'it is not a regular file'],
  'a link to the log of the kernel': [(path) => symlinkSync('/proc/kmsg', path), 'operation not permitted'],
  'a link to a file of the kernel': [(path) => symlinkSync('/proc/self/maps', path)],
  'a link to itself': [(path) => symlinkSync('passwd', path), 'too many levels of symbolic links'],
  'a link to nothing': [(path) => symlinkSync('/none', path)],
  'a link out of the root': [
    (path) => symlinkSync('../../../../../../etc/passwd', path),
    'too many levels of symbolic links',
  ],
  'a sparse file of 8 GiB': [
    (path) => (writeFileSync(path, ''), truncateSync(path, 8 * 2 ** 30)),
    'it is larger than 1 MiB',
  ],
  'a line of 100 MB': [
    (path) => writeFileSync(path, `root:x:0:0::/${'x'.repeat(100_000_000)}`),
    'it is larger than 1 MiB',
  ],
  'a line of 3 MB before the one of the user': [
    (path) => writeFileSync(path, `${'x'.repeat(3_000_000)}\nroot:x:0:0::/root:/bin/sh\n`),
    'it is larger than 1 MiB',
  ],
  'a line without a home directory': [(path) => writeFileSync(path, 'root:x:0\n'), 'it has a malformed line'],
  'a line without a uid': [(path) => writeFileSync(path, 'root:x::0::/root:/bin/sh'), 'it has a malformed line'],
  'a uid that is none': [(path) => writeFileSync(path, 'root:x:0x0:0::/root:/bin/sh\n'), 'it has a malformed line'],
  'a home directory that is too long': [
    (path) => writeFileSync(path, `root:x:0:0::/${'x'.repeat(5000)}:/bin/sh\n`),
    'it has a malformed line',
  ],
  'an empty file': [(path) => writeFileSync(path, '')],
  'lines of other users, of NIS, and comments': [
    (path) => writeFileSync(path, 'user:x:1:1::/home:/bin/sh\n\n+::::::\n-nobody\n# none\nother:x:2:2::/other:'),
  ],
};

forEachRuntime(
  'process.env HOME is / at once if /etc/passwd cannot be used, with a warning, for exec too',
  async (t, rt) => {
    for (const [name, [make, reason]] of Object.entries(passwdFiles)) {
      const warned = (stderr: string): void => {
        const line = `rt: warning: cannot look up HOME in /etc/passwd of the container, so it is "/": ${reason ?? ''}\n`;
        const expected = reason === undefined ? '' : `${line}  hint: set HOME in process.env\n`;
        t.equal(stderr, expected, name);
      };
      const bundle = rt.bundle((config) => {
        config.process.env = ['PATH=/bin'];
        config.process.args = ['/bin/sh', '-c', 'echo $HOME'];
      });
      const path = join(bundle.rootfs, 'etc/passwd');
      make(path);
      // The time allows for a busy machine: a fault takes forever, or all memory.
      const started = Date.now();
      const outcome = await rt.runBundle(bundle);
      t.match(outcome, { status: 0, stdout: '/\n' }, name);
      warned(outcome.stderr);
      t.ok(Date.now() - started < 20_000, name);
      bundle.config.process.args = ['/bin/probe', 'wait'];
      bundle.save();
      const container = await rt.create(bundle);
      warned(container.outcome.stderr);
      t.equal((await container.start()).status, 0);
      const executed = await rt.command('exec', container.id, '/bin/sh', '-c', 'echo $HOME');
      t.match(executed, { status: 0, stdout: '/\n' }, `${name}, exec`);
      warned(executed.stderr);
      await container.remove('--force');
      rmSync(path, { recursive: true });
    }
  },
  { oursOnly: 'peers end with an error of their own, or read on' },
);
