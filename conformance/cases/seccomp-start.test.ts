import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NATIVE_ARCHITECTURE, callNumber } from '../harness/calls.ts';
import type { TestConfig, TestHook } from '../harness/config.ts';
import { REPOSITORY, forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** Effects of a profile before the program runs: on hooks of the image, and on the start itself. */

const NATIVE = [NATIVE_ARCHITECTURE];

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; op: string }[];
}

const profile = (defaultAction: string, ...syscalls: Rule[]): Record<string, unknown> => ({
  defaultAction,
  architectures: NATIVE,
  syscalls,
});
const allowBut = (...syscalls: Rule[]): Record<string, unknown> => profile('SCMP_ACT_ALLOW', ...syscalls);

const shell = (script: string, more: Partial<TestHook> = {}): TestHook => ({
  path: '/bin/busybox',
  args: ['busybox', 'sh', '-c', script],
  env: ['PATH=/bin'],
  ...more,
});

/** As one line, since messages are wrapped for a terminal. */
const flat = (stderr: string): string => stderr.replace(/\s+/g, ' ');

const noMkdir: Rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' };

/** For cases that check messages of rt. */
const OURS = { oursOnly: 'messages of this project' };

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(
    `linux.seccomp: startContainer hooks and their children are filtered, noNewPrivileges ${noNewPrivileges}`,
    async (t, rt) => {
      const look =
        'grep -E "^(Seccomp|NoNewPrivs|CapEff|Uid)" /proc/self/status; mkdir /tmp/$1 2>&1 || echo refused $1';
      const bundle = rt.bundle((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.args = ['/bin/probe', 'nothing'];
        config.linux.seccomp = allowBut(noMkdir);
        const script = `set -- first; { ${look}; sh -c '${look}' sh second; } > /seen`;
        config.hooks = { startContainer: [shell(script), shell(`set -- third; { ${look}; } >> /seen`)] };
      });
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 0, outcome.stderr);
      const seen = readFileSync(join(bundle.rootfs, 'seen'), 'utf8');
      t.equal(seen.match(/^Seccomp:\t2$/gm)?.length, 3, seen);
      t.equal(seen.match(noNewPrivileges ? /^NoNewPrivs:\t1$/gm : /^NoNewPrivs:\t0$/gm)?.length, 3, seen);
      // CAP_AUDIT_WRITE, CAP_KILL and CAP_NET_BIND_SERVICE.
      t.equal(seen.match(/^CapEff:\t0000000020000420$/gm)?.length, 3, seen);
      for (const name of ['first', 'second', 'third']) {
        t.match(seen, `refused ${name}\n`);
        t.notOk(existsSync(join(bundle.rootfs, 'tmp', name)));
      }
    },
  );
}

forEachRuntime(
  'linux.seccomp: with noNewPrivileges startContainer hooks need no calls of the runtime',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      const names = ['clone3', 'memfd_create', 'close_range', 'accept4', 'setpgid', 'seccomp'];
      config.linux.seccomp = allowBut({ names, action: 'SCMP_ACT_KILL_PROCESS' }, noMkdir);
      config.hooks = { startContainer: [shell('cat > /state; mkdir /tmp/x || echo refused > /seen')] };
    });
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    const { status, stderr } = await container.start();
    t.equal(status, 0, stderr);
    t.equal(readFileSync(join(bundle.rootfs, 'seen'), 'utf8'), 'refused\n');
    t.match(JSON.parse(readFileSync(join(bundle.rootfs, 'state'), 'utf8')), { status: 'created', pid: 1 });
    await until('the program has ended', async () => (await container.state()).status === 'stopped');
    t.equal((await container.remove()).status, 0);
  },
  { oursOnly: 'others load the filter before they start hooks' },
);

