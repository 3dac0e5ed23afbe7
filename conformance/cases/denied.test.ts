import { addUserNamespace } from '../harness/config.ts';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NATIVE_ARCHITECTURE } from '../harness/calls.ts';
import type { TestConfig } from '../harness/config.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import { SIGKILL, SIGSYS } from '../../src/kernel/signals.ts';
import { until } from '../harness/wait.ts';

/** What the profile refuses, told before a run and during it. */

const OURS = { oursOnly: 'the peers have no such command or option' };

forEachRuntime(
  'seccomp explain tells which rules decide on a call',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: [NATIVE_ARCHITECTURE],
        syscalls: [
          { names: ['mount'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
          { names: ['kill'], action: 'SCMP_ACT_KILL', args: [{ index: 1, value: 9, op: 'SCMP_CMP_EQ' }] },
          { names: ['madvise'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 2 ** 63, op: 'SCMP_CMP_GE' }] },
        ],
      };
    });
    const explain = (...words: string[]) => rt.command('seccomp', ...words, '--bundle', bundle.dir);
    const where = String.raw` {2}\[config\.json:\d+:\d+\]\n`;
    t.match(await explain('explain', 'mount'), {
      status: 0,
      stdout: new RegExp(
        String.raw`^mount, \w+, number \d+\n {2}fails with EPERM \(operation not permitted\)${where}$`,
      ),
    });
    t.match(
      (await explain('explain', 'kill')).stdout,
      /\n {2}ends its thread with SIGSYS if argument 1 == SIGKILL {2}\[.*\n {2}otherwise it is allowed, the default/,
    );
    t.match((await explain('explain', 'madvise')).stdout, /if argument 0 >= 0x8\w{15} /);
    t.match(await explain('explain', 'muont'), {
      status: 1,
      stderr: /unknown system call "muont"\n {2}hint: did you mean mount\?/,
    });
    t.match(await explain('explore', 'mount'), { status: 1, stderr: /unknown seccomp command "explore"/ });
  },
  OURS,
);

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; op: string }[];
}

