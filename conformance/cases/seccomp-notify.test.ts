import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NATIVE_ARCHITECTURE, callNumber } from '../harness/calls.ts';
import { answers, guestProgram } from '../harness/guest.ts';
import type { Attempt, Ids } from '../harness/guest.ts';
import { run, start } from '../harness/process.ts';
import type { Running } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** Numbers on this machine; the profiles name the calls. */
const WRITE = callNumber('write');
const SENDMSG = callNumber('sendmsg');
const EXECVE = callNumber('execve');
const MKDIR = callNumber('mkdir', 'mkdirat');

interface Message {
  message: string;
  descriptors: number;
  ended: boolean;
}

interface Notification {
  call: number;
  pid: number;
  exists: boolean;
}

/** Starts the receiver, and waits until it listens. */
async function receiver(rt: Sandbox, path: string, ...replies: string[]): Promise<Running> {
  const running = start([guestProgram('receiver'), path, ...replies], { env: rt.env });
  await until('the receiver listens', () => running.output().startsWith('listening\n'));
  return running;
}

async function heard(running: Running): Promise<{ message: Message; notifications: Notification[] }> {
  const { stdout } = await running.ended;
  const [, first = '', ...rest] = stdout.trimEnd().split('\n');
  const notifications = rest.map((line) => JSON.parse(line) as Notification);
  return { message: JSON.parse(first) as Message, notifications };
}

const notify = (...names: string[]): Record<string, unknown> => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  architectures: [NATIVE_ARCHITECTURE],
  syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }],
});

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(
    `linux.seccomp SCMP_ACT_NOTIFY: the receiver decides, noNewPrivileges ${noNewPrivileges}`,
    async (t, rt) => {
      const socket = join(rt.dir, 'agent');
      const agent = await receiver(rt, socket, `${MKDIR}=90`);
      const bundle = rt.bundle((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.annotations = { 'org.example': 'ü "quoted"' };
        config.linux.seccomp = {
          ...notify('mkdir', 'mkdirat'),
          listenerPath: socket,
          listenerMetadata: 'meta "data"\n',
        };
      });
      const id = rt.nextId();
      bundle.config.process.args = ['/bin/probe', 'mkdir', '/tmp/x', '--', 'ids'];
      bundle.save();
      const outcome = await rt.runBundle(bundle, id);
      t.equal(outcome.status, 0, outcome.stderr);
      const [mkdir, ids] = answers(outcome.stdout) as [Attempt, Ids];
      t.equal(mkdir.errno, 'EMSGSIZE', "the receiver's errno");
      t.equal(ids.seccomp, '2');
      const { message, notifications } = await heard(agent);
      t.equal(message.descriptors, 1, 'the listener and nothing else');
      if (rt.runtime.ours) t.ok(message.ended, 'the connection is closed after the message');
      t.strictSame(
        notifications.map(({ call }) => call).filter((call) => call === MKDIR),
        [MKDIR],
      );
      const state = JSON.parse(message.message) as { pid: number; state: { pid: number } };
      t.equal(state.pid, notifications.at(-1)?.pid, 'the pid of the container process as the host knows it');
      if (!rt.runtime.ours) return;
      // Byte for byte, with the keys in the order of the specification.
      const bundleDir = JSON.stringify(bundle.dir);
      const annotations = '{"org.example":"ü \\"quoted\\""}';
      t.equal(
        message.message,
        `{"ociVersion":"1.3.0","fds":["seccompFd"],"pid":${state.pid},"metadata":"meta \\"data\\"\\n","state":` +
          `{"ociVersion":"1.3.0","id":"${id}","status":"creating","pid":${state.pid},"bundle":${bundleDir},` +
          `"annotations":${annotations}}}`,
      );
    },
  );
}

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(
    `linux.seccomp SCMP_ACT_NOTIFY: create sends the listener, noNewPrivileges ${noNewPrivileges}`,
    async (t, rt) => {
      const socket = join(rt.dir, 'agent');
      const agent = await receiver(rt, socket, `${MKDIR}=90`);
      const container = await rt.created((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.args = ['/bin/probe', 'mkdir', '/tmp/x'];
        config.linux.seccomp = { ...notify('mkdir', 'mkdirat'), listenerPath: socket };
      });
      await until('the receiver has the listener', () => agent.output().includes('seccompFd'));
      t.equal((await container.state()).status, 'created');
      t.equal((await container.start()).status, 0);
      await until('the program has ended', () => container.stdout() !== '');
      t.match(answers(container.stdout()), [{ errno: 'EMSGSIZE' }]);
      const { message } = await heard(agent);
      const state = JSON.parse(message.message) as { pid: number; state: { pid: number } };
      t.equal(state.pid, state.state.pid);
      await container.remove('--force');
    },
  );
}

