import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestConfig } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import { digest } from '../harness/leftovers.ts';
import { run } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { pattern, Receiver, TerminalSession, ttyLine } from '../harness/terminal.ts';
import type { TerminalOptions } from '../harness/terminal.ts';
import { until } from '../harness/wait.ts';

const slaveMajor = 136;

/** `run` in the foreground, in a terminal. */
function inTerminal(
  rt: Sandbox,
  args: string[],
  options: TerminalOptions = {},
  mutate?: (config: TestConfig) => void,
): TerminalSession {
  const bundle = rt.bundle((config) => {
    config.process.terminal = true;
    config.process.args = args;
    mutate?.(config);
  });
  return new TerminalSession(rt, rt.argv('run', '--bundle', bundle.dir, rt.nextId()), options);
}

forEachRuntime(
  'process.terminal: the program has a terminal of the container, with the size of the calling terminal',
  async (t, rt) => {
    const session = inTerminal(rt, ['/bin/probe', 'tty', '--', 'nothing'], { rows: 33, columns: 99 });
    const { status, restored } = await session.end();
    const tty = ttyLine(session.output());
    t.equal(status, 0, status === 0 ? 'it ran' : session.output());
    t.ok(restored);
    t.strictSame(tty.tty, [1, 1, 1]);
    t.equal(tty.major, slaveMajor);
    t.match(tty.name, /^\/dev\/(pts\/0|console)$/);
    t.ok(tty.controlling);
    t.equal(tty.session, tty.pid);
    t.equal(tty.foreground, tty.pid);
    t.ok(tty.console, '/dev/console is the same terminal');
  },
);

forEachRuntime(
  'process.terminal: the size is set before the program starts',
  async (t, rt) => {
    const session = inTerminal(rt, ['/bin/probe', 'tty'], { rows: 33, columns: 99 });
    await session.end();
    const tty = ttyLine(session.output());
    t.strictSame([tty.rows, tty.columns], [33, 99]);
  },
  { oursOnly: 'the peers set it after the start, so a program that looks at once sees 0' },
);

