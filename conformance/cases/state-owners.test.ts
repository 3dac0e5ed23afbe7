/* State roots that other users can write to: their files are not trusted, and have no effect. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Test } from 'tap';
import { stoppedAt } from '../harness/faults.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const oursOnly = 'peers believe whatever is in their state root';
const USER = 1000;

function below(rt: Sandbox, root: string, ...words: string[]): Promise<Outcome> {
  return run([...rt.runtime.argv, '--root', root, ...words], { env: rt.env });
}

/** A record with a poststop hook whose execution would be noticed. */
function record(id: string, trace: string): string {
  return JSON.stringify({
    version: 2,
    id,
    bundle: '/',
    rootfs: '/',
    created: '2026-01-01T00:00:00.000000000Z',
    annotations: {},
    pid: 0,
    startTime: 0,
    creator: { pid: 4_000_000, startTime: 1 },
    cgroup: { manager: 'cgroupfs', version: 1, hierarchies: [] },
    privatePidNamespace: true,
    keyring: false,
    hooks: { poststop: [{ path: '/bin/touch', args: ['touch', trace] }] },
  });
}

/** Makes a container directory as another user. */
function plant(root: string, id: string, trace: string): string {
  const directory = join(root, id);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'state.json'), record(id, trace));
  return directory;
}

const lookers = [['state'], ['delete'], ['delete', '--force'], ['start'], ['kill'], ['ps']] as const;

async function allRefuse(t: Test, rt: Sandbox, root: string, id: string, words: RegExp): Promise<void> {
  for (const command of lookers) {
    const outcome = await below(rt, root, ...command, id);
    t.equal(outcome.status, 1, command.join(' '));
    t.equal(outcome.stdout, '');
    t.match(outcome.stderr, words, command.join(' '));
    t.match(outcome.stderr, '  hint: ');
  }
  const executed = await below(rt, root, 'exec', id, '/bin/true');
  t.equal(executed.status, 255);
  t.match(executed.stderr, words, 'exec');
}

forEachRuntime(
  'a state root that is writable by others is refused, and nothing is made in it',
  async (t, rt) => {
    const trace = join(rt.dir, 'trace');
    const bundle = rt.bundle();
    const kinds: [string, number, number, RegExp][] = [
      ['sticky', 0, 0o1777, /cannot use state root "[^"]*": it must be writable by its owner alone, .* mode 1777/],
      ['open', 0, 0o777, /writable by its owner alone, and has owner uid 0, mode 0777\n.*chmod go-w/],
      ['of-a-group', 0, 0o770, /writable by its owner alone, and has owner uid 0, mode 0770\n.*chmod go-w/],
      ['foreign', USER, 0o700, /must belong to root or to the caller, uid 0, and has owner uid 1000, mode 0700/],
    ];
    for (const [name, owner, mode, words] of kinds) {
      const root = join(rt.dir, name);
      plant(root, 'c1', trace);
      chmodSync(root, mode);
      chownSync(root, owner, owner);
      await allRefuse(t, rt, root, 'c1', words);
      for (const command of [
        ['list'],
        ['create', '--bundle', bundle.dir, 'c2'],
        ['run', '--bundle', bundle.dir, 'c2'],
      ]) {
        const outcome = await below(rt, root, ...command);
        t.equal(outcome.status, 1, `${name} ${command[0]}`);
        t.equal(outcome.stdout, '');
        t.match(outcome.stderr, words);
      }
      t.strictSame(readdirSync(root), ['c1']);
      t.strictSame(readdirSync(join(root, 'c1')), ['state.json']);
    }
    t.notOk(existsSync(trace), 'no hook ran');
  },
  { oursOnly },
);

forEachRuntime(
  'a container directory made by another user is refused, and does not hide the others',
  async (t, rt) => {
    const trace = join(rt.dir, 'trace');
    const good = await rt.created();
    const elsewhere = plant(rt.dir, 'elsewhere', trace);
    const plants: [string, (id: string) => void, RegExp][] = [
      ['foreign', (id) => chownSync(plant(rt.root, id, trace), USER, USER), /must belong to root .* owner uid 1000/],
      ['open', (id) => chmodSync(plant(rt.root, id, trace), 0o777), /must be writable by its owner alone/],
      ['link', (id) => symlinkSync(elsewhere, join(rt.root, id)), /cannot use state directory ".*": it is a symbolic/],
      ['dangling', (id) => symlinkSync(join(rt.dir, 'none'), join(rt.root, id)), /it is a symbolic link/],
    ];
    for (const [id, make, words] of plants) {
      make(id);
      await allRefuse(t, rt, rt.root, id, words);
      const taken = await rt.command('create', '--bundle', rt.bundle().dir, id);
      t.match(taken.stderr, 'already exists');
      const list = await rt.command('list', '-q');
      t.equal(list.status, 0);
      t.equal(list.stdout, `${good.id}\n`);
      t.match(list.stderr, `load container ${id}: `);
      t.match(list.stderr, words);
      rmSync(join(rt.root, id), { recursive: true });
    }
    t.ok(existsSync(join(elsewhere, 'state.json')), 'what the link led to is untouched');
    t.notOk(existsSync(trace), 'no hook ran');
    await good.remove('--force');
  },
  { oursOnly },
);

