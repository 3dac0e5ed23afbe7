import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { controllerOf, isUnified, lackingController, lackingSettings, readCgroup } from '../harness/cgroup.ts';
import {
  cpuBurst,
  cpuIdle,
  cpuQuota,
  cpuset,
  cpuShares,
  memoryAndSwap,
  memoryReservation,
  pidsLimit,
  together,
} from '../harness/cgroup-settings.ts';
import type { Expected, Settings } from '../harness/cgroup-settings.ts';
import { grantCapabilities } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Container, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;

/** Kernels since Linux 6.12 may lack these for cgroup v1. */
const [noMemory, noCpuset] = [lackingController('memory'), lackingController('cpuset')];

const BEFORE = {
  ...(noMemory === undefined ? { memory: { limit: 64 * MIB, swap: 96 * MIB } } : {}),
  cpu: { quota: 30_000, period: 60_000, shares: 1024 },
  pids: { limit: 40 },
};
const MEMORY_BEFORE = [isUnified() ? 'memory.max' : 'memory.limit_in_bytes', String(64 * MIB)] as const;

/** Options of `update`, and the resulting settings of a container with the limits above. */
const OPTIONS: readonly (Settings & {
  readonly words: readonly string[];
  readonly deviates?: Record<string, string>;
})[] = [
  { words: ['--memory', '80m', '--memory-swap', '100M'], ...memoryAndSwap(80 * MIB, 100 * MIB) },
  { words: ['--memory', '128m', '--memory-swap', '256m'], ...memoryAndSwap(128 * MIB, 256 * MIB) },
  { words: ['--memory=32MiB', '--memory-swap=33554432'], ...memoryAndSwap(32 * MIB, 32 * MIB) },
  { words: ['--memory', '-1', '--memory-swap', '-1'], ...memoryAndSwap(-1, -1) },
  { words: ['--memory-reservation', '16m'], ...memoryReservation(16 * MIB) },
  { words: ['--cpu-quota', '20000'], ...cpuQuota(20_000, 60_000) },
  { words: ['--cpu-quota', '-1'], ...cpuQuota(-1, 60_000) },
  { words: ['--cpu-period', '50000'], ...cpuQuota(30_000, 50_000), deviates: { crun: 'has no stored value' } },
  {
    words: ['--cpu-quota', '50000', '--cpu-period', '100000', '--cpu-burst', '10000'],
    ...cpuBurst(10_000),
    deviates: { runc: '1.1 has no --cpu-burst', crun: 'has no --cpu-burst' },
  },
  {
    words: ['--cpu-share', '512'],
    ...cpuShares(512, 59),
    deviates: isUnified() ? { runc: '1.1 has the old formula', crun: '1.8 has the old formula' } : {},
  },
  {
    words: ['--cpu-idle', '1'],
    ...cpuIdle(1),
    deviates: { runc: '1.1 does not set it on v1', crun: 'has no --cpu-idle' },
  },
  { words: ['--cpuset-cpus', '0', '--cpuset-mems', '0'], ...cpuset('0', '0') },
  { words: ['--pids-limit', '20'], ...pidsLimit(20) },
  { words: ['--pids-limit', '-1'], ...pidsLimit('max') },
];

function running(rt: Sandbox): Promise<{ container: Container; check: (t: Test, files: Expected) => void }> {
  return rt
    .started(['pause'], (config) => Object.assign(config.linux.resources, BEFORE))
    .then((container) => ({
      container,
      check: (t, files) => {
        const path = container.bundle.config.linux.cgroupsPath;
        for (const [file, value] of files) {
          t.equal(readCgroup(controllerOf(file), path, file), value, file);
        }
      },
    }));
}

