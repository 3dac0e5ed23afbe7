import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lackingController } from '../harness/cgroup.ts';
import type { TestConfig } from '../harness/config.ts';
import { digest } from '../harness/leftovers.ts';
import { forEachRuntime } from '../harness/runtimes.ts';
import type { Bundle } from '../harness/sandbox.ts';
import type { Outcome } from '../harness/process.ts';

type Check = Readonly<{
  ok: (value: unknown, message: string) => boolean;
  equal: (a: unknown, b: unknown, message: string) => boolean;
}>;

/** One clear error: status 1, nothing on standard output, a short text that names the cause and is not a crash. */
function refuses(t: Check, outcome: Outcome, words: RegExp): void {
  t.equal(outcome.status, 1, `status 1, got ${outcome.status} with ${outcome.stdout}${outcome.stderr}`);
  t.equal(outcome.stdout, '', 'nothing on standard output');
  t.ok(words.test(outcome.stderr), `${String(words)} in ${outcome.stderr}`);
  t.ok(outcome.stderr.length < 4000, 'a short text');
  t.ok(
    !/\bat .*\.(ts|js|c):\d+|undefined|\[object|SyntaxError|TypeError|InternalError/.test(outcome.stderr),
    `no trace of a crash: ${outcome.stderr}`,
  );
}

/** Complete texts of config.json. */
const TEXTS: readonly (readonly [what: string, text: string, words: RegExp])[] = [
  ['empty', '', /config\.json/],
  ['a lone brace', '{', /config\.json/],
  ['not JSON', 'this is not JSON', /config\.json/],
  ['with a trailing comma', '{"ociVersion":"1.0.0",}', /config\.json/],
  ['an array', '[]', /config\.json|object/],
  ['null', 'null', /config\.json|object/],
  ['a number', '7', /config\.json|object/],
  ['a string', '"text"', /config\.json|object/],
  ['an empty object', '{}', /process|root|ociVersion/],
  ['binary', '\0\x01\x02\xff', /config\.json/],
  ['two documents', '{}{}', /config\.json/],
  ['deeply nested arrays', '['.repeat(200_000), /config\.json|nest|deep/],
  ['deeply nested objects', `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`, /config\.json|nest|deep|process/],
];

for (const [what, text, words] of TEXTS) {
  forEachRuntime(
    `config.json ${what} is refused`,
    async (t, rt) => {
      const bundle = rt.bundle();
      bundle.saveText(text);
      refuses(t, await rt.runBundle(bundle), words);
    },
    { oursOnly: 'messages and status are specific to rt' },
  );
}

forEachRuntime('config.json missing is refused', async (t, rt) => {
  const bundle = rt.bundle();
  rmSync(join(bundle.dir, 'config.json'));
  const outcome = await rt.runBundle(bundle);
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, 'config.json');
});

forEachRuntime(
  'config.json that is a directory is refused',
  async (t, rt) => {
    const bundle = rt.bundle();
    rmSync(join(bundle.dir, 'config.json'));
    mkdirSync(join(bundle.dir, 'config.json'));
    refuses(t, await rt.runBundle(bundle), /config\.json/);
  },
  { oursOnly: 'the messages are specific to rt' },
);

forEachRuntime('bundle missing is refused', async (t, rt) => {
  const outcome = await rt.command('run', '--bundle', join(rt.dir, 'nosuch'), rt.nextId());
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, 'nosuch');
});

forEachRuntime(
  'config.json of 10 MB with a valid rest still runs',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      config.annotations = { big: 'x'.repeat(10_000_000) };
      config.process.args = ['/bin/probe', 'echo', 'big'];
    });
    t.equal(outcome.stdout, 'big');
  },
  { deviates: { crun: 'limits' } },
);

