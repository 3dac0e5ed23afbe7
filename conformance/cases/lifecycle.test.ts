import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { probePath } from '../harness/guest.ts';
import { run, start } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { cgroupsWithPrefix } from '../harness/cgroup.ts';
import { until } from '../harness/wait.ts';

/** Undefined if there is no such process, or not any more. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** The child of a process that runs a program of that name. */
function childNamed(parent: number, name: string): number | undefined {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean);
  return children.map(Number).find((pid) => nameOf(pid) === name);
}

/** From proc_pid_stat(5), undefined if there is no such process. */
function stateLetter(pid: number): string | undefined {
  if (!existsSync(`/proc/${pid}`)) return undefined;
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.charAt(text.lastIndexOf(')') + 2);
}

function holdsPidfd(pid: number): boolean {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).some((fd) => {
    try {
      return readlinkSync(join(directory, fd)).includes('[pidfd]');
    } catch {
      return false; // Closed meanwhile.
    }
  });
}

const stopped = (container: { state(): Promise<{ status: string }> }): Promise<boolean> =>
  until('the container stopped', async () => (await container.state()).status === 'stopped');

forEachRuntime('create, start, kill and delete pass through the four states', async (t, rt) => {
  const container = await rt.created((config) => (config.process.args = ['/bin/probe', 'wait']));
  t.equal((await container.state()).status, 'created');
  t.equal(container.stdout(), '', 'the program does not run before start');
  t.equal((await container.start()).status, 0);
  await until('the program runs', () => container.stdout().includes('ready'));
  t.equal((await container.state()).status, 'running');
  t.equal((await container.kill('TERM')).status, 0);
  await stopped(container);
  t.match(container.stdout(), '{"signal":15}', 'the program got the signal');
  t.equal((await container.state()).pid, 0, 'a stopped container has no pid');
  t.strictSame(await container.remove(), { status: 0, stdout: '', stderr: '' });
  t.strictSame(cgroupsWithPrefix(rt.prefix), [], 'delete removed the cgroups before it returned');
  t.not((await rt.command('state', container.id)).status, 0);
});

forEachRuntime('create and start print nothing on success', async (t, rt) => {
  const container = await rt.create(rt.bundle());
  t.strictSame(container.outcome, { status: 0, stdout: '', stderr: '' });
  t.strictSame(await container.start(), { status: 0, stdout: '', stderr: '' });
  await stopped(container);
  await container.remove();
});

forEachRuntime(
  'state prints the keys in a fixed order, indented by two, without a final newline',
  async (t, rt) => {
    const container = await rt.created((config) => {
      config.annotations = { 'org.example.key': 'value' };
    });
    const { stdout } = await rt.command('state', container.id);
    const state = await container.state();
    t.strictSame(Object.keys(state), [
      'ociVersion',
      'id',
      'pid',
      'status',
      'bundle',
      'rootfs',
      'created',
      'annotations',
      'owner',
    ]);
    t.equal(stdout, JSON.stringify(state, null, 2));
    t.equal(state.id, container.id);
    t.equal(state.bundle, container.bundle.dir);
    t.equal(state.rootfs, container.bundle.rootfs);
    t.equal(state.owner, '');
    t.strictSame(state.annotations, { 'org.example.key': 'value' });
    t.match(state.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    t.ok(Math.abs(Date.parse(state.created) - Date.now()) < 60_000, 'created is now');
    t.ok(existsSync(`/proc/${state.pid}`), 'pid is a process of the host');
    await container.remove('--force');
  },
  { deviates: { crun: 'other keys and indentation' } },
);

forEachRuntime(
  'state omits annotations if there are none',
  async (t, rt) => {
    const container = await rt.created();
    t.notOk('annotations' in (await container.state()));
    await container.remove('--force');
  },
  { deviates: { crun: 'prints what the config has' } },
);

forEachRuntime('pid-file holds the pid without a newline', async (t, rt) => {
  const file = join(rt.dir, 'pid');
  const container = await rt.create(rt.bundle(), rt.nextId(), '--pid-file', file);
  t.equal(container.outcome.status, 0);
  t.equal(readFileSync(file, 'utf8'), String((await container.state()).pid));
  await container.remove('--force');
});

forEachRuntime('pid-file is not written if create fails', async (t, rt) => {
  const file = join(rt.dir, 'pid');
  const bundle = rt.bundle((config) => (config.process.args = ['/nonexistent']));
  const container = await rt.create(bundle, rt.nextId(), '--pid-file', file);
  t.not(container.outcome.status, 0);
  t.notOk(existsSync(file));
});

forEachRuntime('init becomes a child of the nearest sub-reaper, which gets its status', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '7']));
  const id = rt.nextId();
  const file = join(rt.dir, 'children');
  const words = rt.argv('create', '--bundle', bundle.dir, '--pid-file', join(rt.dir, 'pid'), id);
  const reaper = run([probePath(), 'subreaper', file, ...words], { env: rt.env });
  await until('create ended', () => existsSync(file) && readFileSync(file, 'utf8').includes('\n'));
  const pid = readFileSync(join(rt.dir, 'pid'), 'utf8');
  t.equal(readFileSync(file, 'utf8').trim(), `0 ${pid}`, 'create succeeded and init is the only child');
  t.equal((await rt.command('start', id)).status, 0);
  const { stdout } = await reaper;
  t.strictSame(JSON.parse(stdout), { pid: Number(pid), exited: 1, status: 7, signal: 0 });
  await rt.command('delete', id);
});