forEachRuntime(
  'linux.seccomp SCMP_ACT_NOTIFY: calls that sending the listener needs may be notified',
  async (t, rt) => {
    for (const noNewPrivileges of [true, false]) {
      const socket = join(rt.dir, `agent-${noNewPrivileges}`);
      const agent = await receiver(rt, socket);
      const outcome = await rt.run((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.args = ['/bin/probe', 'echo', 'through'];
        const calls = ['write', 'writev', 'sendmsg', 'close', 'futex', 'sched_yield', 'execve', 'exit'];
        config.linux.seccomp = { ...notify(...calls), listenerPath: socket };
      });
      t.equal(outcome.stdout, 'through', outcome.stderr);
      const { notifications } = await heard(agent);
      const calls = new Set(notifications.map(({ call }) => call));
      t.ok(calls.has(EXECVE), 'the execve of the program is notified');
      t.ok(calls.has(WRITE), 'and what the program writes');
      t.notOk(calls.has(SENDMSG), 'the hand-over is not: it would wait for itself');
    }
  },
  { oursOnly: 'runc refuses write, crun hangs' },
);

forEachRuntime(
  'linux.seccomp SCMP_ACT_NOTIFY: a filter that forbids sendmsg and write still reaches its receiver',
  async (t, rt) => {
    const socket = join(rt.dir, 'agent');
    const agent = await receiver(rt, socket, `${MKDIR}=90`);
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/sh', '-c', 'mkdir /tmp/x || exit 5'];
      config.linux.seccomp = {
        ...notify('mkdir', 'mkdirat'),
        listenerPath: socket,
        syscalls: [
          { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' },
          { names: ['sendmsg', 'sendto', 'write', 'writev'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
        ],
      };
    });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 5, outcome.stderr);
    const { notifications } = await heard(agent);
    t.ok(notifications.some(({ call }) => call === MKDIR));
  },
  { oursOnly: 'not promised by others' },
);

forEachRuntime(
  'linux.seccomp SCMP_ACT_NOTIFY: every child of the program is notified too, with a killable wait',
  async (t, rt) => {
    const socket = join(rt.dir, 'agent');
    const agent = await receiver(rt, socket, `${MKDIR}=28`);
    const outcome = await rt.run((config) => {
      config.process.args = ['/bin/sh', '-c', 'mkdir /tmp/a; mkdir /tmp/b; exit 0'];
      config.linux.seccomp = {
        ...notify('mkdir', 'mkdirat'),
        listenerPath: socket,
        flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV', 'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'],
      };
    });
    t.match(outcome.stderr, /No space left on device[^]*No space left on device/);
    const { notifications } = await heard(agent);
    const made = notifications.filter(({ call }) => call === MKDIR);
    t.equal(made.length, 2);
    t.ok(
      made.every(({ exists }) => exists),
      'pids of the host',
    );
    t.not(made[0]?.pid, made[1]?.pid);
  },
  { deviates: { runc: '1.1 does not know the flag', crun: '1.8 does not know the flag' } },
);

forEachRuntime(
  'the annotation run.oci.seccomp.receiver names the receiver too',
  async (t, rt) => {
    const socket = join(rt.dir, 'agent');
    const agent = await receiver(rt, socket, `${MKDIR}=90`);
    const [mkdir] = await rt.observe<[Attempt]>([['mkdir', '/tmp/x']], (config) => {
      config.annotations = { 'run.oci.seccomp.receiver': socket };
      config.linux.seccomp = notify('mkdir', 'mkdirat');
    });
    t.equal(mkdir.errno, 'EMSGSIZE');
    const { message } = await heard(agent);
    t.equal(message.descriptors, 1);
  },
  { deviates: { runc: 'has no such annotation' } },
);

forEachRuntime(
  'linux.seccomp.listenerPath may be longer than a socket address, or relative to the bundle',
  async (t, rt) => {
    const deep = join(rt.dir, 'd'.repeat(100), 'e'.repeat(100));
    mkdirSync(deep, { recursive: true });
    // The receiver binds by a short name in its working directory.
    const agent = start([guestProgram('receiver'), 'agent', `${MKDIR}=90`], { env: rt.env, cwd: deep });
    await until('the receiver listens', () => agent.output() !== '');
    const [mkdir] = await rt.observe<[Attempt]>([['mkdir', '/tmp/x']], (config) => {
      config.linux.seccomp = { ...notify('mkdir', 'mkdirat'), listenerPath: join(deep, 'agent') };
    });
    t.equal(mkdir.errno, 'EMSGSIZE');
    await agent.ended;

    const bundle = rt.bundle(
      (config) => (config.linux.seccomp = { ...notify('mkdir', 'mkdirat'), listenerPath: 'agent' }),
    );
    const near = await receiver(rt, join(bundle.dir, 'agent'), `${MKDIR}=90`);
    const [again] = await rt.observeBundle<[Attempt]>(bundle, [['mkdir', '/tmp/x']]);
    t.equal(again.errno, 'EMSGSIZE');
    await near.ended;
  },
  { oursOnly: 'runc and crun take short absolute paths' },
);

