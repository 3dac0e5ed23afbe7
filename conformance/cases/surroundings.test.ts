/* The caller's environment: signals, descriptors, limits and filesystems that the runtime inherits. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';

/** Prefix of a command line: `script` runs before the command, or runs it as "$@". */
const shell = (script: string): string[] => [
  '/bin/sh',
  '-c',
  script.includes('"$@"') ? script : `${script}; exec "$@"`,
  'sh',
];

const ends = (rt: Sandbox): Bundle => rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0']));

/** The command succeeded, or failed with one clear message; and nothing is left. */
function sound(t: Test, rt: Sandbox, { status, stderr }: Outcome, what: string): boolean {
  if (status !== 0) {
    t.equal(stderr.match(/^rt: /gm)?.length, 1, `${what}: ${status} ${stderr}`);
    t.notMatch(stderr, 'internal error', what);
  }
  t.strictSame(existsSync(rt.root) ? readdirSync(rt.root) : [], [], what);
  return status === 0;
}

/** The life of a container, each command run through `prefix`. */
async function lives(t: Test, rt: Sandbox, prefix: readonly string[], what: string): Promise<void> {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'pause']));
  const id = rt.nextId();
  const words: string[][] = [
    ['create', '--bundle', bundle.dir, id],
    ['start', id],
    ['exec', id, '/bin/probe', 'exit', '0'],
    ['pause', id],
    ['resume', id],
    ['state', id],
    ['kill', id, 'KILL'],
    ['delete', '--force', id],
    ['run', '--bundle', ends(rt).dir, id],
  ];
  for (const command of words) {
    // Output goes to a file: the container would keep a pipe open.
    const through = [...shell(`"$@" >"${join(rt.dir, 'output')}" 2>&1`), ...prefix];
    t.equal((await rt.commandThrough(through, ...command)).status, 0, `${what}: ${command.join(' ')}`);
  }
}

for (const [what, flag] of [
  ['blocked', '--block-signal'],
  ['ignored', '--ignore-signal'],
] as const) {
  forEachRuntime(
    `all signals are ${what} by the caller`,
    async (t, rt) => {
      await lives(t, rt, ['env', flag], what);
      type Ids = { sigBlocked: string; sigIgnored: string };
      const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'ids']));
      const outcome = await rt.commandThrough(['env', flag], 'run', '--bundle', bundle.dir, rt.nextId());
      const { sigBlocked, sigIgnored } = JSON.parse(outcome.stdout) as Ids;
      t.strictSame([sigBlocked, sigIgnored], ['0000000000000000', '0000000000000000'], 'the program has its own');
    },
    { oursOnly: 'the peers hand on what they have' },
  );
}

forEachRuntime('standard descriptors are closed, in every combination', async (t, rt) => {
  for (let closed = 0; closed < 8; closed++) {
    const which = [0, 1, 2].filter((fd) => (closed >> fd) & 1);
    // Closed before the command, so that no file for its output gets that number.
    const close = which.map((fd) => `${fd}>&-`).join(' ');
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'pause']));
    const id = rt.nextId();
    for (const words of [
      ['create', '--bundle', bundle.dir, id],
      ['start', id],
      ['exec', id, '/bin/probe', 'exit', '0'],
      ['delete', '--force', id],
      ['run', '--bundle', ends(rt).dir, id],
    ]) {
      const script = `exec >"${join(rt.dir, 'output')}" 2>&1; exec "$@" ${close}`;
      const { status } = await rt.commandThrough(shell(script), ...words);
      t.equal(status, 0, `without ${which.join(', ')}: ${words.join(' ')}`);
    }
  }
});

forEachRuntime(
  'few open files',
  async (t, rt) => {
    // Node itself has twenty.
    const enough = rt.runtime.name === 'rt' ? 20 : 40;
    for (const limit of rt.runtime.name === 'rt' ? [6, 8, 10, 12, 14, 16, 18, 20] : [28, 32, 40]) {
      const outcome = await rt.commandThrough(
        shell(`ulimit -n ${limit}`),
        'run',
        '--bundle',
        ends(rt).dir,
        rt.nextId(),
      );
      const worked = sound(t, rt, outcome, `${limit} open files`);
      if (!worked) t.match(outcome.stderr, 'too many open files');
      if (limit === 10) t.match(outcome.stderr, /hint: .*ulimit -n/);
      if (limit >= enough) t.ok(worked, `${limit} open files are enough`);
    }
    await lives(t, rt, shell(`ulimit -n ${enough}`), `${enough} open files`);
  },
  { oursOnly: 'the peers need more' },
);