/** Changes of a good configuration, each of which is an error that names the place. */
const VALUES: readonly (readonly [what: string, change: (config: Loose) => void, words: RegExp])[] = [
  ['ociVersion absent', (c) => delete c['ociVersion'], /ociVersion is missing/],
  ['ociVersion 2.0.0', (c) => (c['ociVersion'] = '2.0.0'), /ociVersion "2\.0\.0" is not supported: .*hint: write/s],
  ['ociVersion one', (c) => (c['ociVersion'] = 'one'), /ociVersion must be a version such as 1\.3\.0, found "one"/],
  [
    'windows',
    (c) => (c['windows'] = { layerFolders: ['x'] }),
    /windows is not supported\n.*\/windows\n.*hint: remove/s,
  ],
  ['solaris', (c) => (c['solaris'] = {}), /solaris is not supported\n.*\/solaris\n.*hint: remove/s],
  ['vm', (c) => (c['vm'] = { kernel: { path: '/k' } }), /vm is not supported\n.*\/vm\n.*hint: remove/s],
  ['zos', (c) => (c['zos'] = {}), /zos is not supported\n.*\/zos\n.*hint: remove/s],
  ['freebsd', (c) => (c['freebsd'] = {}), /freebsd is not supported\n.*\/freebsd\n.*hint: remove/s],
  [
    'process.commandLine',
    (c) => (c.process['commandLine'] = 'cmd /c dir'),
    /process\.commandLine is not supported\n.*hint: .*args/s,
  ],
  ['process absent', (c) => Reflect.deleteProperty(c, 'process'), /process/],
  ['process null', (c) => Reflect.set(c, 'process', null), /process/],
  ['process a list', (c) => Reflect.set(c, 'process', []), /process/],
  ['process.args absent', (c) => delete c.process['args'], /args/],
  ['process.args empty', (c) => (c.process['args'] = []), /args/],
  ['process.args of numbers', (c) => (c.process['args'] = [1]), /args/],
  ['process.args a string', (c) => (c.process['args'] = 'sh'), /args/],
  ['process.args with NUL', (c) => (c.process['args'] = ['/bin/probe', 'a\0b']), /args|NUL|nul/],
  ['process.cwd absent', (c) => delete c.process['cwd'], /cwd/i],
  ['process.cwd empty', (c) => (c.process['cwd'] = ''), /cwd/i],
  ['process.cwd relative', (c) => (c.process['cwd'] = 'bin'), /cwd/i],
  ['process.cwd with NUL', (c) => (c.process['cwd'] = '/a\0b'), /cwd/i],
  ['process.env without =', (c) => (c.process['env'] = ['NAME']), /env/],
  ['process.env with an empty name', (c) => (c.process['env'] = ['=x']), /env/],
  ['process.env with NUL', (c) => (c.process['env'] = ['A=a\0b']), /env/],
  ['process.user.uid -1', (c) => (c.process['user'] = { uid: -1, gid: 0 }), /uid/],
  ['process.user.uid 1.5', (c) => (c.process['user'] = { uid: 1.5, gid: 0 }), /uid/],
  ['process.user.uid a string', (c) => (c.process['user'] = { uid: '0', gid: 0 }), /uid/],
  ['process.user.uid a list', (c) => (c.process['user'] = { uid: [], gid: 0 }), /uid/],
  ['process.user.uid 2^32', (c) => (c.process['user'] = { uid: 4_294_967_296, gid: 0 }), /uid/],
  ['process.user.uid 2^32 - 1', (c) => (c.process['user'] = { uid: 4_294_967_295, gid: 0 }), /uid/],
  ['process.user.uid 1e20', (c) => (c.process['user'] = { uid: 1e20, gid: 0 }), /uid/],
  ['process.user.gid -1', (c) => (c.process['user'] = { uid: 0, gid: -1 }), /gid/],
  [
    'process.user.additionalGids -1',
    (c) => (c.process['user'] = { uid: 0, gid: 0, additionalGids: [-1] }),
    /additionalGids/,
  ],
  ['process.user.umask 010000', (c) => (c.process['user'] = { uid: 0, gid: 0, umask: 0o10000 }), /umask/],
  ['process.terminal a string', (c) => (c.process['terminal'] = 'true'), /terminal/],
  [
    'process.rlimits of an unknown type',
    (c) => (c.process['rlimits'] = [{ type: 'RLIMIT_NOSUCH', soft: 1, hard: 1 }]),
    /RLIMIT_NOSUCH|rlimit/,
  ],
  [
    'process.rlimits twice',
    (c) =>
      (c.process['rlimits'] = [
        { type: 'RLIMIT_CORE', soft: 1, hard: 1 },
        { type: 'RLIMIT_CORE', soft: 2, hard: 2 },
      ]),
    /rlimit/i,
  ],
  [
    'process.rlimits soft above hard',
    (c) => (c.process['rlimits'] = [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }]),
    /rlimit/i,
  ],
  ['process.rlimits -1', (c) => (c.process['rlimits'] = [{ type: 'RLIMIT_CORE', soft: -1, hard: 1 }]), /rlimit/i],
  ['process.oomScoreAdj 1001', (c) => (c.process['oomScoreAdj'] = 1001), /oomScoreAdj|oom_score_adj/],
  ['process.oomScoreAdj a string', (c) => (c.process['oomScoreAdj'] = '1'), /oomScoreAdj/],
  ['process.capabilities a list', (c) => (c.process['capabilities'] = ['CAP_KILL']), /capabilities/],
  [
    'process.scheduler.policy unknown',
    (c) => (c.process['scheduler'] = { policy: 'SCHED_NOSUCH' }),
    /SCHED_NOSUCH|policy|scheduler/,
  ],
  [
    'process.ioPriority.priority 8',
    (c) => (c.process['ioPriority'] = { class: 'IOPRIO_CLASS_BE', priority: 8 }),
    /priority/,
  ],
  ['process.noNewPrivileges 1', (c) => (c.process['noNewPrivileges'] = 1), /noNewPrivileges/],
  ['root absent', (c) => delete c['root'], /root/],
  ['root.path absent', (c) => (c['root'] = {}), /root|path/],
  ['root.path empty', (c) => (c['root'] = { path: '' }), /root/],
  ['root.path a number', (c) => (c['root'] = { path: 7 }), /path/],
  ['root.path missing on disk', (c) => (c['root'] = { path: 'nosuch' }), /nosuch/],
  ['root.path with NUL', (c) => (c['root'] = { path: 'root\0fs' }), /root/],
  ['root.readonly a string', (c) => (c['root'] = { path: 'rootfs', readonly: 'yes' }), /readonly/],
  ['hostname a number', (c) => (c['hostname'] = 7), /hostname/],
  ['hostname of 65 characters', (c) => (c['hostname'] = 'h'.repeat(65)), /hostname/],
  ['hostname with NUL', (c) => (c['hostname'] = 'a\0b'), /hostname/],
  [
    'hostname without a uts namespace',
    (c) => (c.linux['namespaces'] = [{ type: 'mount' }, { type: 'pid' }]),
    /hostname|UTS/,
  ],
  ['mounts an object', (c) => (c['mounts'] = {}), /mounts/],
  ['mounts[].destination absent', (c) => (c['mounts'] = [{ type: 'tmpfs', source: 'x' }]), /destination/],
  [
    'mounts[].destination empty',
    (c) => (c['mounts'] = [{ destination: '', type: 'tmpfs', source: 'x' }]),
    /destination/,
  ],
  [
    'mounts[].destination with NUL',
    (c) => (c['mounts'] = [{ destination: '/a\0b', type: 'tmpfs', source: 'x' }]),
    /destination/,
  ],
  [
    'mounts[].options a string',
    (c) => (c['mounts'] = [{ destination: '/a', type: 'tmpfs', source: 'x', options: 'ro' }]),
    /options/,
  ],
  [
    'mounts[].type unknown',
    (c) => (c['mounts'] = [{ destination: '/a', type: 'nosuchfs', source: 'x' }]),
    /nosuchfs|\/a/,
  ],
  [
    'mounts[].source missing',
    (c) => (c['mounts'] = [{ destination: '/a', source: '/nosuch/dir', options: ['bind'] }]),
    /\/nosuch\/dir/,
  ],
  [
    'linux.namespaces twice',
    (c) => (c.linux['namespaces'] = [{ type: 'mount' }, { type: 'uts' }, { type: 'mount' }]),
    /duplicate|namespace/,
  ],
  ['linux.namespaces of an unknown type', (c) => (c.linux['namespaces'] = [{ type: 'nosuch' }]), /nosuch|namespaces/],
  [
    'linux.namespaces path missing',
    (c) => (c.linux['namespaces'] = [{ type: 'mount' }, { type: 'uts' }, { type: 'ipc', path: '/nosuch/ns' }]),
    /\/nosuch\/ns/,
  ],
  [
    'linux.namespaces path of another type',
    (c) => (c.linux['namespaces'] = [{ type: 'mount' }, { type: 'uts' }, { type: 'ipc', path: '/proc/self/ns/net' }]),
    /ns\/net/,
  ],
  [
    'linux.namespaces path that is no namespace',
    (c) => (c.linux['namespaces'] = [{ type: 'mount' }, { type: 'uts' }, { type: 'ipc', path: '/etc/passwd' }]),
    /\/etc\/passwd/,
  ],
  [
    'user namespace without mappings',
    (c) => (c.linux['namespaces'] = [{ type: 'mount' }, { type: 'uts' }, { type: 'user' }]),
    /user namespace|mapping/,
  ],
  [
    'mappings without a user namespace',
    (c) => (c.linux['uidMappings'] = [{ containerID: 0, hostID: 0, size: 1 }]),
    /user namespace|mapping/,
  ],
  ['time offsets without a time namespace', (c) => (c.linux['timeOffsets'] = { monotonic: { secs: 1 } }), /time/],
  [
    'masked paths without a mount namespace',
    (c) => {
      c.linux['namespaces'] = [{ type: 'uts' }];
      c.linux['maskedPaths'] = ['/proc/keys'];
    },
    /mount namespace|MNT namespace|maskedPaths/,
  ],
  [
    'rootfsPropagation without a mount namespace',
    (c) => {
      c.linux['namespaces'] = [{ type: 'uts' }];
      c['mounts'] = [];
      c.linux['rootfsPropagation'] = 'slave';
    },
    /rootfsPropagation without a private MNT namespace\n.*\/linux\/rootfsPropagation\n.*hint: add \{"type": "mount"\}/s,
  ],
  [
    'linux.devices without a mount namespace and mounts',
    (c) => {
      c.linux['namespaces'] = [{ type: 'uts' }];
      c['mounts'] = [];
      c.linux['devices'] = [{ path: '/dev/x', type: 'c', major: 1, minor: 3 }];
    },
    /unable to make devices without a private MNT namespace\n.*\/linux\/devices\n.*hint: add \{"type": "mount"\}/s,
  ],
  ['linux.devices without a path', (c) => (c.linux['devices'] = [{ type: 'c', major: 1, minor: 3 }]), /devices|path/],
  [
    'linux.devices of an unknown type',
    (c) => (c.linux['devices'] = [{ path: '/dev/x', type: 'z', major: 1, minor: 3 }]),
    /devices|type/,
  ],
  [
    'linux.devices with a relative path',
    (c) => (c.linux['devices'] = [{ path: 'dev/x', type: 'c', major: 1, minor: 3 }]),
    /dev\/x|devices/,
  ],
  [
    'resources.devices with unknown access',
    (c) => (c.linux['resources'] = { devices: [{ allow: true, type: 'c', access: 'xyz' }] }),
    /access|devices/,
  ],
  ['resources.memory.limit a string', (c) => (c.linux['resources'] = { memory: { limit: '64m' } }), /limit/],
  ['resources.memory.limit 1.5', (c) => (c.linux['resources'] = { memory: { limit: 1.5 } }), /limit/],
  ['resources.cpu.shares -1', (c) => (c.linux['resources'] = { cpu: { shares: -1 } }), /shares/],
  ['resources.cpu a number', (c) => (c.linux['resources'] = { cpu: 1 }), /cpu/],
  ['linux.sysctl of the host', (c) => (c.linux['sysctl'] = { 'vm.overcommit_memory': '1' }), /sysctl/],
  ['linux.sysctl a number', (c) => (c.linux['sysctl'] = { 'net.ipv4.ip_forward': 1 }), /sysctl/],
  ['linux.rootfsPropagation unknown', (c) => (c.linux['rootfsPropagation'] = 'sideways'), /rootfsPropagation|sideways/],
  ['linux.maskedPaths relative', (c) => (c.linux['maskedPaths'] = ['proc/keys']), /maskedPaths|absolute/],
  ['linux.cgroupsPath a number', (c) => (c.linux['cgroupsPath'] = 7), /cgroupsPath/],
  ['linux.cgroupsPath with NUL', (c) => (c.linux['cgroupsPath'] = '/a\0b'), /cgroupsPath/],
  ['linux.seccomp a list', (c) => (c.linux['seccomp'] = []), /seccomp/],
  [
    'linux.seccomp without a default action',
    (c) => (c.linux['seccomp'] = { syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] }),
    /defaultAction|seccomp/,
  ],
  [
    'hooks with a timeout of -1',
    (c) => (c['hooks'] = { createRuntime: [{ path: '/bin/true', timeout: -1 }] }),
    /timeout/,
  ],
  ['hooks without a path', (c) => (c['hooks'] = { createRuntime: [{ args: ['x'] }] }), /path/],
  ['hooks an array', (c) => (c['hooks'] = []), /hooks/],
  ['annotations of numbers', (c) => (c['annotations'] = { a: 1 }), /annotations/],
];