const refused: Rule[] = [
  { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
  { names: ['fchownat', 'chown'], action: 'SCMP_ACT_ERRNO' },
  { names: ['kill'], action: 'SCMP_ACT_KILL', args: [{ index: 1, value: 9, op: 'SCMP_CMP_EQ' }] },
  { names: ['chroot'], action: 'SCMP_ACT_TRAP' },
  { names: ['sethostname'], action: 'SCMP_ACT_KILL_PROCESS' },
];

function script(config: TestConfig, text: string, syscalls: Rule[] = refused): void {
  config.process.args = ['/bin/busybox', 'sh', '-c', text];
  config.process.env = ['PATH=/bin'];
  config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', architectures: [NATIVE_ARCHITECTURE], syscalls };
}

const place = String.raw`\n {2}config\.json:\d+:\d+ {2}/linux/seccomp/syscalls/`;
const told = (call: string, program: string, end: string, rule: number): RegExp =>
  new RegExp(String.raw`^rt: warning: ${call}, process \d+ \(${program}\): ${end}${place}${rule}$`, 'm');

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(
    `run --explain-denied reports refused calls, whose effect stays the same, noNewPrivileges ${noNewPrivileges}`,
    async (t, rt) => {
      const bundle = rt.bundle((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        const name = String.raw`"$(printf '/tmp/\033[31m')"`;
        const child = (words: string) => `busybox sh -c '${words}; echo no'; echo $?`;
        script(
          config,
          `busybox mkdir ${name}; busybox mkdir ${name}; kill -0 99999; ${child('kill -9 99999')}; ${child('exec busybox chroot /tmp')}; ${child('exec busybox hostname x')}`,
        );
      });
      const plain = await rt.runBundle(bundle);
      const { status, stdout, stderr } = await rt.command(
        'run',
        '--explain-denied',
        '--bundle',
        bundle.dir,
        rt.nextId(),
      );
      t.equal(status, 0);
      t.equal(stdout, '159\n159\n159\n');
      t.equal(stdout, plain.stdout);
      t.match(
        stderr,
        told(
          String.raw`mkdir(at\(AT_FDCWD, |\()"/tmp/\\u001b\[31m", 0777\)`,
          'busybox',
          String.raw`fails with ENOSPC \(.*\)`,
          0,
        ),
      );
      t.match(stderr, told(String.raw`kill\(99999, SIGKILL\)`, 'busybox', 'ends its thread with SIGSYS', 2));
      t.match(
        stderr,
        told(String.raw`chroot\("/tmp"\)`, 'busybox', 'sends SIGSYS to its thread, here without its siginfo', 3),
      );
      t.match(stderr, told(String.raw`sethostname\("x"\)`, 'busybox', 'ends its process with SIGSYS', 4));
      t.match(stderr, /31m", 0777\): 2 times\n$/);
      t.equal(stderr.match(/^rt: warning/gm)?.length, 5, stderr);
    },
    OURS,
  );
}

forEachRuntime(
  'run --explain-denied shows what the arguments of a refused call point to',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      const calls = ['connect', 'mknod', 'mknodat', 'setrlimit', 'prlimit64', 'syslog'];
      script(
        config,
        'busybox nc 127.0.0.1 7; busybox logger x; busybox mknod /tmp/x c 10 300; ulimit -n 7; busybox dmesg; busybox hostname x',
        [
          { names: calls, action: 'SCMP_ACT_ERRNO' },
          { names: ['sethostname'], action: 'SCMP_ACT_TRACE' },
        ],
      );
    });
    const { stderr } = await rt.command('run', '--explain-denied', '--bundle', bundle.dir, rt.nextId());
    for (const call of [
      String.raw`connect\(\d+, 127\.0\.0\.1:7\)`,
      String.raw`connect\(\d+, "/dev/log"\)`,
      String.raw`mknod(at)?\(.*"/tmp/x", S_IFCHR\|0666, 10:300\)`,
      String.raw`(setrlimit\(|prlimit64\(0, )RLIMIT_NOFILE, {soft: 7, hard: 7}.*\)`,
      String.raw`syslog\(SYSLOG_ACTION_\w+\)`,
    ])
      t.match(stderr, told(call, '(busybox|sh)', String.raw`fails with EPERM \(.*\)`, 0));
    const traced = String.raw`fails with ENOSYS \(.*\), as it is left to a tracer`;
    t.match(stderr, told(String.raw`sethostname\("x"\)`, 'busybox', traced, 1));
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied: the exit code is that of a program that the kernel ends, also with a handler',
  async (t, rt) => {
    for (const [text, wanted] of [
      ['kill -9 99999; echo no', 159],
      ["trap 'echo handled' SYS; kill -9 99999; echo no", 159],
      ["trap 'exit 7' SYS; busybox chroot /tmp; exec busybox chroot /tmp", 159],
    ] as const) {
      const bundle = rt.bundle((config) => script(config, text));
      const { status, stdout, stderr } = await rt.command(
        'run',
        '--explain-denied',
        '--bundle',
        bundle.dir,
        rt.nextId(),
      );
      t.equal(status, wanted, stderr);
      t.equal(stdout, '');
      t.notMatch(stderr, 'dmesg');
    }
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied: a process does not outlive KILL, whatever another one does to its signal handlers',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      script(config, '', [{ names: ['chroot'], action: 'SCMP_ACT_KILL_PROCESS' }]);
      config.process.args = ['/bin/probe', 'evade'];
    });
    const { stdout, stderr } = await rt.command('run', '--explain-denied', '--bundle', bundle.dir, rt.nextId());
    const { survived, signal } = JSON.parse(stdout) as { survived: boolean; signal: number };
    t.comment(`its call returned: ${survived}, signal ${signal}`);
    t.ok(signal === SIGSYS || signal === SIGKILL, `${stdout}${stderr}`);
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied: calls are refused, too, once rt has been killed',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      script(
        config,
        'echo >/up; while ! test -e /go; do busybox sleep 0.02; done; busybox mkdir /x 2>/said; echo $? >/code',
      );
    });
    const id = rt.nextId();
    const running = rt.background('run', '--explain-denied', '--bundle', bundle.dir, id);
    await until('it runs', () => existsSync(join(bundle.rootfs, 'up')));
    const killed = once(running.child, 'exit');
    running.child.kill('SIGKILL');
    await killed;
    writeFileSync(join(bundle.rootfs, 'go'), '');
    await until('the program has ended', async () => (await rt.command('state', id)).stdout.includes('"stopped"'));
    t.equal(readFileSync(join(bundle.rootfs, 'code'), 'utf8'), '1\n');
    t.match(readFileSync(join(bundle.rootfs, 'said'), 'utf8'), 'Function not implemented');
    t.notOk(existsSync(join(bundle.rootfs, 'x')));
    t.equal((await rt.command('delete', '--force', id)).status, 0);
    await running.ended;
  },
  OURS,
);

