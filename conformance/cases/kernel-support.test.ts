import { isUnified } from '../harness/cgroup.ts';
import { addUserNamespace } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { withContainer } from '../harness/exec.ts';
import { guestProgram, probePath } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** As on a kernel without a call, or under a seccomp filter that refuses it. */
function runWithout(call: string, rt: Sandbox, mutate: Mutation): Promise<Outcome> {
  const words = rt.argv('run', '--bundle', rt.bundle(mutate).dir, rt.nextId());
  return run([guestProgram('deny'), call, ...words], { env: rt.env });
}

const nothing = (): void => undefined;
/** The kernels of the tests have all calls: the filter of `deny` must be the cause. */
const allowed = (call: string): string =>
  `hint: allow ${call} in the seccomp filter around rt (Seccomp: 2 in /proc/self/status)`;

/** A property that needs a call. Those of scheduling and seccomp are in their own files. */
const FIELDS: readonly (readonly [pointer: string, call: string, words: string, mutate: Mutation])[] = [
  ['/hostname', 'sethostname', 'cannot set host name "conformance"', nothing],
  ['/domainname', 'setdomainname', 'cannot set domain name "d"', (config) => (config.domainname = 'd')],
  [
    '/linux/namespaces/3',
    'setns',
    'cannot join the uts namespace',
    (config) => {
      delete config.hostname;
      config.linux.namespaces = config.linux.namespaces.map((namespace) =>
        namespace.type === 'uts' ? { ...namespace, path: '/proc/self/ns/uts' } : namespace,
      );
    },
  ],
  [
    '/linux/devices/0',
    'mknodat',
    'cannot make device "/dev/x"',
    ({ linux }) => (linux.devices = [{ path: '/dev/x', type: 'c', major: 1, minor: 3 }]),
  ],
  [
    '/process/rlimits/0',
    'prlimit64',
    'cannot set RLIMIT_CORE to 0:0',
    (config) => (config.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }]),
  ],
  ['/process/user', 'setgroups', 'cannot become user 0:0', nothing],
  ['/process/capabilities', 'capset', 'cannot set capabilities', nothing],
];

for (const [pointer, call, words, mutate] of FIELDS) {
  forEachRuntime(
    `a kernel without ${call} is an error of ${pointer}: ${words}`,
    async (t, rt) => {
      const outcome = await runWithout(call, rt, mutate);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, `${words}: function not implemented (${call.replace('64', '')})`);
      t.match(outcome.stderr, new RegExp(`config\\.json:\\d+:\\d+ {2}${pointer}\n`));
      t.match(outcome.stderr, allowed(call.replace('64', '')));
      t.match(outcome.stderr, /; or drop the field\n$/);
    },
    {
      oursOnly: 'words of this project',
      deviates: call === 'prlimit64' ? { sanitized: 'AddressSanitizer itself does not start without it' } : {},
    },
  );
}

/** Calls without which nothing runs: no property is named, but the call is. */
const ALWAYS: readonly (readonly [call: string, words: string, mutate: Mutation])[] = [
  ['clone3', 'cannot start the container process: function not implemented (clone3)', nothing],
  ['clone3', 'cannot start the container process: function not implemented (clone3)', addUserNamespace],
  ['unshare', 'cannot make namespaces: ', ({ linux }) => linux.namespaces.push({ type: 'cgroup' })],
  ['fsopen', 'cannot mount proc on "/proc": function not implemented (fsopen)', nothing],
  ['openat2', 'function not implemented (openat2)', nothing],
  ['fsconfig', 'cannot mount proc on "/proc": function not implemented (fsconfig)', nothing],
  ['fsmount', 'cannot mount proc on "/proc": function not implemented (fsmount)', nothing],
  ['mount_setattr', 'cannot set propagation: function not implemented (mount_setattr)', nothing],
  ['open_tree', '/rootfs": function not implemented (open_tree)', nothing],
  ['move_mount', '/rootfs": function not implemented (move_mount)', nothing],
  ['pivot_root', 'cannot pivot root: function not implemented (pivot_root)', nothing],
  ['symlinkat', 'cannot make link "/dev/fd": function not implemented (symlinkat)', nothing],
  ['close_range', 'cannot start the container process: function not implemented (close_range)', nothing],
  ['memfd_create', 'cannot start the container process: function not implemented (memfd_create)', nothing],
  ['statx', 'function not implemented (statx)', nothing],
];

forEachRuntime(
  'a kernel that is too old is an error that names the call',
  async (t, rt) => {
    for (const [call, words, mutate] of ALWAYS) {
      const outcome = await runWithout(call, rt, mutate);
      t.equal(outcome.status, 1, call);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, allowed(call));
      t.equal(outcome.stderr.match(/^rt: /gm)?.length, 1, 'one error');
    }
  },
  { oursOnly: 'messages of this project' },
);