forEachRuntime(
  'below a directory of a user, a state root that rt makes belongs to root; one that the user made is refused',
  async (t, rt) => {
    const home = join(rt.dir, 'home');
    mkdirSync(home);
    chownSync(home, USER, USER);
    const root = join(home, 'x');
    const id = rt.nextId();
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    t.equal((await below(rt, root, 'run', '--bundle', bundle.dir, id)).status, 0);
    t.equal(statSync(root).uid, 0);
    t.equal(statSync(root).mode & 0o7777, 0o700);
    chownSync(root, USER, USER);
    const sudo = { ...rt.env, SUDO_UID: String(USER), SUDO_GID: String(USER), SUDO_USER: 'user' };
    const outcome = await run([...rt.runtime.argv, '--root', root, 'list'], { env: sudo });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /must belong to root or to the caller, uid 0, and has owner uid 1000/);
    const itself = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'];
    chmodSync(rt.dir, 0o755);
    const own = await run([...itself, ...rt.runtime.argv, '--root', root, 'list', '-q'], { env: rt.env });
    t.strictSame(own, { status: 0, stdout: '', stderr: '' }, 'the user may');
    const ofRoot = join(rt.dir, 'of-root');
    mkdirSync(ofRoot);
    chmodSync(ofRoot, 0o755);
    const read = await run([...itself, ...rt.runtime.argv, '--root', ofRoot, 'list', '-q'], { env: rt.env });
    t.strictSame(read, { status: 0, stdout: '', stderr: '' }, 'and what belongs to root is trusted');
  },
  { oursOnly },
);

forEachRuntime(
  'in a user namespace root is its root: a state root of an unmapped owner is refused',
  async (t, rt) => {
    const inside = ['unshare', '--user', '--map-root-user'];
    const list = (root: string, prefix: string[]): Promise<Outcome> =>
      run([...prefix, ...rt.runtime.argv, '--root', root, 'list', '-q'], { env: rt.env });
    const [mapped, unmapped] = [join(rt.dir, 'mapped'), join(rt.dir, 'unmapped')];
    for (const root of [mapped, unmapped]) mkdirSync(root, { mode: 0o755 });
    chmodSync(rt.dir, 0o755);
    chownSync(unmapped, USER, USER);
    t.strictSame(await list(mapped, inside), { status: 0, stdout: '', stderr: '' });
    const refused = await list(unmapped, inside);
    t.equal(refused.status, 1);
    t.match(refused.stderr, /must belong to root or to the caller, uid 0, and has owner uid 65534/);
    const asUser = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', ...inside];
    t.strictSame(await list(unmapped, asUser), { status: 0, stdout: '', stderr: '' }, 'its own');
    t.match((await list(mapped, asUser)).stderr, /has owner uid 65534/, "that of the host's root");
  },
  { oursOnly },
);

forEachRuntime(
  'a state root of mode 0711 is accepted, also through a link',
  async (t, rt) => {
    mkdirSync(rt.root, { mode: 0o711 });
    chmodSync(rt.root, 0o711);
    const container = await rt.created();
    const link = join(rt.dir, 'link');
    symlinkSync(rt.root, link);
    t.equal((await below(rt, link, 'list', '-q')).stdout, `${container.id}\n`);
    t.equal((await below(rt, link, 'delete', '--force', container.id)).status, 0);
  },
  { oursOnly },
);

