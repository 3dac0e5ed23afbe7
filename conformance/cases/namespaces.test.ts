import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isUnified } from '../harness/cgroup.ts';
import { changeNamespace, grantCapabilities } from '../harness/config.ts';
import type { TestConfig } from '../harness/config.ts';
import { probePath } from '../harness/guest.ts';
import type { Ids } from '../harness/guest.ts';
import { kernelBefore } from '../harness/kernel.ts';
import { mountAt, parseMountinfo } from '../harness/mountinfo.ts';
import { start } from '../harness/process.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { until } from '../harness/wait.ts';

type Namespaces = Record<string, string>;

/** Type in config.json and name in /proc/PID/ns. */
const TYPES = [
  ['pid', 'pid'],
  ['network', 'net'],
  ['ipc', 'ipc'],
  ['uts', 'uts'],
  ['mount', 'mnt'],
  ['cgroup', 'cgroup'],
] as const;

const own = (name: string): string => readlinkSync(`/proc/self/ns/${name}`);

forEachRuntime('linux.namespaces: each listed type is new', async (t, rt) => {
  const [ns] = await rt.observe<[Namespaces]>([['ns']], (config) => config.linux.namespaces.push({ type: 'cgroup' }));
  for (const [type, name] of TYPES) t.not(ns[name], own(name), type);
});

for (const [type, name] of TYPES.filter(([type]) => type !== 'mount')) {
  forEachRuntime(`linux.namespaces: ${type} not listed is shared with the runtime`, async (t, rt) => {
    const [ns] = await rt.observe<[Namespaces]>([['ns']], (config) => {
      changeNamespace(config, type);
      if (type === 'uts') delete config.hostname;
    });
    t.equal(ns[name], own(name));
  });
}

for (const [type, name] of TYPES.filter(([type]) => type !== 'mount')) {
  forEachRuntime(`linux.namespaces: ${type} by path is the given one`, async (t, rt) => {
    const other = await rt.started(['pause'], (config) => config.linux.namespaces.push({ type: 'cgroup' }));
    const { pid } = await other.state();
    const wanted = readlinkSync(`/proc/${pid}/ns/${name}`);
    const [ns] = await rt.observe<[Namespaces]>([['ns']], (config) => {
      changeNamespace(config, type, `/proc/${pid}/ns/${name}`);
    });
    t.equal(ns[name], wanted);
    t.not(wanted, own(name));
    await other.remove('--force');
  });
}

forEachRuntime('linux.namespaces: mount by path is the given one, with its mounts', async (t, rt) => {
  const source = join(rt.dir, 'source');
  mkdirSync(source);
  const script = `mount -t tmpfs only-there ${source} && echo ready && exec sleep 1000`;
  const words = ['unshare', '--mount', '--propagation=private', 'sh', '-c', script];
  const holder = start(words, { env: rt.env });
  await until('the mount namespace is there', () => holder.output().includes('ready'));
  try {
    const path = `/proc/${holder.child.pid ?? 0}/ns/mnt`;
    const wanted = readlinkSync(path);
    const [ns, info] = await rt.observe<[Namespaces, { text: string }]>(
      [['ns'], ['read', '/proc/self/mountinfo']],
      (config) => {
        changeNamespace(config, 'mount', path);
        config.mounts.push({ destination: '/data', source, options: ['rbind'] });
      },
    );
    t.equal(ns['mnt'], wanted);
    t.equal(mountAt(parseMountinfo(info.text), '/data')?.source, 'only-there');
  } finally {
    holder.child.kill('SIGKILL');
    await holder.ended;
  }
});

forEachRuntime('linux.namespaces: a new pid namespace makes the program pid 1', async (t, rt) => {
  const [ids] = await rt.observe<[Ids]>([['ids']]);
  t.equal(ids.pid, 1);
  t.equal(ids.ppid, 0);
});

forEachRuntime('linux.namespaces: a shared pid namespace still ends the container with its program', async (t, rt) => {
  const container = await rt.started(['pause'], (config) => changeNamespace(config, 'pid'));
  t.equal((await container.kill('KILL')).status, 0);
  t.equal((await container.remove('--force')).status, 0);
});

forEachRuntime('linux.namespaces: a new network namespace has the loopback interface up', async (t, rt) => {
  // SIOCGIFFLAGS needs a socket; /sys/class/net/lo/flags has the same value: bit 0 is IFF_UP.
  const [flags] = await rt.observe<[{ text: string }]>([['read', '/sys/class/net/lo/flags']]);
  t.equal(Number(flags.text) & 1, 1);
});

