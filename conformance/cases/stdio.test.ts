/* The caller's standard input, output and error: their owners, and which files they never are. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { failed, withContainer } from '../harness/exec.ts';
import { answers, guestProgram } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Container, Sandbox } from '../harness/sandbox.ts';
import { TerminalSession } from '../harness/terminal.ts';

const REOPEN = ['/bin/probe', 'open', '/dev/stdout', 'w', '--', 'open', '/dev/stderr', 'w'];
const OPENED = [{ errno: null }, { errno: null }];
const USER = { uid: 7, gid: 8 } as const;

/** A bundle on a path that the users of its namespace can reach. */
function reachable(rt: Sandbox, mutate: Mutation): Bundle {
  const bundle = rt.bundle((config) => {
    config.process.user = { ...USER };
    config.process.args = REOPEN;
    mutate(config);
  });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  return bundle;
}

const shellText = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');

/** Ways to pass the streams of a shell script, and its output. */
const WAYS: Readonly<Record<string, (rt: Sandbox, script: string) => Promise<string>>> = {
  pipes: async (rt, script) => (await run(['/bin/sh', '-c', `(${script}) 2>&1 | cat`], { env: rt.env })).stdout,
  'the terminal of the caller': async (rt, script) => {
    const session = new TerminalSession(rt, ['/bin/sh', '-c', script]);
    await session.end();
    return session.output();
  },
};

/** The user namespace of a case, derived from that of the existing container. */
const SPACES: Readonly<Record<string, (pid: number) => Mutation>> = {
  'no user namespace': () => () => undefined,
  'a user namespace': () => addUserNamespace,
  'a user namespace by path': (pid) => (config) => changeNamespace(config, 'user', `/proc/${pid}/ns/user`),
};

/** A waiting container with the mappings of the cases. */
async function withPod(rt: Sandbox, body: (pid: number) => Promise<void>): Promise<void> {
  const pod = await rt.create(reachable(rt, addUserNamespace));
  try {
    if (pod.outcome.status !== 0) throw new Error(pod.outcome.stderr);
    await body((await pod.state()).pid);
  } finally {
    await pod.remove('--force');
  }
}

async function withRunning(rt: Sandbox, bundle: Bundle, body: (container: Container) => Promise<void>): Promise<void> {
  const { args } = bundle.config.process;
  bundle.config.process.args = ['/bin/probe', 'wait'];
  bundle.save();
  const container = await rt.runDetached(bundle);
  try {
    if (container.outcome.status !== 0) throw new Error(container.outcome.stderr);
    await body(container);
  } finally {
    await container.remove('--force');
    bundle.config.process.args = args;
    bundle.save();
  }
}

for (const [space, mutation] of Object.entries(SPACES)) {
  for (const [way, through] of Object.entries(WAYS)) {
    forEachRuntime(
      `stdio: with ${space} the user can reopen ${way}, of run, create and exec`,
      async (t, rt) => {
        await withPod(rt, async (pid) => {
          const bundle = reachable(rt, mutation(pid));
          const [first, second] = [rt.nextId(), rt.nextId()];
          const started = await through(rt, shellText(rt.argv('run', '--bundle', bundle.dir, first)));
          t.strictSame(answers(started), OPENED, 'run');
          const create = shellText(rt.argv('create', '--bundle', bundle.dir, second));
          const start = shellText(rt.argv('start', second));
          // The container keeps the terminal as long as its program runs.
          const ended = `while ${shellText(rt.argv('state', second))} | grep -q running; do :; done`;
          t.strictSame(answers(await through(rt, `${create} && ${start} && ${ended}`)), OPENED, 'create and start');
          t.equal((await rt.command('delete', second)).status, 0);
          await withRunning(rt, bundle, async ({ id }) => {
            const exec = shellText(rt.argv('exec', '--user', `${USER.uid}:${USER.gid}`, id, ...REOPEN));
            t.strictSame(answers(await through(rt, exec)), OPENED, 'exec');
          });
        });
      },
      { deviates: { runc: '1.1: not of create, not by path', crun: '1.8: not of exec, not by path' } },
    );
  }
}

