import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failed, withContainer } from '../harness/exec.ts';
import { answers } from '../harness/guest.ts';
import type { OpenFile } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';
import { Receiver } from '../harness/terminal.ts';

const O_NONBLOCK = 0o4000;

function describing(rt: Sandbox): Bundle {
  return rt.bundle((config) => (config.process.args = ['/bin/probe', 'fds', '--', 'env']));
}

const parse = (stdout: string): [OpenFile[], string[]] => answers(stdout) as [OpenFile[], string[]];

forEachRuntime('--preserve-fds passes descriptors on with their numbers', async (t, rt) => {
  const files = ['a', 'b', 'c'].map((name) => join(rt.dir, name));
  const descriptors = files.map((file) => openSync(file, 'w'));
  const bundle = describing(rt);
  const words = ['run', '--preserve-fds', '2', '--bundle', bundle.dir, rt.nextId()];
  const [fds] = parse((await rt.commandWith({ descriptors }, ...words)).stdout);
  t.strictSame(
    fds.filter(({ fd }) => fd > 2).map(({ fd, target }) => [fd, target]),
    [
      [3, files[0]],
      [4, files[1]],
    ],
  );
  descriptors.forEach((fd) => closeSync(fd));
});

forEachRuntime(
  '--preserve-fds of more descriptors than are open is an error',
  async (t, rt) => {
    const bundle = describing(rt);
    for (const count of ['90', '-1']) {
      const outcome = await rt.command('create', `--preserve-fds=${count}`, '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, count === '90' ? /unable to stat preserved-fd \d+ \(of 90\)/ : /negative/);
    }
  },
  { oursOnly: 'the messages are specific to rt' },
);

/** `run` by a service manager: the environment names the process itself. */
function activated(
  rt: Sandbox,
  count: number,
  pid: string,
  descriptors: number[],
  ...flags: string[]
): Promise<Outcome> {
  const words = rt.argv('run', ...flags, '--bundle', describing(rt).dir, rt.nextId());
  const script = `LISTEN_PID=${pid} LISTEN_FDS=${count} LISTEN_FDNAMES=x exec "$@"`;
  return run(['/bin/sh', '-c', script, 'sh', ...words], { env: rt.env, descriptors });
}

forEachRuntime('LISTEN_FDS passes on the sockets of a service manager', async (t, rt) => {
  const descriptors = [openSync(rt.dir, 'r'), openSync(rt.dir, 'r'), openSync(rt.dir, 'r')];
  const [fds, env] = parse((await activated(rt, 2, '$$', descriptors)).stdout);
  t.strictSame(
    fds.map(({ fd }) => fd),
    [0, 1, 2, 3, 4],
  );
  t.ok(env.includes('LISTEN_FDS=2'));
  t.ok(env.includes('LISTEN_PID=1'));
  const [more] = parse((await activated(rt, 2, '$$', descriptors, '--preserve-fds', '1')).stdout);
  t.strictSame(
    more.map(({ fd }) => fd),
    [0, 1, 2, 3, 4, 5],
  );
  descriptors.forEach((fd) => closeSync(fd));
});

forEachRuntime(
  'an announced descriptor that the caller has closed is an error, and none of the runtime replaces it',
  async (t, rt) => {
    const refused = (outcome: Outcome, status: number, missing: number, what: string): void => {
      t.strictSame([outcome.status, outcome.stdout], [status, ''], `${what}: ${outcome.stderr}`);
      t.match(outcome.stderr, new RegExp(`descriptor ${missing}\\b.*\n`), what);
    };
    const trace = ['--trace', join(rt.dir, 'trace')];
    const file = openSync(rt.dir, 'r');
    for (const open of [0, 1]) {
      const descriptors = new Array<number>(open).fill(file);
      for (const more of [1, 8]) {
        const what = `${open} open of ${open + more}`;
        refused(await activated(rt, open + more, '$$', descriptors), 1, 3 + open, `LISTEN_FDS, ${what}`);
        const flag = `--preserve-fds=${open + more}`;
        const words = [flag, '--bundle', describing(rt).dir, rt.nextId()];
        for (const command of ['run', 'create']) {
          const outcome = await rt.commandWith({ descriptors }, command, ...words);
          refused(outcome, 1, 3 + open, `${command} ${flag}, ${what}`);
        }
        const traced = await rt.commandWith({ descriptors }, ...trace, 'run', ...words);
        refused(traced, 1, 3 + open, `${flag} with --trace, ${what}`);
      }
    }
    const both = await activated(rt, 1, '$$', [file], '--preserve-fds', '1');
    refused(both, 1, 4, '--preserve-fds after LISTEN_FDS');
    const container = await rt.started(['wait']);
    for (const flags of [['--preserve-fds=2'], ['--preserve-fds=9', '--detach']]) {
      const outcome = await rt.commandWith({ descriptors: [file] }, 'exec', ...flags, container.id, '/bin/true');
      refused(outcome, 255, 4, flags.join(' '));
    }
    closeSync(file);
    await container.remove('--force');
  },
  { oursOnly: 'the peers hand on what they opened themselves (opencontainers/runc#5474)' },
);

forEachRuntime(
  'LISTEN_FDS for another process is ignored',
  async (t, rt) => {
    const descriptors = [openSync(rt.dir, 'r')];
    const [fds, env] = parse((await activated(rt, 1, '1', descriptors)).stdout);
    t.strictSame(
      fds.map(({ fd }) => fd),
      [0, 1, 2],
    );
    t.notOk(env.some((entry) => entry.startsWith('LISTEN')));
    descriptors.forEach((fd) => closeSync(fd));
  },
  { deviates: { crun: 'does not look at LISTEN_PID' } },
);

forEachRuntime('standard descriptors of a container are not made non-blocking', async (t, rt) => {
  const bundle = describing(rt);
  const outcome = await rt.commandWith({ input: '' }, 'run', '--bundle', bundle.dir, rt.nextId());
  const [fds] = parse(outcome.stdout);
  t.equal(fds.length, 3);
  for (const { fd, flags } of fds) t.equal(flags & O_NONBLOCK, 0, `descriptor ${fd}`);
});

forEachRuntime(
  '--pidfd-socket receives a pidfd of the process',
  async (t, rt) => {
    const socket = join(rt.dir, 'pidfd');
    const first = await Receiver.listen(rt, socket);
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const id = rt.nextId();
    t.equal((await rt.create(bundle, id, '--pidfd-socket', socket)).outcome.status, 0);
    const state = JSON.parse((await rt.command('state', id)).stdout) as { pid: number };
    t.match(await first.receive(), { data: 'standard', messages: 1, fds: 1, pid: state.pid });
    await first.running.ended;
    const again = join(rt.dir, 'pidfd-of-exec');
    const second = await Receiver.listen(rt, again);
    const pidFile = join(rt.dir, 'pid');
    const flags = ['--detach', '--pid-file', pidFile, '--pidfd-socket', again];
    t.equal((await rt.command('exec', ...flags, id, '/bin/sh', '-c', 'exec sleep 1000 >/dev/null 2>&1')).status, 0);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    t.match(await second.receive(), { data: 'setns', messages: 1, fds: 1, pid });
    await second.running.ended;
    const absent = await rt.command('create', '--bundle', bundle.dir, '--pidfd-socket', '/nosuch', rt.nextId());
    t.equal(absent.status, 1);
    t.match(absent.stderr, 'pidfd socket "/nosuch"');
    await rt.command('delete', '--force', id);
  },
  { oursOnly: 'peers of Debian 12 have no --pidfd-socket' },
);

forEachRuntime(
  '--pid-file has only the number, with the umask of the caller, and is replaced atomically',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    const id = rt.nextId();
    const file = join(rt.dir, 'pid');
    writeFileSync(file, 'old', { mode: 0o600 });
    const words = rt.argv('create', '--bundle', bundle.dir, '--pid-file', file, id);
    const outcome = await run(['/bin/sh', '-c', 'umask 027; exec "$@" >/dev/null 2>&1', 'sh', ...words], {
      env: rt.env,
    });
    t.equal(outcome.status, 0, outcome.stderr);
    const state = JSON.parse((await rt.command('state', id)).stdout) as { pid: number };
    t.equal(readFileSync(file, 'utf8'), String(state.pid));
    const { statSync } = await import('node:fs');
    t.equal(statSync(file).mode & 0o777, 0o640);
    await rt.command('delete', '--force', id);
  },
);

