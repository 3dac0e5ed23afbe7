import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { guestProgram } from '../harness/guest.ts';
import type { Attempt, Names, Text } from '../harness/guest.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { start } from '../harness/process.ts';
import type { Running } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** Datagrams that the service manager received. */
interface Heard {
  data: string;
  fds: number;
}

const crun = 'binds the directory of a socket elsewhere';

/** The service manager: it listens before anything starts, and its address is in the environment of the runtime. */
class Manager {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  static async listen(rt: Sandbox, address = join(rt.dir, 'manager')): Promise<Manager> {
    const manager = new Manager(start([guestProgram('peer'), 'notify', address], { env: { ...rt.env } }));
    await until('the manager listens', () => manager.#running.output().includes('listening'));
    rt.env['NOTIFY_SOCKET'] = address;
    return manager;
  }

  heard(): Heard[] {
    return this.#running
      .output()
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line) as Heard);
  }

  async end(): Promise<void> {
    this.#running.child.kill();
    await this.#running.ended;
  }
}

/** Sends `text` once /tmp/go exists, and continues. */
const waiting =
  (text: string, then = 'exec sleep 1000'): Mutation =>
  (config) => {
    const script = `until [ -e /tmp/go ]; do sleep 0.01; done; /bin/probe notify '${text}'; ${then}`;
    config.process.args = ['/bin/sh', '-c', script];
  };

/** The final messages to the manager. runc 1.1 has no barrier. */
function told(rt: Sandbox, pid = 0): Heard[] {
  return [
    { data: 'READY=1\n', fds: 0 },
    { data: `MAINPID=${pid}\n`, fds: 0 },
    ...(rt.runtime.ours ? [{ data: 'BARRIER=1', fds: 1 }] : []),
  ];
}

for (const how of ['create and start', 'run --detach'] as const) {
  forEachRuntime(
    `NOTIFY_SOCKET: ${how} ends once the program is ready, and notifies the service manager`,
    async (t, rt) => {
      const manager = await Manager.listen(rt);
      const bundle = rt.bundle(waiting('READY=1'));
      const id = rt.nextId();
      if (how === 'create and start') t.equal((await rt.create(bundle, id)).outcome.status, 0);
      let ended = false;
      const running =
        how === 'create and start'
          ? rt.command('start', id).then(({ status }) => status)
          : rt.runDetached(bundle, id).then(({ outcome }) => outcome.status);
      void running.then(() => (ended = true));
      await until('it runs', async () => (await rt.command('state', id)).stdout.includes('"running"'));
      t.notOk(ended, 'it is not ready yet');
      t.strictSame(manager.heard(), []);
      writeFileSync(join(bundle.rootfs, 'tmp/go'), '');
      t.equal(await running, 0);
      await until('the manager was told', () => manager.heard().length >= told(rt).length);
      const state = JSON.parse((await rt.command('state', id)).stdout) as { pid: number };
      t.strictSame(manager.heard(), told(rt, state.pid));
      t.equal((await rt.command('delete', '--force', id)).status, 0);
      await manager.end();
    },
    { deviates: { crun } },
  );

  forEachRuntime(
    `NOTIFY_SOCKET: ${how} ends with a program that ends without being ready`,
    async (t, rt) => {
      const manager = await Manager.listen(rt);
      const bundle = rt.bundle((config) => {
        config.process.args = ['/bin/probe', 'notify', 'STATUS=hopeless\nREADY=0', '--', 'exit', '3'];
      });
      const id = rt.nextId();
      if (how === 'create and start') {
        t.equal((await rt.create(bundle, id)).outcome.status, 0);
        t.equal((await rt.command('start', id)).status, 0);
      } else t.equal((await rt.runDetached(bundle, id)).outcome.status, 0);
      t.strictSame(manager.heard(), []);
      await until('the container is stopped', async () => (await rt.command('state', id)).stdout.includes('"stopped"'));
      t.equal((await rt.command('delete', id)).status, 0);
      await manager.end();
    },
    { deviates: { crun, ...(how === 'run --detach' ? { runc: 'waits for ever' } : {}) } },
  );

  forEachRuntime(
    `NOTIFY_SOCKET: ${how}: a program may be ready and end at once`,
    async (t, rt) => {
      const manager = await Manager.listen(rt);
      const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'notify', 'READY=1']));
      const id = rt.nextId();
      if (how === 'create and start') {
        t.equal((await rt.create(bundle, id)).outcome.status, 0);
        t.equal((await rt.command('start', id)).status, 0);
      } else t.equal((await rt.runDetached(bundle, id)).outcome.status, 0);
      await until('the manager was told', () => manager.heard().length >= told(rt).length);
      t.equal(manager.heard()[0]?.data, 'READY=1\n');
      await rt.command('delete', '--force', id);
      await manager.end();
    },
    { deviates: { crun } },
  );
}

