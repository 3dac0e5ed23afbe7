import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { cgroupsWithPrefix, hierarchies, isUnified, lackingController } from '../harness/cgroup.ts';
import { commandWithFault, faulty, stoppedAt } from '../harness/faults.ts';
import type { Fault } from '../harness/faults.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const oursOnly = 'calls are those of this project';
const errors = ['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'EACCES'] as const;

/** Nothing was lost: the container is unchanged, and can be removed. */
async function unharmed(t: Test, container: Container, status: string): Promise<void> {
  t.equal((await container.state()).status, status);
  t.strictSame(await container.remove('--force'), { status: 0, stdout: '', stderr: '' });
}

function refused(t: Test, outcome: Outcome, words: string | RegExp, what: string): void {
  t.not(outcome.status, 0, what);
  t.match(outcome.stderr, words, what);
  t.notMatch(outcome.stderr, 'internal error', what);
}

const freezerFile = (id: string): string =>
  isUnified() ? `/sys/fs/cgroup/${id}/cgroup.freeze` : `/sys/fs/cgroup/freezer/${id}/freezer.self_freezing`;

forEachRuntime(
  'a process that cannot be inspected is not considered ended',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { id } = container;
    const { pid } = await container.state();
    const path = `/proc/${pid}/stat`;
    const fails = async (call: string, error: string, ...words: string[]): Promise<void> => {
      const outcome = await commandWithFault(rt, { call, error, path }, ...words);
      refused(t, outcome, `cannot read "${path}"`, `${words.join(' ')}: ${error} of ${call}`);
    };
    for (const error of errors) await fails('openat', error, 'state', id);
    await fails('read', 'EIO', 'state', id);
    await fails('openat', 'ENFILE', 'kill', id, 'KILL');
    await fails('openat', 'ENFILE', 'exec', id, '/bin/probe', 'exit', '0');
    await fails('openat', 'ENFILE', 'update', '--pids-limit', '9', id);
    await fails('openat', 'ENFILE', 'pause', id);
    await fails('openat', 'ENFILE', 'ps', id);
    await fails('openat', 'ENFILE', 'delete', id);
    await fails('openat', 'ENFILE', 'delete', '--force', id);
    await unharmed(t, container, 'running');
    const created = await rt.created();
    const fault = { call: 'openat', error: 'ENFILE', path: `/proc/${(await created.state()).pid}/stat` };
    refused(t, await commandWithFault(rt, fault, 'start', created.id), 'cannot read', 'start');
    await unharmed(t, created, 'created');
  },
  { oursOnly },
);

forEachRuntime(
  'list reports the container that it cannot inspect, and shows the others',
  async (t, rt) => {
    const [one, other] = [await rt.created(), await rt.created()];
    const path = `/proc/${(await one.state()).pid}/stat`;
    const outcome = await commandWithFault(rt, { call: 'openat', error: 'EMFILE', path }, 'list', '-q');
    t.equal(outcome.status, 0);
    t.equal(outcome.stdout, `${other.id}\n`);
    t.match(outcome.stderr, `load container ${one.id}: cannot read "${path}"`);
    for (const container of [one, other]) await unharmed(t, container, 'created');
  },
  { oursOnly },
);

forEachRuntime(
  'if /proc shows no processes, a running container is not reported as stopped',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    // Node itself starts with an empty /proc, too.
    const empty = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
    for (const words of [['state'], ['delete'], ['delete', '--force']]) {
      const outcome = await rt.commandThrough(empty, ...words, container.id);
      refused(t, outcome, /cannot see process \d+ in \/proc/, words.join(' '));
    }
    await unharmed(t, container, 'running');
  },
  { oursOnly },
);

forEachRuntime(
  'a freezer that cannot be read is not considered thawed',
  async (t, rt) => {
    let path = '';
    const container = await rt.started(['pause'], ({ linux }) => (path = freezerFile(linux.cgroupsPath.slice(1))));
    t.equal((await rt.command('pause', container.id)).status, 0);
    for (const words of [['state'], ['resume'], ['exec', '--detach'], ['pause']]) {
      const [command = '', ...flags] = words;
      const program = command === 'exec' ? ['/bin/probe', 'exit', '0'] : [];
      const fault = { call: 'openat', error: 'EMFILE', path };
      const outcome = await commandWithFault(rt, fault, command, ...flags, container.id, ...program);
      refused(t, outcome, `cannot read "${path}"`, command);
    }
    await unharmed(t, container, 'paused');
  },
  { oursOnly, lacking: isUnified() ? undefined : lackingController('freezer') },
);

