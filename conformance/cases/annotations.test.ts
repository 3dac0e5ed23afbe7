import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MAPPED, addUserNamespace } from '../harness/config.ts';
import type { TestHook } from '../harness/config.ts';
import type { Ids } from '../harness/guest.ts';
import { run, start } from '../harness/process.ts';
import type { Outcome } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const runc = 'has no annotations of its own';
const withGroups = ['setpriv', '--groups=4,27,1234'];

/** With a pipe as standard input: crun would give the host's /dev/null to the user of the container. */
function through(rt: Sandbox, ...words: string[]): Promise<Outcome> {
  return run([...withGroups, ...rt.argv(...words)], { env: rt.env, input: '' });
}

forEachRuntime(
  'run.oci.keep_original_groups: the process keeps the groups of the runtime, also with exec',
  async (t, rt) => {
    for (const [value, groups] of [
      ['1', [4, 27, 1234]],
      ['0', [77]],
    ] as const) {
      const bundle = rt.bundle((config) => {
        config.annotations = { 'run.oci.keep_original_groups': value };
        config.process.user = { uid: 1000, gid: 1000, additionalGids: [77] };
        config.process.args = ['/bin/probe', 'ids', '--', 'wait'];
      });
      const id = rt.nextId();
      const running = start([...withGroups, ...rt.argv('run', '--bundle', bundle.dir, id)], { env: rt.env, input: '' });
      const [line = ''] = await until('the program speaks', () => {
        const lines = running.output().split('\n');
        return lines.length > 2 && lines;
      });
      t.strictSame((JSON.parse(line) as Ids).groups, groups, value);
      const outcome = await through(rt, 'exec', '--user', '5:6', id, '/bin/probe', 'ids');
      const { uid, groups: ofExec } = JSON.parse(outcome.stdout) as Ids;
      t.equal(uid[0], 5);
      if (value === '1') t.strictSame(ofExec, groups);
      else t.notOk(ofExec.includes(1234));
      await rt.command('delete', '--force', id);
      await running.ended;
    }
  },
  { deviates: { runc } },
);

forEachRuntime(
  'run.oci.keep_original_groups: in a user namespace they are kept too, as unmapped groups',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      config.annotations = { 'run.oci.keep_original_groups': '1' };
      config.process.args = ['/bin/probe', 'ids'];
    });
    for (const dir of [rt.dir, bundle.dir]) chmodSync(dir, 0o755);
    chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
    const outcome = await through(rt, 'run', '--bundle', bundle.dir, rt.nextId());
    t.strictSame((JSON.parse(outcome.stdout) as Ids).groups, [65_534, 65_534, 65_534], outcome.stderr);
  },
  { deviates: { runc } },
);

const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;

/** Writes its name to both outputs. */
function speaking(kind: string): TestHook {
  const script = `echo out of ${kind}; echo err of ${kind} >&2`;
  return { path: '/bin/busybox', args: ['busybox', 'sh', '-c', script] };
}

for (const isMapped of [false, true]) {
  forEachRuntime(
    `run.oci.hooks.stdout and stderr: output of hooks is appended to files of the bundle, user namespace ${isMapped}`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => {
        if (isMapped) addUserNamespace(config);
        config.annotations = { 'run.oci.hooks.stdout': 'out.log', 'run.oci.hooks.stderr': 'err.log' };
        config.hooks = {};
        for (const kind of KINDS) config.hooks[kind] = [speaking(kind)];
      });
      chmodSync(rt.dir, 0o755);
      if (isMapped) chownSync(bundle.rootfs, MAPPED.uid, MAPPED.gid);
      writeFileSync(join(bundle.dir, 'out.log'), 'before\n');
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 0, outcome.stderr);
      const said = (name: string): string[] => readFileSync(join(bundle.dir, name), 'utf8').trimEnd().split('\n');
      t.strictSame(said('out.log'), ['before', ...KINDS.map((kind) => `out of ${kind}`)]);
      t.strictSame(
        said('err.log'),
        KINDS.map((kind) => `err of ${kind}`),
      );
    },
    { deviates: { runc, crun: 'loses what startContainer hooks say' } },
  );
}

forEachRuntime(
  'run.oci.hooks.stdout: only a regular file of the bundle is written',
  async (t, rt) => {
    const victim = join(rt.dir, 'victim');
    writeFileSync(victim, 'untouched');
    const plant: Record<string, (path: string) => void> = {
      link: (path) => symlinkSync(victim, path),
      dangling: (path) => symlinkSync(join(rt.dir, 'made'), path),
      fifo: (path) => execFileSync('mkfifo', [path]),
      directory: (path) => mkdirSync(path),
      device: (path) => execFileSync('mknod', [path, 'c', '1', '3']),
      'hard link': (path) => linkSync(victim, path),
    };
    for (const kind of ['prestart', 'createContainer'] as const) {
      for (const [name, make] of Object.entries(plant)) {
        const bundle = rt.bundle((config) => {
          config.annotations = { 'run.oci.hooks.stdout': 'hooks.log' };
          config.hooks = { [kind]: [speaking(kind)] };
        });
        make(join(bundle.dir, 'hooks.log'));
        const outcome = await rt.runBundle(bundle);
        t.equal(outcome.status, 1, `${kind} ${name}`);
        const call = kind === 'prestart' ? 'open' : 'openat2';
        t.match(outcome.stderr, /cannot append the output of hooks to ".*\/hooks\.log": .* \(\w+\)/);
        t.match(outcome.stderr, `(${call})`);
        t.match(outcome.stderr, /config\.json:\d+:\d+ {2}\/annotations\/run\.oci\.hooks\.stdout/);
      }
    }
    t.equal(readFileSync(victim, 'utf8'), 'untouched');
    t.notOk(existsSync(join(rt.dir, 'made')));
  },
  { oursOnly: 'crun takes any file of the host' },
);

