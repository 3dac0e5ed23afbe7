/** A path that leads to a namespace of the runtime itself, in any spelling, does not count as a separate namespace. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { changeNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';

/**
 * Runs in namespaces that represent those of the host. `prepare` is a script in them; it finally prints the output of
 * `look`.
 */
function onStandIn(rt: Sandbox, mutate: Mutation, prepare: string, look: string): Promise<Outcome> {
  const script = `${prepare}\n"$@" 1>&2; status=$?; ${look}; exit $status`;
  const surroundings = ['unshare', '-m', '-n', '-i', '-u', 'sh', '-c', script, 'sh'];
  return rt.commandThrough(surroundings, 'run', '--bundle', rt.bundle(mutate).dir, rt.nextId());
}

const SPELLINGS: readonly (readonly [what: string, prepare: string])[] = [
  ['/proc/self/ns', ''],
  ['the pid of the caller', 'ln -s /proc/$$/ns/FILE PLACE'],
  ['a link', 'ln -s /proc/self/ns/FILE PLACE'],
  ['a bind mount', 'touch PLACE; mount --bind /proc/self/ns/FILE PLACE'],
];

const withoutNames: Mutation = (config) => {
  delete config.hostname;
};

/** Configs that would change the host, the command that would show it, and the message. */
const CHANGES: readonly (readonly [type: string, file: string, change: Mutation, look: string, words: RegExp])[] = [
  [
    'network',
    'net',
    (config) => (config.linux.sysctl = { 'net.ipv4.ping_group_range': '7 7' }),
    'cat /proc/sys/net/ipv4/ping_group_range',
    /sysctl "net\.ipv4\.ping_group_range" would change the host/,
  ],
  [
    'ipc',
    'ipc',
    (config) => (config.linux.sysctl = { 'kernel.msgmnb': '4711' }),
    'cat /proc/sys/kernel/msgmnb',
    /sysctl "kernel\.msgmnb" would change the host/,
  ],
  [
    'uts',
    'uts',
    (config) => {
      withoutNames(config);
      config.linux.sysctl = { 'kernel.domainname': 'changed' };
    },
    'cat /proc/sys/kernel/domainname',
    /sysctl "kernel\.domainname" would change the host/,
  ],
  ['uts', 'uts', () => undefined, 'hostname', /the name of the host would change/],
  [
    'uts',
    'uts',
    (config) => {
      withoutNames(config);
      config.domainname = 'changed';
    },
    'cat /proc/sys/kernel/domainname',
    /the name of the host would change/,
  ],
  ['mount', 'mnt', () => undefined, 'ls -d /bin /etc /proc/self', /the root of the host would be replaced/],
];

for (const [spelling, prepare] of SPELLINGS) {
  forEachRuntime(
    `linux.namespaces: ${spelling} of the runtime's own is refused if the config would change it`,
    async (t, rt) => {
      for (const [type, file, change, look, words] of CHANGES) {
        // A mount namespace file cannot be bound inside that namespace.
        if (type === 'mount' && prepare.includes('mount')) continue;
        const place = prepare === '' ? `/proc/self/ns/${file}` : join(rt.dir, `namespace-${rt.nextId()}`);
        const script = prepare.replaceAll('FILE', file).replaceAll('PLACE', place);
        const before = await onStandIn(rt, () => undefined, '', look);
        const outcome = await onStandIn(
          rt,
          (config) => {
            changeNamespace(config, type, place);
            change(config);
          },
          script,
          look,
        );
        t.equal(outcome.status, 1, type);
        t.match(outcome.stderr, words);
        t.match(outcome.stderr, /it is that of the runtime itself/);
        t.match(outcome.stderr, new RegExp(`/linux/namespaces/\\d+/path`));
        t.equal(outcome.stdout, before.stdout, `${type}: as it was`);
      }
    },
    { oursOnly: 'the peers change what they take for the container' },
  );
}

forEachRuntime(
  'linux.namespaces: a cgroup mount or a user namespace in those of the runtime is refused',
  async (t, rt) => {
    const cgroup = await rt.run((config) => {
      changeNamespace(config, 'cgroup', '/proc/self/ns/cgroup');
      config.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] });
    });
    t.equal(cgroup.status, 1);
    t.match(cgroup.stderr, /that of the runtime itself, and a mount of type cgroup would show the cgroups of the host/);
    const user = await rt.run((config) => changeNamespace(config, 'user', '/proc/self/ns/user'));
    t.equal(user.status, 1);
    t.match(user.stderr, /that of the runtime itself, and the kernel refuses to join it again/);
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime('linux.namespaces: a config that changes none of them runs in those of the runtime', async (t, rt) => {
  for (const [type, file] of [
    ['network', 'net'],
    ['ipc', 'ipc'],
    ['uts', 'uts'],
    ['cgroup', 'cgroup'],
    ['pid', 'pid'],
  ] as const) {
    const link = join(rt.dir, `link-${type}`);
    symlinkSync(`/proc/self/ns/${file}`, link);
    const outcome = await rt.run((config) => {
      withoutNames(config);
      changeNamespace(config, type, link);
      config.process.args = ['/bin/probe', 'echo', 'here'];
    });
    t.equal(outcome.status, 0, outcome.stderr);
    t.equal(outcome.stdout, 'here', type);
  }
});