forEachRuntime(
  'a container is not made if the start time of its init cannot be read',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    const words = ['run', '--bundle', bundle.dir, rt.nextId()];
    /** The call that reads the start time of init, after that of the runtime itself, and its index from 1. */
    const ofInit = (log: string): { call: string; nth: number } | undefined => {
      // Another process reports its end.
      const calls = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('openat('));
      const pids = calls.map((line) => /"\/proc\/(\d+)\/stat"/.exec(line)?.[1]);
      const own = pids.find((pid) => pid !== undefined);
      const index = pids.findIndex((pid) => pid !== undefined && pid !== own);
      return index < 0 ? undefined : { call: calls[index] ?? '', nth: index + 1 };
    };
    const undisturbed = join(rt.dir, 'calls');
    // Two runs need not make the same calls, so the index may be that of another one.
    const outcome = await until('the call that reads the start time of init fails', async () => {
      t.equal((await rt.commandThrough(['strace', '-o', undisturbed, '-e', 'trace=openat'], ...words)).status, 0);
      const { prefix, log } = faulty(rt, { call: 'openat', error: 'ENFILE', nth: ofInit(undisturbed)?.nth ?? 1 });
      const attempt = await rt.commandThrough(prefix, ...words);
      return ofInit(log)?.call.includes('(INJECTED)') && attempt;
    });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot read "\/proc\/\d+\/stat"/);
    t.strictSame(readdirSync(rt.root), []);
    t.strictSame(cgroupsWithPrefix(rt.prefix), []);
  },
  { oursOnly },
);

forEachRuntime(
  'a cgroup hierarchy that cannot be inspected is not skipped',
  async (t, rt) => {
    const bundle = rt.bundle();
    for (const path of isUnified() ? ['/sys/fs/cgroup'] : hierarchies()) {
      const words = ['run', '--bundle', bundle.dir, rt.nextId()];
      refused(t, await commandWithFault(rt, { call: 'statfs', error: 'ENOMEM', path }, ...words), `"${path}"`, path);
    }
  },
  { oursOnly },
);

forEachRuntime(
  'without a mount namespace, a root that cannot be inspected is an error: its mounts would remain',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'mount');
      config.mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
    });
    const fault = { call: 'openat', error: 'ENOMEM', path: bundle.rootfs };
    refused(t, await commandWithFault(rt, fault, 'run', '--bundle', bundle.dir, rt.nextId()), bundle.rootfs, 'run');
  },
  { oursOnly },
);

forEachRuntime(
  'delete --force keeps a container whose record it cannot read',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const directory = join(rt.root, container.id);
    const path = join(directory, 'state.json');
    const fails = async (fault: Fault, words: string): Promise<void> => {
      const outcome = await commandWithFault(rt, fault, 'delete', '--force', container.id);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words, `${fault.error} of ${fault.call}`);
    };
    for (const error of errors) {
      await fails({ call: 'openat', error, path: directory, nth: 1 }, `cannot open state directory "${directory}"`);
      await fails({ call: 'openat', error, path: directory, nth: 2 }, `cannot read "${path}"`);
      await fails(
        { call: 'newfstatat,fstat', error, path: directory },
        `cannot look at state directory "${directory}"`,
      );
    }
    await fails({ call: 'read', error: 'EIO', path }, `cannot read "${path}"`);
    await unharmed(t, container, 'running');
  },
  { oursOnly },
);

/** Replaces the text of a container's record, and restores it afterwards. */
async function withRecord(
  rt: Sandbox,
  id: string,
  text: (old: string) => string,
  body: () => Promise<void>,
): Promise<void> {
  const path = join(rt.root, id, 'state.json');
  const old = readFileSync(path, 'utf8');
  writeFileSync(path, text(old));
  await body();
  writeFileSync(path, old);
}

/** A record as version 1 had it: of the cgroups the directories alone. */
function asVersion1(text: string): string {
  const { cgroup, ...rest } = JSON.parse(text) as { cgroup: { hierarchies: { directory: string }[] } };
  const { hierarchies: cgroups, ...kept } = cgroup;
  const directories = cgroups.map(({ directory }) => directory);
  return JSON.stringify({ ...rest, version: 1, cgroup: { ...kept, directories } });
}