const outside = ['', '.', '..', '/etc/motd', '/var/log/syslog.log', '../x.log', 'a/b.log', 'a\0.log', '.log'];
/** Files that engines keep in a bundle. */
const ofEngines = [
  'config.json',
  'rootfs',
  'state.json',
  'init.pid',
  'address',
  'log.json',
  'log',
  'work',
  'options.json',
];
const notLogs = [
  ...outside,
  ...ofEngines,
  'runtime',
  'shim-binary-path',
  'pidfile',
  'x'.repeat(1 << 20),
  `${'x'.repeat(252)}.log`,
];

forEachRuntime(
  'annotations: invalid values are refused, each with its place',
  async (t, rt) => {
    const cases: [string, string, RegExp][] = [
      ['run.oci.keep_original_groups', 'yes', /must be 0 or 1, found "yes"/],
      ['run.oci.mount_context_type', 'xcontext', /must be one of context, defcontext, fscontext, rootcontext/],
      ...notLogs.flatMap((value): typeof cases => [
        ['run.oci.hooks.stdout', value, /must be the name of a file that ends in \.log, without "\/"/],
        ['run.oci.hooks.stderr', value, /must be the name of a file that ends in \.log, without "\/"/],
      ]),
      ['run.oci.seccomp.receiver', 'socket', /must be the absolute path of a socket/],
      ['run.oci.seccomp.receiver', '/run/../socket', /must be the absolute path of a socket/],
      ['run.oci.seccomp.receiver', '/run/so\0cket', /must be the absolute path of a socket/],
    ];
    for (const [name, value, words] of cases) {
      const outcome = await rt.run((config) => {
        config.annotations = { [name]: value };
        config.hooks = { prestart: [speaking('prestart')] };
      });
      t.equal(outcome.status, 1, `${name}=${value.slice(0, 20)}`);
      t.match(outcome.stderr, words);
      t.match(outcome.stderr, `the annotation ${name} must be`);
      t.match(outcome.stderr, new RegExp(`config\\.json:\\d+:\\d+  /annotations/${name.replaceAll('.', '\\.')}\n`));
      t.ok(outcome.stderr.length < 4096, 'the value is not printed at length');
    }
  },
  { oursOnly: 'the messages are specific to rt' },
);

const callNamed = (name: string): Record<string, unknown> => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', name], action: 'SCMP_ACT_ERRNO' }],
});

forEachRuntime(
  'run.oci.seccomp_fail_unknown_syscall: a name that no architecture has is refused, with its place',
  async (t, rt) => {
    const annotations = { 'run.oci.seccomp_fail_unknown_syscall': '1' };
    const unknown = await rt.run((config) => {
      config.linux.seccomp = callNamed('mkdirr');
      config.annotations = annotations;
    });
    t.equal(unknown.status, 1);
    t.match(
      unknown.stderr,
      /unknown system call "mkdirr" in linux\.seccomp\n.*\/linux\/seccomp\/syscalls\/0\/names\/1\n/,
    );
    for (const [name, given] of [
      ['s390_pci_mmio_read', annotations],
      ['mkdirr', {}],
    ] as const) {
      const outcome = await rt.run((config) => {
        config.linux.seccomp = callNamed(name);
        config.annotations = given;
      });
      t.strictSame([outcome.status, outcome.stderr], [0, ''], name);
    }
  },
  { oursOnly: 'crun 1.8 ignores it' },
);

for (const name of ['run.oci.seccomp_bpf_data', 'run.oci.seccomp.plugins']) {
  forEachRuntime(
    `${name} asks for a filter and is refused`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => (config.annotations = { [name]: 'AAAA' }));
      const outcome = await rt.runBundle(bundle);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, new RegExp(`${name} is not supported\\n.*:\\d+:\\d+ {2}/annotations/${name}\\n`));
      const validated = await rt.command('validate', '--bundle', bundle.dir);
      t.match(validated, { status: 0, stdout: `/annotations/${name}: valid, but create refuses it` });
    },
    { oursOnly: 'the peers know no place' },
  );
}

forEachRuntime(
  'annotations of the peers that have no effect are named by a warning, others are ignored',
  async (t, rt) => {
    const foreign = [
      ...['run.oci.handler', 'run.oci.pidfd_receiver', 'run.oci.systemd.force_cgroup_v1', 'org.criu.config'],
      ...['krun.cpus', 'module.wasm.image/variant'],
    ];
    const bundle = rt.bundle((config) => {
      config.annotations = Object.fromEntries([...foreign, 'org.example', 'krun'].map((name) => [name, 'x']));
    });
    const outcome = await rt.runBundle(bundle);
    t.equal(outcome.status, 0);
    const { stdout } = await rt.command('validate', '--bundle', bundle.dir);
    for (const name of foreign) {
      t.match(outcome.stderr, `rt: warning: the annotation ${name} has no effect\n`);
      t.match(stdout, `warning: the annotation ${name} has no effect\n`);
    }
    t.equal(outcome.stderr.split('has no effect').length, foreign.length + 1);
    t.equal(stdout.split('has no effect').length, foreign.length + 1);
  },
  { oursOnly: 'the peers use them, or say nothing' },
);