forEachRuntime('process.terminal belongs to the user of the process', async (t, rt) => {
  const session = inTerminal(rt, ['/bin/probe', 'tty'], {}, (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  t.equal((await session.end()).status, 0, session.output());
  const tty = ttyLine(session.output());
  t.strictSame([tty.uid, tty.gid], [1000, 5]);
});

forEachRuntime('process.terminal: a dialogue with a shell', async (t, rt) => {
  const session = inTerminal(rt, ['/bin/sh'], {}, (config) => {
    config.process.env = ['PATH=/bin', 'PS1=prompt> '];
  });
  await session.shows('prompt>');
  session.type('echo a$((1+1))b\r');
  await session.shows('a2b\r\n');
  session.type('sh -c "echo started; exec sleep 1000"\r');
  await session.shows('\r\nstarted\r\n');
  session.type('\x03');
  await until('another prompt', () => session.output().split('prompt>').length >= 4);
  session.type('exit 7\r');
  const { status, restored } = await session.end();
  t.equal(status, 7);
  t.ok(restored);
});

forEachRuntime('process.terminal: the size follows that of the calling terminal', async (t, rt) => {
  const session = inTerminal(rt, ['/bin/probe', 'winch']);
  await session.shows('ready');
  session.resize(50, 132);
  await session.end();
  t.match(session.output(), '{"rows":50,"columns":132}');
});

forEachRuntime('process.terminal: the mode is restored however the program ends', async (t, rt) => {
  const killed = inTerminal(rt, ['/bin/sh', '-c', 'kill -9 $$ & sh -c "kill -TERM 1"; exit 3']);
  t.ok((await killed.end()).restored);
  const missing = inTerminal(rt, ['/nosuch']);
  const { status, restored } = await missing.end();
  t.equal(status, 1);
  t.ok(restored);
  t.match(missing.output(), 'no such file or directory');
});

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1'] as const) {
  forEachRuntime(
    `process.terminal: ${signal} to the runtime reaches the program, and the mode is restored`,
    async (t, rt) => {
      const short = signal.slice(3);
      const script = `trap 'echo got ${short}; exit 9' ${short}; echo ready; while :; do sleep 1000 & wait; done`;
      const session = inTerminal(rt, ['/bin/sh', '-c', script]);
      await session.shows('ready');
      process.kill(runtimeOf(session), signal);
      const { status, restored } = await session.end();
      t.match(session.output(), `got ${short}`);
      t.equal(status, 9);
      t.ok(restored);
    },
  );
}

forEachRuntime(
  'process.terminal: the mode is restored when the runtime crashes',
  async (t, rt) => {
    const session = inTerminal(rt, ['/bin/sh', '-c', 'echo ready; exec sleep 1000']);
    await session.shows('ready');
    await until('the terminal is raw', () => !modeOf(runtimeOf(session)).includes(' icanon'));
    process.kill(runtimeOf(session), 'SIGSEGV');
    const { signal, restored } = await session.end();
    t.equal(signal, 11);
    t.ok(restored);
    await until('the container can be removed', async () => {
      const list = (await rt.command('list', '--quiet')).stdout.trim();
      return list === '' || (await rt.command('delete', '--force', list)).status === 0;
    });
  },
  { oursOnly: 'Go catches the signal itself' },
);

/** The pid of the command that runs in the terminal. */
function runtimeOf(session: TerminalSession): number {
  const pid = session.running.child.pid ?? 0;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** stty(1) of the terminal of a process. */
function modeOf(pid: number): string {
  return execFileSync('stty', ['-a', '-F', `/proc/${pid}/fd/0`], { encoding: 'utf8' });
}

const sizes = [1, 511, 4096, 65_537, 1_500_000];

forEachRuntime(
  'process.terminal: every byte of the output arrives',
  async (t, rt) => {
    for (const [index, size] of sizes.entries()) {
      const session = inTerminal(rt, ['/bin/probe', 'emit', String(index + 1), String(size)]);
      const { status } = await session.end();
      t.equal(status, 0, status === 0 ? 'it ran' : session.output());
      same(t, session.output(), pattern(index + 1, size));
    }
  },
  { deviates: { runc: 'leaves output processing of the caller on: newlines of a raw terminal change' } },
);

forEachRuntime(
  'process.terminal: every byte of the output arrives at a slow reader',
  async (t, rt) => {
    const session = inTerminal(rt, ['/bin/probe', 'emit', '3', '200000'], { delay: 500 });
    const { status } = await session.end();
    t.equal(status, 0, status === 0 ? 'it ran' : session.output());
    same(t, session.output(), pattern(3, 200_000));
  },
  { deviates: { runc: 'leaves output processing of the caller on: newlines of a raw terminal change' } },
);

forEachRuntime('process.terminal: every byte of the input arrives', async (t, rt) => {
  for (const [index, size] of sizes.entries()) {
    const session = inTerminal(rt, ['/bin/probe', 'absorb', String(index + 1), String(size)]);
    await session.shows('ready');
    session.type(pattern(index + 1, size));
    await session.end();
    t.match(session.output(), `{"got":${size},"right":${size}}`);
  }
});

/** Standard output redirected, the other streams on the terminal. */
function redirected(
  rt: Sandbox,
  args: string[],
  shell: string,
  mutate?: (config: TestConfig) => void,
): TerminalSession {
  const bundle = rt.bundle((config) => {
    config.process.terminal = true;
    config.process.args = args;
    mutate?.(config);
  });
  const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
  return new TerminalSession(rt, ['/bin/sh', '-c', shell, 'sh', ...words]);
}

forEachRuntime(
  'process.terminal: output to a file or a pipe, also a slow one, is that of the program',
  async (t, rt) => {
    const file = join(rt.dir, 'out');
    const wanted = pattern(9, 300_000);
    const ways = [`"$@" >${file}`, `"$@" | cat >${file}`, `"${guestProgram('peer')}" reader 500 0 "$@" >${file}`];
    for (const way of ways) {
      const { status } = await redirected(rt, ['/bin/probe', 'emit', '9', '300000'], way).end();
      t.equal(status, 0, way);
      same(t, readFileSync(file, 'latin1'), wanted);
      const lines = await redirected(rt, ['/bin/echo', 'a line'], way).end();
      t.equal(lines.status, 0, way);
      t.equal(readFileSync(file, 'latin1'), 'a line\n', way);
    }
  },
);

forEachRuntime(
  'process.terminal: without a reader the program still runs to its end',
  async (t, rt) => {
    const script = `"${guestProgram('peer')}" reader 0 4096 "$@" >/dev/null; echo status $?`;
    const args = ['/bin/sh', '-c', 'busybox yes | busybox head -c 2000000; exit 5'];
    const session = redirected(rt, args, script);
    await session.end();
    t.match(session.output(), 'status 5');
  },
  { oursOnly: 'the peers die of SIGPIPE or block' },
);

forEachRuntime(
  'process.terminal: output that cannot be written is told, and the exit code stays',
  async (t, rt) => {
    const session = redirected(rt, ['/bin/sh', '-c', 'echo x; exit 7'], '"$@" >/dev/full; echo status $?');
    await session.end();
    t.match(session.output(), 'output of the terminal was lost: no space left on device (write)');
    t.match(session.output(), 'status 7');
  },
  { oursOnly: 'the peers say nothing' },
);

forEachRuntime(
  'process.terminal: the end of a redirected input is the end of input for the program',
  async (t, rt) => {
    for (const text of ['hello\\n', 'no newline']) {
      const session = redirected(rt, ['/bin/cat'], `printf '${text}' | "$@"`);
      const { status } = await session.end();
      t.equal(status, 0);
      t.match(session.output(), text.replace('\\n', ''));
    }
  },
  { oursOnly: 'the peers leave the program waiting' },
);

forEachRuntime('--console-socket receives one descriptor, the master, even before accept', async (t, rt) => {
  const socket = join(rt.dir, 'console');
  const receiver = await Receiver.listen(rt, socket);
  const bundle = rt.bundle((config) => {
    config.process.terminal = true;
    config.process.consoleSize = { width: 111, height: 44 };
    config.process.args = ['/bin/probe', 'tty'];
  });
  const id = rt.nextId();
  const pidFile = join(rt.dir, 'pid');
  // With pipes as its output: its end shows that the container does not keep them open.
  const outcome = await rt.command(
    'create',
    '--bundle',
    bundle.dir,
    '--console-socket',
    socket,
    '--pid-file',
    pidFile,
    id,
  );
  t.equal(outcome.status, 0, outcome.stderr);
  t.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
  const delivery = await receiver.receive();
  t.equal(delivery.messages, 1);
  t.equal(delivery.fds, 1);
  t.notOk(delivery.more);
  t.ok(delivery.data.length > 0 && delivery.data.length < 4096);
  t.match(delivery.kind, /ptmx$/);
  t.equal((await rt.command('start', id)).status, 0);
  await until('the program has written', () => receiver.terminal().includes('}'));
  const tty = ttyLine(receiver.terminal());
  t.strictSame([tty.rows, tty.columns], [44, 111]);
  t.ok(tty.controlling);
  await until('it ended', async () => (await rt.command('state', id)).stdout.includes('stopped'));
  await rt.command('delete', id);
  await receiver.running.ended;
});

forEachRuntime('--console-socket with run --detach: a dialogue with a shell', async (t, rt) => {
  const socket = join(rt.dir, 'console');
  const receiver = await Receiver.listen(rt, socket);
  const bundle = rt.bundle((config) => {
    config.process.terminal = true;
    config.process.args = ['/bin/sh'];
  });
  const id = rt.nextId();
  const outcome = await rt.command('run', '--detach', '--bundle', bundle.dir, '--console-socket', socket, id);
  t.equal(outcome.status, 0, outcome.stderr);
  await receiver.receive();
  receiver.type('echo $((6*7))\r');
  await until('the answer', () => /\n42\r?\n/.test(receiver.terminal()));
  receiver.type('exit\r');
  await receiver.running.ended;
  await until('it ended', async () => (await rt.command('state', id)).stdout.includes('stopped'));
  await rt.command('delete', id);
});

forEachRuntime(
  '--console-socket may have a path longer than a socket address, and relative to the bundle',
  async (t, rt) => {
    const directory = join(rt.dir, 'x'.repeat(120));
    mkdirSync(directory);
    for (const relative of [false, true]) {
      const bundle = rt.bundle((config) => {
        config.process.terminal = true;
        config.process.args = ['/bin/probe', 'nothing'];
      });
      const socket = relative ? join(bundle.dir, 'sock') : join(directory, 'console');
      const receiver = await Receiver.listen(rt, socket);
      const id = rt.nextId();
      const words = ['--bundle', bundle.dir, '--console-socket', relative ? 'sock' : socket, id];
      const outcome = await rt.command('run', '--detach', ...words);
      t.equal(outcome.status, 0, outcome.stderr);
      t.equal((await receiver.receive()).fds, 1);
      await until('it ended', async () => (await rt.command('state', id)).stdout.includes('stopped'));
      await rt.command('delete', id);
      await receiver.running.ended;
    }
  },
  { deviates: { runc: 'limits the path to 108 bytes' } },
);

const refusals: readonly (readonly [name: string, terminal: boolean, words: string[], message: string])[] = [
  ['create without a socket', true, ['create'], 'cannot allocate tty if'],
  ['run --detach without a socket', true, ['run', '--detach'], 'cannot allocate tty if'],
  ['a socket without --detach', true, ['run', '--console-socket', '/dev/null'], 'cannot use console socket if'],
  ['a socket without a terminal', false, ['create', '--console-socket', '/dev/null'], 'cannot use console socket if'],
];

for (const [name, terminal, words, message] of refusals) {
  forEachRuntime(
    `process.terminal: ${name} is refused`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => (config.process.terminal = terminal));
      const outcome = await rt.command(...words, '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, message);
    },
    { deviates: { crun: 'other messages, or not refused' } },
  );
}

forEachRuntime('--console-socket without a listener is an error that names it', async (t, rt) => {
  const bundle = rt.bundle((config) => (config.process.terminal = true));
  const socket = join(rt.dir, 'absent');
  const outcome = await rt.command('create', '--bundle', bundle.dir, '--console-socket', socket, rt.nextId());
  t.not(outcome.status, 0);
  t.match(outcome.stderr, /no such file or directory/i);
});

forEachRuntime(
  'process.terminal without a terminal of the caller is an error',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (config.process.terminal = true));
    const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
    const outcome = await run(['setsid', '--wait', ...words], { env: rt.env });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'open /dev/tty: no such device or address');
  },
  { deviates: { crun: 'runs with a terminal that nobody sees' } },
);