/** A configuration with arbitrary values. */
type Loose = Record<string, unknown> & { process: Record<string, unknown>; linux: Record<string, unknown> };
const loosen = (config: TestConfig): Loose => config as unknown as Loose;

for (const [what, change, words] of VALUES) {
  forEachRuntime(
    `config.json with ${what} is refused`,
    async (t, rt) => {
      const canary = join(rt.dir, 'canary');
      mkdirSync(canary);
      writeFileSync(join(canary, 'victim'), 'content');
      const before = digest(canary);
      const bundle = rt.bundle((config) => change(loosen(config)));
      refuses(t, await rt.runBundle(bundle), words);
      t.equal(digest(canary), before);
    },
    { oursOnly: 'the peers are more lenient or use other messages' },
  );
}

/** Integers that JSON can express but JavaScript numbers cannot: exact or refused, never rounded or wrapped. */
const INTEGERS: readonly (readonly [place: string, text: string, refused: boolean, words: RegExp])[] = [
  ['memory.limit', '9007199254740993', false, /limit/],
  ['memory.limit', '9223372036854775807', false, /limit/],
  ['memory.limit', '9223372036854775808', true, /limit/],
  ['memory.limit', '18446744073709551616', true, /limit/],
  ['memory.limit', '1e30', true, /limit/],
  ['memory.limit', '-9223372036854775809', true, /limit/],
  ['cpu.shares', '18446744073709551616', true, /shares/],
  ['cpu.shares', '-1', true, /shares/],
  ['cpu.period', '18446744073709551616', true, /period/],
  ['pids.limit', '9223372036854775808', true, /limit/],
];

