import t from 'tap';
import { list } from '../commands/list.ts';
import { deleteContainer } from '../commands/delete.ts';
import { state } from '../commands/state.ts';
import type { Command } from '../options/command.ts';
import { Failure } from '../diag/diagnostic.ts';
import { cgroupAt } from '../../test/config.ts';
import { checkRecord } from './check-record.ts';
import { FakeHost } from '../../test/fake-host.ts';
import type { ContainerRecord } from './record.ts';

const hook = { path: '/bin/hook', args: ['hook', 'a'], env: ['A=b'], timeout: 3 };

/** A record with every optional part. */
const whole: ContainerRecord = {
  version: 2,
  id: 'c1',
  bundle: '/b',
  rootfs: '/b/rootfs',
  rootMount: 30,
  created: '2023-11-14T22:13:20.000000005Z',
  annotations: { a: 'b' },
  pid: 40,
  startTime: 500,
  creator: { pid: 30, startTime: 400 },
  cgroup: {
    manager: 'systemd',
    unit: 'rt-c1.scope',
    version: 1,
    hierarchies: [
      cgroupAt('/sys/fs/cgroup/freezer/c1', 'freezer'),
      {
        version: 1,
        controllers: ['cpu', 'cpuacct'],
        mount: '/sys/fs/cgroup/cpu,cpuacct',
        directory: '/sys/fs/cgroup/cpu,cpuacct/a/c1',
      },
    ],
    inside: '/sys/fs/cgroup/freezer/c1/in',
  },
  resctrl: { groups: ['/sys/fs/resctrl/c1'], made: ['/sys/fs/resctrl/c1'] },
  privatePidNamespace: true,
  origin: { user: { device: 4, inode: 5 }, mountOwner: { device: 4, inode: 6 } },
  keyring: true,
  keyringName: '_ses.c1.0123456789abcdef',
  uncertainStart: false,
  hooks: { poststart: [hook], poststop: [hook] },
  startHooks: { firstOp: -1, hooks: [{ path: '/bin/hook', timeout: 1 }] },
};

function isRecord(value: unknown): boolean {
  return typeof checkRecord(value) !== 'string';
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

function copy(): { [name: string]: Json } {
  return JSON.parse(JSON.stringify(whole)) as { [name: string]: Json };
}

t.test('a record with everything in it, and a later key, is one', async (t) => {
  t.ok(isRecord(copy()));
  t.ok(isRecord({ ...copy(), later: { a: 1 } }));
});

t.test('values that would affect anything but the container are refused', async (t) => {
  const { cgroup, creator } = whole;
  const inCgroup = (directory: string, version: 1 | 2 = 1, mount?: string): object => {
    const found = mount ?? (version === 2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/freezer');
    const one = { version, controllers: ['freezer'], mount: found, directory };
    return { cgroup: { ...cgroup, version, hierarchies: [one], inside: undefined } };
  };
  for (const change of [
    { pid: -1 },
    { pid: 1 },
    { pid: 0.5 },
    { pid: 4_194_305 },
    { pid: 2 ** 32 + 40 },
    { pid: 2 ** 53 },
    { pid: '40' },
    { startTime: -1 },
    { creator: { ...creator, pid: -1 } },
    { bundle: 'b' },
    { bundle: '/b\0' },
    { rootfs: '' },
    inCgroup('/'),
    inCgroup('/etc'),
    inCgroup('/sys/fs/cgroup'),
    inCgroup('/sys/fs/cgroup/'),
    inCgroup('/sys/fs/cgroup/freezer'),
    inCgroup('/sys/fs/cgroup/freezer/.'),
    inCgroup('/sys/fs/cgroup/freezer/..'),
    inCgroup('/sys/fs/cgroup/freezer/c1/../..'),
    inCgroup('/sys/fs/cgroup/freezer//'),
    inCgroup('/sys/fs/cgroup/freezer/c1\0'),
    inCgroup('/sys/fs/cgroups/freezer/c1'),
    inCgroup('/sys/fs/cgroup/', 2),
    inCgroup('/sys/fs/cgroup/../x', 2),
    inCgroup('/sys/fs/cgroup/freezer/c1', 1, '/sys/fs/cgroup'),
    inCgroup('/sys/fs/cgroup/freezer/c1', 2, '/sys/fs/cgroup/freezer'),
    inCgroup('/sys/fs/cgroup/freezer/a/c1', 1, '/sys/fs/cgroup/freezer/a'),
    inCgroup('/sys/fs/cgroup/pids/c1'),
    inCgroup('/etc/freezer/c1', 1, '/etc/freezer'),
    inCgroup('/sys/fs/cgroup/../c1', 1, '/sys/fs/cgroup/..'),
    inCgroup('/sys/fs/cgroup/./c1', 1, '/sys/fs/cgroup/.'),
    { cgroup: { ...cgroup, inside: '/etc' } },
    { cgroup: { ...cgroup, inside: '/sys/fs/cgroup/freezer/other' } },
    { cgroup: { ...cgroup, inside: '/sys/fs/cgroup/freezer/c1/../other' } },
    { cgroup: { ...cgroup, version: 3 } },
    { cgroup: { ...cgroup, unit: 'dbus.service' } },
    { cgroup: { ...cgroup, unit: 'a/b.scope' } },
    { resctrl: { groups: [], made: ['/etc'] } },
    { resctrl: { groups: [], made: ['/sys/fs/resctrl/a/../..'] } },
    { hooks: { poststop: [{ path: '/bin/sh\0' }] } },
    { hooks: { poststop: [{ path: '/bin/sh', args: ['a\0'] }] } },
    { hooks: { poststop: [{ path: '/bin/sh', timeout: -1 }] } },
    { hooks: { poststop: hook } },
  ]) {
    t.notOk(isRecord({ ...copy(), ...change }), JSON.stringify(change));
  }
  t.ok(isRecord({ ...copy(), ...inCgroup('/sys/fs/cgroup/c1', 2) }));
});

/** Each place in a value, as a list of keys. */
function* places(value: Json, way: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (way.length > 0) yield way;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, child] of Object.entries(value)) {
    yield* places(child, [...way, Array.isArray(value) ? Number(name) : name]);
  }
}