forEachRuntime(
  'stdio: a device node of the host keeps its owner, unless it is a terminal',
  async (t, rt) => {
    const node = join(rt.dir, 'zero');
    execFileSync('mknod', ['-m', '666', node, 'c', '1', '5']);
    const stdout = openSync(node, 'r+');
    try {
      for (const mutate of [(): void => undefined, addUserNamespace]) {
        const bundle = reachable(rt, mutate);
        const { status, stderr } = await rt.commandWith({ stdout }, 'run', '--bundle', bundle.dir, rt.nextId());
        t.equal(status, 0, stderr);
        await withRunning(rt, bundle, async ({ id }) => {
          const exec = ['exec', '--user', '7:8', id, '/bin/probe', 'nothing'];
          t.equal((await rt.commandWith({ stdout }, ...exec)).status, 0);
        });
        t.equal(statSync(node).uid, 0);
      }
    } finally {
      closeSync(stdout);
    }
  },
  { deviates: { runc: 'gives it away', crun: 'gives it away' } },
);

forEachRuntime(
  'stdio: a file of the caller keeps its owner if it is open only for reading, and for any user of a user namespace',
  async (t, rt) => {
    for (const [flags, mutate, kept] of [
      ['r', (): void => undefined, true],
      ['r+', (): void => undefined, false],
      ['r', addUserNamespace, true],
      ['r+', addUserNamespace, true],
    ] as const) {
      const file = join(rt.dir, 'file');
      writeFileSync(file, '');
      chownSync(file, 0, 0);
      const stdout = openSync(file, flags);
      try {
        const bundle = reachable(rt, mutate);
        const run = ['run', '--bundle', bundle.dir, rt.nextId()];
        t.equal((await rt.commandWith({ stdout }, ...run)).status, 0);
        await withRunning(rt, bundle, async ({ id }) => {
          t.equal((await rt.commandWith({ stdout }, 'exec', '--user', '7:8', id, '/bin/probe', 'nothing')).status, 0);
        });
        t.equal(statSync(file).uid === 0, kept, `${flags}, ${mutate.name}`);
      } finally {
        closeSync(stdout);
      }
    }
  },
  { deviates: { runc: '1.1: gives none away in the foreground', crun: '1.8 gives each away' } },
);

/** Ways in which a container can change its null device. */
const SPOILED = ['rm /dev/null', 'rm /dev/null; echo x >/dev/null', 'rm /dev/null; ln -s /dev/zero /dev/null'];

forEachRuntime(
  'stdio: exec into a container without a null device does not give it that of the host',
  async (t, rt) => {
    const node = join(rt.dir, 'null');
    execFileSync('mknod', ['-m', '666', node, 'c', '1', '3']);
    const stdout = openSync(node, 'r+');
    try {
      for (const script of SPOILED) {
        await withContainer(rt, async ({ id }) => {
          const spoiled = await rt.command('exec', id, '/bin/busybox', 'sh', '-c', script);
          t.equal(spoiled.status, 0, spoiled.stderr);
          const chmod = ['exec', id, '/bin/probe', 'chmod', '/proc/self/fd/1', '000'];
          // It gets a new device.
          t.strictSame(await rt.commandWith({ stdout }, ...chmod), { status: 0, stdout: '', stderr: '' }, script);
          t.equal(statSync(node).mode & 0o7777, 0o666, script);
          // As in a user namespace, where none can be made.
          const refused = await run([guestProgram('deny'), 'mknodat', ...rt.argv(...chmod)], { env: rt.env, stdout });
          t.equal(refused.status, failed);
          t.match(refused.stderr, '/dev/null of the host: that of the container is missing or not the null device');
          t.equal(statSync(node).mode & 0o7777, 0o666, script);
        });
      }
    } finally {
      closeSync(stdout);
    }
  },
  { deviates: { runc: '1.1: fails for the first', crun: '1.8: gives it that of the host' } },
);