forEachRuntime(
  'a container whose record is of version 1 is listed, paused, entered, killed and removed',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { id } = container;
    const path = join(rt.root, id, 'state.json');
    writeFileSync(path, asVersion1(readFileSync(path, 'utf8')));
    t.equal((await container.state()).status, 'running');
    if (lackingController('freezer') === undefined) {
      t.equal((await rt.command('pause', id)).status, 0);
      t.equal((await container.state()).status, 'paused');
      t.equal((await rt.command('resume', id)).status, 0);
    }
    const entered = await rt.command('exec', id, '/bin/probe', 'exit', '7');
    t.equal(entered.status, 7, entered.stderr);
    t.equal((await rt.command('update', '--pids-limit', '9', id)).status, 0);
    t.equal((await rt.command('kill', '--all', id, 'KILL')).status, 0);
    t.strictSame(await container.remove(), { status: 0, stdout: '', stderr: '' });
  },
  { oursOnly },
);

forEachRuntime(
  'the record of a newer version is reported and not changed',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { id } = container;
    await withRecord(
      rt,
      id,
      (old) => old.replace('"version":2', '"version":3'),
      async () => {
        for (const words of [['state'], ['kill'], ['delete'], ['delete', '--force']]) {
          refused(t, await rt.command(...words, id), 'written by a newer rt (state version 3)', words.join(' '));
        }
        const list = await rt.command('list', '-q');
        t.strictSame([list.status, list.stdout], [0, '']);
        t.match(list.stderr, `load container ${id}`);
      },
    );
    await unharmed(t, container, 'running');
  },
  { oursOnly },
);

/** Invalid records, as an attacker or a broken disk could leave them. */
const damages: readonly (readonly [what: string, text: (old: string) => string])[] = [
  ['empty', () => ''],
  ['cut off', (old) => old.slice(0, -20)],
  ['no object', () => 'null'],
  ['almost nothing', (old) => `{"version":2,"id":${JSON.stringify((JSON.parse(old) as { id: string }).id)}}`],
  ['with a number for an id', (old) => old.replace(/"id":"[^"]*"/, '"id":5')],
  ['with a pid of a wrong kind', (old) => old.replace(/"pid":(\d+),"startTime"/, '"pid":"$1","startTime"')],
  ['with hooks of a wrong kind', (old) => old.replace('"hooks":{', '"hooks":{"poststop":[5],')],
  ['with cgroups of a wrong kind', (old) => old.replace(/"hierarchies":\[/, '"hierarchies":[7,')],
];

forEachRuntime(
  'a damaged record is reported, and no running container is lost with it',
  async (t, rt) => {
    const container = await rt.started(['pause']);
    const { id } = container;
    for (const [what, text] of damages) {
      await withRecord(rt, id, text, async () => {
        refused(t, await rt.command('state', id), 'not a state that rt wrote', `state, ${what}`);
        const list = await rt.command('list', '-q');
        t.equal(list.status, 0);
        t.match(list.stderr, `load container ${id}: cannot read`, `list, ${what}`);
        const outcome = await rt.command('delete', '--force', id);
        t.equal(outcome.status, 1, `delete --force, ${what}`);
        t.match(outcome.stderr, 'not a state that rt wrote');
        t.notMatch(outcome.stderr, 'internal error');
      });
    }
    await unharmed(t, container, 'running');
  },
  { oursOnly },
);

forEachRuntime(
  'delete --force removes a damaged record if its readable parts show that nothing runs',
  async (t, rt) => {
    const container = await rt.created((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    const { id } = container;
    t.equal((await container.start()).status, 0);
    await until('it stopped', async () => (await container.state()).status === 'stopped');
    const path = join(rt.root, id, 'state.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"version":2', '"version":"x"').slice(0, -20));
    t.equal((await container.remove()).status, 1, 'not without --force');
    const removed = await container.remove('--force');
    t.equal(removed.status, 0);
    t.match(removed.stderr, `the state of container ${id} was damaged`);
    t.notOk(existsSync(join(rt.root, id)));
  },
  { oursOnly },
);

forEachRuntime(
  'if a damaged record has no readable parts, delete --force explains how to remove it by hand',
  async (t, rt) => {
    const directory = join(rt.root, rt.nextId());
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'state.json'), 'x');
    const outcome = await rt.command('delete', '--force', directory.slice(rt.root.length + 1));
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, `rm -r ${directory}`);
    t.ok(existsSync(join(directory, 'state.json')));
    rmSync(directory, { recursive: true });
  },
  { oursOnly },
);

async function createdAgain(rt: Sandbox, id: string): Promise<Container> {
  const container = await rt.create(rt.bundle(), id);
  if (container.outcome.status !== 0) throw new Error(container.outcome.stderr);
  return container;
}

