/** Attacks on processes of the runtime, from containers that can see them. */
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { MAPPED, addUserNamespace, changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { TestConfig } from '../harness/config.ts';
import { attack, rounds } from '../harness/attack.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** The default capabilities of engines. */
const ENGINE_CAPABILITIES = [
  ...[
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_FSETID',
    'CAP_KILL',
    'CAP_SETGID',
    'CAP_SETUID',
    'CAP_SETPCAP',
  ],
  ...['CAP_NET_BIND_SERVICE', 'CAP_NET_RAW', 'CAP_SYS_CHROOT', 'CAP_MKNOD', 'CAP_AUDIT_WRITE', 'CAP_SETFCAP'],
];

function identityMapped(config: TestConfig): void {
  addUserNamespace(config);
  config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
}

function withoutProc(config: TestConfig): void {
  config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
}

async function stopAttack(attacker: Container): Promise<string[]> {
  writeFileSync(join(attacker.bundle.rootfs, 'stop'), '');
  await until('the attacker is stopped', async () => (await attacker.state()).status === 'stopped');
  return attacker.stdout().trim().split('\n');
}

async function startAttack(
  rt: Sandbox,
  verb: readonly string[],
  mutate: (config: TestConfig) => void,
): Promise<Container> {
  const attacker = await rt.started(verb, mutate);
  await until('the attack has begun', () => attacker.stdout().includes('ready'));
  return attacker;
}

for (const [view, seeAll] of [
  ['sees all processes of the host', true],
  ['shares its pid namespace', false],
] as const) {
  for (const [kind, addUser] of [
    ['user namespace', addUserNamespace],
    ['user namespace with the ids of the host', identityMapped],
  ] as const) {
    attack(
      `a container that ${view} cannot reach the host during the setup of one with a ${kind}`,
      async (t, rt, canary) => {
        const attacker = await startAttack(rt, ['steal', '/stop', canary.victim, rt.prefix], (config) => {
          grantCapabilities(config, ...ENGINE_CAPABILITIES);
          if (seeAll) changeNamespace(config, 'pid');
        });
        const { pid } = await attacker.state();
        const bundle = rt.bundle((config) => {
          addUser(config);
          if (seeAll) return;
          changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
          withoutProc(config);
        });
        if (addUser === addUserNamespace) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
        for (let round = 0; round < rounds(rt, 40); round++) {
          const outcome = await rt.runBundle(bundle);
          if (rt.runtime.ours) t.equal(outcome.status, 0, outcome.stderr);
        }
        const lines = await stopAttack(attacker);
        const { tried, stolen, read } = JSON.parse(lines[1] ?? '') as Record<string, number>;
        t.ok((tried ?? 0) > 0, `${tried} tries`);
        t.equal(stolen, 0, 'ways to a file of the host');
        t.equal(read, 0, 'reads of the memory of a process that is set up');
        t.equal((await attacker.remove()).status, 0);
      },
    );
  }
}

for (const [what, words] of [
  ['forked', 'that tell of another process'],
  ['both', 'that tell of another process and of failure'],
  ['hold', 'that never end'],
] as const) {
  attack(
    `exec: records of a container, ${words}, make the runtime neither kill another process nor wait for ever`,
    async (t, rt) => {
      const victim = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
      const ended = new Promise((resolve) => victim.once('exit', resolve));
      try {
        const attacker = await startAttack(rt, ['forge', '/stop', String(victim.pid), what], (config) => {
          grantCapabilities(config, ...ENGINE_CAPABILITIES, 'CAP_SYS_PTRACE');
        });
        await until(
          'the socket was taken',
          async () => {
            const { status, stderr } = await rt.command('exec', attacker.id, '/bin/true');
            t.equal(victim.exitCode ?? victim.signalCode, null, 'the process of the host lives');
            if (status !== 0) t.match(stderr, /a process of a container interferes|operation not permitted/);
            return attacker.stdout().includes('sent');
          },
          120_000,
        );
        await stopAttack(attacker);
        t.equal((await attacker.remove()).status, 0);
      } finally {
        victim.kill('SIGKILL');
        await ended;
      }
    },
    { oursOnly: 'the records are ours' },
  );
}