forEachRuntime(
  'little memory',
  async (t, rt) => {
    // Node itself needs gigabytes. With less memory than the program needs, the kernel kills it at execve(2).
    if (rt.runtime.name !== 'rt') return;
    for (const kind of ['v', 'd']) {
      for (const kibibytes of [4500, 4600, 4800, 5000, 6000]) {
        const what = `ulimit -${kind} ${kibibytes}`;
        const outcome = await rt.commandThrough(shell(what), 'run', '--bundle', ends(rt).dir, rt.nextId());
        if (!sound(t, rt, outcome, what)) t.match(outcome.stderr, /out of memory|cannot allocate memory/, what);
      }
      await lives(t, rt, shell(`ulimit -${kind} 16384`), `16 MiB, ${kind}`);
    }
    // Room for the document that is there, not for the largest.
    const container = await rt.started(['pause']);
    const piped = shell(`ulimit -v 16384; echo '{}' | "$@"`);
    const update = await rt.commandThrough(piped, 'update', '--resources', '-', container.id);
    t.strictSame(update, { status: 0, stdout: '', stderr: '' });
    t.equal((await container.remove('--force')).status, 0);
  },
  { oursOnly: 'the peers need more' },
);

forEachRuntime(
  'only small files',
  async (t, rt) => {
    for (const blocks of [0, 1, 2, 8, 32, 64, 128, 512]) {
      const what = `ulimit -f ${blocks}`;
      const outcome = await rt.commandThrough(shell(what), 'run', '--bundle', ends(rt).dir, rt.nextId());
      if (!sound(t, rt, outcome, what)) t.match(outcome.stderr, 'file too large', what);
    }
  },
  { oursOnly: 'the peers are killed by SIGXFSZ' },
);

forEachRuntime(
  'a working directory that is deleted or not accessible',
  async (t, rt) => {
    const cwd = join(rt.dir, 'cwd');
    await lives(t, rt, shell(`mkdir "${cwd}" && cd "${cwd}" && rmdir "${cwd}"`), 'gone');
    const unreadable = `mkdir -p "${cwd}"; cd "${cwd}" && chmod 0 "${cwd}"`;
    await lives(t, rt, shell(unreadable), 'unreadable');
    const outcome = await rt.commandThrough(
      shell(`mkdir "${cwd}2" && cd "${cwd}2" && rmdir "${cwd}2"`),
      'run',
      rt.nextId(),
    );
    t.equal(outcome.status, 1);
    sound(t, rt, outcome, 'it is the bundle');
  },
  { oursOnly: 'the peers need one' },
);

forEachRuntime(
  'a state root that is full',
  async (t, rt) => {
    mkdirSync(rt.root);
    // Node is slow.
    const every = rt.runtime.name === 'rt' ? 1 : 3;
    for (let pages = 1; pages <= 10; pages += every) {
      for (let inodes = 1; inodes <= 7; inodes += every) {
        const options = `mode=700,size=${pages * 4096},nr_inodes=${inodes}`;
        // The container's files would count as leftovers: they are only in this mount namespace.
        const script = `mount -t tmpfs -o ${options} none "${rt.root}" && { "$@"; status=$?; ls -A "${rt.root}"; exit $status; }`;
        const prefix = ['unshare', '--mount', '--propagation', 'private', ...shell(script)];
        const outcome = await rt.commandThrough(prefix, 'run', '--bundle', ends(rt).dir, rt.nextId());
        if (!sound(t, rt, outcome, options)) t.match(outcome.stderr, /no space left on device/, options);
        t.equal(outcome.stdout, '', `${options}: what remains in the root`);
      }
    }
  },
  { oursOnly: 'where the state is, and the words' },
);

forEachRuntime(
  'an empty /proc',
  async (t, rt) => {
    const prefix = ['unshare', '--mount', '--propagation', 'private', ...shell('mount -t tmpfs none /proc')];
    const bundle = ends(rt);
    for (const words of [
      ['run', '--bundle', bundle.dir, rt.nextId()],
      ['create', '--bundle', bundle.dir, rt.nextId()],
    ]) {
      const outcome = await rt.commandThrough(prefix, ...words);
      t.not(outcome.status, 0);
      sound(t, rt, outcome, words.join(' '));
    }
  },
  { oursOnly: 'the messages are specific to rt' },
);
