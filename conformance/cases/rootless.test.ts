import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { canLoadProfiles, withProfile } from '../harness/apparmor.ts';
import { hierarchies, isUnified } from '../harness/cgroup.ts';
import { changeNamespace } from '../harness/config.ts';
import type { Mutation, TestConfig } from '../harness/config.ts';
import { answers } from '../harness/guest.ts';
import type { Attempt, Ids, Names, Stat, Text } from '../harness/guest.ts';
import { run } from '../harness/process.ts';
import type { Outcome, SpawnOptions } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

/** Debian's user `daemon`: newuidmap(1) needs a user name. */
const USER = { uid: 1, gid: 1, name: 'daemon' } as const;
/** The range of this user in /etc/subuid and /etc/subgid during the case. */
const RANGE = { first: 300_000, size: 65_536 } as const;

const HAS_SYSTEMD = existsSync('/run/systemd/system');

/** The files of an unprivileged user: a copy of the runtime, a bundle and a state root. */
class User {
  readonly #rt: Sandbox;
  readonly #argv: readonly string[];
  readonly bundle: string;
  readonly rootfs: string;
  readonly runtimeDir: string;

  constructor(rt: Sandbox) {
    this.#rt = rt;
    const made = rt.bundle();
    this.bundle = made.dir;
    this.rootfs = made.rootfs;
    this.runtimeDir = join(rt.dir, 'xdg');
    mkdirSync(this.runtimeDir);
    mkdirSync(rt.root);
    chmodSync(rt.dir, 0o755);
    execFileSync('rm', [join(made.dir, 'config.json')]);
    execFileSync('chown', ['-R', `${USER.uid}:${USER.gid}`, made.dir, rt.root, this.runtimeDir]);
    this.#argv = this.#copy();
  }

