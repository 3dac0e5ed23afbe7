import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { elfWithLoader } from '../harness/elf.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';
import type { Bundle } from '../harness/sandbox.ts';

const program = (bundle: Bundle, name: string, content: string | Buffer, mode = 0o755): void =>
  writeFileSync(join(bundle.rootfs, name), content, { mode });

/** Reads what is there without waiting; 0 if nothing is. */
function readIfAny(fd: number): number {
  try {
    return readSync(fd, Buffer.alloc(8192));
  } catch {
    return 0;
  }
}

/** args[0], the required message of create (contract of the command line), and a function that makes the file. */
const AT_CREATE: readonly (readonly [what: string, arg: string, words: RegExp, prepare?: (bundle: Bundle) => void])[] =
  [
    ['not in PATH', 'nosuch', /exec: \\?"nosuch\\?": executable file not found in \$PATH/],
    ['missing', '/nosuch', /exec: \\?"\/nosuch\\?": stat \/nosuch: no such file or directory/],
    ['a directory', '/etc', /exec: \\?"\/etc\\?": (is a directory|permission denied)/],
    ['not executable', '/plain', /exec: \\?"\/plain\\?": permission denied/, (b) => program(b, 'plain', 'x', 0o644)],
  ];

for (const [what, arg, words, prepare] of AT_CREATE) {
  forEachRuntime(
    `create with a program ${what} fails and names the cause`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => (config.process.args = [arg]));
      prepare?.(bundle);
      const { outcome } = await rt.create(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
    },
    { deviates: { crun: 'other messages' } },
  );

  forEachRuntime(`run with a program ${what} ends with 1`, async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = [arg]));
    prepare?.(bundle);
    t.equal((await rt.runBundle(bundle)).status, 1);
  });
}

forEachRuntime(
  'create with a program that its user may not execute is an error that names the cause',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.args = ['/private/program'];
    });
    mkdirSync(join(bundle.rootfs, 'private'));
    program(bundle, 'private/program', '#!/bin/sh\n');
    chmodSync(join(bundle.rootfs, 'private'), 0o700);
    const { outcome } = await rt.create(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /permission denied/i);
  },
);

forEachRuntime(
  'a program that a mount covers is an error that names the mount',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.mounts.push({ destination: '/app', type: 'tmpfs', source: 'tmpfs' });
      config.process.args = ['/app/program'];
    });
    mkdirSync(join(bundle.rootfs, 'app'));
    program(bundle, 'app/program', '#!/bin/sh\n');
    const { outcome } = await rt.create(bundle);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /stat \/app\/program: no such file or directory/);
    t.match(outcome.stderr, /the mount on \\?"\/app\\?" covers what the root filesystem has there/);
  },
  { oursOnly: 'the peers have no hints' },
);

/** Programs that only execve itself can refuse: `start` must report these. */
const AT_START: readonly (readonly [what: string, words: RegExp, content: string | Buffer])[] = [
  ['whose loader is missing', /\/lib\/ld-nosuch\.so\.1/, elfWithLoader('/lib/ld-nosuch.so.1')],
  ['of an unknown format', /exec format error/i, 'not a program'],
  ['that is a script without its interpreter', /\/nosuch\/interpreter/, '#!/nosuch/interpreter\n'],
  ['that is empty', /exec format error/i, ''],
];

for (const [what, words, content] of AT_START) {
  forEachRuntime(
    `start of a program ${what} fails and names the cause`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => (config.process.args = ['/program']));
      program(bundle, 'program', content);
      const container = await rt.create(bundle);
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      const outcome = await container.start();
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      await until('init ended', async () => (await container.state()).status === 'stopped');
      t.equal((await container.remove()).status, 0);
    },
    { oursOnly: 'the peers report success and leave a line in the output of the container' },
  );

  forEachRuntime(
    `run of a program ${what} fails and names the cause`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => (config.process.args = ['/program']));
      program(bundle, 'program', content);
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
    },
    { oursOnly: 'the peers end with 255 and a line in the output of the container' },
  );
}

