/** Entering containers whose init has left the namespaces in which they were created. */
import { chmodSync, chownSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation, TestConfig } from '../harness/config.ts';
import { execProbe, failed } from '../harness/exec.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { start } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const OURS = { oursOnly: 'runc 1.1 and crun 1.8 enter what init has made; runc 1.4.3 too' };
const OWN_MOUNTS = /its init has moved to a mount namespace that it made itself/;

type Type = 'mnt' | 'user';

interface Moved {
  readonly container: Container;
  /** Links to the namespaces of create. */
  readonly before: Readonly<Record<Type, string>>;
  readonly pid: number;
}

function namespacesOf(pid: number): Record<Type, string> {
  return { mnt: readlinkSync(`/proc/${pid}/ns/mnt`), user: readlinkSync(`/proc/${pid}/ns/user`) };
}

/** A container whose init makes namespaces, with the options of unshare(1), and then waits. */
async function withMoved(
  rt: Sandbox,
  options: readonly string[],
  body: (moved: Moved) => Promise<void>,
  mutate?: Mutation,
): Promise<void> {
  const bundle = rt.bundle((config) => {
    config.process.args = [
      ...(options.length === 0 ? [] : ['/bin/busybox', 'unshare', ...options]),
      '/bin/probe',
      'wait',
    ];
    mutate?.(config);
  });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  const container = await rt.create(bundle);
  try {
    if (container.outcome.status !== 0) throw new Error(container.outcome.stderr);
    const { pid } = await container.state();
    const before = namespacesOf(pid);
    await container.start();
    await until('init has moved', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('/bin/probe'));
    await body({ container, before, pid });
  } finally {
    await container.remove('--force');
  }
}

/** `mounts add` of a host directory, read-only. */
async function addHostDirectory(rt: Sandbox, { id }: Container): Promise<Outcome> {
  const source = join(rt.dir, 'source');
  mkdirSync(source, { recursive: true });
  const file = join(rt.dir, 'mounts.json');
  writeFileSync(file, JSON.stringify([{ destination: '/data', type: 'bind', source, options: ['bind', 'ro'] }]));
  return rt.command('mounts', 'add', id, file);
}

function mountedData(pid: number): boolean {
  return mountAt(parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')), '/data') !== undefined;
}

/** As if made by a version of rt that did not save a container's original namespaces. */
function forgetOrigin(rt: Sandbox, { id }: Container): void {
  const file = join(rt.root, id, 'state.json');
  const { origin, ...rest } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  if (origin === undefined) throw new Error(`${file} has no origin`);
  writeFileSync(file, JSON.stringify(rest));
}

forEachRuntime(
  'init in a mount namespace that it made itself: no directory of the host is mounted there',
  async (t, rt) => {
    for (const old of [false, true]) {
      await withMoved(
        rt,
        ['-U', '-m', '-r'],
        async ({ container, before, pid }) => {
          if (old) forgetOrigin(rt, container);
          t.not(namespacesOf(pid).mnt, before.mnt);
          const added = await addHostDirectory(rt, container);
          t.equal(added.status, 1);
          t.match(added.stderr, OWN_MOUNTS);
          t.match(added.stderr, /hint: .*CLONE_NEWUSER/);
          t.notOk(mountedData(pid), 'there it could be made writable');
          const removed = await rt.commandWith(
            { input: '[{"destination": "/proc"}]' },
            'mounts',
            'remove',
            container.id,
            '-',
          );
          t.match(removed, { status: 1, stderr: OWN_MOUNTS });
        },
        (config) => grantCapabilities(config, 'CAP_SETFCAP'),
      );
    }
  },
  OURS,
);

forEachRuntime(
  'init in a mount namespace that it made itself: exec runs no program from there',
  async (t, rt) => {
    for (const mutate of [undefined, addUserNamespace]) {
      await withMoved(
        rt,
        ['-U', '-m'],
        async ({ container }) => {
          const outcome = await rt.command('exec', '--user', '0', container.id, '/bin/true');
          t.equal(outcome.status, failed);
          t.match(outcome.stderr, OWN_MOUNTS);
        },
        (config) => {
          config.process.user = { uid: 7, gid: 7 };
          config.process.capabilities = {};
          mutate?.(config);
        },
      );
    }
  },
  OURS,
);

forEachRuntime('init in another mount namespace of the same owner is followed', async (t, rt) => {
  for (const mutate of [undefined, addUserNamespace]) {
    await withMoved(
      rt,
      ['-m'],
      async ({ container, before, pid }) => {
        const now = namespacesOf(pid);
        t.not(now.mnt, before.mnt);
        const [spaces] = await execProbe<[Record<string, string>]>(rt, container, [], 'ns');
        t.match(spaces, now);
        if (!rt.runtime.ours) return;
        const added = await addHostDirectory(rt, container);
        t.equal(added.status, 0, added.stderr);
        t.ok(mountedData(pid));
      },
      (config) => {
        grantCapabilities(config, 'CAP_SYS_ADMIN');
        mutate?.(config);
      },
    );
  }
});

forEachRuntime(
  'init in a user namespace that it made itself: exec stays in that of the container',
  async (t, rt) => {
    for (const old of [false, true]) {
      for (const mutate of [undefined, addUserNamespace]) {
        await withMoved(
          rt,
          ['-U'],
          async ({ container, before, pid }) => {
            if (old) forgetOrigin(rt, container);
            t.not(namespacesOf(pid).user, before.user);
            const [spaces] = await execProbe<[Record<string, string>]>(rt, container, [], 'ns');
            t.match(spaces, before);
            const added = await addHostDirectory(rt, container);
            t.equal(added.status, 0, added.stderr);
          },
          mutate,
        );
      }
    }
  },
  OURS,
);

/** A host process in its own user and mount namespaces. */
async function withStranger(rt: Sandbox, body: (pid: number) => Promise<void>): Promise<void> {
  const words = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', 'echo ready; exec sleep 1000'];
  const stranger = start(words, { env: rt.env });
  try {
    await until('it is there', () => stranger.output() === 'ready\n');
    await body(stranger.child.pid as number);
  } finally {
    stranger.child.kill('SIGKILL');
    await stranger.ended;
  }
}

forEachRuntime(
  'namespaces that were joined by path must still have their original owner',
  async (t, rt) => {
    const joinMount = (config: TestConfig, pid: number): void =>
      changeNamespace(config, 'mount', `/proc/${pid}/ns/mnt`);
    const joinBoth = (config: TestConfig, pid: number): void => {
      joinMount(config, pid);
      changeNamespace(config, 'user', `/proc/${pid}/ns/user`);
      config.mounts = config.mounts.filter(({ type }) => type !== 'devpts'); // of a group that is not mapped
    };
    for (const joinThem of [joinMount, joinBoth]) {
      for (const old of [false, true]) {
        for (const [options, expected] of [
          [[], { status: 0, stderr: '' }],
          [['-U', '-m'], { status: failed, stderr: OWN_MOUNTS }],
        ] as const) {
          // The first container moves the root of the mount namespace for all.
          await withStranger(rt, async (pid) => {
            await withMoved(
              rt,
              options,
              async ({ container }) => {
                if (old) forgetOrigin(rt, container);
                t.match(await rt.command('exec', container.id, '/bin/true'), expected);
              },
              (config) => joinThem(config, pid),
            );
          });
        }
      }
    }
  },
  OURS,
);