for (const code of [0, 1, 7, 125, 255]) {
  forEachRuntime(`run ends with exit status ${code} of the program`, async (t, rt) => {
    const outcome = await rt.run((config) => (config.process.args = ['/bin/probe', 'exit', String(code)]));
    t.equal(outcome.status, code);
    t.equal(outcome.stderr, '');
  });
}

forEachRuntime('run ends with 128 + number of the signal that killed the program', async (t, rt) => {
  const id = rt.nextId();
  const foreground = rt.background(
    'run',
    '--bundle',
    rt.bundle((c) => (c.process.args = ['/bin/probe', 'wait'])).dir,
    id,
  );
  await until('the program runs', () => foreground.output().includes('ready'));
  t.equal((await rt.command('kill', id, 'KILL')).status, 0);
  t.equal((await foreground.ended).status, 137);
});

forEachRuntime('run ends with 128 + signal when the program faults', async (t, rt) => {
  const outcome = await rt.run((config) => (config.process.args = ['/bin/probe', 'fault']));
  t.ok([128 + 4, 128 + 5, 128 + 11].includes(outcome.status), `status is ${outcome.status}`);
});

forEachRuntime('run forwards SIGTERM to the program from the beginning', async (t, rt) => {
  // Many rounds: the signal is sent once the program reports that it runs, when forwarding might not be ready yet.
  for (let round = 0; round < 25; round++) {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const foreground = rt.background('run', '--bundle', bundle.dir, rt.nextId());
    await until('the program runs', () => foreground.output().includes('ready'));
    foreground.child.kill('SIGTERM');
    await until('run ended', () => foreground.child.exitCode !== null || foreground.child.signalCode !== null, 5000);
    t.equal(foreground.child.signalCode, null, 'the runtime itself is not killed');
    t.equal(foreground.child.exitCode, 15, "the program's own exit status");
  }
});

forEachRuntime('run forwards SIGUSR1, SIGHUP and SIGINT too', async (t, rt) => {
  for (const [signal, number] of [
    ['SIGUSR1', 10],
    ['SIGHUP', 1],
    ['SIGINT', 2],
  ] as const) {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const foreground = rt.background('run', '--bundle', bundle.dir, rt.nextId());
    await until('the program runs', () => foreground.output().includes('ready'));
    foreground.child.kill(signal);
    t.equal((await foreground.ended).status, number, signal);
  }
});