forEachRuntime(
  'NOTIFY_SOCKET: run in the foreground reports its own pid, and drops other messages',
  async (t, rt) => {
    const manager = await Manager.listen(rt);
    const many = Array.from({ length: 40 }, () => ['--', 'notify', 'WATCHDOG=1']).flat();
    const bundle = rt.bundle((config) => {
      config.process.args = ['/bin/probe', 'notify', 'MAINPID=1', '--', 'notify', 'STATUS=up\nREADY=1\nFDSTORE=1'];
      config.process.args.push(...many, '--', 'notify', 'READY=1', '--', 'wait');
    });
    const id = rt.nextId();
    const running = rt.background('run', '--bundle', bundle.dir, id);
    // The socket's buffer is bounded: without a reader the program would block before this message.
    await until('everything was said', () => running.output().split('\n').length > 44);
    await until('the manager was told', () => manager.heard().length >= 2);
    const heard = manager.heard().filter(({ data }) => data !== 'BARRIER=1');
    t.strictSame(
      heard.map(({ data }) => data),
      ['READY=1\n', `MAINPID=${running.child.pid}\n`],
    );
    await rt.command('kill', id, 'KILL');
    t.equal((await running.ended).status, 137);
    await manager.end();
  },
  { oursOnly: 'runc looks at the first line of a datagram only, and hangs on a program that ends first' },
);

forEachRuntime(
  'NOTIFY_SOCKET: run in the foreground forwards the message of a program that ends at once, with its exit code',
  async (t, rt) => {
    const manager = await Manager.listen(rt);
    const ready = await rt.run((config) => {
      config.process.args = ['/bin/probe', 'notify', 'READY=1', '--', 'exit', '5'];
    });
    t.equal(ready.status, 5, ready.stderr);
    await until('the manager was told', () => manager.heard().length >= 2);
    const never = await rt.run((config) => (config.process.args = ['/bin/probe', 'exit', '6']));
    t.equal(never.status, 6, never.stderr);
    t.equal(manager.heard().filter(({ data }) => data.startsWith('READY')).length, 1);
    await manager.end();
  },
  { oursOnly: 'runc hangs on a program that ends first' },
);

const surroundings: readonly (readonly [string, Mutation])[] = [
  ['root', () => undefined],
  ['a user', (config) => (config.process.user = { uid: 1000, gid: 1000 })],
  [
    'a user of a user namespace',
    (config) => {
      addUserNamespace(config);
      config.process.user = { uid: 5, gid: 5 };
    },
  ],
  [
    'a read-only root and a tmpfs on /run',
    (config) => {
      config.root.readonly = true;
      config.mounts.push({ destination: '/run', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] });
    },
  ],
];

for (const [name, mutate] of surroundings) {
  forEachRuntime(
    `NOTIFY_SOCKET: the container can send to its socket, but not change it: ${name}`,
    async (t, rt) => {
      // A user of another namespace must be able to reach the root.
      chmodSync(rt.dir, 0o755);
      const manager = await Manager.listen(rt);
      const bundle = rt.bundle((config) => {
        config.process.env = ['PATH=/bin', 'NOTIFY_SOCKET=/elsewhere'];
        mutate(config);
        const verbs = ['notify', 'READY=1', '--', 'env', '--', 'read', '/proc/self/mountinfo', '--', 'list'];
        config.process.args = ['/bin/probe', ...verbs, '/run/notify', '--', 'create', '/run/notify/more'];
      });
      chmodSync(bundle.dir, 0o755);
      if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
      const container = await rt.runDetached(bundle);
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      const lines = await until('the program has ended', () => {
        const read = container.stdout().trimEnd().split('\n');
        return read.length === 5 && read;
      });
      const [sent, env, mounts, names, made] = lines.map((line): unknown => JSON.parse(line)) as [
        Attempt,
        string[],
        Text,
        Names,
        Attempt,
      ];
      t.equal(sent.errno, null);
      t.strictSame(
        env.filter((entry) => entry.startsWith('NOTIFY_SOCKET')),
        ['NOTIFY_SOCKET=/run/notify/notify.sock'],
      );
      t.strictSame(names.names, ['notify.sock']);
      t.ok(made.errno === 'EROFS' || made.errno === 'EACCES', made.errno ?? 'made');
      const mount = mountAt(parseMountinfo(mounts.text), '/run/notify');
      for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) t.ok(mount?.options.includes(option), option);
      await until('the manager was told', () => manager.heard().length >= told(rt).length);
      t.equal(manager.heard()[0]?.data, 'READY=1\n');
      t.equal((await container.remove('--force')).status, 0);
      await manager.end();
    },
    { deviates: { crun } },
  );
}

