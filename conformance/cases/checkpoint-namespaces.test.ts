import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  checkpoint,
  count,
  counter,
  countsBeyond,
  images,
  restore,
  restoreBy,
  start,
  stateOf,
} from '../harness/checkpoint.ts';
import { MAPPED, addUserNamespace, changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { Mutation } from '../harness/config.ts';
import { CRIU_PATH, criuLacking } from '../harness/criu.ts';
import { run, start as startCommand } from '../harness/process.ts';
import type { Outcome, Running } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle, Sandbox } from '../harness/sandbox.ts';
import { until } from '../harness/wait.ts';

const lacking = criuLacking();
const CRUN = { crun: 'the crun of Debian 12 is built without criu' };

/** A pod: namespaces that a process holds. */
class Pod {
  readonly #holder: Running;

  private constructor(holder: Running) {
    this.#holder = holder;
  }

  /** `options`: of unshare(1). The script runs in the new namespaces. */
  static async make(rt: Sandbox, options: readonly string[], script: string): Promise<Pod> {
    // Init of a pid namespace waits for orphans; elsewhere a child would outlive the process.
    const hold = options.includes('--pid') ? 'sleep 600; :' : 'exec sleep 600';
    const argv = ['unshare', ...options, 'sh', '-c', `${script}; echo ready; ${hold}`];
    const holder = startCommand(argv, { env: rt.env });
    holder.ended.catch(() => undefined);
    await until('the namespaces are there', () => holder.output().includes('ready'));
    return new Pod(holder);
  }

  path(file: string): string {
    const { pid } = this.#holder.child;
    // With --fork the namespaces are those of the child, which a pid namespace needs.
    const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return `/proc/${this.#holder.child.spawnargs.includes('--fork') ? child : pid}/ns/${file}`;
  }

  async end(): Promise<void> {
    this.#holder.child.kill('SIGKILL');
    await this.#holder.ended;
  }
}

const JOINED = { ipc: 'ipc', uts: 'uts', network: 'net' } as const;

function joinPod(bundle: Bundle, pod: Pod): void {
  for (const [type, file] of Object.entries(JOINED)) {
    changeNamespace(bundle.config, type, pod.path(file));
  }
  bundle.save();
}

forEachRuntime(
  'checkpoint: a container of a pod joins the namespaces of its pod again, or those of another',
  async (t, rt) => {
    const options = ['--ipc', '--uts', '--net'];
    const prepare = (name: string, size: number): string =>
      `ip link set lo up; hostname ${name}; echo ${size} >/proc/sys/kernel/msgmax`;
    const first = await Pod.make(rt, options, prepare('first', 1111));
    const second = await Pod.make(rt, options, prepare('second', 2222));
    const bundle = counter(rt, (config) => delete config.hostname);
    const id = rt.nextId();
    joinPod(bundle, first);
    await start(rt, bundle, id);
    for (const [pod, name, size] of [
      [first, 'first', 1111],
      [first, 'first', 1111],
      [second, 'second', 2222],
    ] as const) {
      await countsBeyond(bundle, count(bundle));
      t.match(await checkpoint(rt, id), { status: 0, stderr: '' }, `checkpoint, then ${name}`);
      const last = count(bundle);
      joinPod(bundle, pod);
      t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
      t.ok((await countsBeyond(bundle, last)) < last + 50);
      const { pid } = await stateOf(rt, id);
      for (const file of Object.values(JOINED)) {
        t.equal(readlinkSync(`/proc/${pid}/ns/${file}`), readlinkSync(pod.path(file)), file);
      }
      const script = 'busybox hostname; cat /proc/sys/kernel/msgmax';
      t.equal((await rt.command('exec', id, '/bin/sh', '-c', script)).stdout, `${name}\n${size}\n`);
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    await first.end();
    await second.end();
  },
  { lacking, deviates: { ...CRUN, runc: '1.1 gives the pod the host name of the images' } },
);

forEachRuntime(
  'checkpoint: a namespace of the images is not taken in place of the one to be joined, nor the reverse',
  async (t, rt) => {
    const pod = await Pod.make(rt, ['--ipc'], ':');
    const bundle = counter(rt);
    const id = rt.nextId();
    const own = JSON.stringify(bundle.config);
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    changeNamespace(bundle.config, 'ipc', pod.path('ipc'));
    bundle.save();
    const refused = await restore(rt, bundle, id);
    t.match(refused, { status: 1, stderr: /has its own ipc namespace/ });
    rmSync(join(rt.dir, 'images'), { recursive: true });
    await start(rt, bundle, id);
    await countsBeyond(bundle, count(bundle));
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    bundle.saveText(own);
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /does not have its own ipc namespace/ });
    t.equal((await rt.command('state', id)).status, 1, 'it is gone');
    await pod.end();
  },
  { lacking, oursOnly: 'runc takes from the images what they say' },
);