forEachRuntime(
  'run forwards signals that otherwise stop it or have no effect on it, if a process sends them',
  async (t, rt) => {
    // gunicorn counts its workers by SIGTTIN and SIGTTOU, and Apache ends gracefully by SIGWINCH.
    for (const signal of ['SIGTTIN', 'SIGTTOU', 'SIGTSTP', 'SIGWINCH', 'SIGURG'] as const) {
      const name = signal.slice(3);
      const script = `trap 'echo ${name}; exit 5' ${name}; echo ready; while :; do sleep 0.05; done`;
      const bundle = rt.bundle((config) => (config.process.args = ['/bin/sh', '-c', script]));
      const foreground = rt.background('run', '--bundle', bundle.dir, rt.nextId());
      await until('the program runs', () => foreground.output().includes('ready'));
      foreground.child.kill(signal);
      await until(`${signal} ended it`, () => foreground.child.exitCode !== null, 5000);
      const { status, stdout } = await foreground.ended;
      t.strictSame([status, stdout], [5, `ready\n${name}\n`], signal);
    }
  },
  { deviates: { runc: '1.1: not SIGWINCH; 1.2 and later: not SIGURG either' } },
);

for (const [what, ...words] of [
  ['blocks all signals', '--block-signal'],
  ['blocks SIGCHLD', '--block-signal=CHLD'],
  ['ignores SIGCHLD', '--ignore-signal=CHLD'],
  ['ignores all signals', '--ignore-signal'],
] as const) {
  forEachRuntime(
    `in the foreground a caller that ${what} changes nothing`,
    async (t, rt) => {
      const through = ['/usr/bin/env', ...words];
      const signals = ['/bin/sh', '-c', 'grep -E "^Sig(Blk|Ign)" /proc/self/status; exit 3'];
      const none = 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n';
      const bundle = rt.bundle((config) => (config.process.args = signals));
      const ran = await rt.commandThrough(through, 'run', '--bundle', bundle.dir, rt.nextId());
      t.strictSame(ran, { status: 3, stdout: none, stderr: '' }, 'run');
      const waiting = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
      const id = rt.nextId();
      const argv = [...through, ...rt.argv('run', '--bundle', waiting.dir, id)];
      const foreground = start(argv, { env: rt.env });
      await until('the program runs', () => foreground.output().includes('ready'));
      t.strictSame(
        await rt.commandThrough(through, 'exec', id, ...signals),
        { status: 3, stdout: none, stderr: '' },
        'exec',
      );
      foreground.child.kill('SIGTERM');
      t.equal((await foreground.ended).status, 15, 'SIGTERM reaches the program');
    },
    { deviates: { runc: 'leaves blocked what was blocked', crun: 'leaves blocked what was blocked' } },
  );
}

forEachRuntime('run keeps standard output and standard error apart and passes standard input', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.process.args = ['/bin/probe', 'stdin', '--', 'echo', 'out', '--', 'stderr', 'err'];
  });
  const outcome = await rt.commandWith({ input: 'in\n' }, 'run', '--bundle', bundle.dir, rt.nextId());
  t.strictSame(outcome, { status: 0, stdout: '"in\\u000a"\nout', stderr: 'err' });
});

forEachRuntime('run passes a megabyte of output without loss', async (t, rt) => {
  const { status, stdout, stderr } = await rt.run((config) => {
    config.process.args = ['/bin/busybox', 'sh', '-c', 'busybox yes 0123456789abcde | busybox head -c 1048576'];
  });
  t.strictSame({ status, length: stdout.length, stderr }, { status: 0, length: 1_048_576, stderr: '' });
});

forEachRuntime('run --detach returns while the program runs', async (t, rt) => {
  const container = await rt.runDetached(rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait'])));
  t.equal(container.outcome.status, 0);
  t.equal((await container.state()).status, 'running');
  await container.remove('--force');
});

forEachRuntime('run --keep leaves the stopped container to delete', async (t, rt) => {
  const id = rt.nextId();
  const outcome = await rt.command('run', '--keep', '--bundle', rt.bundle().dir, id);
  t.equal(outcome.status, 0);
  t.equal((JSON.parse((await rt.command('state', id)).stdout) as { status: string }).status, 'stopped');
  t.equal((await rt.command('delete', id)).status, 0);
});

forEachRuntime(
  'start refuses a running and a stopped container',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    const again = await container.start();
    t.equal(again.status, 1);
    t.match(again.stderr, 'cannot start an already running container');
    await container.kill('KILL');
    await stopped(container);
    const late = await container.start();
    t.equal(late.status, 1);
    t.match(late.stderr, 'cannot start a container that has stopped');
    await container.remove();
  },
  { deviates: { crun: 'other messages' } },
);