forEachRuntime('linux.namespaces: a cgroup namespace shows the container its own root', async (t, rt) => {
  const [own] = await rt.observe<[{ text: string }]>([['read', '/proc/self/cgroup']], (config) => {
    config.linux.namespaces.push({ type: 'cgroup' });
  });
  for (const line of own.text.trim().split('\n')) t.match(line, /:\/$/);
});

forEachRuntime('linux.namespaces: mounts of the host are not visible in the container', async (t, rt) => {
  const [info] = await rt.observe<[{ text: string }]>([['read', '/proc/self/mountinfo']]);
  const targets = parseMountinfo(info.text).map(({ target }) => target);
  t.strictSame(targets, ['/', '/proc', '/dev', '/dev/pts', '/sys']);
});

forEachRuntime('linux.namespaces: user namespace maps ids', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    config.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 500 }];
  });
  const { chownSync, chmodSync } = await import('node:fs');
  for (const dir of [rt.dir, bundle.dir, bundle.rootfs]) chmodSync(dir, 0o755);
  chownSync(bundle.rootfs, 100_000, 200_000);
  const [ids, uids, gids, ns] = await rt.observeBundle<[Ids, { text: string }, { text: string }, Namespaces]>(bundle, [
    ['ids'],
    ['read', '/proc/self/uid_map'],
    ['read', '/proc/self/gid_map'],
    ['ns'],
  ]);
  t.strictSame(ids.uid, [0, 0, 0]);
  t.equal(uids.text.trim().replaceAll(/ +/g, ' '), '0 100000 1000');
  t.equal(gids.text.trim().replaceAll(/ +/g, ' '), '0 200000 500');
  t.not(ns['user'], own('user'));
});

forEachRuntime(
  'linux.namespaces: time namespace has the given offsets',
  async (t, rt) => {
    const [offsets, ns] = await rt.observe<[{ text: string }, Namespaces]>(
      [['read', '/proc/self/timens_offsets'], ['ns']],
      (config) => {
        config.linux.namespaces.push({ type: 'time' });
        config.linux.timeOffsets = { monotonic: { secs: 1000, nanosecs: 5 }, boottime: { secs: 2000 } };
      },
    );
    const words = offsets.text
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/));
    t.strictSame(words, [
      ['monotonic', '1000', '5'],
      ['boottime', '2000', '0'],
    ]);
    t.not(ns['time'], own('time'));
  },
  { deviates: { runc: '1.1 has no time namespace', crun: '1.8 has no offsets' } },
);

forEachRuntime(
  'without a mount namespace the mounts are on the host, and are removed with the container',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      changeNamespace(config, 'mount');
      config.process.args = ['/bin/probe', 'wait'];
    });
    const below = (): string[] =>
      parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'))
        .map(({ target }) => target)
        .filter((path) => path.startsWith(bundle.rootfs));
    for (const end of ['delete', 'failure'] as const) {
      if (end === 'failure') {
        bundle.config.process.args = ['/nosuch'];
        bundle.save();
        t.not((await rt.create(bundle)).outcome.status, 0);
      } else {
        const container = await rt.create(bundle);
        t.equal(container.outcome.status, 0, container.outcome.stderr);
        await container.start();
        const { pid } = await container.state();
        t.equal(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'));
        t.ok(below().includes(join(bundle.rootfs, 'dev', 'pts')));
        t.ok(existsSync(`/proc/${pid}/root/proc/1/status`), 'procfs is mounted in the container');
        await container.remove('--force');
      }
      t.same(below(), [], end);
    }
  },
  { deviates: { runc: 'leaves the mounts', crun: 'leaves the mounts' } },
);

/** Before Linux 6.18 a procfs shows the pid namespace of the process that makes it, which must enter it with rights. */
const lacksPidns = kernelBefore(6, 18) ? 'this kernel cannot make a procfs of another pid namespace' : undefined;