/** A command in the foreground, so that the runtime waits for the init of the container: nobody else may do so. */
function foreground(rt: Sandbox, ...words: string[]): Running {
  const nowhere = openSync('/dev/null', 'w');
  try {
    const env = { ...rt.env, PATH: CRIU_PATH };
    return rt.backgroundWith({ env, stdout: nowhere, stderr: nowhere }, ...words);
  } finally {
    closeSync(nowhere);
  }
}

forEachRuntime(
  'checkpoint: a pid namespace that was joined is joined again',
  async (t, rt) => {
    const pod = await Pod.make(rt, ['--pid', '--fork', '--kill-child'], ':');
    const bundle = counter(rt, (config) => changeNamespace(config, 'pid', pod.path('pid')));
    const id = rt.nextId();
    let running = foreground(rt, 'run', '--bundle', bundle.dir, id);
    for (const round of [1, 2]) {
      await countsBeyond(bundle, count(bundle));
      const { pid } = await stateOf(rt, id);
      const inside = /^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      const dumped = await checkpoint(rt, id);
      t.equal(dumped.status, 0, `checkpoint ${round}`);
      if (rt.runtime.ours) t.equal(dumped.stderr, '');
      await running.ended;
      const last = count(bundle);
      running = foreground(rt, 'restore', '--bundle', bundle.dir, ...images(rt), id);
      t.ok((await countsBeyond(bundle, last)) < last + 50);
      const { pid: next } = await stateOf(rt, id);
      t.equal(readlinkSync(`/proc/${next}/ns/pid`), readlinkSync(pod.path('pid')));
      t.equal(/^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${next}/status`, 'utf8'))?.[1], inside, 'the same pid');
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.equal((await checkpoint(rt, id, '--leave-running')).status, 0);
    const other = rt.nextId();
    bundle.config.linux.cgroupsPath += '-other';
    bundle.save();
    const taken = await restore(rt, bundle, other);
    t.equal(taken.status, 1, 'not while the pid is in use');
    if (rt.runtime.ours) t.match(taken.stderr, /Can't fork for \d+: File exists/);
    t.equal((await rt.command('kill', id, 'KILL')).status, 0);
    t.equal((await running.ended).status, 137);
    await pod.end();
  },
  { lacking, deviates: CRUN },
);

/** In a network namespace that only this container's devices use. `$PAIR` makes them, as another host would have. */
async function inNetwork(rt: Sandbox, script: string): Promise<Outcome> {
  const file = join(rt.dir, 'script');
  const pair = 'ip link add outside type veth peer name peer; ip addr add 192.0.2.7/24 dev outside';
  writeFileSync(file, `set -e\nip link set lo up\nPAIR='${pair}'\n${script}\n`);
  const nowhere = openSync('/dev/null', 'w');
  const [stdout, stderr] = [join(rt.dir, 'stdout'), join(rt.dir, 'stderr')].map((path) => openSync(path, 'w'));
  try {
    const env = { ...rt.env, PATH: CRIU_PATH };
    const outcome = await run(['unshare', '--net', 'sh', file], {
      env,
      stdout: stdout ?? nowhere,
      stderr: stderr ?? nowhere,
    });
    return {
      ...outcome,
      stdout: readFileSync(join(rt.dir, 'stdout'), 'utf8'),
      stderr: readFileSync(join(rt.dir, 'stderr'), 'utf8'),
    };
  } finally {
    for (const descriptor of [nowhere, stdout, stderr]) if (descriptor !== undefined) closeSync(descriptor);
  }
}

forEachRuntime(
  'checkpoint: network devices of the host are moved again, and come back if the restore fails',
  async (t, rt) => {
    const bundle = counter(rt, (config) => (config.linux.netDevices = { outside: { name: 'eth0' } }));
    const id = rt.nextId();
    mkdirSync(join(rt.dir, 'work'));
    const line = (...words: string[]): string => rt.argv(...words).join(' ');
    const restoring = line('restore', '--detach', '--bundle', bundle.dir, ...images(rt));
    const { status, stdout, stderr } = await inNetwork(
      rt,
      `eval "$PAIR"
${line('run', '--detach', '--bundle', bundle.dir, id)} >/dev/null 2>&1
until test -h ${bundle.rootfs}/tmp/count; do :; done
${line('checkpoint', ...images(rt), id)}
until ! ip link show peer >/dev/null 2>&1; do :; done
${restoring} ${id} >/dev/null 2>${rt.dir}/missing && exit 1
eval "$PAIR"
${restoring} --pid-file /no/such/directory ${id} >/dev/null 2>${rt.dir}/failed && exit 1
echo back; ip -brief addr show outside
${restoring} ${id} >/dev/null 2>&1
echo there; ${line('exec', id, '/bin/busybox', 'ip', 'addr', 'show', 'eth0')}
${line('delete', '--force', id)}`,
    );
    t.equal(status, 0, stderr);
    t.equal(stderr, '');
    t.match(stdout, /back\noutside@peer.*192\.0\.2\.7\/24.*\nthere\n/);
    t.match(stdout, /there\n[^]*eth0@[^]*inet 192\.0\.2\.7\/24/);
    t.match(readFileSync(join(rt.dir, 'missing'), 'utf8'), /no network device "outside"|no such device/);
    t.match(readFileSync(join(rt.dir, 'failed'), 'utf8'), /\/no\/such\/directory/);
  },
  { lacking, oursOnly: 'the runc of Debian 12 knows no netDevices' },
);

/** criu sets the limits of the processes as the root of their user namespace, which cannot raise them. */
const effective = BigInt(`0x${/^CapEff:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
const CAP_SYS_RESOURCE = 24n;
const lackingRights =
  ((effective >> CAP_SYS_RESOURCE) & 1n) === 1n ? undefined : 'root has no CAP_SYS_RESOURCE here, and criu sets limits';

/** A bundle in a place that the users of the container can reach; its images are in one that they cannot. */
function mappedCounter(rt: Sandbox, mutate?: Mutation): Bundle {
  const bundle = counter(rt, (config) => {
    addUserNamespace(config);
    mutate?.(config);
  });
  for (const path of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(path, 0o755);
  return bundle;
}

forEachRuntime(
  'checkpoint: a container with a user namespace, again and again',
  async (t, rt) => {
    const bundle = mappedCounter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    for (const round of [1, 2]) {
      await countsBeyond(bundle, count(bundle));
      t.match(await checkpoint(rt, id), { status: 0, stderr: '' }, `round ${round}`);
      chmodSync(join(rt.dir, 'images'), 0o700);
      const last = count(bundle);
      t.match(await restore(rt, bundle, id), { status: 0, stderr: '' });
      t.ok((await countsBeyond(bundle, last)) < last + 50);
      const { pid } = await stateOf(rt, id);
      const map = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/);
      t.strictSame(map.map(Number), [0, MAPPED.uid, MAPPED.size]);
      const script = 'busybox id -u; : >/tmp/mine; cat /dev/null && echo x >/dev/null && echo devices';
      t.equal((await rt.command('exec', id, '/bin/sh', '-c', script)).stdout, '0\ndevices\n');
      t.equal(statSync(join(bundle.rootfs, 'tmp/mine')).uid, MAPPED.uid);
      rmSync(join(rt.dir, 'images'), { recursive: true });
    }
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  {
    lacking: lacking ?? lackingRights,
    deviates: { ...CRUN, runc: 'criu may not read images below a private directory' },
  },
);

forEachRuntime(
  'checkpoint: device nodes and binds of a container with a user namespace are restored read-only',
  async (t, rt) => {
    const bundle = mappedCounter(rt, (config) => {
      grantCapabilities(config, 'CAP_SYS_ADMIN');
      config.mounts.push({ destination: '/data', type: 'bind', source: 'data', options: ['bind', 'ro', 'nosuid'] });
    });
    for (const place of [bundle.dir, bundle.rootfs]) mkdirSync(join(place, 'data'));
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    const options = async (): Promise<string[]> => {
      const { stdout } = await rt.command('exec', id, '/bin/busybox', 'cat', '/proc/self/mountinfo');
      return stdout
        .split('\n')
        .map((line) => line.split(' '))
        .filter(([, , , , place = '']) => /^\/(?:data|dev\/(?:null|zero|full|random|urandom|tty))$/.test(place))
        .map(([, , , , place, flags]) => `${place} ${flags}`)
        .sort();
    };
    const before = await options();
    t.equal(before.length, 7);
    for (const line of before) t.match(line, / ro,/);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const restored = await restore(rt, bundle, id);
    t.match(restored, { status: 0, stderr: /level=warning .*its mounts of the host.*\/data/ });
    t.match(restored.stderr, /\(config\.json:\d+:\d+ \/process\/capabilities\/bounding\)/);
    t.strictSame(await options(), before);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking: lacking ?? lackingRights, oursOnly: 'runc binds nodes that can be written to' },
);

forEachRuntime(
  'checkpoint: images with other maps of a user namespace are refused',
  async (t, rt) => {
    const bundle = mappedCounter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const own = JSON.stringify(bundle.config);
    bundle.config.linux.gidMappings = [{ containerID: 0, hostID: MAPPED.gid + 1, size: MAPPED.size }];
    bundle.save();
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /other maps.*\/linux\/gidMappings/s });
    bundle.saveText(own);
    changeNamespace(bundle.config, 'user', '/proc/self/ns/user');
    bundle.save();
    t.match(await restore(rt, bundle, id), { status: 1, stderr: /that joins a user namespace/ });
    t.strictSame(readdirSync(rt.root), [], 'and nothing is left');
  },
  { lacking: lacking ?? lackingRights, oursOnly: 'runc takes from the images what they say' },
);

forEachRuntime(
  'checkpoint: a user namespace without CAP_SYS_RESOURCE is refused with the reason, and the container goes on',
  async (t, rt) => {
    const bundle = mappedCounter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 1, stderr: /rlimit.*hint: .*CAP_SYS_RESOURCE/s });
    t.equal((await stateOf(rt, id)).status, 'running');
    await countsBeyond(bundle, count(bundle));
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  {
    lacking: lacking ?? (lackingRights === undefined ? 'root has CAP_SYS_RESOURCE here' : undefined),
    oursOnly: 'runc names the log only',
  },
);

/** A PATH with a criu that fails `times` times as it does when it has lost the race for the maps of a user namespace. */
function losingCriu(rt: Sandbox, times: number): string {
  const directory = join(rt.dir, 'criu');
  const error = '(00.01) Error (criu/image.c:400): Unable to open timens-0.img: Permission denied';
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(rt.dir, 'lost'), '');
  writeFileSync(
    join(directory, 'criu'),
    `#!/bin/sh
cd ${rt.dir}
[ "$(wc -c <lost)" -lt ${times} ] || PATH=${CRIU_PATH} exec criu "$@"
printf . >>lost
echo '${error}' >work/restore.log
exit 1
`,
    { mode: 0o755 },
  );
  return `${directory}:${CRIU_PATH}`;
}

forEachRuntime(
  'checkpoint: a restore in which criu loses the race for the maps of a user namespace is tried again, up to ten times',
  async (t, rt) => {
    const bundle = counter(rt);
    const id = rt.nextId();
    await start(rt, bundle, id);
    await countsBeyond(bundle, 1);
    t.match(await checkpoint(rt, id), { status: 0, stderr: '' });
    const last = count(bundle);
    const never = await restoreBy(rt, losingCriu(rt, 1000), bundle, id);
    t.match(never, { status: 1, stderr: /criu failed: Unable to open timens-0\.img: Permission denied/ });
    t.equal(readFileSync(join(rt.dir, 'lost'), 'utf8').length, 10);
    t.strictSame(readdirSync(rt.root), [], 'and nothing is left');
    t.match(await restoreBy(rt, losingCriu(rt, 3), bundle, id), { status: 0 });
    t.equal(readFileSync(join(rt.dir, 'lost'), 'utf8').length, 3);
    await countsBeyond(bundle, last);
    t.equal((await rt.command('delete', '--force', id)).status, 0);
  },
  { lacking, oursOnly: 'runc gives up' },
);