forEachRuntime('create with a working directory that is a file is an error that names the cause', async (t, rt) => {
  const { outcome } = await rt.create(rt.bundle((config) => (config.process.cwd = '/bin/probe')));
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, '/bin/probe');
  t.match(outcome.stderr, /not a directory/i);
});

forEachRuntime('a bind of a file on a directory, or the other way round, is "not a directory"', async (t, rt) => {
  for (const [source, destination, words] of [
    ['/etc/passwd', '/bin', '"/etc/passwd" (a file) on "/bin" (a directory): not a directory'],
    ['/etc', '/bin/busybox', '"/etc" (a directory) on "/bin/busybox" (a file): not a directory'],
  ] as const) {
    const outcome = await rt.run((config) => {
      config.mounts.push({ destination, source, type: 'bind', options: ['bind'] });
    });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, rt.runtime.ours ? words : /not a directory/i);
  }
});

forEachRuntime('a mount below a file, of the image or of a mount before, is "not a directory"', async (t, rt) => {
  const bundle = rt.bundle(({ mounts }) => {
    mounts.push(
      { destination: '/opt', type: 'bind', source: 'tools', options: ['bind', 'ro'] },
      { destination: '/opt/data/cache', type: 'tmpfs', source: 'tmpfs' },
    );
  });
  mkdirSync(join(bundle.dir, 'tools'));
  writeFileSync(join(bundle.dir, 'tools/data'), '');
  const outcome = await rt.runBundle(bundle);
  t.equal(outcome.status, 1);
  const words = 'cannot mount tmpfs on "/opt/data/cache": not a directory (openat2): "/opt/data" is a file';
  t.match(outcome.stderr, rt.runtime.ours ? words : /not a directory/i);
});

forEachRuntime('errors go to the log as one JSON record, and to standard error as text', async (t, rt) => {
  const log = join(rt.dir, 'log.json');
  const bundle = rt.bundle((config) => (config.process.args = ['/nosuch']));
  const words = ['--log', log, '--log-format', 'json', 'create', '--bundle', bundle.dir, rt.nextId()];
  const outcome = await rt.command(...words);
  t.equal(outcome.status, 1);
  const records = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; msg: string; time: string })
    .filter(({ level }) => level === 'error');
  t.equal(records.length, 1);
  t.match(records[0]?.msg, '/nosuch');
  t.notOk(Number.isNaN(Date.parse(records[0]?.time ?? '')));
  t.match(outcome.stderr, '/nosuch');
});

/** What denies or is missing, which the plain errno does not tell: the message of create or start. */
const EXPLAINED: readonly (readonly [what: string, make: (bundle: Bundle) => void, words: RegExp])[] = [
  [
    'a directory that its user may not enter',
    (bundle) => {
      bundle.config.process.user = { uid: 1000, gid: 1000 };
      bundle.config.process.args = ['/opt/app'];
      mkdirSync(join(bundle.rootfs, 'opt'), { mode: 0o700 });
      program(bundle, 'opt/app', '#!/bin/sh\n');
    },
    /permission denied.*: "\/opt" \(0700, owner 0:0\) may not be entered by user 1000:1000/,
  ],
  [
    'a noexec mount',
    (bundle) => {
      bundle.config.process.args = ['/tmp/app'];
      program(bundle, 'tmp/app', '#!/bin/sh\n');
      bundle.config.mounts.push({
        destination: '/tmp',
        type: 'bind',
        source: join(bundle.rootfs, 'tmp'),
        options: ['bind', 'noexec'],
      });
    },
    /permission denied.*: the mount on "\/tmp" is noexec/,
  ],
  [
    'a link to what only the host has',
    (bundle) => {
      symlinkSync('/etc/passwd', join(bundle.rootfs, 'app'));
      bundle.config.process.args = ['/app'];
    },
    /"\/app" is a link to "\/etc\/passwd", which does not exist/,
  ],
  ['a near match', (bundle) => (bundle.config.process.args = ['slep']), /\$PATH: \/bin(.|\n)*did you mean sleep\?/],
  [
    'an interpreter without x bit',
    (bundle) => {
      program(bundle, 'interp', '#!/bin/sh\n', 0o644);
      program(bundle, 'app', '#!/interp\n');
      bundle.config.process.args = ['/app'];
    },
    /its interpreter "\/interp": "\/interp" \(0644, owner 0:0\) is not executable/,
  ],
  [
    'an interpreter whose loader is missing',
    (bundle) => {
      program(bundle, 'interp', elfWithLoader('/lib/ld-nosuch.so.1'));
      program(bundle, 'app', '#!/interp\n');
      bundle.config.process.args = ['/app'];
    },
    /its interpreter "\/interp" needs the loader \/lib\/ld-nosuch\.so\.1/,
  ],
];

