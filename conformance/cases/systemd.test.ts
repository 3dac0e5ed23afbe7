import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hierarchies, isUnified, lackingController, readCgroup } from '../harness/cgroup.ts';
import { grantCapabilities } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { Text } from '../harness/guest.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const MIB = 1_048_576;
const HAS_SYSTEMD = existsSync('/run/systemd/system');
const LACKING = { lacking: HAS_SYSTEMD ? undefined : 'systemd does not run on this host' };
/** Kernels since Linux 6.12 may lack it for cgroup v1. */
const HAS_MEMORY = lackingController('memory') === undefined;
const FLAG = '--systemd-cgroup';

interface Scope {
  readonly id: string;
  readonly unit: string;
  /** Below a hierarchy's mount. */
  readonly path: string;
  readonly outcome: Outcome;
  readonly rootfs: string;
  readonly stdout: () => string;
}

/** `create` through systemd, in system.slice unless the case says otherwise. */
async function create(rt: Sandbox, mutate?: Mutation, slice = 'system.slice', id = rt.nextId()): Promise<Scope> {
  const bundle = rt.bundle((config) => {
    config.linux.cgroupsPath = `${slice}:rt:${id}`;
    config.process.args = ['/bin/probe', 'pause'];
    mutate?.(config);
  });
  const log = join(rt.dir, `${id}.log`);
  const output = openSync(log, 'w+');
  try {
    const options = { stdout: output, stderr: output };
    const outcome = await rt.commandWith(options, FLAG, 'create', '--bundle', bundle.dir, id);
    const unit = `rt-${id}.scope`;
    const stdout = (): string => readFileSync(log, 'utf8');
    const path = `/${slice}/${unit}`;
    return { id, unit, path, rootfs: bundle.rootfs, stdout, outcome: { ...outcome, stderr: stdout() } };
  } finally {
    closeSync(output);
  }
}

function show(unit: string, ...names: string[]): Record<string, string> {
  const text = execFileSync('systemctl', ['show', '--property', names.join(','), unit], { encoding: 'utf8' });
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
}

/** Deletes without the option, like the shim of an engine, and checks whether systemd has removed the unit. */
async function remove(rt: Sandbox, { id, unit }: Scope): Promise<void> {
  const outcome = await rt.command('delete', '--force', id);
  if (outcome.status !== 0) throw new Error(`delete ended with ${outcome.status}: ${outcome.stderr}`);
  const state = show(unit, 'LoadState', 'ActiveState');
  if (state['ActiveState'] !== 'inactive') throw new Error(`the unit is ${state['ActiveState']}`);
}

forEachRuntime(
  'systemd: the container is in its own scope, with its limits as properties and in the kernel',
  async (t, rt) => {
    const scope = await create(rt, (config) => {
      Object.assign(config.linux.resources, {
        ...(HAS_MEMORY ? { memory: { limit: 64 * MIB, swap: 64 * MIB } } : {}),
        cpu: { quota: 50_000, period: 100_000 },
        pids: { limit: 55 },
      });
    });
    t.equal(scope.outcome.status, 0, scope.outcome.stderr);
    const { pid } = JSON.parse((await rt.command('state', scope.id)).stdout) as { pid: number };
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
    for (const line of groups) {
      const names = HAS_MEMORY ? /memory|pids|name=systemd/ : /pids|name=systemd/;
      if (isUnified() || names.test(line)) t.match(line, `:${scope.path}`);
    }
    const found = show(scope.unit, 'ActiveState', 'Slice', 'Delegate', 'TasksMax', 'CPUQuotaPerSecUSec');
    t.strictSame(found, {
      ActiveState: 'active',
      Slice: 'system.slice',
      Delegate: 'yes',
      TasksMax: '55',
      CPUQuotaPerSecUSec: '500ms',
    });
    t.equal(readCgroup('pids', scope.path, 'pids.max'), '55');
    if (HAS_MEMORY) {
      const [memory, file] = isUnified() ? ['MemoryMax', 'memory.max'] : ['MemoryLimit', 'memory.limit_in_bytes'];
      t.strictSame(show(scope.unit, memory), { [memory]: String(64 * MIB) });
      t.equal(readCgroup('memory', scope.path, file), String(64 * MIB));
    }
    t.equal((await rt.command('start', scope.id)).status, 0);
    await remove(rt, scope);
  },
  LACKING,
);