  /** The working tree may be accessible only to root. */
  #copy(): string[] {
    const { name, argv } = this.#rt.runtime;
    if (name === 'rt') {
      copyFileSync(argv[0] ?? '', join(this.#rt.dir, 'runtime'));
      return [join(this.#rt.dir, 'runtime')];
    }
    if (name === 'node') {
      cpSync(dirname(argv.at(-1) ?? ''), join(this.#rt.dir, 'node'), { recursive: true });
      const words = [...argv.slice(0, -1), join(this.#rt.dir, 'node', 'rt.js')];
      // So may the Node that native/setup/node.sh installs in it.
      if (!process.execPath.includes('/build/toolchain/')) return words;
      const program = join(this.#rt.dir, 'node', 'node');
      copyFileSync(process.execPath, program);
      return words.map((word) => (word === process.execPath ? program : word));
    }
    return [...argv];
  }

  command(words: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
    const env = { ...this.#rt.env, XDG_RUNTIME_DIR: this.runtimeDir };
    return run([...this.#argv, ...words], { env, user: USER, cwd: this.bundle, ...options });
  }

  commandThrough(prefix: readonly string[], words: readonly string[], options: SpawnOptions): Promise<Outcome> {
    return run([...prefix, ...this.#argv, ...words], { user: USER, cwd: this.bundle, ...options });
  }

  /** Runs a command in a service of this user, whose cgroup is delegated; the command is in one below it. */
  commandInService(words: readonly string[]): Promise<Outcome> {
    const settings = ['Delegate=yes', `WorkingDirectory=${this.bundle}`].flatMap((setting) => ['-p', setting]);
    const service = ['--quiet', '--pipe', '--wait', '--collect', `--uid=${USER.uid}`, `--gid=${USER.gid}`, ...settings];
    const enter = 'own=/sys/fs/cgroup$(cut -c4- /proc/self/cgroup); mkdir $own/rt; echo 0 >$own/rt/cgroup.procs';
    const env = Object.entries(this.#rt.env).map(([name, value]) => `--setenv=${name}=${value}`);
    return run(['systemd-run', ...service, ...env, 'sh', '-c', `${enter}; exec "$@"`, 'sh', ...this.#argv, ...words]);
  }

  /** Writes the config of `spec --rootless`, changed by the case. */
  async configure(mutate?: Mutation): Promise<void> {
    const outcome = await this.command(['spec', '--rootless']);
    if (outcome.status !== 0) throw new Error(outcome.stderr);
    const file = join(this.bundle, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as TestConfig;
    config.process.terminal = false;
    config.process.args = ['/bin/probe', 'nothing'];
    mutate?.(config);
    writeFileSync(file, JSON.stringify(config, null, 2));
  }

  async observe<Lines extends unknown[]>(verbs: readonly (readonly string[])[], mutate?: Mutation): Promise<Lines> {
    await this.configure((config) => {
      config.process.args = ['/bin/probe', ...verbs.flatMap((verb, i) => (i === 0 ? verb : ['--', ...verb]))];
      mutate?.(config);
    });
    const outcome = await this.command(['--root', this.#rt.root, 'run', this.#rt.nextId()]);
    if (outcome.status !== 0) throw new Error(`run ended with ${outcome.status}: ${outcome.stderr}`);
    return answers(outcome.stdout) as Lines;
  }

  /** `run` with pipes of this user as standard output and error. */
  runPiped(): Promise<Outcome> {
    const words = [...this.#argv, '--root', this.#rt.root, 'run', this.#rt.nextId()];
    const script = ['/bin/sh', '-c', '"$@" 2>&1 | cat', 'sh', ...words];
    return run(script, { env: this.#rt.env, user: USER, cwd: this.bundle });
  }
}

/** Gives the user a range of ids, in the mount namespace of the cases only. */
async function withRange(
  rt: Sandbox,
  body: () => Promise<void>,
  text = `${USER.name}:${RANGE.first}:${RANGE.size}\n`,
): Promise<void> {
  const file = join(rt.dir, 'subid');
  writeFileSync(file, text);
  chmodSync(file, 0o644);
  const targets = ['/etc/subuid', '/etc/subgid'];
  for (const target of targets) execFileSync('mount', ['--bind', file, target]);
  try {
    await body();
  } finally {
    for (const target of targets) execFileSync('umount', [target]);
  }
}

const mapRange: Mutation = ({ linux }) => {
  const maps = (own: number): Record<string, number>[] => [
    { containerID: 0, hostID: own, size: 1 },
    { containerID: 1, hostID: RANGE.first, size: 1000 },
  ];
  linux.uidMappings = maps(USER.uid);
  linux.gidMappings = maps(USER.gid);
};

const fields = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));

forEachRuntime(
  'rootless: the config of spec --rootless runs for an unprivileged user, who is root inside',
  async (t, rt) => {
    const user = new User(rt);
    const [ids, uids, gids, groups, opened, made] = await user.observe<[Ids, Text, Text, Text, Attempt, Stat]>([
      ['ids'],
      ['read', '/proc/self/uid_map'],
      ['read', '/proc/self/gid_map'],
      ['read', '/proc/self/setgroups'],
      ['open', '/dev/null', 'rw'],
      ['stat', '/dev/zero'],
    ]);
    t.strictSame([ids.uid, ids.gid, ids.pid], [[0, 0, 0], [0, 0, 0], 1]);
    t.strictSame(fields(uids.text), [['0', String(USER.uid), '1']]);
    t.strictSame(fields(gids.text), [['0', String(USER.gid), '1']]);
    t.equal(groups.text, 'deny\n');
    t.equal(opened.errno, null);
    t.match(made, { type: 'char', major: 1, minor: 5 });
  },
);

forEachRuntime('rootless: what is mounted below the root is in the container', async (t, rt) => {
  const user = new User(rt);
  const below = join(user.bundle, 'rootfs', 'tmp');
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', below]);
  try {
    writeFileSync(join(below, 'file'), 'below\n');
    const [file] = await user.observe<[Text]>([['read', '/tmp/file']]);
    t.equal(file.text, 'below\n');
  } finally {
    execFileSync('umount', [below]);
  }
});

forEachRuntime(
  'rootless: newuidmap maps a range of /etc/subuid, and the container can use other users',
  async (t, rt) => {
    const user = new User(rt);
    await withRange(rt, async () => {
      const [ids, uids, gids] = await user.observe<[Ids, Text, Text]>(
        [['ids'], ['read', '/proc/self/uid_map'], ['read', '/proc/self/gid_map']],
        (config) => {
          mapRange(config);
          config.process.user = { uid: 7, gid: 8, additionalGids: [9] };
        },
      );
      t.strictSame(ids.uid, [7, 7, 7]);
      t.strictSame(ids.gid, [8, 8, 8]);
      t.strictSame(ids.groups, [9]);
      for (const map of [uids, gids]) {
        t.strictSame(fields(map.text), [
          ['0', '1', '1'],
          ['1', String(RANGE.first), '1000'],
        ]);
      }
    });
  },
  { deviates: { runc: '1.1 takes no additional groups' } },
);

forEachRuntime('rootless: the users of the container can reopen its standard output', async (t, rt) => {
  const user = new User(rt);
  await withRange(rt, async () => {
    for (const uid of [0, 7]) {
      await user.configure((config) => {
        mapRange(config);
        config.process.user = { uid, gid: uid };
        config.process.args = ['/bin/probe', 'open', '/dev/stdout', 'w', '--', 'open', '/dev/stderr', 'w'];
      });
      const { stdout } = await user.runPiped();
      t.strictSame(answers(stdout), [{ errno: null }, { errno: null }], `user ${uid}`);
      rmSync(join(user.bundle, 'config.json'));
    }
  });
});

forEachRuntime(
  'rootless: create, start, state, kill and delete, with the state below XDG_RUNTIME_DIR',
  async (t, rt) => {
    const user = new User(rt);
    await user.configure((config) => (config.process.args = ['/bin/probe', 'pause']));
    const id = rt.nextId();
    const name = rt.runtime.ours ? 'rt' : rt.runtime.name;
    const files = { stdout: 1, stderr: 2 };
    const created = await user.command(['create', id], files);
    t.equal(created.status, 0);
    const directory = join(user.runtimeDir, name);
    t.ok(readdirSync(directory).includes(id));
    t.equal(statSync(directory).mode & 0o7777, 0o1700);
    t.equal((await user.command(['start', id])).status, 0);
    const state = JSON.parse((await user.command(['state', id])).stdout) as { status: string; pid: number };
    t.equal(state.status, 'running');
    t.equal(statSync(`/proc/${state.pid}`).uid, USER.uid);
    t.equal((await user.command(['kill', id, 'KILL'])).status, 0);
    await until('it ended', async () => (await user.command(['state', id])).stdout.includes('stopped'));
    t.equal((await user.command(['delete', id])).status, 0);
    t.strictSame(readdirSync(directory), []);
  },
  { deviates: { crun: 'its directory is not sticky' } },
);

forEachRuntime(
  'rootless: a second container joins the namespaces of the first',
  async (t, rt) => {
    const user = new User(rt);
    await user.configure((config) => (config.process.args = ['/bin/probe', 'pause']));
    const id = rt.nextId();
    const files = { stdout: 1, stderr: 2 };
    t.equal((await user.command(['create', id], files)).status, 0);
    t.equal((await user.command(['start', id])).status, 0);
    const { pid } = JSON.parse((await user.command(['state', id])).stdout) as { pid: number };
    await user.command(['--version']);
    execFileSync('rm', [join(user.bundle, 'config.json')]);
    const [ns] = await user.observe<[Record<string, string>]>([['ns']], (config) => {
      delete config.hostname;
      delete config.linux.uidMappings;
      delete config.linux.gidMappings;
      for (const namespace of config.linux.namespaces) {
        const file = namespace.type === 'network' ? 'net' : namespace.type;
        if (namespace.type !== 'mount') namespace.path = `/proc/${pid}/ns/${file}`;
      }
    });
    for (const file of ['user', 'pid', 'ipc', 'uts']) t.equal(ns[file], readlinkSync(`/proc/${pid}/ns/${file}`), file);
    t.equal((await user.command(['delete', '--force', id])).status, 0);
  },
  { deviates: { runc: '1.1 asks for mappings', crun: '1.8 lacks it' } },
);

const inHostRoot = { runc: 'exec runs in the root directory of the host', crun: 'the same' };

for (const shared of [false, true]) {
  forEachRuntime(
    `rootless: exec enters the container, with${shared ? 'out' : ''} a mount namespace`,
    async (t, rt) => {
      const user = new User(rt);
      await user.configure((config) => {
        config.process.args = ['/bin/probe', 'pause'];
        if (!shared) return;
        changeNamespace(config, 'mount');
        config.mounts = [];
        config.root.readonly = false;
        delete config.linux.maskedPaths;
        delete config.linux.readonlyPaths;
      });
      mkdirSync(join(user.rootfs, 'INSIDE'));
      const id = rt.nextId();
      t.equal((await user.command(['create', id], { stdout: 1, stderr: 2 })).status, 0);
      t.equal((await user.command(['start', id])).status, 0);
      const { pid } = JSON.parse((await user.command(['state', id])).stdout) as { pid: number };
      const outcome = await user.command(['exec', '--cwd', '/INSIDE', id, '/bin/probe', 'ns', '--', 'list', '/']);
      t.equal(outcome.status, 0, outcome.stderr);
      const [ns, names] = answers(outcome.stdout) as [Record<string, string>, Names];
      // The sharing one has no procfs to inspect.
      for (const file of shared ? [] : ['user', 'pid', 'mnt']) {
        t.equal(ns[file], readlinkSync(`/proc/${pid}/ns/${file}`), file);
      }
      t.ok(names.names.includes('INSIDE'));
      t.equal((await user.command(['delete', '--force', id])).status, 0);
    },
    { deviates: shared ? inHostRoot : {} },
  );
}

forEachRuntime(
  'rootless: process.apparmorProfile confines the program, and that of exec',
  (t, rt) =>
    withProfile(rt, async (profile) => {
      const user = new User(rt);
      await user.configure((config) => {
        config.process.args = ['/bin/probe', 'pause'];
        config.process.apparmorProfile = profile;
      });
      const id = rt.nextId();
      const created = await user.command(['create', id], { stdout: 1, stderr: 2 });
      if (!t.equal(created.status, 0, created.stderr)) return;
      t.equal((await user.command(['start', id])).status, 0);
      const outcome = await user.command(['exec', id, '/bin/probe', 'read', '/proc/self/attr/current']);
      t.equal(outcome.status, 0, outcome.stderr);
      t.match(outcome.stdout, `${profile} (enforce)`);
      t.equal((await user.command(['delete', '--force', id])).status, 0);
    }),
  { lacking: canLoadProfiles ? undefined : 'AppArmor is not enabled here, or apparmor_parser is missing' },
);

/** Configs that need privileges, and the message and the place. */
const REFUSED: readonly (readonly [what: string, pointer: string, words: RegExp, mutate: Mutation])[] = [
  [
    'a cgroup',
    '/linux/cgroupsPath',
    /rootless needs no limits \+ no cgrouppath/,
    (c) => (c.linux.cgroupsPath = '/nowhere'),
  ],
  [
    'a limit',
    '/linux/resources',
    /rootless needs no limits \+ no cgrouppath/,
    (c) => (c.linux.resources = { pids: { limit: 5 } }),
  ],
  [
    'no user namespace',
    '/linux/namespaces',
    /without a user namespace/,
    (c) => {
      c.linux.namespaces = c.linux.namespaces.filter(({ type }) => type !== 'user');
      delete c.linux.uidMappings;
      delete c.linux.gidMappings;
    },
  ],
  [
    'additional groups',
    '/process/user/additionalGids',
    /cannot set any additional groups in a rootless container/,
    (c) => (c.process.user.additionalGids = [0]),
  ],
  ['ids of others', '/linux/uidMappings', /cannot write linux\.uidMappings/, mapRange],
  [
    'an idmapped mount',
    '/mounts/7',
    /only root may map the owners/,
    (c) =>
      c.mounts.push({
        destination: '/t',
        source: '/etc',
        options: ['rbind', 'idmap'],
      }),
  ],
];

for (const [what, pointer, words, mutate] of REFUSED) {
  forEachRuntime(
    `rootless: ${what} is refused with its place`,
    async (t, rt) => {
      const user = new User(rt);
      await withRange(
        rt,
        async () => {
          await user.configure(mutate);
          const outcome = await user.command(['--root', rt.root, 'run', rt.nextId()]);
          t.equal(outcome.status, 1);
          t.match(outcome.stderr, words);
          t.ok(outcome.stderr.includes(pointer), outcome.stderr);
          t.match(outcome.stderr, /hint: /);
        },
        'nobody:300000:1000\n',
      );
    },
    { oursOnly: 'the peers have other messages, and no places' },
  );
}

forEachRuntime(
  'rootless: several mappings without newuidmap on the host are an error that names it',
  async (t, rt) => {
    const user = new User(rt);
    await user.configure(mapRange);
    const program = '/usr/bin/newuidmap';
    execFileSync('mount', ['--bind', '/dev/null', program]);
    try {
      const outcome = await user.command(['--root', rt.root, 'run', rt.nextId()]);
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, /linux\.uidMappings.*newuidmap/);
      t.match(outcome.stderr, /\/linux\/uidMappings\n.*hint: /s);
    } finally {
      execFileSync('umount', [program]);
    }
  },
  { oursOnly: 'the peers have other messages, and no places' },
);

forEachRuntime(
  'rootless: --rootless=false makes the lack of cgroups an error',
  async (t, rt) => {
    const user = new User(rt);
    await user.configure();
    const outcome = await user.command(['--root', rt.root, '--rootless=false', 'run', rt.nextId()]);
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cgroup.*permission denied/);
    const wrong = await user.command(['--root', rt.root, '--rootless=maybe', 'list']);
    t.equal(wrong.status, 1);
    t.match(wrong.stderr, /invalid rootless: maybe/);
  },
  { oursOnly: 'crun ignores the option, runc has other messages' },
);

forEachRuntime(
  'rootless: limits apply in a delegated cgroup, which is removed afterwards',
  async (t, rt) => {
    const user = new User(rt);
    await user.configure((config) => {
      config.process.args = ['/bin/probe', 'fork', '50'];
      config.linux.resources = { pids: { limit: 10 } };
    });
    const outcome = await user.commandInService(['--root', rt.root, 'run', rt.nextId()]);
    t.equal(outcome.status, 0, outcome.stderr);
    t.strictSame(JSON.parse(outcome.stdout), { made: 9, errno: 'EAGAIN' });
  },
  {
    lacking: !isUnified()
      ? 'cgroup v1 cannot be delegated'
      : HAS_SYSTEMD
        ? undefined
        : 'systemd does not run on this host',
    deviates: { crun: '1.8 without --systemd-cgroup leaves the limit out' },
  },
);

const withUserManager = !HAS_SYSTEMD
  ? 'systemd does not run on this host'
  : isUnified()
    ? undefined
    : 'on cgroup v1 no controllers are delegated to the systemd of a user';
const userService = `user@${USER.uid}.service`;

forEachRuntime(
  'rootless: with --systemd-cgroup the systemd of the user has the container in a scope, with its limits',
  async (t, rt) => {
    const user = new User(rt);
    const env = { ...rt.env, XDG_RUNTIME_DIR: `/run/user/${USER.uid}` };
    const command = (...words: string[]): Promise<Outcome> =>
      user.command(['--root', rt.root, ...words], { env, stdout: 1, stderr: 2 });
    const show = (unit: string, property: string): string =>
      execFileSync('systemctl', ['show', '--value', '--property', property, unit], {
        encoding: 'utf8',
        env: { ...process.env, XDG_RUNTIME_DIR: env.XDG_RUNTIME_DIR },
      }).trim();
    execFileSync('systemctl', ['start', userService]);
    try {
      const service = show(userService, 'ControlGroup');
      const id = rt.nextId();
      await user.configure((config) => {
        config.process.args = ['/bin/probe', 'pause'];
        config.linux.resources = { pids: { limit: 33 }, memory: { limit: 64 << 20 } };
      });
      t.equal((await command('--systemd-cgroup', 'create', id)).status, 0);
      const directory = `/sys/fs/cgroup${service}/user.slice/rt-${id}.scope`;
      const limit = (file: string): string => readFileSync(join(directory, file), 'utf8').trim();
      t.strictSame([limit('pids.max'), limit('memory.max')], ['33', String(64 << 20)]);
      // Later commands need not say it.
      t.equal((await command('update', '--pids-limit', '44', id)).status, 0);
      t.equal(limit('pids.max'), '44');
      t.equal((await command('start', id)).status, 0);
      // From outside of what is delegated to the user, as after a login, and from inside.
      const words = ['--root', rt.root, 'exec', id, '/bin/probe', 'nothing'];
      const outside = await user.command(words, { env });
      t.match(outside.stderr, /permission denied.*\n.*hint: .*systemd-run --user --scope/s);
      const inside = await user.commandThrough(['systemd-run', '--user', '--scope', '--quiet'], words, { env });
      t.strictSame([outside.status, inside.status], [255, 0], inside.stderr);
      t.equal((await command('kill', id, 'KILL')).status, 0);
      t.equal((await command('delete', '--force', id)).status, 0);
      t.notOk(existsSync(directory), 'the scope is gone');

      rmSync(join(user.bundle, 'config.json'));
      await user.configure((config) => (config.linux.resources = { blockIO: { weight: 100 } }));
      const refused = await user.command(['--root', rt.root, '--systemd-cgroup', 'run', rt.nextId()], { env });
      t.equal(refused.status, 1);
      t.match(refused.stderr, /the controller "io" is not available/);
      t.match(
        refused.stderr,
        /hint: have root delegate it: Delegate=.*io.* in \/etc\/systemd\/system\/user@\.service\.d/,
      );
    } finally {
      execFileSync('systemctl', ['stop', userService, `user-runtime-dir@${USER.uid}.service`]);
    }
    rmSync(join(user.bundle, 'config.json'));
    await user.configure();
    const alone = await user.command(['--root', rt.root, '--systemd-cgroup', 'run', rt.nextId()], { env });
    t.equal(alone.status, 1);
    t.match(alone.stderr, /cannot drive cgroups through systemd: no systemd of this user was found/);
    t.match(alone.stderr, /hint: .*loginctl enable-linger/);
  },
  { lacking: withUserManager, deviates: { crun: 'other messages', runc: 'other messages' } },
);

/** The part of a hybrid layout that cgroup v2 has. */
const UNIFIED = '/sys/fs/cgroup/unified';

forEachRuntime(
  'rootless: limits apply where only the v2 half of a hybrid layout is not delegated, with a warning',
  async (t, rt) => {
    const user = new User(rt);
    const delegated = hierarchies()
      .filter((path) => path !== UNIFIED)
      .map((path) => join(path, rt.prefix));
    try {
      for (const path of delegated) {
        mkdirSync(path);
        execFileSync('chown', [`${USER.uid}:${USER.gid}`, path]);
        for (const name of ['cpus', 'mems']) {
          const file = join(path, `cpuset.${name}`);
          if (existsSync(file)) writeFileSync(file, readFileSync(join(path, '..', `cpuset.${name}`)));
        }
      }
      await user.configure((config) => {
        config.process.args = ['/bin/probe', 'fork', '50'];
        config.linux.cgroupsPath = `/${rt.prefix}/c`;
        config.linux.resources = { pids: { limit: 10 } };
      });
      const outcome = await user.command(['--root', rt.root, 'run', rt.nextId()]);
      t.equal(outcome.status, 0, outcome.stderr);
      t.strictSame(JSON.parse(outcome.stdout), { made: 9, errno: 'EAGAIN' });
      if (rt.runtime.ours) t.match(outcome.stderr, `rt: warning: the container has no cgroup in ${UNIFIED}, which`);
    } finally {
      for (const path of delegated) if (existsSync(path)) rmdirSync(path);
    }
  },
  {
    lacking: existsSync(UNIFIED) ? undefined : 'this host has no hybrid layout of cgroups',
    deviates: { crun: '1.8 cannot enter the new cpuset' },
  },
);

forEachRuntime(
  'rootless: with neither a cgroup nor a new pid namespace, a warning says what kill reaches',
  async (t, rt) => {
    const user = new User(rt);
    await user.configure((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid');
      config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
      delete config.linux.maskedPaths;
      delete config.linux.readonlyPaths;
    });
    const outcome = await user.command(['--root', rt.root, 'run', rt.nextId()]);
    t.equal(outcome.status, 0, outcome.stderr);
    t.match(outcome.stderr, /^rt: warning: kill and delete reach only the first process.*\n.*\/linux\/namespaces\n$/);
  },
  { oursOnly: 'the peers say nothing' },
);

forEachRuntime('rootless: root of the host always has cgroups', async (t, rt) => {
  const container = await rt.started(['pause']);
  const { pid } = await container.state();
  t.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), container.bundle.config.linux.cgroupsPath);
  t.equal((await container.remove('--force')).status, 0);
});