forEachRuntime(
  'a late delete does not change a new container with the same id',
  async (t, rt) => {
    const first = await rt.created();
    const { id } = first;
    const late = await stoppedAt(rt, { call: 'openat', path: join(rt.root, id) }, 'delete', '--force', id);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    const second = await createdAgain(rt, id);
    late.goOn();
    t.strictSame(await late.ended, { status: 0, stdout: '', stderr: '' }, 'what it was to delete is gone');
    await unharmed(t, second, 'created');
  },
  { oursOnly },
);

forEachRuntime(
  'during a delete, a second one waits for it, and no create gets in between',
  async (t, rt) => {
    const first = await rt.created();
    const { id } = first;
    const slow = await stoppedAt(rt, { call: 'rmdir', nth: 1 }, 'delete', '--force', id);
    const { prefix, log } = faulty(rt, { call: 'flock', signal: 'SIGWINCH' });
    const second = rt.backgroundThrough(prefix, 'delete', '--force', id);
    await until('the second waits', () => existsSync(log) && readFileSync(log, 'utf8').includes('EAGAIN'));
    const early = await rt.create(rt.bundle(), id);
    t.match(early.outcome.stderr, 'already exists');
    slow.goOn();
    t.strictSame(await slow.ended, { status: 0, stdout: '', stderr: '' });
    t.equal((await second.ended).status, 0);
    await unharmed(t, await createdAgain(rt, id), 'created');
  },
  { oursOnly },
);

// Each reads the record through a descriptor of the directory; update does so once before, to refuse invalid values.
for (const [nth, ...words] of [
  [2, 'pause'],
  [4, 'update', '--pids-limit', '5'],
] as const) {
  forEachRuntime(
    `${words[0]} changes only the container that it found`,
    async (t, rt) => {
      const { id } = await rt.created();
      const [command, ...rest] = words;
      const slow = await stoppedAt(rt, { call: 'openat', path: join(rt.root, id), nth }, command, id, ...rest);
      const { prefix, log } = faulty(rt, { call: 'flock', signal: 'SIGWINCH' });
      const removal = rt.backgroundThrough(prefix, 'delete', '--force', id);
      await until('the delete waits', () => {
        if (removal.child.exitCode !== null) throw new Error('the container was deleted meanwhile');
        return existsSync(log) && readFileSync(log, 'utf8').includes('EAGAIN');
      });
      slow.goOn();
      t.equal((await slow.ended).status, 0);
      t.equal((await removal.ended).status, 0);
      await unharmed(t, await createdAgain(rt, id), 'created');
    },
    { oursOnly },
  );
}

forEachRuntime(
  'a create whose directory was removed fails, and changes nothing of a new container with the same id',
  async (t, rt) => {
    const id = rt.nextId();
    mkdirSync(rt.root);
    const late = await stoppedAt(
      rt,
      { call: 'mkdir', path: join(rt.root, id), nth: 1 },
      'create',
      '--bundle',
      rt.bundle().dir,
      id,
    );
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    const second = await createdAgain(rt, id);
    late.goOn();
    const outcome = await late.ended;
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'already exists');
    await unharmed(t, second, 'created');
  },
  { oursOnly },
);

forEachRuntime(
  'delete --force of a container during its creation waits for the end of create, then removes it',
  async (t, rt) => {
    const bundle = rt.bundle();
    const id = rt.nextId();
    const words = ['run', '--bundle', bundle.dir, id];
    const creating = await stoppedAt(rt, { call: 'memfd_create', nth: 1 }, ...words);
    const { prefix, log } = faulty(rt, { call: 'flock', signal: 'SIGWINCH' });
    const removal = rt.backgroundThrough(prefix, 'delete', '--force', id);
    await until('the removal waits', () => existsSync(log) && readFileSync(log, 'utf8').includes('EAGAIN'));
    const plain = await rt.command('delete', id);
    t.match(plain.stderr, `cannot delete container ${id} that is not stopped: creating`);
    creating.goOn();
    t.equal((await removal.ended).status, 0);
    await creating.ended;
    t.notOk(existsSync(join(rt.root, id)));
  },
  { oursOnly },
);