for (const { words, v1, v2, deviates } of OPTIONS) {
  forEachRuntime(
    `update ${words.join(' ')}`,
    async (t, rt) => {
      const { container, check } = await running(rt);
      const outcome = await rt.command('update', ...words, container.id);
      t.strictSame(outcome, { status: 0, stdout: '', stderr: '' });
      check(t, isUnified() ? v2 : v1);
      await container.remove('--force');
    },
    { lacking: lackingSettings(isUnified() ? v2 : v1), ...(deviates === undefined ? {} : { deviates }) },
  );
}

const DOCUMENT = JSON.stringify({
  ...(noMemory === undefined ? { memory: { limit: 80 * MIB, swap: 80 * MIB, reservation: 0 } } : {}),
  cpu: { shares: 2048, quota: 40_000, period: 80_000, ...(noCpuset === undefined ? { cpus: '0', mems: '' } : {}) },
  pids: { limit: 33 },
});
const DOCUMENT_SETTINGS = together(
  memoryAndSwap(80 * MIB, 80 * MIB),
  cpuQuota(40_000, 80_000),
  { v1: [['cpu.shares', '2048']], v2: [] },
  { v1: [['cpuset.cpus', '0']], v2: [['cpuset.cpus', '0']] },
  pidsLimit(33),
);
const DOCUMENT_FILES = (isUnified() ? DOCUMENT_SETTINGS.v2 : DOCUMENT_SETTINGS.v1).filter(
  (setting) => !lackingSettings([setting]),
);

forEachRuntime('update --resources FILE: a linux.resources object, other options are ignored', async (t, rt) => {
  const { container, check } = await running(rt);
  const file = join(rt.dir, 'resources.json');
  writeFileSync(file, DOCUMENT);
  t.equal((await rt.command('update', '--resources', file, '--pids-limit', '7', container.id)).status, 0);
  check(t, DOCUMENT_FILES);
  await container.remove('--force');
});

forEachRuntime('update --resources -: the object comes on standard input', async (t, rt) => {
  const { container, check } = await running(rt);
  t.equal((await rt.commandWith({ input: DOCUMENT }, 'update', '--resources', '-', container.id)).status, 0);
  check(t, DOCUMENT_FILES);
  await container.remove('--force');
});

forEachRuntime('update applies to a running process', async (t, rt) => {
  const container = await rt.started([], (config) => {
    config.process.args = ['/bin/sh', '-c', 'while [ ! -e /tmp/go ]; do busybox usleep 5000; done; probe fork 50'];
    config.linux.resources['pids'] = { limit: 40 };
  });
  t.equal((await rt.command('update', '--pids-limit', '8', container.id)).status, 0);
  writeFileSync(join(container.bundle.rootfs, 'tmp/go'), '');
  await until('the program has ended', async () => (await container.state()).status === 'stopped');
  t.match(JSON.parse(container.stdout()), { errno: 'EAGAIN' });
  await container.remove();
});

forEachRuntime(
  'update: if one limit is refused the others keep their old values',
  async (t, rt) => {
    const { container, check } = await running(rt);
    const words = ['--memory', '70m', '--pids-limit', '11', '--cpuset-mems', '99'];
    const outcome = await rt.command('update', ...words, container.id);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cpuset\.mems/);
    check(t, [['pids.max', '40'], MEMORY_BEFORE]);
    await container.remove('--force');
  },
  { lacking: noMemory ?? noCpuset, deviates: { crun: 'leaves what was set before' } },
);

forEachRuntime(
  'update with checkBeforeUpdate refuses a limit below the current usage',
  async (t, rt) => {
    const { container, check } = await running(rt);
    const input = JSON.stringify({ memory: { limit: 4096, checkBeforeUpdate: true } });
    const outcome = await rt.commandWith({ input }, 'update', '--resources', '-', container.id);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /rejecting memory limit 4096 <= usage \d+/);
    check(t, [MEMORY_BEFORE]);
    await container.remove('--force');
  },
  { lacking: noMemory, deviates: { runc: '1.1 does not know it', crun: '1.8 has other messages' } },
);