forEachRuntime(
  'linux.seccomp: a startContainer hook that its filter ends fails the start',
  async (t, rt) => {
    for (const noNewPrivileges of [true, false]) {
      for (const [action, words] of [
        ['SCMP_ACT_KILL_PROCESS', 'signal 31'],
        ['SCMP_ACT_ERRNO', 'exit status 1'],
      ] as const) {
        const bundle = rt.bundle((config) => {
          config.process.noNewPrivileges = noNewPrivileges;
          config.linux.seccomp = allowBut({ names: ['mkdir', 'mkdirat'], action });
          config.hooks = { startContainer: [shell(':'), shell('exec mkdir /tmp/x')] };
        });
        const container = await rt.create(bundle);
        t.equal(container.outcome.status, 0, container.outcome.stderr);
        const { status, stderr } = await container.start();
        t.equal(status, 1);
        t.match(stderr, `startContainer hook #1 "/bin/busybox": ${words}`);
        await until('the container stopped', async () => (await container.state()).status === 'stopped');
        t.equal((await container.remove()).status, 0);
      }
    }
  },
  OURS,
);

/** Docker's profile, as written by the engine: it refuses clone3(2). */
const dockers = (
  JSON.parse(readFileSync(join(REPOSITORY, 'conformance', 'configs', 'docker.json'), 'utf8')) as TestConfig
).linux.seccomp;

forEachRuntime("linux.seccomp: startContainer hooks run under Docker's profile", async (t, rt) => {
  for (const noNewPrivileges of [true, false]) {
    const bundle = rt.bundle((config) => {
      config.process.noNewPrivileges = noNewPrivileges;
      if (dockers !== undefined) config.linux.seccomp = dockers;
      config.hooks = { startContainer: [shell('grep Seccomp: /proc/self/status > /seen', { timeout: 30 })] };
    });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal(readFileSync(join(bundle.rootfs, 'seen'), 'utf8'), 'Seccomp:\t2\n');
  }
});