forEachRuntime(
  'systemd: limits and device rules survive a reload',
  async (t, rt) => {
    const scope = await create(rt, (config) => {
      Object.assign(config.linux.resources, {
        ...(HAS_MEMORY ? { memory: { limit: 64 * MIB } } : {}),
        cpu: { quota: 33_333, period: 100_000, shares: 2048 },
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
        ],
      });
      grantCapabilities(config, 'CAP_SYSLOG', 'CAP_DAC_OVERRIDE');
      config.linux.devices = [
        { path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 },
        { path: '/dev/mem', type: 'c', major: 1, minor: 1, fileMode: 0o666 },
      ];
      config.process.args = ['/bin/probe', 'open', '/dev/kmsg', 'r', '--', 'open', '/dev/mem', 'r'];
    });
    t.equal(scope.outcome.status, 0, scope.outcome.stderr);
    const files = isUnified() ? ['cpu.max', 'cpu.weight'] : ['cpu.cfs_quota_us', 'cpu.shares'];
    if (HAS_MEMORY) files.push(isUnified() ? 'memory.max' : 'memory.limit_in_bytes');
    const read = (): string[] => files.map((file) => readCgroup(file.slice(0, file.indexOf('.')), scope.path, file));
    const before = read();
    execFileSync('systemctl', ['daemon-reload']);
    t.strictSame(read(), before);
    t.equal((await rt.command('start', scope.id)).status, 0);
    await until('both answers are there', () => scope.stdout().trim().split('\n').length === 2);
    t.strictSame(
      scope
        .stdout()
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { errno: string | null }).errno),
      [null, 'EPERM'],
    );
    await remove(rt, scope);
  },
  LACKING,
);

forEachRuntime(
  'systemd: a slice inside a slice',
  async (t, rt) => {
    const slice = `rttest${process.pid}-inner.slice`;
    const scope = await create(rt, undefined, slice);
    t.equal(scope.outcome.status, 0, scope.outcome.stderr);
    const { pid } = JSON.parse((await rt.command('state', scope.id)).stdout) as { pid: number };
    t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `:/rttest${process.pid}.slice/${slice}/${scope.unit}`);
    await remove(rt, scope);
    execFileSync('systemctl', ['stop', slice, `rttest${process.pid}.slice`]);
  },
  LACKING,
);

forEachRuntime(
  'systemd: update changes the unit and the kernel',
  async (t, rt) => {
    const scope = await create(rt, (config) => {
      if (HAS_MEMORY) config.linux.resources['memory'] = { limit: 64 * MIB };
    });
    const words = ['--pids-limit', '44', '--cpu-quota', '25000', '--cpu-period', '50000'];
    const outcome = await rt.command('update', ...(HAS_MEMORY ? ['--memory', '80m'] : []), ...words, scope.id);
    t.strictSame(outcome, { status: 0, stdout: '', stderr: '' });
    const memory = isUnified() ? 'MemoryMax' : 'MemoryLimit';
    t.strictSame(show(scope.unit, memory, 'TasksMax', 'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec'), {
      [memory]: HAS_MEMORY ? String(80 * MIB) : 'infinity',
      TasksMax: '44',
      CPUQuotaPerSecUSec: '500ms',
      CPUQuotaPeriodUSec: '50ms',
    });
    t.equal(readCgroup('pids', scope.path, 'pids.max'), '44');
    const file = isUnified() ? 'cpu.max' : 'cpu.cfs_quota_us';
    t.match(readCgroup('cpu', scope.path, file), /^25000/);
    await remove(rt, scope);
  },
  LACKING,
);

forEachRuntime(
  'systemd: annotations set properties of the unit',
  async (t, rt) => {
    const scope = await create(rt, (config) => {
      config.annotations = {
        'org.systemd.property.TimeoutStopUSec': 'uint64 7000000',
        'org.systemd.property.CollectMode': "'inactive-or-failed'",
      };
    });
    t.equal(scope.outcome.status, 0, scope.outcome.stderr);
    t.strictSame(show(scope.unit, 'TimeoutStopUSec', 'CollectMode'), {
      TimeoutStopUSec: '7s',
      CollectMode: 'inactive-or-failed',
    });
    await remove(rt, scope);
  },
  LACKING,
);

for (const [name, value, words] of [
  ['Delegate', 'false', /org\.systemd\.property\.Delegate: the property may not be set/],
  ['DeviceAllow', "[('/dev/sda', 'rwm')]", /the property may not be set/],
  ['TimeoutStopUSec', "'soon'", /must be of type t/],
] as const) {
  forEachRuntime(
    `systemd: the annotation of property ${name} with ${value} is refused`,
    async (t, rt) => {
      const { outcome, unit } = await create(
        rt,
        (config) => (config.annotations = { [`org.systemd.property.${name}`]: value }),
      );
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.equal(show(unit, 'ActiveState')['ActiveState'], 'inactive');
    },
    { ...LACKING, oursOnly: 'the allow-list is our own' },
  );
}

forEachRuntime(
  'systemd: a running unit is not taken over, and keeps running',
  async (t, rt) => {
    const first = await create(rt);
    const second = await create(rt, (config) => (config.linux.cgroupsPath = `system.slice:rt:${first.id}`));
    t.equal(second.outcome.status, 1);
    t.match(second.outcome.stderr, /not empty|unable to start unit/);
    t.equal(show(first.unit, 'ActiveState')['ActiveState'], 'active');
    t.match((await rt.command('state', first.id)).stdout, '"created"');
    await remove(rt, first);
  },
  { ...LACKING, deviates: { runc: '1.1 joins it' } },
);

