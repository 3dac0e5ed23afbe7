/** The root directory of `exec` in containers that share the mount namespace of the host. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { execProbe } from '../harness/exec.ts';
import type { Names } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { TerminalSession, ttyLine } from '../harness/terminal.ts';

const deviates = { runc: 'runs in the root directory of the host', crun: 'runs in the root directory of the host' };

async function withoutMountNamespace(
  rt: Sandbox,
  body: (container: Container) => Promise<void>,
  mutate?: Mutation,
): Promise<void> {
  const bundle = rt.bundle((config) => {
    changeNamespace(config, 'mount');
    config.process.args = ['/bin/probe', 'wait'];
    mutate?.(config);
  });
  mkdirSync(join(bundle.rootfs, 'INSIDE', 'deep'), { recursive: true });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  if (bundle.config.linux.uidMappings !== undefined) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  const container = await rt.create(bundle);
  try {
    if (container.outcome.status !== 0) throw new Error(container.outcome.stderr);
    await container.start();
    await body(container);
  } finally {
    await container.remove('--force');
  }
}

const kinds: readonly (readonly [what: string, mutate?: Mutation])[] = [
  ['with mounts'],
  ['without mounts', (config): unknown => (config.mounts = [])],
  [
    'with a user namespace',
    (config): void => {
      config.mounts = [];
      addUserNamespace(config);
    },
  ],
];

for (const [what, mutate] of kinds) {
  forEachRuntime(
    `exec without a mount namespace is in the root directory of the container: ${what}`,
    async (t, rt) => {
      await withoutMountNamespace(
        rt,
        async (container) => {
          const found = await rt.command('exec', container.id, '/bin/busybox', 'ls', '-d', '/INSIDE');
          t.match(found, { status: 0, stdout: '/INSIDE\n' });
          const [cwd, names] = await execProbe<[string, Names]>(
            rt,
            container,
            ['--cwd', '/INSIDE/deep'],
            ...['cwd', '--', 'list', '../..'],
          );
          t.equal(cwd, '/INSIDE/deep');
          t.ok(names.names.includes('INSIDE'));
          const [above] = await execProbe<[Names]>(rt, container, [], 'list', '/..');
          t.ok(above.names.includes('INSIDE'));
        },
        mutate,
      );
    },
    { deviates },
  );
}

forEachRuntime(
  'exec without a mount namespace gets a terminal of the container',
  async (t, rt) => {
    await withoutMountNamespace(rt, async (container) => {
      const words = rt.argv('exec', '--tty', container.id, '/bin/probe', 'tty', '--', 'list', '/');
      const session = new TerminalSession(rt, words);
      const { status } = await session.end();
      t.equal(status, 0, session.output());
      t.match(ttyLine(session.output()), { tty: [1, 1, 1], name: '/dev/pts/0' });
      t.match(session.output(), 'INSIDE');
    });
  },
  { deviates },
);