/** A profile that certainly prevents every start, and the verdict in the message of rt. */
const REFUSED: readonly (readonly [string, Record<string, unknown>, answer: string, place: string])[] = [
  ['nothing is allowed', profile('SCMP_ACT_ERRNO'), 'ERRNO(1)', 'defaultAction'],
  ['nothing is allowed, errno 0', { ...profile('SCMP_ACT_ERRNO'), defaultErrnoRet: 0 }, 'ERRNO(0)', 'defaultAction'],
  ['everything kills', profile('SCMP_ACT_KILL'), 'KILL_THREAD', 'defaultAction'],
  ['everything traps', profile('SCMP_ACT_TRAP'), 'TRAP', 'defaultAction'],
  [
    'only exit_group is allowed',
    profile('SCMP_ACT_ERRNO', { names: ['exit_group'], action: 'SCMP_ACT_ALLOW' }),
    // On arm64 the number of execve is above that of exit_group, so it counts as newer than the profile.
    callNumber('execve') > callNumber('exit_group') ? 'ERRNO(38)' : 'ERRNO(1)',
    'defaultAction',
  ],
  [
    'execve is newer than the profile',
    profile('SCMP_ACT_KILL_PROCESS', { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' }),
    'ERRNO(38)',
    'defaultAction',
  ],
  [
    'execve alone is refused',
    allowBut(noMkdir, { names: ['execve'], action: 'SCMP_ACT_KILL_PROCESS' }),
    'KILL_PROCESS',
    'syscalls/1/action',
  ],
];

for (const [what, seccomp, answer, place] of REFUSED) {
  forEachRuntime(
    `linux.seccomp: ${what}: refused before anything runs`,
    async (t, rt) => {
      for (const noNewPrivileges of [true, false]) {
        const mutate = (config: TestConfig): void => {
          config.process.noNewPrivileges = noNewPrivileges;
          config.linux.seccomp = seccomp;
          config.hooks = { createRuntime: [shell(`echo ran > ${join(rt.dir, 'ran')}`)] };
        };
        for (const { status, stderr } of [await rt.run(mutate), (await rt.create(rt.bundle(mutate))).outcome]) {
          t.equal(status, 1, stderr);
          t.match(flat(stderr), `linux.seccomp answers execve with ${answer}: the program could never start`);
          t.match(stderr, new RegExp(`config\\.json:\\d+:\\d+ +/linux/seccomp/${place}\\n`));
          t.match(stderr, 'hint: allow execve');
        }
      }
      t.notOk(existsSync(join(rt.dir, 'ran')), 'no hook ran');
    },
    OURS,
  );
}

forEachRuntime(
  'linux.seccomp: without noNewPrivileges the calls that init needs to wait for start are required, and named',
  async (t, rt) => {
    const seccomp = allowBut({ names: ['accept4', 'capset'], action: 'SCMP_ACT_ERRNO' });
    const bundle = rt.bundle((config) => {
      config.process.noNewPrivileges = false;
      config.linux.seccomp = seccomp;
    });
    const { outcome } = await rt.create(bundle);
    t.equal(outcome.status, 1);
    t.match(flat(outcome.stderr), 'linux.seccomp answers capset with ERRNO(1)');
    t.match(outcome.stderr, /config\.json:\d+:\d+ +\/linux\/seccomp\/syscalls\/0\/action\n/);
    t.match(flat(outcome.stderr), 'hint: allow capset, accept4, or set process.noNewPrivileges');
    const later = await rt.run((config) => (config.linux.seccomp = seccomp));
    t.equal(later.status, 0, later.stderr);
  },
  OURS,
);

forEachRuntime(
  'linux.seccomp: a program that cannot exit is started, with a warning',
  async (t, rt) => {
    for (const [action, words, end] of [
      ['SCMP_ACT_ERRNO', 'ERRNO(1): the program cannot exit by itself', undefined],
      ['SCMP_ACT_KILL_PROCESS', 'KILL_PROCESS: the program ends with SIGSYS instead of its exit status', 128 + 31],
    ] as const) {
      const outcome = await rt.run((config) => {
        config.linux.seccomp = allowBut({ names: ['exit_group'], action });
        // Its C library has another way to exit.
        config.process.args = ['/bin/probe', 'echo', 'ran'];
      });
      t.equal(outcome.stdout, 'ran', outcome.stderr);
      t.match(flat(outcome.stderr), `linux.seccomp answers exit_group with ${words}`);
      if (end !== undefined) t.equal(outcome.status, end);
    }
  },
  OURS,
);

const never = [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }];
const always = [{ index: 0, value: 0, op: 'SCMP_CMP_NE' }];

/** Profiles whose rules refuse execve depending on its arguments, and how the process ends. */
const DECIDED: readonly (readonly [string, Record<string, unknown>, words: RegExp])[] = [
  [
    'execve kills',
    allowBut({ names: ['execve'], action: 'SCMP_ACT_KILL_PROCESS', args: always }),
    /linux\.seccomp ended the container process before its program ran \(SIGSYS, after: seccomp\)/,
  ],
  [
    'execve traps',
    allowBut({ names: ['execve'], action: 'SCMP_ACT_TRAP', args: always }),
    /linux\.seccomp ended the container process before its program ran \(SIGSYS, after: seccomp\)/,
  ],
  [
    'execve fails',
    allowBut({ names: ['execve'], action: 'SCMP_ACT_ERRNO', args: always }),
    /exec \/bin\/probe: operation not permitted/,
  ],
  [
    'execve does nothing',
    allowBut({ names: ['execve'], action: 'SCMP_ACT_ERRNO', errnoRet: 0, args: always }),
    /the container process ended before its program ran \(exit status 255, after: seccomp\)/,
  ],
  [
    'nothing works, not even the end',
    profile('SCMP_ACT_ERRNO', { names: ['execve'], action: 'SCMP_ACT_ALLOW', args: never }),
    /the container process ended before its program ran \(signal \d+, after: seccomp\)/,
  ],
  [
    'nothing works, and everything seems to',
    {
      ...profile('SCMP_ACT_ERRNO', { names: ['execve'], action: 'SCMP_ACT_ALLOW', args: never }),
      defaultErrnoRet: 0,
    },
    /the container process ended before its program ran \(signal \d+, after: seccomp\)/,
  ],
];

for (const [what, seccomp, words] of DECIDED) {
  forEachRuntime(
    `linux.seccomp: by its arguments ${what}: run and start report it`,
    async (t, rt) => {
      const ran = await rt.run((config) => (config.linux.seccomp = seccomp));
      t.equal(ran.status, 1);
      t.match(flat(ran.stderr), words);
      const container = await rt.create(rt.bundle((config) => (config.linux.seccomp = seccomp)));
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      const { pid } = await container.state();
      const { status, stderr } = await container.start();
      // The parent of init (on a host with systemd, pid 1) may reap it before `start` can check.
      const reaped = status === 0 && !existsSync(`/proc/${String(pid)}`);
      if (reaped) t.comment('reaped before start could look');
      else {
        t.equal(status, 1);
        t.match(flat(stderr), words);
      }
      await until('the container stopped', async () => (await container.state()).status === 'stopped');
      t.equal((await container.remove()).status, 0);
    },
    OURS,
  );
}

/** All calls of init after the filter is loaded early. */
const AFTER_FILTER = ['prctl', 'capset', 'writev', 'read', 'getsockopt', 'accept4', 'mmap', 'execve'];

forEachRuntime(
  'linux.seccomp: a setup that the filter kills or blocks ends at once',
  async (t, rt) => {
    const none = { action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 0xfff_ffff, op: 'SCMP_CMP_EQ' }] };
    for (const [action, words] of [
      ['SCMP_ACT_ERRNO', /the container process ended before its program ran \(signal \d+, after: seccomp\)/],
      ['SCMP_ACT_KILL_PROCESS', /linux\.seccomp ended the container process .*\(SIGSYS, after: seccomp\)/],
      ['SCMP_ACT_TRAP', /linux\.seccomp ended the container process .*\(SIGSYS, after: seccomp\)/],
    ] as const) {
      const made = [...AFTER_FILTER, 'close', 'rt_sigaction', 'rt_sigprocmask'];
      const mutate = (config: TestConfig): void => {
        config.process.noNewPrivileges = false;
        config.linux.seccomp = profile(action, { names: made, ...none });
      };
      for (const { status, stderr } of [await rt.run(mutate), (await rt.create(rt.bundle(mutate))).outcome]) {
        t.equal(status, 1);
        t.match(flat(stderr), words);
      }
    }
  },
  OURS,
);