forEachRuntime(
  '--pid-file never replaces a device, a FIFO or a link to one: it is an error that says so',
  async (t, rt) => {
    const [device, fifo, link, stream] = ['device', 'fifo', 'link', 'stream'].map((name) => join(rt.dir, name)) as [
      string,
      string,
      string,
      string,
    ];
    execFileSync('mknod', [device, 'c', '1', '3']);
    execFileSync('mkfifo', [fifo]);
    symlinkSync(device, link);
    // As /dev/stdout, whatever the caller has there, if anything.
    symlinkSync('/proc/self/fd/99', stream);
    const paths = [device, fifo, link, stream];
    const kinds = (): unknown[] => paths.map((path) => lstatSync(path).mode & 0o170000);
    const before = kinds();
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'wait']));
    await withContainer(rt, async (container) => {
      for (const path of paths) {
        for (const words of [
          ['create', '--bundle', bundle.dir, '--pid-file', path, rt.nextId()],
          ['run', '--detach', '--bundle', bundle.dir, '--pid-file', path, rt.nextId()],
          ['exec', '--pid-file', path, container.id, '/bin/true'],
        ]) {
          const { status, stderr } = await rt.command(...words);
          t.equal(status, words[0] === 'exec' ? failed : 1, words.join(' '));
          t.match(stderr, `cannot write "${path}": there is something else than a file`);
        }
      }
      t.strictSame(kinds(), before, 'they are still there');
    });
  },
  { deviates: { runc: 'replaces it by a file', crun: 'writes to it' } },
);

forEachRuntime(
  'output that cannot be written is an error, unless the reader has left',
  async (t, rt) => {
    const shell = (script: string): Promise<Outcome> =>
      run(['/bin/sh', '-c', script, join(rt.dir, 'fifo'), ...rt.runtime.argv, 'features'], { env: rt.env });
    const full = await shell('"$@" >/dev/full');
    const words = 'rt: cannot write to standard output: no space left on device (write)\n';
    t.strictSame([full.status, full.stderr], [1, words]);
    const left = await shell('mkfifo "$0"; : <"$0" & exec 3>"$0"; wait; "$@" >&3');
    // SIGPIPE, which Node ignores.
    t.strictSame([left.status, left.stderr], [rt.runtime.name === 'node' ? 1 : 128 + 13, '']);
  },
  { oursOnly: 'the messages are specific to rt' },
);