forEachRuntime(
  'start fails after init of a created container was killed',
  async (t, rt) => {
    const container = await rt.created();
    await container.kill('KILL');
    await stopped(container);
    t.match((await container.start()).stderr, 'cannot start a container that has stopped');
    t.equal((await container.remove()).status, 0);
  },
  { deviates: { crun: 'other messages' } },
);

forEachRuntime(
  'kill takes numbers and names in any case, with and without SIG',
  async (t, rt) => {
    for (const signal of ['10', 'USR1', 'SIGUSR1', 'usr1', 'sigusr1']) {
      const container = await rt.started(['wait']);
      await until('the program runs', () => container.stdout().includes('ready'));
      t.equal((await container.kill(signal)).status, 0, signal);
      await stopped(container);
      t.match(container.stdout(), '{"signal":10}', signal);
      await container.remove();
    }
  },
  { deviates: { crun: 'case-sensitive names' } },
);

forEachRuntime(
  'kill with an empty word for the signal sends TERM',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    await until('the program runs', () => container.stdout().includes('ready'));
    t.equal((await container.kill('')).status, 0);
    await stopped(container);
    t.match(container.stdout(), '{"signal":15}');
    await container.remove();
  },
  { deviates: { crun: '1.8 sends nothing' } },
);

/** Creates a container, and ends it by a signal. */
async function endCreated(t: Test, rt: Sandbox, signal: string, mutate?: Mutation): Promise<void> {
  const container = await rt.created(mutate);
  t.equal((await container.state()).status, 'created');
  t.equal((await container.kill(signal)).status, 0);
  await until(`${signal} ends it`, async () => (await container.state()).status === 'stopped');
  t.equal((await container.remove()).status, 0);
}

forEachRuntime(
  'kill TERM ends a created container',
  async (t, rt) => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
    };
    await endCreated(t, rt, 'TERM');
    await endCreated(t, rt, 'TERM', (config) => changeNamespace(config, 'pid'));
    // runc 1.1 cannot reach the root of the case there.
    if (rt.runtime.ours) await endCreated(t, rt, 'TERM', addUserNamespace);
    for (const noNewPrivileges of [true, false]) {
      await endCreated(t, rt, 'TERM', (config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.linux.seccomp = seccomp;
      });
    }
  },
  { deviates: { crun: 'the signal is lost' } },
);

forEachRuntime(
  'kill ends a created container by every signal whose default action ends a process, and by no other',
  async (t, rt) => {
    for (const signal of ['HUP', 'INT', 'QUIT', 'USR1', 'ABRT', 'PIPE', 'RTMIN+3']) await endCreated(t, rt, signal);
    const container = await rt.created();
    for (const signal of ['CHLD', 'WINCH', 'URG', 'CONT']) t.equal((await container.kill(signal)).status, 0);
    t.equal((await container.start()).status, 0);
    await container.remove('--force');
  },
  { oursOnly: 'runc ends only by HUP, INT, QUIT and TERM' },
);

forEachRuntime('kill without a signal sends SIGTERM', async (t, rt) => {
  const container = await rt.started(['wait']);
  await until('the program runs', () => container.stdout().includes('ready'));
  t.equal((await container.kill()).status, 0);
  await stopped(container);
  t.match(container.stdout(), '{"signal":15}');
  await container.remove();
});

forEachRuntime(
  'kill refuses an unknown signal, a stopped and an unknown container',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    const unknown = await container.kill('FOO');
    t.equal(unknown.status, 1);
    t.match(unknown.stderr, /unknown signal \\?"FOO/);
    await container.kill('KILL');
    await stopped(container);
    const late = await container.kill('TERM');
    t.equal(late.status, 1);
    t.match(late.stderr, 'container not running');
    await container.remove();
    const nobody = await container.kill('TERM');
    t.equal(nobody.status, 1);
    t.match(nobody.stderr, 'container does not exist');
  },
  { deviates: { crun: 'other messages' } },
);

