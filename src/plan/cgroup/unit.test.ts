import t from 'tap';
import type { Config, LinuxResources } from '../../../schema/generated/config.ts';
import { Failure } from '../../diag/diagnostic.ts';
import type { Diagnostic } from '../../diag/diagnostic.ts';
import { config, facts, options, unified } from '../../../test/config.ts';
import { explain } from '../explain.ts';
import { plan } from '../index.ts';
import {
  annotatedProperties,
  deviceProperties,
  limitProperties,
  listBytes,
  roundedResources,
  slicePath,
  unitPlace,
} from './unit.ts';
import { versionOf } from './version.ts';

function shown(resources: LinuxResources, version: 1 | 2 = 2): string[] {
  return limitProperties(resources, versionOf({ version }).unit).map(
    ({ name, value }) => `${name}=${String(value.value)}`,
  );
}

t.test('unitPlace: slice:prefix:name', async (t) => {
  t.strictSame(unitPlace('machine.slice:libpod:abc', 'x', undefined), {
    name: 'libpod-abc.scope',
    manager: 'system',
    slice: 'machine.slice',
    path: '/machine.slice/libpod-abc.scope',
  });
  t.match(unitPlace('a-b-c.slice::x', 'x', undefined), {
    name: 'x.scope',
    path: '/a.slice/a-b.slice/a-b-c.slice/x.scope',
  });
  t.match(unitPlace(':cri:x', 'x', undefined), { slice: 'system.slice', path: '/system.slice/cri-x.scope' });
  t.match(unitPlace('', 'c1', undefined), { path: '/system.slice/rt-c1.scope' });
  t.match(unitPlace('-.slice:a:b', 'c1', undefined), { path: '/a-b.scope' });
  for (const path of [
    '/a',
    'a:b',
    'a.slice:b:c:d',
    'a.slice:b:',
    'a.slice:b:c/d',
    'a:b:c',
    'a--b.slice:b:c',
    '.slice:b:c',
  ]) {
    t.throws(() => unitPlace(path, 'x', undefined), Failure, path);
  }
  const user = { cgroup: '/user.slice/user-1.slice/user@1.service', controllers: [] };
  t.match(unitPlace('', 'c1', user), { slice: 'user.slice', path: `${user.cgroup}/user.slice/rt-c1.scope` });
  t.match(unitPlace(':a:b', 'c1', user), { slice: 'user.slice' });
  t.match(unitPlace('a-b.slice:c:d', 'c1', user), { path: `${user.cgroup}/a.slice/a-b.slice/c-d.scope` });
  t.equal(slicePath('user.slice'), '/user.slice');
});

t.test('limitProperties: limits as systemd properties', async (t) => {
  t.strictSame(shown({ memory: { limit: 1000, swap: 1500, reservation: 5 } }), [
    'MemoryMax=1000',
    'MemoryLow=5',
    'MemorySwapMax=500',
  ]);
  t.strictSame(shown({ memory: { limit: 1000, swap: 1500, reservation: 5 } }, 1), ['MemoryLimit=1000']);
  const infinity = '18446744073709551615';
  t.strictSame(shown({ memory: { limit: -1 } }), [`MemoryMax=${infinity}`, `MemorySwapMax=${infinity}`]);
  t.strictSame(shown({ cpu: { quota: 33_333, period: 100_000 } }), [
    'CPUQuotaPeriodUSec=100000',
    'CPUQuotaPerSecUSec=340000',
  ]);
  t.strictSame(shown({ cpu: { quota: -1 } }), ['CPUQuotaPeriodUSec=100000', `CPUQuotaPerSecUSec=${infinity}`]);
  t.strictSame(shown({ cpu: { shares: 1024 } }), ['CPUWeight=100']);
  t.strictSame(shown({ cpu: { shares: 1024, idle: 1 } }), [], 'an idle cgroup has no weight');
  t.strictSame(shown({ cpu: { shares: 1024 } }, 1), ['CPUShares=1024']);
  t.strictSame(shown({ cpu: { cpus: '0-2,9', mems: '1' } }), ['AllowedCPUs=7,2', 'AllowedMemoryNodes=2']);
  t.strictSame(shown({ pids: { limit: 0 } }), ['TasksMax=1']);
  t.strictSame(shown({ pids: { limit: -1 } }), [`TasksMax=${infinity}`]);
  t.strictSame(listBytes('16'), [0, 0, 1]);
});

t.test('roundedResources: the quota of the cgroup equals that of systemd', async (t) => {
  t.equal(roundedResources({ cpu: { quota: 33_333, period: 100_000 } }).cpu?.quota, 34_000);
  t.equal(roundedResources({ cpu: { quota: 50_000 } }).cpu?.quota, 50_000);
  t.equal(roundedResources({ cpu: { quota: -1 } }).cpu?.quota, -1);
});