forEachRuntime(
  'systemd: a unit that failed before is reset',
  async (t, rt) => {
    const id = rt.nextId();
    const unit = `rt-${id}.scope`;
    const words = ['--quiet', '--scope', '--unit', unit, '--property', 'RuntimeMaxSec=1', 'sleep', '60'];
    try {
      execFileSync('systemd-run', words, { stdio: 'ignore' });
    } catch {
      // systemd must end it.
    }
    await until('the unit has failed', () => show(unit, 'ActiveState')['ActiveState'] === 'failed');
    const scope = await create(rt, undefined, 'system.slice', id);
    t.equal(scope.outcome.status, 0, scope.outcome.stderr);
    await remove(rt, scope);
  },
  LACKING,
);

forEachRuntime(
  'systemd: a container that has ended by itself leaves no unit',
  async (t, rt) => {
    const scope = await create(rt, (config) => (config.process.args = ['/bin/true']));
    t.equal((await rt.command('start', scope.id)).status, 0);
    await until('it has ended', async () => (await rt.command('state', scope.id)).stdout.includes('"stopped"'));
    t.equal((await rt.command('delete', scope.id)).status, 0);
    t.equal(show(scope.unit, 'ActiveState')['ActiveState'], 'inactive');
  },
  LACKING,
);

for (const path of ['/a/b', 'a:b', 'a.slice:b:c:d', 'system.slice:rt:']) {
  forEachRuntime(
    `systemd: cgroupsPath "${path}" is refused`,
    async (t, rt) => {
      const { outcome } = await create(rt, (config) => (config.linux.cgroupsPath = path));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, 'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups');
    },
    { oursOnly: 'the peers ask systemd first' },
  );
}

forEachRuntime(
  'systemd: without systemd the option is an error that names the cause, and nothing is left',
  async (t, rt) => {
    const { outcome } = await create(rt);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /systemd does not run on this host/);
    for (const hierarchy of hierarchies()) t.notOk(existsSync(join(hierarchy, 'system.slice')), hierarchy);
  },
  { lacking: HAS_SYSTEMD ? 'systemd runs on this host' : undefined, oursOnly: 'the messages are specific to rt' },
);

forEachRuntime(
  'systemd: a unit in cgroupsPath without the option is refused with limits',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.linux.cgroupsPath = 'system.slice:docker:abc';
      config.linux.resources = { ...config.linux.resources, pids: { limit: 77 } };
    });
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /names a systemd unit[^]*--systemd-cgroup/);
  },
  { oursOnly: 'the peers make a directory of that name' },
);

forEachRuntime(
  'systemd: without limits it is a path, as for the steps of a build by the BuildKit in dockerd',
  async (t, rt) => {
    const name = `system.slice:docker:${rt.nextId()}`;
    const [own] = await rt.observe<[Text]>([['read', '/proc/self/cgroup']], (config) => {
      config.linux.cgroupsPath = name;
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'cgroup');
    });
    t.match(own.text, new RegExp(`[:/]${name}\n`));
  },
);

forEachRuntime(
  'systemd: run.oci.systemd.subgroup and delegate-cgroup are below the scope, which stays manageable',
  async (t, rt) => {
    const { id, path, unit, outcome } = await create(rt, (config) => {
      config.annotations = { 'run.oci.systemd.subgroup': 'sub', 'run.oci.delegate-cgroup': 'payload' };
      config.linux.resources = { ...config.linux.resources, pids: { limit: 77 } };
    });
    t.equal(outcome.status, 0, outcome.stderr);
    const { pid } = JSON.parse((await rt.command('state', id)).stdout) as { pid: number };
    t.equal(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), `0::${path}/sub/payload\n`);
    t.equal(readCgroup('pids', `${path}/sub`, 'pids.max'), '77');
    t.equal(show(unit, 'TasksMax')['TasksMax'], '77');
    t.equal((await rt.command('start', id)).status, 0);
    const exec = await rt.command('exec', id, '/bin/cat', '/proc/self/cgroup');
    t.equal(exec.stdout, `0::${path}/sub/payload\n`, exec.stderr);
    t.equal((await rt.command('update', '--pids-limit', '88', id)).status, 0);
    t.equal(readCgroup('pids', `${path}/sub`, 'pids.max'), '88');
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    t.equal(show(unit, 'LoadState')['LoadState'], 'not-found');
  },
  {
    lacking: LACKING.lacking ?? (isUnified() ? undefined : 'the unified hierarchy is not in charge here'),
    deviates: { runc: 'has no annotations of its own' },
  },
);