forEachRuntime(
  'delete refuses a running container',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    const outcome = await container.remove();
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, `cannot delete container ${container.id} that is not stopped: running`);
    t.equal((await container.state()).status, 'running', 'and leaves it alone');
    t.equal((await container.remove('--force')).status, 0);
  },
  { deviates: { crun: 'other messages' } },
);

forEachRuntime(
  'delete after kill KILL waits for a process that ends slowly',
  async (t, rt) => {
    const container = await rt.started(['wait']);
    // The kernel keeps the init of a pid namespace until all other processes are reaped; here the parent of one is
    // stopped.
    const exec = rt.background('exec', container.id, '/bin/probe', 'wait');
    const parent = exec.child.pid ?? 0;
    const inside = await until('exec runs its program', () => childNamed(parent, 'probe'));
    process.kill(parent, 'SIGSTOP');
    await until('exec is stopped', () => stateLetter(parent) === 'T');
    t.equal((await container.kill('KILL')).status, 0);
    await until('the program of exec has ended', () => stateLetter(inside) === 'Z');
    t.equal((await container.state()).status, 'running', 'its first process is still there');

    const removal = rt.background('delete', container.id);
    let ended = false;
    void removal.ended.then(() => (ended = true));
    await until('delete waits, or has ended', () => ended || holdsPidfd(removal.child.pid ?? 0));
    process.kill(parent, 'SIGCONT');
    t.strictSame(await removal.ended, { status: 0, stdout: '', stderr: '' });
    t.equal((await exec.ended).status, 137);
  },
  { oursOnly: 'the peers refuse, since it is not stopped yet' },
);

forEachRuntime(
  'delete refuses a created container, delete --force removes it',
  async (t, rt) => {
    const container = await rt.created();
    const outcome = await container.remove();
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, `cannot delete container ${container.id} that is not stopped: created`);
    t.equal((await container.state()).status, 'created');
    t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly: 'the specification demands an error, the peers kill and remove' },
);

forEachRuntime('delete of an unknown container fails, with --force it does not', async (t, rt) => {
  const plain = await rt.command('delete', 'nobody');
  t.equal(plain.status, 1);
  t.match(plain.stderr, /does not exist/);
  t.equal((await rt.command('delete', '--force', 'nobody')).status, 0);
});

forEachRuntime(
  'delete --force removes a state directory without a state file',
  async (t, rt) => {
    const id = rt.nextId();
    mkdirSync(join(rt.root, id), { recursive: true });
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    t.notOk(existsSync(join(rt.root, id)));
  },
  { deviates: { crun: 'keeps the directory' } },
);

forEachRuntime(
  'list shows the containers, as a table, as JSON and as ids',
  async (t, rt) => {
    const container = await rt.created();
    const table = await rt.command('list');
    t.match(table.stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n/);
    t.match(table.stdout, new RegExp(`^${container.id} +\\d+ +created +${container.bundle.dir} +`, 'm'));
    const json = await rt.command('list', '--format', 'json');
    t.match(JSON.parse(json.stdout), [{ id: container.id, status: 'created', bundle: container.bundle.dir }]);
    t.equal((await rt.command('list', '-q')).stdout, `${container.id}\n`);
    await container.remove('--force');
    t.equal((await rt.command('list', '--format', 'json')).stdout.trim(), 'null');
  },
  { deviates: { crun: 'other header' } },
);

forEachRuntime(
  'list with a root that does not exist is an error',
  async (t, rt) => {
    const missing = join(rt.dir, 'missing');
    const outcome = await rt.command('--root', missing, 'list');
    t.match(outcome, { status: 1, stdout: '' });
    t.match(outcome.stderr, missing);
    t.notOk(existsSync(missing));
  },
  { deviates: { runc: '1.1: an empty list', crun: 'makes it' } },
);