forEachRuntime('linux.seccomp SCMP_ACT_NOTIFY: a missing receiver fails create, and nothing is left', async (t, rt) => {
  const socket = join(rt.dir, 'nobody');
  const config = { ...notify('mkdir', 'mkdirat'), listenerPath: socket };
  const missing = await rt.create(rt.bundle((bundle) => (bundle.linux.seccomp = config)));
  t.equal(missing.outcome.status, 1);
  if (rt.runtime.ours) {
    t.match(missing.outcome.stderr, `cannot connect to the seccomp receiver "${socket}": no such file or directory`);
    t.match(missing.outcome.stderr, /\/linux\/seccomp\/listenerPath\n.*hint: start the program/s);
  }
  writeFileSync(socket, '');
  const file = await rt.create(rt.bundle((bundle) => (bundle.linux.seccomp = config)));
  t.equal(file.outcome.status, 1);
  if (rt.runtime.ours) t.match(file.outcome.stderr, /socket operation on non-socket/);
  // A socket file whose program has ended.
  const dead = join(rt.dir, 'dead');
  const agent = await receiver(rt, dead);
  agent.child.kill('SIGKILL');
  await agent.ended;
  const refused = await rt.create(rt.bundle((bundle) => (bundle.linux.seccomp = { ...config, listenerPath: dead })));
  t.equal(refused.outcome.status, 1);
  if (rt.runtime.ours) t.match(refused.outcome.stderr, /connection refused \(connect\)/);
});

forEachRuntime(
  'linux.seccomp SCMP_ACT_NOTIFY: contradictions are refused and named',
  async (t, rt) => {
    const cases: readonly (readonly [seccomp: Record<string, unknown>, words: RegExp])[] = [
      [
        { defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/x' },
        /SCMP_ACT_NOTIFY cannot be used as the default action/,
      ],
      [notify('mkdir', 'mkdirat'), /linux\.seccomp\.listenerPath must be set/],
      [
        { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' },
        /listenerMetadata needs linux\.seccomp\.listenerPath/,
      ],
      [{ ...notify('mkdir', 'mkdirat'), listenerPath: 7 }, /linux\.seccomp\.listenerPath must be a string, found 7/],
    ];
    for (const [seccomp, words] of cases) {
      const outcome = await rt.run((config) => (config.linux.seccomp = seccomp));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
    }
    const both = await rt.run((config) => {
      config.annotations = { 'run.oci.seccomp.receiver': '/a' };
      config.linux.seccomp = { ...notify('mkdir', 'mkdirat'), listenerPath: '/b' };
    });
    t.match(both.stderr, /run\.oci\.seccomp\.receiver and linux\.seccomp\.listenerPath name different sockets/);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'linux.seccomp on a kernel without seccomp is refused',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
      };
      config.process.noNewPrivileges = false;
    });
    const words = rt.argv('run', '--bundle', bundle.dir, rt.nextId());
    const outcome = await run([guestProgram('deny'), 'seccomp', ...words], { env: rt.env });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot load the seccomp filter: function not implemented \(seccomp\)/);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'linux.seccomp SCMP_ACT_NOTIFY: the receiver decides for startContainer hooks too, over the one listener',
  async (t, rt) => {
    for (const noNewPrivileges of [true, false]) {
      const socket = join(rt.dir, `agent-${noNewPrivileges}`);
      const agent = await receiver(rt, socket, `${MKDIR}=28`);
      const bundle = rt.bundle((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        config.process.args = ['/bin/sh', '-c', 'mkdir /tmp/program || exit 5'];
        config.linux.seccomp = { ...notify('mkdir', 'mkdirat'), listenerPath: socket };
        const hook = { path: '/bin/busybox', args: ['busybox', 'sh', '-c', 'mkdir /tmp/hook 2> /seen; exit 0'] };
        config.hooks = { startContainer: [hook, hook] };
      });
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 5, outcome.stderr);
      t.match(readFileSync(join(bundle.rootfs, 'seen'), 'utf8'), 'No space left on device');
      const { message, notifications } = await heard(agent);
      t.equal(message.descriptors, 1);
      t.equal(notifications.filter(({ call }) => call === MKDIR).length, 3, 'of two hooks and the program');
    }
  },
);