forEachRuntime(
  'exec --explain-denied reports the refused calls of its program',
  async (t, rt) => {
    const container = await rt.started(['wait'], (config) => {
      const args = config.process.args;
      script(config, '');
      config.process.args = args;
    });
    const { status, stderr } = await rt.command(
      'exec',
      '--explain-denied',
      container.id,
      '/bin/busybox',
      'mkdir',
      '/tmp/x',
    );
    t.equal(status, 1);
    t.match(
      stderr,
      /^rt: warning: mkdir.*"\/tmp\/x".*fails with ENOSPC.*\n {2}\/.*config\.json:\d+:\d+ {2}\/linux\/seccomp\/syscalls\/0\n/,
    );
    const places = (text: string) => /^ {2}(\/.*config\.json):\d+:\d+ /m.exec(text)?.[1];
    const file = join(container.bundle.dir, 'config.json');
    t.equal(places(stderr), file);
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    const again = await rt.command('exec', '--explain-denied', container.id, '/bin/busybox', 'mkdir', '/tmp/x');
    t.not(places(again.stderr), file, 'it may be another config by now');
    t.match(again.stderr, /^ {2}\/.*config\.json/m);
    t.match(await rt.command('exec', '--detach', '--explain-denied', container.id, '/bin/busybox', 'true'), {
      status: 255,
      stderr: /with --detach nobody would be left to answer/,
    });
    t.equal((await container.remove('--force')).status, 0);
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied is refused where it cannot work',
  async (t, rt) => {
    const run = (change: (config: TestConfig) => void, ...words: string[]) => {
      const bundle = rt.bundle((config) => {
        script(config, 'echo ran');
        change(config);
      });
      return rt.command('run', '--explain-denied', ...words, '--bundle', bundle.dir, rt.nextId());
    };
    const nothing = (): void => undefined;
    t.match(await run(nothing, '--detach'), { status: 1, stdout: '', stderr: /nobody would be left to answer/ });
    const notifies = (config: TestConfig): void => {
      script(config, 'echo ran', [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }]);
      Object.assign(config.linux.seccomp as object, { listenerPath: '/run/none' });
    };
    t.match(await run(notifies, '--record-seccomp', join(rt.dir, 'profile.json')), {
      status: 1,
      stdout: '',
      stderr: /another process receives.*\n.*\n {2}hint: leave linux\.seccomp out while a profile is recorded/,
    });
    t.match(await run(notifies), {
      status: 1,
      stdout: '',
      stderr: /another process receives.*\n {2}config\.json:\d+:\d+ {2}\/linux\/seccomp\/syscalls\/0\/action/,
    });
    t.match(
      await run((config) => {
        delete config.linux.seccomp;
      }),
      { status: 1, stdout: '', stderr: /there is no linux\.seccomp that could refuse a call/ },
    );
    const bundle = rt.bundle();
    t.match(await rt.command('create', '--explain-denied', '--bundle', bundle.dir, rt.nextId()), {
      status: 1,
      stderr: /flag provided but not defined: -explain-denied\n {2}hint: only run and exec have it/,
    });
  },
  OURS,
);

interface Profile {
  defaultAction: string;
  architectures: string[];
  syscalls: { names: string[]; action: string }[];
}