forEachRuntime(
  'NOTIFY_SOCKET: without a mount namespace the socket exists too, until delete',
  async (t, rt) => {
    const manager = await Manager.listen(rt);
    const bundle = rt.bundle((config) => {
      config.mounts = [];
      changeNamespace(config, 'mount');
      config.process.args = ['/bin/probe', 'notify', 'READY=1', '--', 'wait'];
    });
    const container = await rt.runDetached(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    await until('the manager was told', () => manager.heard().length >= told(rt).length);
    t.equal((await container.remove('--force')).status, 0);
    await manager.end();
  },
  { oursOnly: 'runc leaves the mount behind' },
);

forEachRuntime(
  'NOTIFY_SOCKET may be an abstract address, or longer than an address',
  async (t, rt) => {
    const deep = join(rt.dir, 'd'.repeat(100), 'e'.repeat(100));
    mkdirSync(deep, { recursive: true });
    for (const address of [`@${rt.prefix}manager`, join(deep, 'manager')]) {
      const manager = await Manager.listen(rt, address);
      const outcome = await rt.run((config) => (config.process.args = ['/bin/probe', 'notify', 'READY=1']));
      t.equal(outcome.status, 0, outcome.stderr);
      await until('the manager was told', () => manager.heard().length >= 2);
      await manager.end();
    }
  },
  { oursOnly: 'runc waits for programs that have ended, and takes short paths only' },
);

forEachRuntime(
  'NOTIFY_SOCKET: if it cannot be honoured, that is an error before anything is made',
  async (t, rt) => {
    const bundle = rt.bundle();
    for (const [address, words] of [
      ['vsock:2:9999', /NOTIFY_SOCKET "vsock:2:9999" of the environment: neither an absolute path nor @ and a name/],
      [join(rt.dir, 'nobody'), /cannot connect to NOTIFY_SOCKET ".*nobody" .*no such file or directory \(connect\)/],
    ] as const) {
      rt.env['NOTIFY_SOCKET'] = address;
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /hint: .*unset NOTIFY_SOCKET/);
    }
    delete rt.env['NOTIFY_SOCKET'];
    const container = await rt.create(bundle);
    const manager = await Manager.listen(rt);
    const refused = await container.start();
    t.equal(refused.status, 1);
    t.match(refused.stderr, 'it was created without NOTIFY_SOCKET in the environment');
    t.equal((await container.state()).status, 'created', 'it can still be started');
    rt.env['NOTIFY_SOCKET'] = '';
    t.equal((await container.start()).status, 0);
    t.equal((await container.remove('--force')).status, 0);
    await manager.end();
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime('NOTIFY_SOCKET only in the config is not changed', async (t, rt) => {
  const [env, listed] = await rt.observe<[string[], Names]>([['env'], ['list', '/run']], (config) => {
    config.process.env = ['PATH=/bin', 'HOME=/', 'NOTIFY_SOCKET=/mine'];
  });
  t.ok(env.includes('NOTIFY_SOCKET=/mine'));
  t.equal(listed.errno, 'ENOENT', 'nothing was mounted');
});

forEachRuntime(
  'NOTIFY_SOCKET: a mount point that cannot be made is an error that explains its purpose',
  async (t, rt) => {
    const manager = await Manager.listen(rt);
    const outcome = await rt.run((config) => {
      config.mounts.push({ destination: '/run', type: 'bind', source: '/proc/self', options: ['bind', 'ro'] });
    });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot mount ".*\/notify" on "\/run\/notify": /);
    t.match(outcome.stderr, /hint: NOTIFY_SOCKET is in the environment/);
    await manager.end();
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime(
  'NOTIFY_SOCKET: a container with a socket cannot be checkpointed, and restore does not wait for readiness',
  async (t, rt) => {
    const manager = await Manager.listen(rt);
    const bundle = rt.bundle((config) => (config.process.args = ['/bin/probe', 'notify', 'READY=1', '--', 'wait']));
    const container = await rt.runDetached(bundle);
    t.equal(container.outcome.status, 0, container.outcome.stderr);
    const images = join(rt.dir, 'images');
    const refused = await rt.command('checkpoint', '--image-path', images, container.id);
    t.equal(refused.status, 1);
    t.match(refused.stderr, /cannot checkpoint a container for which a service manager waited/);
    t.equal((await container.state()).status, 'running');
    const words = ['--no-pivot', '--bundle', bundle.dir, '--image-path', images, rt.nextId()];
    const restored = await rt.command('restore', ...words);
    t.equal(restored.status, 1);
    t.match(restored.stderr, /cannot report readiness to NOTIFY_SOCKET of the environment for a restored container/);
    t.equal((await container.remove('--force')).status, 0);
    await manager.end();
  },
  { oursOnly: 'runc waits for a restored program to say that it is ready' },
);