forEachRuntime(
  'a late start does not use the socket of a new container with the same id',
  async (t, rt) => {
    const first = await rt.created((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    const { id } = first;
    const socket = join(rt.root, id, 'start.sock');
    const late = await stoppedAt(rt, { call: 'recvmsg', nth: 1 }, 'start', id);
    await until('it ended', async () => (await first.state()).status === 'stopped');
    t.equal((await rt.command('delete', id)).status, 0);
    const second = await createdAgain(rt, id);
    late.goOn();
    await late.ended;
    t.ok(existsSync(socket));
    await unharmed(t, second, 'created');
  },
  { oursOnly },
);

forEachRuntime(
  'a go-ahead that cannot be sent is an error, an interrupted one is sent again',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    const words = ['run', '--bundle', bundle.dir, rt.nextId()];
    const log = join(rt.dir, 'calls');
    t.equal((await rt.commandThrough(['strace', '-o', log, '-e', 'trace=sendto'], ...words)).status, 0);
    const calls = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('sendto(')).length;
    t.ok(calls > 0);
    for (let nth = 1; nth <= calls; nth++) {
      const outcome = await commandWithFault(rt, { call: 'sendto', error: 'ENOBUFS', nth }, ...words);
      t.equal(outcome.status, 1, `${nth} of ${calls}`);
      t.match(outcome.stderr, 'cannot send to the init of the container: no buffer space available');
      t.strictSame(readdirSync(rt.root), []);
      const again = await commandWithFault(rt, { call: 'sendto', error: 'EINTR', nth }, ...words);
      t.strictSame(again, { status: 0, stdout: '', stderr: '' });
    }
    const container = await rt.created();
    const failed = await commandWithFault(rt, { call: 'sendto', error: 'ENOMEM' }, 'start', container.id);
    t.equal(failed.status, 1);
    t.match(failed.stderr, 'cannot send to the init of the container');
    await unharmed(t, container, 'created');
  },
  { oursOnly },
);

forEachRuntime(
  'a create whose init ended before it was told that its state is saved fails, and leaves nothing',
  async (t, rt) => {
    const id = rt.nextId();
    const pidFile = join(rt.dir, 'pid');
    const words = ['create', '--pid-file', pidFile, '--bundle', rt.bundle().dir, id];
    // The first has the record without a pid in place, the second that with it.
    const creating = await stoppedAt(rt, { call: 'rename', nth: 2 }, ...words);
    const { pid } = JSON.parse(readFileSync(join(rt.root, id, 'state.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await until('init has ended', () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
    creating.goOn();
    const outcome = await creating.ended;
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'create failed: the container process ended during its setup (signal 9)');
    t.notOk(existsSync(pidFile));
    t.strictSame(readdirSync(rt.root), []);
  },
  { oursOnly },
);

forEachRuntime(
  'HOME is not guessed if the passwd file of the container cannot be opened',
  async (t, rt) => {
    const bundle = rt.bundle(({ process }) => {
      process.args = ['/bin/probe', 'exit', '0'];
      process.env = ['PATH=/bin'];
    });
    mkdirSync(join(bundle.rootfs, 'etc'), { recursive: true });
    writeFileSync(join(bundle.rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n');
    const fault = { call: 'openat2', error: 'ENFILE', path: '/etc/passwd', children: true };
    const outcome = await commandWithFault(rt, fault, 'run', '--bundle', bundle.dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'cannot read /etc/passwd of the container, for HOME: too many open files in system');
  },
  { oursOnly },
);

forEachRuntime(
  'many concurrent commands on two ids lose nothing',
  async (t, rt) => {
    const ids = [rt.nextId(), rt.nextId()];
    const bundles = [
      rt.bundle((config) => (config.process.args = ['/bin/probe', 'pause'])),
      rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0'])),
      rt.bundle((config) => (config.process.args = ['/nonexistent'])),
    ];
    const words = (id: string): string[][] => [
      ...bundles.flatMap(({ dir }) => [
        ['create', '--bundle', dir, id],
        ['run', '--detach', '--bundle', dir, id],
      ]),
      ['start', id],
      ['delete', '--force', id],
      ['delete', '--force', id],
      ['delete', id],
      ['kill', id, 'KILL'],
      ['pause', id],
      ['resume', id],
      ['state', id],
      ['exec', '--detach', id, '/bin/probe', 'exit', '0'],
    ];
    // A fixed order of calls (a linear congruential generator); their interleaving depends on the machine.
    let seed = 20261128;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const each = rt.runtime.name === 'rt' ? 20 : 4;
    const callers = Array.from({ length: 16 }, async () => {
      for (let call = 0; call < each; call++) {
        const all = words(ids[next(ids.length)] ?? '');
        const chosen = all[next(all.length)] ?? [];
        const outcome = await rt.commandDetached(...chosen);
        t.notMatch(outcome.stderr, 'internal error', chosen.join(' '));
      }
    });
    await Promise.all(callers);
    for (const id of ids)
      t.strictSame(await rt.command('delete', '--force', id), { status: 0, stdout: '', stderr: '' });
    t.strictSame(readdirSync(rt.root), []);
    // The harness would find the processes and cgroups of lost containers.
  },
  { oursOnly },
);