for (const [place, text, refused, words] of INTEGERS) {
  forEachRuntime(
    `config.json with resources.${place} of ${text} is ${refused ? 'refused' : 'exact'}`,
    async (t, rt) => {
      const [controller = '', field = ''] = place.split('.');
      const bundle: Bundle = rt.bundle((config) => {
        config.linux.resources[controller] = { [field]: 424242 };
        config.process.args = ['/bin/probe', 'nothing'];
      });
      bundle.saveText(JSON.stringify(bundle.config).replace('424242', text));
      const outcome = await rt.runBundle(bundle);
      if (refused) refuses(t, outcome, words);
      else t.equal(outcome.status, 0, outcome.stderr);
    },
    {
      oursOnly: 'the peers round or wrap',
      lacking: refused ? undefined : lackingController(place.slice(0, place.indexOf('.'))),
    },
  );
}

for (const [what, character] of [
  ['a newline', '\n'],
  ['an escape sequence', '\x1b[31m'],
  ['DEL', '\x7f'],
] as const) {
  forEachRuntime(
    `an error about a name with ${what} prints it harmlessly`,
    async (t, rt) => {
      const outcome = await rt.run((config) => {
        config.mounts.push({ destination: '/data', source: `/nosuch${character}evil`, options: ['bind'] });
      });
      t.equal(outcome.status, 1);
      t.match(outcome.stderr, 'nosuch');
      t.notOk(outcome.stderr.includes(`nosuch${character}`), 'the control character is not printed as it is');
    },
    { oursOnly: 'crun prints it' },
  );
}

