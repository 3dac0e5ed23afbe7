/** Attacks on hooks that run in the container's user namespace, but in the root directory of the host. */
import { chmodSync, chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAPPED, addUserNamespace, changeNamespace } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

for (const [who, seeAll, uid, hostID] of [
  ['sees all processes of the host', true, 0, MAPPED.uid],
  ['shares its pid namespace', false, 0, MAPPED.uid],
  ['is the user of its root', true, MAPPED.uid, MAPPED.uid],
  ['is the root of its map', true, 0, 0],
] as const) {
  forEachRuntime(
    `a container that ${who} cannot reach the host through a createContainer hook of one with a user namespace`,
    async (t, rt) => {
      const canary = join(rt.dir, 'canary');
      writeFileSync(canary, 'of the host');
      chownSync(canary, uid, uid);
      chmodSync(canary, 0o600);
      chmodSync(rt.dir, 0o755);
      const attacker = await rt.started(['steal', '/stop', canary, rt.prefix], (config) => {
        if (seeAll) changeNamespace(config, 'pid');
        config.process.user = { uid, gid: uid };
      });
      await until('the attack has begun', () => attacker.stdout().includes('ready'));
      const { pid } = await attacker.state();
      const done = join(rt.dir, 'done');
      const bundle = rt.bundle((config) => {
        addUserNamespace(config);
        config.linux.uidMappings = [{ containerID: 0, hostID, size: MAPPED.size }];
        if (!seeAll) {
          changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
          config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
        }
        const script = `i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; echo x >> ${done}`;
        config.hooks = { createContainer: [{ path: '/bin/busybox', args: ['busybox', 'sh', '-c', script] }] };
      });
      writeFileSync(done, '');
      chmodSync(done, 0o666);
      for (const dir of [bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
      chownSync(bundle.rootfs, hostID, MAPPED.gid);
      for (let round = 0; round < 5; round++) {
        const outcome = await rt.runBundle(bundle);
        t.equal(outcome.status, 0, outcome.stderr);
      }
      t.ok(existsSync(done));
      writeFileSync(join(attacker.bundle.rootfs, 'stop'), '');
      await until('the attacker is stopped', async () => (await attacker.state()).status === 'stopped');
      const [, result = ''] = attacker.stdout().trim().split('\n');
      const { tried, stolen } = JSON.parse(result) as { tried: number; stolen: number };
      t.not(tried, 0, 'it saw the processes');
      t.equal(stolen, 0, result);
      await attacker.remove('--force');
    },
    { deviates: { runc: '1.1 is open to it', crun: '1.8 is open to it' } },
  );
}