for (const noNewPrivileges of [true, false]) {
  forEachRuntime(
    `run --record-seccomp writes a profile under which the program runs, noNewPrivileges ${noNewPrivileges}`,
    async (t, rt) => {
      const file = join(rt.dir, 'profile.json');
      const bundle = rt.bundle((config) => {
        config.process.noNewPrivileges = noNewPrivileges;
        script(config, 'trap "echo got" USR1; kill -USR1 $$; busybox sleep 0.01 & wait $!; busybox echo $0');
        delete config.linux.seccomp;
      });
      const record = () => rt.command('run', '--record-seccomp', file, '--bundle', bundle.dir, rt.nextId());
      const first = await record();
      t.match(first, { status: 0, stdout: 'got\nsh\n', stderr: '' });
      const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
      t.match(profile, { defaultAction: 'SCMP_ACT_ERRNO', architectures: [NATIVE_ARCHITECTURE] });
      const [{ names } = { names: [] as string[] }] = profile.syscalls;
      t.ok(names.includes('kill') && !names.includes('mount') && !names.includes('unlinkat'), names.join());
      bundle.config.linux.seccomp = { ...profile };
      bundle.save();
      t.match(await rt.runBundle(bundle), { status: 0, stdout: 'got\nsh\n', stderr: '' });
      const container = await rt.create(bundle);
      t.equal(container.outcome.status, 0, container.outcome.stderr);
      t.equal((await container.start()).status, 0);
      t.equal((await container.remove('--force')).status, 0);
      // What the profile refuses is refused, and not recorded; what it allows is added.
      script(bundle.config, 'busybox mkdir /tmp/x; busybox chroot / true', [
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
      ]);
      bundle.save();
      const { stderr } = await record();
      t.match(stderr, told('mkdir.*', 'busybox', String.raw`fails with ENOSPC \(.*\)`, 0));
      t.match(stderr, /\n {2}hint: leave linux\.seccomp out while a profile is recorded/);
      const again = JSON.parse(readFileSync(file, 'utf8')) as Profile;
      t.equal(again.syscalls.length, 1);
      const more = again.syscalls[0]?.names ?? [];
      t.ok(names.every((name) => more.includes(name)) && more.includes('chroot'), more.join());
      t.notOk(more.some((name) => name.startsWith('mkdir')));
    },
    OURS,
  );
}