function change(value: Json, way: readonly (string | number)[], to: Json | undefined): void {
  const name = way.at(-1) as string;
  const parent = way.slice(0, -1).reduce<Json>((at, step) => (at as { [name: string]: Json })[step] as Json, value);
  if (to === undefined) delete (parent as { [name: string]: Json })[name];
  else (parent as { [name: string]: Json })[name] = to;
}

const replacements: readonly (Json | undefined)[] = [
  undefined,
  null,
  true,
  -1,
  0,
  1,
  77,
  1.5,
  2 ** 31,
  1e300,
  '',
  '..',
  '/',
  '/etc',
  'a\0b',
  '\u001b]0;x\u0007',
  [],
  [null],
  [[]],
  {},
  { length: 3 },
];

/** A record in the directory of c1, beside a container with a valid one. */
function hostWith(text: string): FakeHost {
  const host = new FakeHost();
  for (const path of ['/run/rt', '/run/rt/c1', '/run/rt/c2']) host.directories.set(path, 0o700);
  host.files.set('/run/rt/c1/state.json', text);
  const other = { ...whole, id: 'c2', cgroup: { manager: 'cgroupfs', version: 2, hierarchies: [] } };
  host.files.set('/run/rt/c2/state.json', JSON.stringify(other));
  return host;
}

/** Undefined if the command succeeds. A fault of rt itself is thrown. */
function failure<Given extends readonly string[]>(
  host: FakeHost,
  command: Command<Given>,
  operands: Given,
  options = {},
): Failure | undefined {
  try {
    command({ native: host.native, globals: {}, options, operands, debug: () => {} });
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

t.test('a changed record is accepted as a whole or refused with a message, and others are not affected', async (t) => {
  let refused = 0;
  const texts: string[] = [];
  for (const way of places(copy())) {
    for (const to of replacements) {
      const changed = copy();
      change(changed, way, to);
      texts.push(JSON.stringify(changed));
    }
  }
  const good = JSON.stringify(whole);
  for (let length = 0; length < good.length; length += 7) texts.push(good.slice(0, length), good.slice(length));
  texts.push('[]', 'null', '1', '"x"', '\0', `${good}${good}`, '['.repeat(10_000), '{"version":1e999}');
  for (const text of texts) {
    const host = hostWith(text);
    const fault = failure(host, state, ['c1']);
    if (fault !== undefined) {
      refused += 1;
      const words =
        /^(?:cannot read "\/run\/rt\/c1\/state\.json": (?:not a state that rt wrote|written by a newer rt)|container does)/;
      if (!words.test(fault.message)) t.fail(`${fault.message}: ${text}`);
      const outcome = list({
        native: host.native,
        globals: {},
        options: { quiet: true },
        operands: [],
        debug: () => {},
      });
      if (outcome.output !== 'c2\n' || outcome.warnings?.length !== 1) t.fail(`list: ${text}`);
      failure(host, deleteContainer, ['c1'], { force: true });
      if (host.signals.length > 0) t.fail(`signals ${host.signals.join(', ')}: ${text}`);
    }
    if (!host.files.has('/run/rt/c2/state.json')) t.fail(`the other container is gone: ${text}`);
  }
  t.ok(refused > 500, `${refused} of ${texts.length} are refused`);
});