forEachRuntime(
  'process.terminal: /dev/pts that is not devpts is refused',
  async (t, rt) => {
    const fake = join(rt.dir, 'fake');
    mkdirSync(fake);
    writeFileSync(join(fake, 'ptmx'), '');
    for (let number = 0; number < 8; number++) symlinkSync('/proc/sys/kernel/core_pattern', join(fake, String(number)));
    const before = digest(fake);
    const session = inTerminal(rt, ['/bin/probe', 'tty'], {}, (config) => {
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev/pts');
      config.mounts.push({ destination: '/dev/pts', type: 'bind', source: fake, options: ['bind'] });
    });
    const { status } = await session.end();
    t.equal(status, 1);
    t.match(session.output(), 'is not devpts');
    t.equal(digest(fake), before);
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime(
  'process.terminal: /dev/console of the image that is a link or a directory is refused',
  async (t, rt) => {
    const outside = join(rt.dir, 'outside');
    mkdirSync(outside);
    const before = digest(outside);
    for (const kind of ['link', 'dangling', 'directory'] as const) {
      const bundle = rt.bundle((config) => {
        config.process.terminal = true;
        config.process.args = ['/bin/probe', 'tty'];
        config.mounts = config.mounts.filter(({ destination }) => destination !== '/dev');
      });
      const console = join(bundle.rootfs, 'dev/console');
      mkdirSync(join(bundle.rootfs, 'dev/pts'));
      if (kind === 'directory') mkdirSync(console);
      else symlinkSync(kind === 'link' ? '/proc/sys/kernel/core_pattern' : `${outside}/made`, console);
      const session = new TerminalSession(rt, rt.argv('run', '--bundle', bundle.dir, rt.nextId()));
      const { status } = await session.end();
      t.equal(status, 1, kind);
      t.match(session.output(), '/dev/console', kind);
    }
    t.equal(digest(outside), before);
  },
  { oursOnly: 'peers of Debian 12 follow the link' },
);

/** A comparison that does not print a megabyte. */
function same(t: { ok: (value: unknown, message: string) => void }, found: string, wanted: string): void {
  let at = 0;
  while (at < wanted.length && found[at] === wanted[at]) at++;
  t.ok(found === wanted, `${found.length} of ${wanted.length} bytes, the first ${at} are equal`);
}