forEachRuntime(
  'run --record-seccomp is refused before the program runs if its file cannot be written, or is no profile',
  async (t, rt) => {
    const bundle = rt.bundle((config) => script(config, 'echo ran'));
    const record = (file: string, ...words: string[]) =>
      rt.command('run', '--record-seccomp', file, ...words, '--bundle', bundle.dir, rt.nextId());
    const file = join(rt.dir, 'other.json');
    writeFileSync(file, '{"syscalls": 7}');
    t.match(await record(file), { status: 1, stdout: '', stderr: /other\.json" is no seccomp profile/ });
    t.equal(readFileSync(file, 'utf8'), '{"syscalls": 7}');
    t.match(await record(join(rt.dir, 'none', 'x.json')), {
      status: 1,
      stdout: '',
      stderr: /cannot write ".*x\.json": no such/,
    });
    t.match(await record(file, '--detach'), {
      status: 1,
      stdout: '',
      stderr: /--record-seccomp: with --detach nobody/,
    });
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied=all compares ids as the user namespace of the process has them',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      addUserNamespace(config);
      config.process.user = { uid: 7, gid: 8 };
      config.process.capabilities = { bounding: [], effective: [], permitted: [] };
      // busybox gives up its set-user-ID rights: setgid(8), setuid(7).
      config.process.args = ['/bin/busybox', 'true'];
    });
    const outcome = await rt.command('run', '--explain-denied=all', '--bundle', bundle.dir, rt.nextId());
    t.strictSame(outcome, { status: 0, stdout: '', stderr: '' });
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied=all names what is likely against calls that the profile allows',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      script(
        config,
        'busybox mount -t tmpfs x /tmp; busybox chroot /tmp true; ulimit -n 99999; cat </dev/tun; busybox mkdir /proc/sys/x; busybox chmod 600 /proc/sys/kernel/domainname; busybox mkdir /tmp/x; busybox kill -0 99999',
        [{ names: ['kill'], action: 'SCMP_ACT_ERRNO' }],
      );
      config.process.capabilities = { bounding: [], effective: [], permitted: [] };
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 64 }];
      config.linux.devices = [{ path: '/dev/tun', type: 'c', major: 10, minor: 200, fileMode: 0o666 }];
      config.linux.resources = { devices: [{ allow: false, access: 'rwm' }] };
      config.linux.readonlyPaths = ['/proc/sys'];
    });
    const run = (...words: string[]) => rt.command('run', ...words, '--bundle', bundle.dir, rt.nextId());
    const { status, stderr } = await run('--explain-denied=all');
    t.equal(status, 1, stderr);
    const likely = (call: string, cause: string, pointer: string, cure: string): RegExp =>
      new RegExp(
        String.raw`^rt: warning: ${call}.*: is allowed, but likely fails: ${cause}\n {2}config\.json:\d+:\d+ {2}${pointer}\n {2}hint: ${cure}.*\n.*(?:permitted|denied|Read-only)`,
        'm',
      );
    const device = '{"allow": true, "type": "c", "major": 10, "minor": 200, "access": "r"} to linux.resources.devices';
    const sets = String.raw`process\.capabilities\.{bounding,effective,permitted}`;
    const lacks = (name: string) =>
      [`the process has no ${name}`, '/process/capabilities', `add "${name}" to ${sets}`] as const;
    for (const [call, cause, pointer, cure] of [
      ['mount', ...lacks('CAP_SYS_ADMIN')],
      ['chroot', ...lacks('CAP_SYS_CHROOT')],
      [String.raw`(set|p)rlimit.*RLIMIT_NOFILE, {soft: 99999, hard: 99999}`, ...lacks('CAP_SYS_RESOURCE')],
      ['open.*"/dev/tun"', 'no rule allows the device c 10:200 r', '/linux/resources/devices', `add ${device}`],
      [
        'f?chmod.*"/proc/sys/kernel/domainname"',
        '/proc/sys is read-only',
        '/linux/readonlyPaths/0',
        'remove "/proc/sys" there',
      ],
    ] as const)
      t.match(stderr, likely(call, cause, pointer, cure));
    t.match(stderr, told(String.raw`kill\(99999, 0\)`, 'busybox', String.raw`fails with EPERM \(.*\)`, 0));
    t.match(stderr, /\n {2}hint: remove "kill" from the names there\n/);
    t.notMatch(stderr, '"/tmp/x"');
    t.equal(stderr.match(/^rt: warning/gm)?.length, 6, stderr);
    t.equal((await run('--explain-denied')).stderr.match(/^rt: warning/gm)?.length, 1);
    // Without a profile, too.
    delete bundle.config.linux.seccomp;
    bundle.save();
    t.match((await run('--explain-denied=all')).stderr, likely('mount', ...lacks('CAP_SYS_ADMIN')));
  },
  OURS,
);

forEachRuntime(
  'run --explain-denied=all follows links, and says nothing about calls that fail or succeed for another reason',
  async (t, rt) => {
    const bundle = rt.bundle((config) => {
      script(
        config,
        'busybox mkdir /var/run/app; busybox mkdir -p /data/x; busybox mkdir /bin; busybox mkdir /none/x; >>/dev/null; busybox rm /bin/tool',
      );
      delete config.linux.seccomp;
      config.root.readonly = true;
      config.mounts.push({ destination: '/run', type: 'tmpfs', source: 'tmpfs' });
    });
    mkdirSync(join(bundle.rootfs, 'run'), { recursive: true });
    mkdirSync(join(bundle.rootfs, 'var'), { recursive: true });
    mkdirSync(join(bundle.rootfs, 'data', 'x'), { recursive: true });
    symlinkSync('/run', join(bundle.rootfs, 'var', 'run'));
    writeFileSync(join(bundle.rootfs, 'bin', 'tool'), '');
    const { stderr } = await rt.command('run', '--explain-denied=all', '--bundle', bundle.dir, rt.nextId());
    t.match(
      stderr,
      /unlink.*"\/bin\/tool".*likely fails: the root is read-only\n.*\n {2}hint: write false there, or add a bind mount of/,
    );
    t.equal(stderr.match(/^rt: warning/gm)?.length, 1, stderr);
  },
  OURS,
);