forEachRuntime(
  'a record of any other file type is one clear error, at once, and does not hide the others',
  async (t, rt) => {
    const good = await rt.created();
    const victim = join(rt.dir, 'victim');
    writeFileSync(victim, record('bad', join(rt.dir, 'trace')));
    const makers: [string, (path: string) => void][] = [
      ['fifo', (path) => execFileSync('mkfifo', [path])],
      ['directory', (path) => mkdirSync(path)],
      ['link', (path) => symlinkSync(victim, path)],
      ['endless', (path) => symlinkSync('/dev/zero', path)],
      ['device', (path) => execFileSync('mknod', [path, 'c', '1', '5'])],
      ['sparse', (path) => (writeFileSync(path, ''), truncateSync(path, 8 * 2 ** 30))],
      ['long', (path) => writeFileSync(path, `{"version":1,"id":"${'x'.repeat(100_000_000)}"}`)],
      ['deep', (path) => writeFileSync(path, '['.repeat(10_000_000))],
      ['empty', (path) => writeFileSync(path, '')],
      ['half', (path) => writeFileSync(path, record('bad', 'x').slice(0, 60))],
    ];
    for (const [name, make] of makers) {
      const directory = join(rt.root, 'bad');
      mkdirSync(directory, { mode: 0o700 });
      make(join(directory, 'state.json'));
      for (const command of [['state'], ['delete'], ['delete', '--force'], ['start']]) {
        const outcome = await rt.command(...command, 'bad');
        t.equal(outcome.status, 1, `${command.join(' ')}: ${name}`);
        t.match(outcome.stderr, `cannot read "${join(directory, 'state.json')}"`, `${command.join(' ')}: ${name}`);
        t.notMatch(outcome.stderr, 'internal error');
        t.ok(outcome.stderr.length < 2048);
      }
      const list = await rt.command('list', '-q');
      t.equal(list.stdout, `${good.id}\n`, name);
      t.match(list.stderr, 'load container bad: cannot read', name);
      rmSync(directory, { recursive: true });
    }
    t.equal((await good.state()).status, 'created');
    await good.remove('--force');
  },
  { oursOnly },
);

/** Type and mode of everything in a directory, by name. */
function modesIn(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true }) as string[];
  return Object.fromEntries(names.map((name) => [name, (lstatSync(join(directory, name)).mode & 0o7777).toString(8)]));
}

forEachRuntime(
  'with any umask of the caller, nobody else can read the state or write to a file that rt makes',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/probe', 'wait'];
      config.annotations = { 'run.oci.hooks.stdout': 'hooks.log' };
      config.hooks = { createRuntime: [{ path: '/bin/true' }] };
    });
    const id = rt.nextId();
    const out = join(rt.dir, 'out');
    mkdirSync(out);
    const file = (name: string): string => join(out, name);
    const spec = join(rt.dir, 'spec');
    mkdirSync(spec);
    const open = ['sh', '-c', 'umask 0; exec "$@"', 'sh'];
    const run0 = (...words: string[]): Promise<Outcome> =>
      run([...open, ...rt.runtime.argv, '--root', join(rt.root, 'a', 'b'), '--log', file('log'), ...words], {
        env: rt.env,
        input: '',
      });
    const created = await run([
      ...open,
      'sh',
      '-c',
      'exec "$@" >/dev/null 2>&1',
      'sh',
      ...rt.runtime.argv,
      ...['--root', join(rt.root, 'a', 'b'), '--log', file('log'), '--trace', file('trace')],
      ...['create', '--pid-file', file('pid'), '--bundle', bundle.dir, id],
    ]);
    t.equal(created.status, 0);
    t.strictSame(modesIn(rt.root), {
      a: '700',
      'a/b': '700',
      [`a/b/${id}`]: '700',
      [`a/b/${id}/config.json`]: '600',
      [`a/b/${id}/start.sock`]: '600',
      [`a/b/${id}/state.json`]: '600',
    });
    t.equal(statSync(rt.root).mode & 0o7777, 0o700);
    t.equal(statSync(join(bundle.dir, 'hooks.log')).mode & 0o7777, 0o600);
    t.equal((await run0('start', id)).status, 0);
    const detached = await run0('exec', '--detach', '--pid-file', file('exec-pid'), id, '/bin/true');
    t.equal(detached.status, 0, detached.stderr);
    t.equal((await run0('spec', '--bundle', spec)).status, 0);
    t.strictSame(modesIn(out), { log: '644', trace: '644', pid: '644', 'exec-pid': '644' });
    // The caller's own file: its group may write it, with that umask.
    t.strictSame(modesIn(spec), { 'config.json': '664' });
    t.equal((await run0('delete', '--force', id)).status, 0);
    rmSync(rt.root, { recursive: true });
  },
  { oursOnly },
);

forEachRuntime(
  'a state root that is exchanged while a container is made gets nothing of it',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'exit', '0']));
    const id = rt.nextId();
    const aside = `${rt.root}.aside`;
    const creating = await stoppedAt(rt, { call: 'rename', nth: 1 }, 'create', '--bundle', bundle.dir, id);
    renameSync(rt.root, aside);
    mkdirSync(join(rt.root, id), { recursive: true });
    creating.goOn();
    await until('it is created', async () =>
      (await below(rt, aside, 'state', id)).stdout.includes('"status": "created"'),
    );
    t.strictSame(readdirSync(join(rt.root, id)), []);
    t.strictSame(readdirSync(join(aside, id)).sort(), ['config.json', 'start.sock', 'state.json']);
    rmSync(rt.root, { recursive: true });
    renameSync(aside, rt.root);
    t.equal((await rt.command('start', id)).status, 0);
    t.equal((await creating.ended).status, 0);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { oursOnly },
);
