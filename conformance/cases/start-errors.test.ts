import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elfWithLoader } from '../harness/elf.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';
import type { Bundle } from '../harness/sandbox.ts';

const program = (bundle: Bundle, name: string, content: string | Buffer, mode = 0o755): void =>
  writeFileSync(join(bundle.rootfs, name), content, { mode });

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