/** `exec` of a process without noNewPrivileges, for which the filter is loaded before the capabilities are dropped. */
async function execEarly(rt: Sandbox, id: string): Promise<{ status: number; stderr: string }> {
  const file = join(rt.dir, 'process.json');
  const args = ['/bin/probe', 'nothing'];
  writeFileSync(file, JSON.stringify({ args, cwd: '/', user: { uid: 0, gid: 0 }, noNewPrivileges: false }));
  return rt.command('exec', '--process', file, id);
}

forEachRuntime(
  'linux.seccomp: exec reports at once that the filter stops it',
  async (t, rt) => {
    const capabilities = [{ index: 0, value: 47, op: 'SCMP_CMP_EQ' }]; // PR_CAP_AMBIENT
    for (const [rule, words] of [
      [{ names: ['capset'], action: 'SCMP_ACT_KILL' }, /linux\.seccomp answers capset with KILL_THREAD/],
      [
        { names: ['prctl'], action: 'SCMP_ACT_KILL', args: capabilities },
        /linux\.seccomp ended the container process before its program ran \(SIGSYS, after: seccomp\)/,
      ],
    ] as const) {
      const container = await rt.started(['wait'], (config) => {
        config.linux.seccomp = allowBut({
          ...rule,
          names: [...rule.names],
          args: 'args' in rule ? [...rule.args] : [],
        });
      });
      const { status, stderr } = await execEarly(rt, container.id);
      t.equal(status, 255);
      t.match(flat(stderr), words);
      t.equal((await rt.command('exec', container.id, '/bin/probe', 'nothing')).status, 0);
      await container.remove('--force');
    }
  },
  OURS,
);
