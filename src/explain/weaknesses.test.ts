import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import { collect } from '../bundle/rules.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { commonWeaknesses, unusualWeaknesses } from './weaknesses.ts';

type Change = (config: Required<Pick<Config, 'root' | 'process' | 'mounts' | 'linux'>> & Config) => void;

/** What weakens a config of Kubernetes after a change, besides what weakens it before. */
function added(change: Change): readonly Diagnostic[] {
  const text = readFileSync(new URL('../../conformance/configs/kubernetes.json', import.meta.url), 'utf8');
  const weaknesses = (config: Config): Diagnostic[] => collect([...unusualWeaknesses, ...commonWeaknesses], config);
  const config = JSON.parse(text) as Parameters<Change>[0];
  const before = new Set(weaknesses(config).map(({ message }) => message));
  change(config);
  return weaknesses(config).filter(({ message }) => !before.has(message));
}

const without =
  (type: string): Change =>
  ({ linux }) => {
    linux.namespaces = linux.namespaces?.filter((namespace) => namespace.type !== type) ?? [];
  };

/** A change, and the code and pointer of the one weakness that it adds. */
const cases: readonly (readonly [what: string, change: Change, code: string, pointer: string])[] = [
  ['no pid namespace', without('pid'), 'weak.pid', '/linux/namespaces'],
  ['no network namespace', without('network'), 'weak.network', '/linux/namespaces'],
  ['no mount namespace', without('mount'), 'weak.mount', '/linux/namespaces'],
  ['no ipc namespace', without('ipc'), 'weak.ipc', '/linux/namespaces'],
  ['no uts namespace', without('uts'), 'weak.uts', '/linux/namespaces'],
  ['no cgroup namespace', without('cgroup'), 'weak.cgroup', '/linux/namespaces'],
  [
    'a namespace of the first process',
    ({ linux }) => Object.assign(linux.namespaces?.[0] ?? {}, { path: '/proc/1/ns/pid' }),
    'weak.joined',
    '/linux/namespaces/0/path',
  ],
  [
    'root of the host in a user namespace',
    ({ linux }) => {
      linux.uidMappings = [
        { containerID: 0, hostID: 1000, size: 1 },
        { containerID: 1, hostID: 0, size: 1 },
      ];
    },
    'weak.mapping',
    '/linux/uidMappings/1/hostID',
  ],
  ['root of the host', ({ process }) => (process.user = { uid: 0 }), 'weak.root', '/process/user/uid'],
  ['more rights', ({ process }) => (process.noNewPrivileges = false), 'weak.privileges', '/process/noNewPrivileges'],
  [
    'a capability',
    ({ process }) => (process.capabilities = { bounding: ['CAP_KILL', 'CAP_SYS_ADMIN'] }),
    'weak.capability',
    '/process/capabilities/bounding/1',
  ],
  ['no filter', ({ linux }) => delete linux.seccomp, 'weak.seccomp', '/linux/seccomp'],
  [
    'a writable bind of /',
    ({ mounts }) => (mounts[0] = { destination: '/host', source: '/', type: 'none', options: ['rbind'] }),
    'weak.bind',
    '/mounts/0/source',
  ],
  [
    'the socket of an engine',
    ({ mounts }) => (mounts[0] = { destination: '/s', source: '/run/docker.sock', type: 'bind', options: ['ro'] }),
    'weak.socket',
    '/mounts/0/source',
  ],
  ['a writable sysfs', ({ mounts }) => mounts[3]?.options?.splice(3), 'weak.writable', '/mounts/3'],
  [
    'a writable /proc/sys',
    ({ linux }) => (linux.readonlyPaths = ['/proc/sysrq-trigger']),
    'weak.proc',
    '/linux/readonlyPaths',
  ],
  ['a readable kernel memory', ({ linux }) => (linux.maskedPaths = ['/proc/keys']), 'weak.proc', '/linux/maskedPaths'],
  [
    'a disk',
    ({ linux }) => linux.devices?.push({ path: '/dev/sda', type: 'b', major: 8, minor: 0 }),
    'weak.device',
    '/linux/devices/1',
  ],
  [
    'every device',
    ({ linux }) => linux.resources?.devices?.push({ allow: true, access: 'rwm' }),
    'weak.devices',
    '/linux/resources/devices/7',
  ],
  [
    'a hook of the image',
    (config) => (config.hooks = { startContainer: [{ path: '/hook' }] }),
    'weak.hook',
    '/hooks/startContainer/0/path',
  ],
  [
    'a hook in the root',
    (config) => {
      config.root.path = '/images/root';
      config.hooks = { prestart: [{ path: '/images/root/hook' }] };
    },
    'weak.hook',
    '/hooks/prestart/0/path',
  ],
  [
    'shared mounts',
    ({ linux }) => (linux.rootfsPropagation = 'rshared'),
    'weak.propagation',
    '/linux/rootfsPropagation',
  ],
  ['no pids limit', ({ linux }) => delete linux.resources?.pids, 'weak.limit', '/linux/resources/pids/limit'],
  [
    'no memory limit',
    ({ linux }) => ((linux.resources ??= {}).memory = { limit: -1 }),
    'weak.limit',
    '/linux/resources/memory/limit',
  ],
];

for (const [what, change, code, pointer] of cases) {
  t.test(`${what} weakens a container, and has a cure`, async (t) => {
    const found = added(change);
    t.match(found, [{ code, pointer, hint: String }]);
    t.equal(found.length, 1, JSON.stringify(found));
  });
}

t.test('what is harmless is no weakness', async (t) => {
  const harmless: readonly Change[] = [
    ({ mounts }) => (mounts[0] = { destination: '/host', source: '/', type: 'bind', options: ['rw', 'ro'] }),
    ({ mounts }) => (mounts[0] = { destination: '/data', source: '/srv/data', type: 'bind' }),
    ({ linux }) => linux.devices?.push({ path: '/dev/null', type: 'c', major: 1, minor: 3 }),
    ({ linux }) => linux.resources?.devices?.unshift({ allow: true, access: 'rwm' }, { allow: false, access: 'rwm' }),
    ({ linux }) => linux.resources?.devices?.push({ allow: true, type: 'c', access: 'm' }),
    ({ linux }) => (linux.maskedPaths = ['/proc']),
    (config) => Object.assign(config, { hooks: { ...config.hooks, unknown: 7 } }),
    ({ process }) => (process.capabilities = { bounding: ['CAP_NET_RAW', 'CAP_CHOWN'] }),
  ];
  for (const change of harmless) t.strictSame(added(change), [], String(change));
});