forEachRuntime(
  'config.json with several faults reports each',
  async (t, rt) => {
    const outcome = await rt.run((config) => {
      const loose = loosen(config);
      loose.process['cwd'] = 7;
      loose['hostname'] = false;
      loose['mounts'] = 'none';
    });
    t.equal(outcome.status, 1);
    for (const word of ['cwd', 'hostname', 'mounts']) t.match(outcome.stderr, word);
  },
  { oursOnly: 'the peers stop at the first' },
);

forEachRuntime(
  'an error in config.json has the line and column',
  async (t, rt) => {
    const bundle = rt.bundle((config) => (loosen(config).process['cwd'] = 7));
    const line =
      JSON.stringify(bundle.config, null, 2)
        .split('\n')
        .findIndex((text) => text.includes('"cwd": 7')) + 1;
    const outcome = await rt.runBundle(bundle);
    t.match(outcome.stderr, `config.json:${line}:`);
  },
  { oursOnly: 'the peers give no place' },
);

forEachRuntime(
  'ociVersion: every version 1 of the specification is accepted',
  async (t, rt) => {
    for (const version of ['1.0.0', '1.0.0-rc5', '1.0.2-dev', '1.2.1', '1.3.0+dev', '1.99.0']) {
      const outcome = await rt.run((config) => {
        config.ociVersion = version;
        config.process.args = ['/bin/probe', 'echo', 'fine'];
      });
      t.strictSame(outcome, { status: 0, stdout: 'fine', stderr: '' }, version);
    }
  },
  { deviates: { crun: '1.8 takes nothing newer than 1.0' } },
);

