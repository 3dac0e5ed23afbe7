import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { callNumber } from '../harness/calls.ts';
import { MAPPED, addUserNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { execFile, execProbe, failed } from '../harness/exec.ts';
import { answers } from '../harness/guest.ts';
import type { Attempt, Ids, Text } from '../harness/guest.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';

const SETHOSTNAME = String(callNumber('sethostname'));

/** A container with its own user namespace, on a path that its users can reach. */
async function withMapped(
  rt: Sandbox,
  body: (container: Container) => Promise<void>,
  mutate?: Mutation,
): Promise<void> {
  const bundle = rt.bundle((config) => {
    addUserNamespace(config);
    config.process.args = ['/bin/probe', 'wait'];
    mutate?.(config);
  });
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
  writeFileSync(join(bundle.rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nuser:x:7:8::/home/user:/bin/sh\n');
  const container = await rt.create(bundle);
  try {
    if (container.outcome.status !== 0) throw new Error(container.outcome.stderr);
    await container.start();
    await body(container);
  } finally {
    await container.remove('--force');
  }
}

forEachRuntime('exec in a user namespace: ids, groups and HOME are those of the container', async (t, rt) => {
  await withMapped(rt, async (container) => {
    const { pid } = await container.state();
    const flags = ['--user', '7:8', '--additional-gids', '9', '--cwd', '/tmp'];
    const verbs = ['ids', '--', 'env', '--', 'ns', '--', 'cwd', '--', 'read', '/proc/self/uid_map'];
    const [ids, env, spaces, cwd, uids] = await execProbe<[Ids, string[], Record<string, string>, string, Text]>(
      rt,
      container,
      flags,
      ...verbs,
    );
    t.strictSame([ids.uid, ids.gid, ids.groups], [[7, 7, 7], [8, 8, 8], [9]]);
    t.ok(env.includes('HOME=/home/user'), 'as its /etc/passwd says');
    t.equal(spaces['user'], readlinkSync(`/proc/${pid}/ns/user`));
    t.equal(spaces['mnt'], readlinkSync(`/proc/${pid}/ns/mnt`));
    t.equal(cwd, '/tmp');
    t.strictSame(uids.text.trim().split(/\s+/), ['0', String(MAPPED.uid), String(MAPPED.size)]);
    const [root] = await execProbe<[Ids]>(rt, container, [], 'ids');
    t.strictSame([root.uid, root.groups], [[0, 0, 0], []], 'no group of the caller');
  });
});

forEachRuntime('exec in a user namespace: the process is that of a mapped user on the host', async (t, rt) => {
  await withMapped(rt, async (container) => {
    const file = join(rt.dir, 'pid');
    const flags = ['--user', '7:8', '--additional-gids', '9', '--pid-file', file];
    // With a pipe the test would wait for the end of the program.
    const nowhere = openSync('/dev/null', 'w');
    const words = ['exec', '--detach', ...flags, container.id, '/bin/probe', 'pause'];
    const outcome = await rt.commandWith({ stdout: nowhere, stderr: nowhere }, ...words);
    closeSync(nowhere);
    t.equal(outcome.status, 0);
    const status = readFileSync(`/proc/${readFileSync(file, 'utf8')}/status`, 'utf8');
    t.match(status, new RegExp(`^Uid:\\s+${MAPPED.uid + 7}\\s`, 'm'));
    t.match(status, new RegExp(`^Gid:\\s+${MAPPED.gid + 8}\\s`, 'm'));
    t.match(status, new RegExp(`^Groups:\\s+${MAPPED.gid + 9}\\s*$`, 'm'));
  });
});

forEachRuntime('exec in a user namespace: capabilities are those requested, and are valid in it', async (t, rt) => {
  const some = ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_CHOWN'];
  await withMapped(
    rt,
    async (container) => {
      mkdirSync(join(container.bundle.rootfs, 'mnt'));
      const change = {
        args: [
          '/bin/probe',
          'ids',
          '--',
          'mount',
          'none',
          '/mnt',
          'tmpfs',
          '0',
          '--',
          'syscall',
          SETHOSTNAME,
          '0',
          '0',
        ],
        env: ['PATH=/bin'],
        capabilities: { bounding: some, effective: some, permitted: some },
      };
      const done = await execFile(rt, container, change);
      t.match(done, { status: 0, stderr: '' });
      const [ids, mount, uts] = answers(done.stdout) as [Ids, Attempt, Attempt];
      const mask = (1n << 12n) | (1n << 21n) | 1n;
      for (const set of [ids.bounding, ids.effective, ids.permitted]) t.equal(BigInt(`0x${set}`), mask);
      for (const set of [ids.inheritable, ids.ambient]) t.equal(BigInt(`0x${set}`), 0n);
      t.equal(mount.errno, null, 'mounts a filesystem');
      t.equal(uts.errno, null, 'sets the host name');
      const other = ['--user', '7:8'];
      const verbs = ['ids', '--', 'syscall', SETHOSTNAME, '0', '0'];
      const [none, refused] = await execProbe<[Ids, Attempt]>(rt, container, other, ...verbs);
      t.equal(BigInt(`0x${none.effective}`), 0n, 'none for another user');
      t.equal(refused.errno, 'EPERM');
      // Outside, the same process has no rights.
      const attempt = await execFile(rt, container, {
        ...change,
        args: ['/bin/probe', 'open', '/proc/sys/kernel/core_pattern', 'w'],
      });
      const [outside] = answers(attempt.stdout) as [Attempt];
      t.equal(outside.errno, 'EACCES');
    },
    (config) => grantCapabilities(config, ...some),
  );
});

forEachRuntime(
  'exec in a user namespace: unmapped ids are refused',
  async (t, rt) => {
    await withMapped(rt, async (container) => {
      for (const [flags, words] of [
        [['--user', '5000'], /cannot setuid to unmapped uid 5000 in user namespace/],
        [['--user', '0:5000'], /cannot setgid to unmapped gid 5000 in user namespace/],
        [['--additional-gids', '5000'], /cannot add groups 5000: one is unmapped in user namespace/],
      ] as const) {
        const outcome = await rt.command('exec', ...flags, container.id, '/bin/probe', 'ids');
        t.equal(outcome.status, failed);
        t.match(outcome.stderr, words);
      }
    });
  },
  { oursOnly: 'the messages are specific to rt' },
);