t.test('deviceProperties: an allow-list, without rules that systemd cannot express', async (t) => {
  t.strictSame(
    deviceProperties(['-a', '+c *:* m', '+c 1:3 rwm', '+b 8:* r', '+c *:5 r']).map(({ value }) => value.value),
    [
      'strict',
      [
        ['char-*', 'm'],
        ['/dev/char/1:3', 'rwm'],
        ['block-8', 'r'],
      ],
    ],
  );
  t.strictSame(deviceProperties(['+a', '-b 8:0 r']), []);
});

t.test('annotatedProperties: an allow-list, with values in GVariant text', async (t) => {
  const faults: Diagnostic[] = [];
  const of = (name: string, text: string): unknown =>
    annotatedProperties({ [`org.systemd.property.${name}`]: text, other: 'x' }, faults)[0];
  t.strictSame(of('TimeoutStopUSec', 'uint64 5'), { name: 'TimeoutStopUSec', value: { type: 't', value: 5n } });
  t.strictSame(of('TimeoutStopSec', '5'), { name: 'TimeoutStopUSec', value: { type: 't', value: 5_000_000n } });
  t.strictSame(of('CollectMode', "'inactive'"), { name: 'CollectMode', value: { type: 's', value: 'inactive' } });
  t.strictSame(of('KillSignal', 'int32 9'), { name: 'KillSignal', value: { type: 'i', value: 9 } });
  t.strictSame(of('SendSIGHUP', 'true'), { name: 'SendSIGHUP', value: { type: 'b', value: true } });
  t.strictSame(of('After', "['a.service', 'b.service']"), {
    name: 'After',
    value: { type: 'as', value: ['a.service', 'b.service'] },
  });
  t.strictSame(of('Wants', '@as []'), { name: 'Wants', value: { type: 'as', value: [] } });
  t.strictSame(faults, []);
  for (const [name, text] of [
    ['Delegate', 'false'],
    ['constructor', 'true'],
    ['KillSignal', "'x'"],
    ['CollectMode', 'plain'],
    ['TimeoutStopUSec', '-5'],
  ] as const) {
    of(name, text);
    t.match(faults.pop(), { pointer: `/annotations/org.systemd.property.${name}` }, `${name} ${text}`);
  }
});

t.test('plan: with systemd, init waits first and starts outside of the unit', async (t) => {
  const change: Partial<Config> = {
    linux: { cgroupsPath: 'a-b.slice:p:n', resources: { pids: { limit: 5 } }, namespaces: [{ type: 'mount' }] },
  };
  for (const host of [facts(), facts(unified)]) {
    const made = plan(config(change), host, { ...options, cgroupManager: 'systemd' });
    t.equal(made.cloneCgroup, '');
    const order = made.init.map(({ op }) => op);
    t.equal(order.filter((op) => op === 'cgroup_join').length, host.cgroups.version === 1 ? 12 : 0);
    t.ok(order.indexOf('await_unit') <= 1, 'only its own oom score before');
    t.match(made.cgroup, { manager: 'systemd', unit: 'p-n.scope' });
    t.ok(made.cgroup.hierarchies.every(({ directory }) => directory.endsWith('/a.slice/a-b.slice/p-n.scope')));
    t.ok(made.unit?.ops.some(({ op }) => op === 'device_program' || op === 'write_device_rules'));
    t.match(explain(made, 'text'), 'unit: systemd starts p-n.scope');
    t.match(explain(made, 'text'), 'TasksMax=5');
  }
  t.throws(() => plan(config(change), facts(), options), /names a systemd unit/);
  const unlimited: Partial<Config> = { linux: { ...change.linux, resources: { devices: [] } } };
  t.match(
    plan(config(unlimited), facts(unified), options).cloneCgroup,
    /a-b\.slice:p:n$/,
    'without limits it is a path',
  );
});

t.test('plan: cgroups below the scope are made and joined once systemd has started it', async (t) => {
  const scope = '/sys/fs/cgroup/a.slice/p-n.scope';
  const change: Partial<Config> = {
    annotations: { 'run.oci.systemd.subgroup': 'sub', 'run.oci.delegate-cgroup': '/in' },
    linux: { cgroupsPath: 'a.slice:p:n', resources: { pids: { limit: 5 } }, namespaces: [{ type: 'mount' }] },
  };
  const made = plan(config(change), facts(unified), { ...options, cgroupManager: 'systemd' });
  t.match(made.cgroup, { hierarchies: [{ directory: `${scope}/sub` }], inside: `${scope}/sub/in` });
  t.match(made.unit, {
    divide: [{ op: 'cgroup_create', path: '/a.slice/p-n.scope/sub/in' }],
    inside: `${scope}/sub/in`,
  });
  t.match(
    made.unit?.ops.find(({ op }) => op === 'cgroup_enable'),
    { path: '/a.slice/p-n.scope/sub/in' },
    'controllers as far down as the limits need them, and one further for the container',
  );
  const limits = made.limits.flatMap((op) =>
    op.op === 'write_files' ? op.paths : op.op === 'write_file' ? [op.path] : [],
  );
  t.ok(limits.includes(`${scope}/sub/pids.max`), limits.join(' '));
});