forEachRuntime('two creates of one id at once: exactly one wins', async (t, rt) => {
  const id = rt.nextId();
  const both = await Promise.all([rt.create(rt.bundle(), id), rt.create(rt.bundle(), id)]);
  const [winner, loser] = both.map(({ outcome }) => outcome).sort((a, b) => a.status - b.status);
  t.equal(winner?.status, 0);
  t.equal(loser?.status, 1);
  t.match(loser?.stderr ?? '', /already exists/);
  t.equal((await rt.command('delete', '--force', id)).status, 0);
});

forEachRuntime(
  'create of an existing id is refused and does not change the first',
  async (t, rt) => {
    const container = await rt.created();
    const second = await rt.create(rt.bundle(), container.id);
    t.equal(second.outcome.status, 1);
    t.match(second.outcome.stderr, 'container with given ID already exists');
    t.equal((await container.state()).status, 'created');
    await container.remove('--force');
  },
  { deviates: { crun: 'other messages' } },
);

for (const [what, id] of [
  ['..', '..'],
  ['.', '.'],
  ['with a slash', 'a/b'],
  ['empty', ''],
  ['of 2000 characters', 'a'.repeat(2000)],
  ['with a newline', 'a\nb'],
  ['with a NUL escape', 'a%00b'],
  ['climbing out of the root', '../../escape'],
] as const) {
  forEachRuntime(
    `create refuses an id ${what}`,
    async (t, rt) => {
      const outcome = await rt.command('create', '--bundle', rt.bundle().dir, id);
      t.equal(outcome.status, 1);
      t.equal(outcome.stdout, '');
      t.match(outcome.stderr, /id|ID|name/, 'names the id');
      t.notOk(existsSync(join(rt.dir, 'escape')));
    },
    { deviates: { crun: 'accepts some' } },
  );
}

forEachRuntime('changes of config.json after create do not affect start', async (t, rt) => {
  const container = await rt.created((config) => (config.process.args = ['/bin/probe', 'echo', 'first']));
  container.bundle.config.process.args = ['/bin/probe', 'echo', 'second'];
  container.bundle.save();
  t.equal((await container.start()).status, 0);
  await stopped(container);
  t.equal(container.stdout(), 'first');
  await container.remove();
});

forEachRuntime('delete works if the bundle has been removed', async (t, rt) => {
  const container = await rt.started(['pause']);
  writeFileSync(join(container.bundle.dir, 'config.json'), '');
  t.equal((await container.remove('--force')).status, 0);
});

forEachRuntime('bundle may be relative and defaults to the current directory', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'echo', 'here']));
  t.equal((await rt.commandWith({ cwd: bundle.dir }, 'run', rt.nextId())).stdout, 'here');
  const name = bundle.dir.slice(rt.dir.length + 1);
  t.equal((await rt.commandWith({ cwd: rt.dir }, 'run', '--bundle', name, rt.nextId())).stdout, 'here');
});

forEachRuntime('create works with an empty environment', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'echo', 'here']));
  const outcome = await rt.commandWith({ env: { XDG_RUNTIME_DIR: '' } }, 'run', '--bundle', bundle.dir, rt.nextId());
  t.equal(outcome.stdout, 'here');
});

forEachRuntime(
  'delete --force removes what a killed create leaves',
  async (t, rt) => {
    const bundle = rt.bundle();
    for (let round = 0; round < 8; round++) {
      const id = rt.nextId();
      bundle.config.linux.cgroupsPath = `/${id}`;
      bundle.save();
      const half = rt.background('create', '--bundle', bundle.dir, id);
      // The moment differs between rounds, because the state directory appears at different times.
      await until('create began', () => existsSync(join(rt.root, id)) || half.child.exitCode !== null);
      half.child.kill('SIGKILL');
      await until('create ended', () => half.child.exitCode !== null || half.child.signalCode !== null);
      const outcome = await rt.command('delete', '--force', id);
      t.equal(outcome.status, 0, outcome.stderr);
    }
  },
  { deviates: { runc: 'may leave a cgroup', crun: 'may leave a cgroup' } },
);