for (const [what, lacking] of [
  ['with its procfs', lacksPidns],
  ['without a procfs', undefined],
] as const) {
  forEachRuntime(
    `linux.namespaces: nobody in a pid namespace sees a process with more rights than the joining container, ${what}`,
    async (t, rt) => {
      const watcher = await rt.started(['watch', '/stop'], (config) => {
        grantCapabilities(config, 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE');
      });
      const { pid } = await watcher.state();
      const count = 10;
      for (let round = 0; round < count; round++) {
        const outcome = await rt.run((config) => {
          changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
          if (what === 'without a procfs') config.mounts = config.mounts.filter(({ type }) => type !== 'proc');
        });
        t.equal(outcome.status, 0, outcome.stderr);
      }
      writeFileSync(join(watcher.bundle.rootfs, 'stop'), '');
      const line = await until('the watcher ended', () => watcher.stdout().trim().split('\n')[1]);
      const { seen, capabilities } = JSON.parse(line) as { seen: number; capabilities: string };
      t.ok(seen > 0, `saw ${seen} processes`);
      // CAP_KILL, CAP_NET_BIND_SERVICE and CAP_AUDIT_WRITE, those of the containers.
      const allowed = (1n << 5n) | (1n << 10n) | (1n << 29n);
      t.equal(BigInt(`0x${capabilities}`) & ~allowed, 0n, capabilities);
      await until('it is stopped', async () => (await watcher.state()).status === 'stopped');
      t.equal((await watcher.remove()).status, 0);
    },
    {
      lacking,
      deviates: { runc: '1.1 sets up inside the pid namespace', crun: '1.8 sets up inside the pid namespace' },
    },
  );
}

forEachRuntime('linux.namespaces: a joined pid namespace, its procfs and the exit status', async (t, rt) => {
  const other = await rt.started(['pause']);
  const { pid } = await other.state();
  const joined = (config: TestConfig): void => changeNamespace(config, 'pid', `/proc/${pid}/ns/pid`);
  const [ids, one] = await rt.observe<[Ids, { text: string }]>([['ids'], ['read', '/proc/1/cmdline']], joined);
  t.not(ids.pid, 1);
  t.equal(one.text, '/bin/probe', 'pid 1 is that of the other container');
  const outcome = await rt.run((config) => {
    joined(config);
    config.process.args = ['/bin/probe', 'exit', '7'];
  });
  t.equal(outcome.status, 7);
  const container = await rt.started(['wait'], joined);
  const state = await container.state();
  t.equal(readlinkSync(`/proc/${state.pid}/ns/pid`), readlinkSync(`/proc/${pid}/ns/pid`));
  await until('it waits', () => container.stdout().includes('ready'));
  t.equal((await container.kill('TERM')).status, 0);
  await until('it is stopped', async () => (await container.state()).status === 'stopped');
  t.match(container.stdout(), '"signal":15');
  t.equal((await container.remove()).status, 0);
  t.equal((await other.remove('--force')).status, 0);
});

for (const [what, pointer, words, change] of [
  ['a file of another type', '/linux/namespaces/4/path', /not a namespace of type network/, '/proc/self/ns/uts'],
  ['no namespace at all', '/linux/namespaces/4/path', /not a namespace of type network/, '/etc/passwd'],
  ['a missing file', '/linux/namespaces/4/path', /no such file or directory/, '/nonexistent'],
  ['a relative path', '/linux/namespaces/4/path', /must be an absolute path/, 'ns/net'],
] as const) {
  forEachRuntime(
    `linux.namespaces: a path to ${what} is refused with its place`,
    async (t, rt) => {
      const outcome = await rt.run((config) => changeNamespace(config, 'network', change));
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, words);
      t.ok(outcome.stderr.includes(pointer), outcome.stderr);
    },
    { oursOnly: 'the peers have other messages, and no places' },
  );
}

for (const type of ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time']) {
  forEachRuntime(
    `linux.namespaces: two of type ${type} are refused`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        changeNamespace(config, type);
        config.linux.namespaces.push({ type }, { type });
      });
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, new RegExp(`duplicated ns(?:: .* type ${type},| \\{${type} \\})`));
    },
    { oursOnly: 'the peers have other messages' },
  );
}

forEachRuntime(
  'linux.namespaces: if the kernel refuses new ones, they and the cause are named',
  async (t, rt) => {
    // Those of the config except pid, which needs a clone.
    const refuse = [probePath(), 'refuse', 'unshare', '0x4c020000', 'ENOSPC'];
    const outcome = await rt.commandThrough(refuse, 'run', '--bundle', rt.bundle().dir, rt.nextId());
    t.equal(outcome.status, 1);
    t.match(outcome.stderr, /cannot make namespaces: mount, uts, ipc, network: no space left on device \(unshare\)/);
    t.match(outcome.stderr, /too many namespaces: see \/proc\/sys\/user/);
  },
  {
    oursOnly: 'the peers have other messages',
    lacking: isUnified() ? 'with cgroup v2 the clone makes them' : undefined,
  },
);