forEachRuntime(
  'update with devices replaces the rules: a formerly allowed device is denied afterwards',
  async (t, rt) => {
    const container = await rt.started([], (config) => {
      const loop =
        'for i in 1 2 3; do until [ -e /tmp/$i ]; do busybox usleep 5000; done; probe open /dev/kmsg r; done';
      config.process.args = ['/bin/sh', '-c', loop];
      grantCapabilities(config, 'CAP_SYSLOG', 'CAP_DAC_OVERRIDE');
      config.linux.devices = [{ path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 }];
      config.linux.resources.devices = [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 1, minor: 11, access: 'rwm' },
      ];
    });
    const open = async (count: number): Promise<string | null> => {
      writeFileSync(join(container.bundle.rootfs, 'tmp', String(count)), '');
      const lines = await until('the answer is there', () => {
        const found = container.stdout().split('\n').filter(Boolean);
        return found.length >= count && found;
      });
      return (JSON.parse(lines[count - 1] ?? '') as { errno: string | null }).errno;
    };
    t.equal(await open(1), null);
    const change = async (rules: unknown[]): Promise<void> => {
      const input = JSON.stringify({ devices: [{ allow: false, access: 'rwm' }, ...rules] });
      const outcome = await rt.commandWith({ input }, 'update', '--resources', '-', container.id);
      t.strictSame(outcome, { status: 0, stdout: '', stderr: '' });
    };
    await change([]);
    t.equal(await open(2), 'EPERM');
    await change([{ allow: true, type: 'c', major: 1, minor: 11, access: 'r' }]);
    t.equal(await open(3), null, 'rules that were stacked would still deny it');
    await container.remove('--force');
  },
  { oursOnly: 'the peers leave devices as they are' },
);

for (const [input, words] of [
  ['{"memory": {"limit": "1"}}', /standard input:1:13 {2}\/memory\/limit/],
  ['{"pids": {"limit": null}, "cpu": {"shares": true}}', /cpu\.shares must be an integer/],
  ['[]', /must be an object/],
  ['{', /standard input/],
  ['', /standard input/],
  ['{"cpu": {"cpus": "x"}}', /cpu\.cpus must be a list/],
] as const) {
  forEachRuntime(
    `update --resources with ${input === '' ? 'nothing' : input} names the fault and its place`,
    async (t, rt) => {
      const { container } = await running(rt);
      const outcome = await rt.commandWith({ input }, 'update', '--resources', '-', container.id);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      await container.remove('--force');
    },
    { oursOnly: 'the messages are specific to rt' },
  );
}

forEachRuntime(
  'update: invalid values, and missing containers',
  async (t, rt) => {
    const { container } = await running(rt);
    const fails = async (message: string | RegExp, ...words: string[]): Promise<void> => {
      const outcome = await rt.command('update', ...words, container.id);
      t.equal(outcome.status, 1, words.join(' '));
      t.match(outcome.stderr, message);
    };
    await fails('invalid value for memory: "lots"', '--memory', 'lots');
    await fails('invalid value for cpu-quota: "0x10"', '--cpu-quota', '0x10');
    await fails('invalid value for cpu-quota: "9223372036854775808"', '--cpu-quota', '9223372036854775808');
    await fails('invalid value for memory: "8192p"', '--memory', '8192p');
    // Unsigned, so a value; with cgroup v2 the greatest weight.
    if (!isUnified()) await fails('the maximum allowed cpu-shares is 262144', '--cpu-share', '18446744073709551615');
    await fails(/blockIO\.weight must be from 10 to 1000/, '--blkio-weight', '5');
    await container.kill('KILL');
    await until('it has stopped', async () => (await container.state()).status === 'stopped');
    await fails('container not running', '--pids-limit', '5');
    await container.remove();
    await fails('container does not exist', '--pids-limit', '5');
  },
  { oursOnly: 'the messages are specific to rt' },
);
