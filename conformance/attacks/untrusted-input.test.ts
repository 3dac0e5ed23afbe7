/** Files of images, unprivileged callers, and objects of the runtime that a container can see or keep. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SECRET, attack, rounds } from '../harness/attack.ts';
import { changeNamespace, grantCapabilities } from '../harness/config.ts';
import { answers } from '../harness/guest.ts';
import { parseMountinfo } from '../harness/mountinfo.ts';
import { run } from '../harness/process.ts';
import { until } from '../harness/wait.ts';

const GIBIBYTE = 2 ** 30;

attack(
  'a malformed passwd or group file of the image neither stops the runtime nor fills its memory',
  async (t, rt) => {
    const sparse = (path: string): void => {
      writeFileSync(path, 'root:x:0:0');
      // Peers read it into memory.
      truncateSync(path, rt.runtime.ours ? 8 * GIBIBYTE : GIBIBYTE / 16);
    };
    const kinds: readonly (readonly [string, (path: string) => unknown])[] = [
      ['huge', sparse],
      ['one line of 4 MB', (path): void => writeFileSync(path, `root:x:0:0:${'x'.repeat(1 << 22)}:/root:/bin/sh\n`)],
      ['a fifo', (path): unknown => execFileSync('mkfifo', [path])],
      ['a link to a device without an end', (path): void => symlinkSync('/dev/zero', path)],
      ['a link to a device that waits', (path): void => symlinkSync('/proc/kmsg', path)],
      ['a directory', (path): unknown => mkdirSync(path)],
      ['text without a newline', (path): void => writeFileSync(path, '\0:::::\xff')],
    ];
    const bundle = rt.bundle((config) => {
      config.process.user = { uid: 1000, gid: 1000 };
      config.process.args = ['/bin/probe', 'env'];
    });
    for (const [what, make] of kinds) {
      for (const name of ['passwd', 'group']) {
        rmSync(join(bundle.rootfs, 'etc', name), { recursive: true, force: true });
        make(join(bundle.rootfs, 'etc', name));
      }
      const id = rt.nextId();
      // Less memory than the file needs, and limited CPU time.
      const limits = rt.runtime.name === 'rt' ? ['--as=67108864', '--cpu=2'] : ['--cpu=10'];
      const limited = ['timeout', '--kill-after=1', '10', 'prlimit', ...limits];
      const { status, stdout, stderr } = await rt.commandThrough(limited, 'run', '--bundle', bundle.dir, id);
      t.ok(status === 0 || status === 1, `${what}: ${status} ${stderr}`);
      if (rt.runtime.ours && status === 0) t.match(stdout, /HOME=\//, what);
      if (status > 1) await rt.command('delete', '--force', id);
    }
  },
);

attack('strings whose length needs more than 16 bits change nothing else', async (t, rt) => {
  for (const length of [65_535, 65_536, 65_537, 131_000]) {
    const value = 'x'.repeat(length);
    const [names, env] = await rt.observe<[Record<string, string>, string[]]>([['ns'], ['env']], (config) => {
      config.process.env = ['PATH=/bin', `A=${value}`];
      config.annotations = { long: value, longer: 'y'.repeat(1 << 20) };
    });
    for (const type of ['pid', 'net', 'ipc', 'uts', 'mnt'])
      t.not(JSON.stringify(names).includes(readlinkSync(`/proc/self/ns/${type}`)), true, type);
    t.ok(JSON.stringify(env).includes(`A=${value}"`), `${length} bytes arrive`);
  }
});

attack(
  'descriptors that the caller left open lead no program, directory or link out of the root',
  async (t, rt, canary) => {
    const host = openSync(canary.dir, 'r');
    const bundle = rt.bundle();
    symlinkSync('/proc/self/fd/4', join(bundle.rootfs, 'link'));
    const climbing = ['/bin/probe', 'read', `../../../../../..${canary.victim}`];
    try {
      const tries: { cwd: string; args: string[] }[] = [{ cwd: '/link', args: ['/bin/probe', 'read', 'victim'] }];
      for (let fd = 3; fd < 15; fd++) {
        tries.push({ cwd: `/proc/self/fd/${fd}`, args: climbing });
        tries.push({
          cwd: '/',
          args: [`/proc/self/fd/${fd}/../../../bin/probe`, 'read', `/proc/self/fd/${fd}/victim`],
        });
      }
      for (const { cwd, args } of tries) {
        Object.assign(bundle.config.process, { cwd, args });
        bundle.save();
        const words = ['run', '--bundle', bundle.dir, rt.nextId()];
        const { stdout } = await rt.commandWith({ descriptors: Array<number>(5).fill(host) }, ...words);
        t.notOk(stdout.includes(SECRET), `${cwd} ${args.join(' ')}`);
      }
    } finally {
      closeSync(host);
    }
  },
);

attack('a container that shares the network of the runtime finds no socket of it by name', async (t, rt) => {
  const bundle = rt.bundle((config) => {
    changeNamespace(config, 'network');
    config.process.args = ['/bin/probe', 'read', '/proc/net/unix'];
  });
  const outcome = await rt.commandThrough(['unshare', '--net'], 'run', '--bundle', bundle.dir, rt.nextId());
  t.equal(outcome.status, 0, outcome.stderr);
  t.notMatch(outcome.stdout, '@', outcome.stdout);
});

attack(
  'a set-user-ID copy refuses to run',
  async (t, rt, canary) => {
    const [program = ''] = rt.runtime.argv;
    const copy = join(rt.dir, 'copy');
    copyFileSync(program, copy);
    chmodSync(copy, 0o4755);
    chmodSync(rt.dir, 0o755);
    const above = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(
      ({ target }) => target === '/' || rt.dir.startsWith(`${target}/`),
    );
    const nosuid = above
      .sort((a, b) => a.target.length - b.target.length)
      .at(-1)
      ?.options.includes('nosuid');
    const user = { uid: 1000, gid: 1000 };
    for (const words of [
      ['--version'],
      ['--log', canary.missing, 'state', 'x'],
      ['run', '--bundle', canary.dir, 'x'],
    ]) {
      const { status, stderr } = await run([copy, ...words], { env: rt.env, user });
      if (nosuid === true) continue;
      t.not(status, 0);
      t.match(stderr, /refusing to run with set-user-ID/);
    }
  },
  { deviates: { node: 'Node is not ours' }, oursOnly: 'the messages are specific to rt' },
);

attack('an unprivileged caller cannot make rt read or write files of others', async (t, rt, canary) => {
  chmodSync(rt.dir, 0o755);
  const own = join(rt.dir, 'own');
  mkdirSync(own);
  chmodSync(own, 0o777);
  const bundle = rt.bundle();
  const tries = [
    ['run', '--bundle', canary.dir, 'x'],
    ['--log', canary.victim, 'run', '--bundle', bundle.dir, 'x'],
    ['run', '--pid-file', canary.missing, '--bundle', bundle.dir, 'x'],
    ['run', '--console-socket', canary.victim, '--bundle', bundle.dir, 'x'],
    ['exec', '--process', canary.victim, 'x'],
    ['update', '--resources', canary.victim, 'x'],
  ];
  for (const words of tries) {
    const options = { env: rt.env, user: { uid: 1000, gid: 1000 } };
    const { status, stdout, stderr } = await run([...rt.runtime.argv, '--root', join(own, 'root'), ...words], options);
    t.not(status, 0, words.join(' '));
    t.notOk((stdout + stderr).includes(SECRET), words.join(' '));
  }
});

attack('the state of a container is accessible only to its owner, with any umask of the caller', async (t, rt) => {
  const bundle = rt.bundle();
  const id = rt.nextId();
  const nowhere = openSync('/dev/null', 'w');
  const words = rt.argv('create', '--bundle', bundle.dir, '--pid-file', join(rt.dir, 'pid'), id);
  try {
    const { status } = await run(['/bin/sh', '-c', 'umask 0; exec "$@"', 'sh', ...words], {
      env: rt.env,
      stdout: nowhere,
      stderr: nowhere,
    });
    t.equal(status, 0);
  } finally {
    closeSync(nowhere);
  }
  t.equal(lstatSync(rt.root).mode & 0o066, 0, 'the root of all states');
  t.equal(lstatSync(join(rt.root, id)).mode & 0o077, 0, 'its directory');
  for (const name of readdirSync(join(rt.root, id), { recursive: true }) as string[]) {
    const stat = lstatSync(join(rt.root, id, name));
    // Not reachable for others; a second line of defence if it is rt's.
    if (rt.runtime.ours && !stat.isSymbolicLink()) t.equal(stat.mode & 0o077, 0, name);
  }
  await rt.command('delete', '--force', id);
});

attack('the program of the runtime cannot be written through a descriptor that was kept', async (t, rt) => {
  const thief = await rt.started(['thief', '/stop'], (config) => {
    grantCapabilities(config, 'CAP_DAC_OVERRIDE', 'CAP_SYS_PTRACE', 'CAP_SETUID', 'CAP_SETGID', 'CAP_KILL');
  });
  const { rootfs } = thief.bundle;
  await until('it looks', () => thief.stdout().includes('ready'));
  writeFileSync(join(rootfs, 'bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 });
  symlinkSync('/proc/self/exe', join(rootfs, 'bin/itself'));
  for (let round = 0; round < rounds(rt, 4); round++) {
    for (const program of ['/bin/true', '/bin/evil', '/bin/itself']) await rt.command('exec', thief.id, program);
  }
  writeFileSync(join(rootfs, 'stop'), '');
  await until('it has tried', async () => (await thief.state()).status === 'stopped');
  t.strictSame(answers(thief.stdout())[1], { writable: 0 });
  await thief.remove();
  for (const args of [['/proc/self/exe'], ['/bin/evil'], ['/bin/itself', 'init']]) {
    const bundle = rt.bundle((config) => (config.process.args = args));
    writeFileSync(join(bundle.rootfs, 'bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 });
    symlinkSync('/proc/self/exe', join(bundle.rootfs, 'bin/itself'));
    const { status } = await rt.runBundle(bundle);
    t.not(status, 0, args.join(' '));
  }
});

for (const shared of [false, true]) {
  attack(
    `processes that fork and end continuously do not outlive delete --force, ${shared ? 'without' : 'with'} a pid namespace`,
    async (t, rt) => {
      const container = await rt.started(['swarm'], (config) => {
        if (shared) changeNamespace(config, 'pid');
        config.linux.resources.pids = { limit: 64 };
      });
      await until('they are at it', () => container.stdout().includes('ready'));
      const { status, stderr } = await container.remove('--force');
      if (rt.runtime.ours) t.equal(status, 0, stderr);
      await until('none is left', () => {
        return !readdirSync('/proc').some((pid) => {
          const cgroup = /^\d+$/.test(pid) && existsSync(`/proc/${pid}/cgroup`) ? join('/proc', pid, 'cgroup') : '';
          try {
            return cgroup !== '' && readFileSync(cgroup, 'utf8').includes(rt.prefix);
          } catch {
            return false;
          }
        });
      });
    },
  );
}