for (const [what, make, words] of EXPLAINED) {
  forEachRuntime(
    `the cause of a failed start: ${what}`,
    async (t, rt) => {
      const bundle = rt.bundle();
      make(bundle);
      bundle.save();
      const container = await rt.create(bundle);
      const outcome = container.outcome.status === 0 ? await container.start() : container.outcome;
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/process\/args\/0/, 'also of start');
      if (container.outcome.status !== 0) return;
      await until('init ended', async () => (await container.state()).status === 'stopped');
      t.equal((await container.remove()).status, 0);
    },
    { oursOnly: 'the peers give the errno' },
  );
}

forEachRuntime(
  'the look for the cause of a failed start reads no file that may block, and ends soon',
  async (t, rt) => {
    const kernelLog = openSync('/proc/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
    const bundle = rt.bundle((config) => {
      config.process.args = ['/app'];
      config.process.env = ['PATH=/bin'];
    });
    symlinkSync('/proc/kmsg', join(bundle.rootfs, 'app'));
    // It is empty now, so reading it blocks.
    while (readIfAny(kernelLog) > 0);
    closeSync(kernelLog);
    const bounds = ['timeout', '-s', 'KILL', '10'];
    const blocking = await rt.commandThrough(bounds, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(blocking.status, 1);
    t.match(blocking.stderr, '"/proc/kmsg" (0400, owner 0:0) is not executable');
    bundle.config.process.args = ['nosuch'];
    bundle.config.process.env = [`PATH=${'/bin:'.repeat(20_000)}`];
    bundle.save();
    const long = await rt.commandThrough(bounds, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(long.status, 1);
    t.match(long.stderr, 'executable file not found in $PATH');
  },
  { oursOnly: 'the peers do not look' },
);

forEachRuntime(
  'the cause of a failed exec is looked up in the container',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    program(container.bundle, 'app', '#!/bin/sh\n', 0o644);
    for (const [words, expected] of [
      [['/app'], /"\/app" \(0644, owner 0:0\) is not executable/],
      [['slep'], /did you mean sleep\?/],
      [['--cwd', '/nowhere', '/bin/true'], /chdir to cwd \("\/nowhere"\) given with --cwd failed/],
      [['--env', 'X', '/bin/true'], /missing '=' in --env "X"/],
      [['-p', join(container.bundle.dir, 'config.json')], /is a whole config, not a process/],
    ] as const) {
      const flags = words.slice(0, -1);
      const outcome =
        words[0] === '-p'
          ? await rt.command('exec', ...words, container.id)
          : await rt.command('exec', ...flags, container.id, words.at(-1) ?? '');
      t.equal(outcome.status, 255);
      t.match(outcome.stderr, expected);
    }
    await container.remove('--force');
  },
  { oursOnly: 'the peers give the errno' },
);

forEachRuntime(
  'limits that the kernel refuses come with what it takes',
  async (t, rt) => {
    for (const [cpu, words] of [
      [{ quota: 500, period: 100_000 }, /quota must be at least 1000 microseconds, or -1 for no limit, found 500\n/],
      [{ cpus: '9999' }, /hint: .*this host has the CPUs \d/],
    ] as const) {
      const { status, stderr } = await rt.run((config) => (config.linux.resources['cpu'] = cpu));
      t.equal(status, 1);
      t.match(stderr, words);
    }
    const killed = await rt.run((config) => {
      config.linux.resources['memory'] = { limit: 4 << 20 };
      config.process.args = ['/bin/sh', '-c', 'x=0123456789abcdef; while :; do x=$x$x; done'];
    });
    t.equal(killed.status, 137);
    t.match(killed.stderr, /rt: warning: .*OOM-killed at the limit of 4194304 bytes\n {2}config/);
  },
  { oursOnly: 'the peers give the errno' },
);

forEachRuntime(
  'the record of an error has its parts as data',
  async (t, rt) => {
    const record = async (bundle: Bundle): Promise<unknown> => {
      const outcome = await rt.command('--log-format', 'json', 'create', '--bundle', bundle.dir, 'c1');
      t.equal(outcome.status, 1);
      return JSON.parse(outcome.stderr);
    };
    const missing = rt.bundle((config) => {
      config.mounts.push({ destination: '/srv', source: '/no/such', type: 'bind', options: ['bind'] });
    });
    const { msg, time, hint, line, ...rest } = (await record(missing)) as Record<string, unknown>;
    t.strictSame(rest, {
      level: 'error',
      code: 'op.mount_bind',
      phase: 'create',
      id: 'c1',
      pointer: '/mounts/4/source',
      file: 'config.json',
      column: 7,
      errno: 'ENOENT',
      syscall: 'open_tree',
    });
    t.match(msg, 'create failed: cannot mount "/no/such" on "/srv"');
    t.match(hint, 'create it');
    t.ok(Number(line) > 1 && typeof time === 'string');
    const wrong = rt.bundle((config) => (config.process.cwd = 'relative'));
    wrong.config.hostname = 'h'.repeat(70);
    wrong.save();
    t.match(await record(wrong), {
      code: 'process.cwd',
      pointer: '/process/cwd',
      others: [{ msg: /hostname/, code: 'config.hostname', pointer: '/hostname', file: 'config.json' }],
    });
  },
  { oursOnly: 'the peers have three members' },
);

forEachRuntime(
  'a caller that may only write small files gets an error, and nothing is left',
  async (t, rt) => {
    const limited = ['/bin/sh', '-c', 'ulimit -f 8; exec "$@"', 'sh'];
    const bundle = rt.bundle();
    for (const command of ['create', 'run']) {
      const outcome = await rt.commandThrough(limited, command, '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 1, command);
      t.match(outcome.stderr, /^rt: create failed: .*file too large/, command);
    }
    t.strictSame(readdirSync(rt.root), []);
    const container = await rt.started(['wait']);
    const outcome = await rt.commandThrough(limited, 'exec', container.id, '/bin/true');
    t.equal(outcome.status, 255);
    t.match(outcome.stderr, /^rt: exec failed: .*file too large/);
    await container.remove('--force');
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime('the log is made, and stays empty on success', async (t, rt) => {
  const log = join(rt.dir, 'log.json');
  const words = ['--log', log, '--log-format', 'json', 'run', '--bundle', rt.bundle().dir, rt.nextId()];
  t.equal((await rt.command(...words)).status, 0);
  t.equal(readFileSync(log, 'utf8'), '');
});

forEachRuntime(
  'a container without process can be created, but not started',
  async (t, rt) => {
    const bundle = rt.bundle();
    bundle.saveText(JSON.stringify({ ...bundle.config, process: undefined }));
    const container = await rt.create(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    t.equal((await container.state()).status, 'created');
    const outcome = await container.start();
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'process property must not be empty');
    await until('init ended', async () => (await container.state()).status === 'stopped');
    t.equal((await container.remove()).status, 0);
    const run = await rt.runBundle(bundle);
    t.equal(run.status, 1);
    t.match(run.stderr, 'process property must not be empty');
  },
  { oursOnly: 'the peers refuse to create it; the specification asks for the process at start' },
);