/** A filter that answers EPERM, as that of an engine or of a service may. */
const REFUSED: readonly (readonly [call: string, words: string, mutate: Mutation])[] = [
  ['close_range', 'cannot start the container process: operation not permitted (close_range)', nothing],
  ['unshare', 'cannot make namespaces: ', ({ linux }) => linux.namespaces.push({ type: 'cgroup' })],
  ['open_tree', '/rootfs": operation not permitted (open_tree)', nothing],
  ['fsopen', 'cannot mount proc on "/proc": operation not permitted (fsopen)', nothing],
];

forEachRuntime(
  'a call that a filter around rt does not permit is named, and so is the filter',
  async (t, rt) => {
    for (const [call, words, mutate] of REFUSED) {
      const refuse = [probePath(), 'refuse', call, '-', 'EPERM'];
      const outcome = await rt.commandThrough(refuse, 'run', '--bundle', rt.bundle(mutate).dir, rt.nextId());
      t.equal(outcome.status, 1, call);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, /hint: .*the seccomp filter around rt/);
      t.notMatch(outcome.stderr, 'needs root', 'rt is root');
    }
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'a kernel that is too old: the error of exec names the call',
  async (t, rt) => {
    await withContainer(rt, async (container) => {
      for (const call of ['clone3', 'close_range', 'memfd_create', 'pidfd_open']) {
        const words = rt.argv('exec', container.id, '/bin/true');
        const outcome = await run([guestProgram('deny'), call, ...words], { env: rt.env });
        t.equal(outcome.status, 255, call);
        t.match(outcome.stderr, new RegExp(`^rt: exec failed: .*: function not implemented \\(${call}\\)\n`));
        t.match(outcome.stderr, allowed(call));
      }
    });
  },
  { oursOnly: 'messages of this project' },
);

forEachRuntime(
  'without pidfd_open a container still runs to its end, and a stopped one can be inspected and deleted',
  async (t, rt) => {
    const args = ['/bin/probe', 'echo', 'ran'];
    const ran = await runWithout('pidfd_open', rt, (config) => (config.process.args = args));
    t.strictSame(ran, { status: 0, stdout: 'ran', stderr: '' });
    const container = await rt.created((config) => (config.process.args = args));
    const without = (...words: string[]): Promise<Outcome> =>
      run([guestProgram('deny'), 'pidfd_open', ...rt.argv(...words)], { env: rt.env });
    t.match((await without('state', container.id)).stdout, '"created"');
    await container.start();
    await until('it has stopped', async () => (await without('state', container.id)).stdout.includes('"stopped"'));
    t.match((await without('list')).stdout, new RegExp(`${container.id} +0 +stopped`));
    t.strictSame(await without('delete', container.id), { status: 0, stdout: '', stderr: '' });
  },
  { deviates: { crun: 'has another list' } },
);

forEachRuntime(
  'a kernel without keyctl has no session keyrings: the container runs',
  async (t, rt) => {
    const outcome = await runWithout('keyctl', rt, nothing);
    t.equal(outcome.status, 0, outcome.stderr);
  },
  { deviates: { crun: 'fails' } },
);

forEachRuntime(
  'a kernel without bpf cannot keep resources.devices',
  async (t, rt) => {
    const outcome = await runWithout('bpf', rt, nothing);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, 'function not implemented (bpf)');
    t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/linux\/resources\/devices\n/);
  },
  {
    oursOnly: 'messages of this project',
    lacking: isUnified() ? undefined : 'cgroup v1 keeps them without bpf',
  },
);

/** Calls that protect the process that makes a container: they rarely fail, but matter if they do. */
const PROTECTIONS: readonly (readonly [what: string, call: string, argument: string, mutate: Mutation])[] = [
  ['nobody may look into it', 'prctl', '4', nothing],
  ['it ends with the runtime', 'prctl', '1', nothing],
  ['it has a session of its own', 'setsid', '-', nothing],
  [
    'its umask is that of the config',
    'umask',
    '022',
    ({ process }) => (process.user = { uid: 0, gid: 0, umask: 0o22 }),
  ],
];

for (const [what, call, argument, mutate] of PROTECTIONS) {
  forEachRuntime(
    `no container is made by a process that cannot ensure that ${what}`,
    async (t, rt) => {
      const bundle = rt.bundle(mutate);
      const refuse = [probePath(), 'refuse', call, argument, 'EPERM'];
      const outcome = await rt.commandThrough(refuse, 'run', '--bundle', bundle.dir, rt.nextId());
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, `operation not permitted (${call})`);
    },
    { oursOnly: 'not promised by others' },
  );
}