forEachRuntime('unknown fields of config.json are accepted', async (t, rt) => {
  const outcome = await rt.run((config) => {
    const loose = loosen(config);
    loose['unknown'] = { a: [1] };
    loose.linux['unknown'] = 1;
    loose.process['unknown'] = null;
    config.process.args = ['/bin/probe', 'echo', 'fine'];
  });
  t.equal(outcome.stdout, 'fine');
  t.equal(outcome.stderr, '');
});

forEachRuntime(
  'validate reports every fault, and settings without effect',
  async (t, rt) => {
    const bundle = rt.bundle();
    const validate = async (text: string): Promise<[status: number, lines: string[]]> => {
      bundle.saveText(text);
      const { status, stdout } = await rt.command('validate', '--bundle', bundle.dir);
      return [status, stdout.split('\n')];
    };
    const given =
      '{"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "pid"}]},\n "annotations": {}, "annotations": {},\n "hook": {}';
    t.strictSame(await validate(`${given}}`), [
      0,
      [
        'config.json:2:2 /annotations: warning: it is repeated at config.json:2:21',
        'config.json:3:2 /hook: warning: the specification does not define hook: it has no effect',
        '  hint: did you mean hooks?',
        'config.json is valid',
        '',
      ],
    ]);
    const [, deep] = await validate(`${given}, "deep": ${'['.repeat(3000)}${']'.repeat(3000)}}`);
    t.match(deep.at(-2), 'config.json is valid', 'nested deeply where nobody looks');
    const [status, lines] = await validate(`${given},\n "domainname": 7, "mounts": [{}]}`);
    t.equal(status, 1);
    t.match(lines, [
      /^config\.json:4:2 \/domainname: /,
      /^config\.json:4:30 \/mounts\/0\/destination: /,
      /:2:2 \/annotations: /,
      /:3:2 \/hook/,
    ]);
  },
  { oursOnly: 'a command of this project' },
);

forEachRuntime('the terminal without a console socket is refused by create', async (t, rt) => {
  const { outcome } = await rt.create(rt.bundle((config) => (config.process.terminal = true)));
  t.equal(outcome.status, 1);
  t.match(outcome.stderr, /console|tty|terminal/);
});
