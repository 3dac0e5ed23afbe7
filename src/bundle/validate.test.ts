import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { validateConfig } from './validate.ts';

const configs = new URL('../../conformance/configs/', import.meta.url);

/** `CODE POINTER: MESSAGE` of each fault. */
function faults(value: unknown): string[] {
  return validateConfig(value).map(({ code, pointer, message }: Diagnostic) => `${code} ${pointer}: ${message}`);
}

const uint32 = 'an integer from 0 to 4294967295';
const uint64 = 'an integer from 0 to 18446744073709551615';
const int64 = 'an integer from -9223372036854775808 to 9223372036854775807';

t.test('configs of engines have no fault', async (t) => {
  for (const name of readdirSync(configs)) {
    t.strictSame(faults(JSON.parse(readFileSync(new URL(name, configs), 'utf8'))), [], name);
  }
});

t.test('the message gives the value found and the allowed values', async (t) => {
  const config = {
    ociVersion: 1,
    process: { cwd: '/', args: 'sh', user: { uid: '0', gid: -1, additionalGids: [1, 1.5] }, noNewPrivileges: 1 },
    mounts: [{ type: 'tmpfs' }, null],
    annotations: { 'a/b': null },
    linux: { seccomp: { defaultAction: 'ALLOW' }, namespaces: [{ type: 'pids' }] },
  };
  t.strictSame(faults(config).sort(), [
    'config.missing /mounts/0/destination: mounts[0].destination is missing',
    'config.type /annotations/a~1b: annotations["a/b"] must be a string, found null',
    'config.type /linux/namespaces/0/type: linux.namespaces[0].type must be one of pid, network, mount, ipc, uts, user, cgroup, time, found "pids"',
    'config.type /linux/seccomp/defaultAction: linux.seccomp.defaultAction must be one of SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG, SCMP_ACT_NOTIFY, found "ALLOW"',
    'config.type /mounts/1: mounts[1] must be an object, found null',
    'config.type /ociVersion: ociVersion must be a string, found 1',
    'config.type /process/args: process.args must be an array, found "sh"',
    'config.type /process/noNewPrivileges: process.noNewPrivileges must be true or false, found 1',
    `config.type /process/user/additionalGids/1: process.user.additionalGids[1] must be ${uint32}, found 1.5`,
    `config.type /process/user/gid: process.user.gid must be ${uint32}, found -1`,
    `config.type /process/user/uid: process.user.uid must be ${uint32}, found "0"`,
  ]);
});

t.test('a text that is not an object is one fault', async (t) => {
  for (const [value, found] of [
    [[], 'an empty array'],
    [[1], 'an array'],
    [null, 'null'],
    [7, '7'],
    ['x', '"x"'],
  ] as const) {
    t.strictSame(faults(value), [`config.type : the configuration must be an object, found ${found}`]);
  }
});

t.test('a member for which engines expect a certain message', async (t) => {
  t.strictSame(faults({ ociVersion: '1.0.0', process: { args: ['sh'] } }), [
    'config.missing /process/cwd: Cwd property must not be empty: process.cwd is missing',
  ]);
});

t.test('64-bit integers are exact', async (t) => {
  const of = (memory: object, cpu: object): string[] =>
    faults({ ociVersion: '1.0.0', linux: { resources: { memory, cpu } } });
  t.strictSame(of({ limit: 9223372036854775807n }, { shares: 18446744073709551615n }), []);
  t.strictSame(of({ limit: -1 }, { quota: -9223372036854775808n }), []);
  t.strictSame(of({ limit: 9223372036854775808n }, {}), [
    `config.type /linux/resources/memory/limit: linux.resources.memory.limit must be ${int64}, found 9223372036854775808`,
  ]);
  t.strictSame(of({}, { shares: 18446744073709551616n }), [
    `config.type /linux/resources/cpu/shares: linux.resources.cpu.shares must be ${uint64}, found 18446744073709551616`,
  ]);
  t.equal(of({}, { shares: -1 }).length, 1);
  t.equal(of({}, { shares: -1n }).length, 1);
  t.equal(of({}, { shares: 2 ** 64 }).length, 1, 'a number that is only near');
  t.equal(of({ limit: 2 ** 60 }, {}).length, 1, 'a number that may have been rounded');
  t.equal(of({ limit: 1.5 }, {}).length, 1);
  t.equal(of({ limit: '1' }, {}).length, 1);
});

t.test('a bigint is not a 32-bit integer', async (t) => {
  t.strictSame(faults({ ociVersion: '1.0.0', process: { cwd: '/', user: { uid: 9007199254740993n } } }), [
    `config.type /process/user/uid: process.user.uid must be ${uint32}, found 9007199254740993`,
  ]);
});

t.test('hints give the remedy', async (t) => {
  const of = (uid: unknown): string | undefined =>
    validateConfig({ ociVersion: '1.0.0', process: { cwd: '/', user: { uid } } })[0]?.hint;
  t.match(of('0'), /without quotes/);
  t.equal(of('007'), 'write 7', 'JSON has no leading zeros');
  t.match(of(1e20), /all its digits/);
  t.equal(of(true), undefined);
});

t.test('an octal mode is written in decimal', async (t) => {
  const hints = (umask: string, fileMode: string): unknown =>
    validateConfig({
      ociVersion: '1.0.0',
      process: { cwd: '/', args: ['a'], user: { umask } },
      linux: { devices: [{ path: '/dev/a', type: 'c', major: 1, minor: 3, fileMode }] },
    }).map(({ hint }) => hint);
  t.strictSame(hints('0022', '0666'), ['write 18, which is octal 0022', 'write 438, which is octal 0666']);
  t.strictSame(hints('22', '0888'), ['write the number without quotes', 'write 888']);
});

t.test('faults of rules are reported with those of the schema, but not for faulty places', async (t) => {
  const config = {
    ociVersion: '1.0.0',
    hostname: 'x',
    process: { args: [], env: ['A=b', 7, 'NAME'] },
    mounts: [{ destination: 1 }, { destination: '/proc/x', type: 'tmpfs' }],
    linux: { namespaces: [{ type: 'utss' }] },
  };
  const before = JSON.stringify(config);
  t.strictSame(
    validateConfig(config).map(({ pointer }) => pointer),
    [
      '/process/cwd',
      '/process/env/1',
      '/mounts/0/destination',
      '/linux/namespaces/0/type',
      '/process/args',
      '/process/env/2',
      '/mounts/0/type',
      '/mounts/1/destination',
    ],
  );
  t.equal(JSON.stringify(config), before, 'the value is left as it was');
});

t.test('sections for other platforms are checked', async (t) => {
  t.strictSame(faults({ ociVersion: '1.0.0', windows: {} }), [
    'config.missing /windows/layerFolders: windows.layerFolders is missing',
  ]);
  t.equal(faults({ ociVersion: '1.0.0', vm: 7 }).length, 1);
  t.strictSame(faults({ ociVersion: '1.0.0', hostname: 'x', zos: {} }), []);
});

t.test('unknown members are accepted', async (t) => {
  t.strictSame(faults({ ociVersion: '1.0.0', unknown: { a: [1] }, linux: { unknown: 1 } }), []);
});

t.test('NUL and unpaired surrogates are refused where the kernel would see them', async (t) => {
  const config = {
    ociVersion: '1.0.0',
    process: { cwd: '/a\0b', args: ['x', '\0'], env: ['A=\0'] },
    annotations: { a: '\0' },
    linux: { sysctl: { 'net.a\0': '1' }, namespaces: [{ type: 'network' }], cgroupsPath: '/\ud800' },
    hostname: '',
  };
  const found = [
    'config.text /process/cwd: process.cwd contains a NUL character',
    'config.text /process/args/1: process.args[1] contains a NUL character',
    'config.text /process/env/0: invalid environment variable: process.env[0] contains a NUL character',
    'config.text /linux/sysctl/net.a\0: linux.sysctl["net.a\\u0000"] has a name that contains a NUL character',
    'config.text /linux/cgroupsPath: linux.cgroupsPath contains an unpaired surrogate, which has no UTF-8 form',
  ];
  t.strictSame(faults(config), found);
  t.equal(validateConfig(config, JSON.stringify(config)).length, found.length, 'the text tells that a look is due');
  t.strictSame(faults({ ociVersion: '1.0.0', process: { cwd: '/😀' } }), []);
});

t.test('names from the config cannot control a terminal', async (t) => {
  const config = { ociVersion: '1\x1b', annotations: { 'a\x7f\n': 1 }, linux: { rootfsPropagation: '\x9b31m' } };
  for (const { message } of validateConfig(config)) t.notMatch(message, /[\0-\x1f\x7f-\x9f]/, JSON.stringify(message));
});

t.test('hints for values that are written otherwise', async (t) => {
  const hint = (process: object, more: object = {}): string | undefined =>
    validateConfig({ ociVersion: '1.3.0', process: { cwd: '/', ...process }, ...more })[0]?.hint;
  t.equal(hint({ args: 'echo  hi ' }), 'write ["echo","hi"]');
  t.equal(hint({ args: 'a b c d e f g h i' }), 'write a list of words');
  t.equal(hint({ env: { A: 'b' } }), 'write a list such as ["NAME=value"]');
  t.equal(hint({ terminal: 'true' }), 'write true without quotes');
  t.equal(hint({}, { mounts: [{ destination: '/a', type: 'tmpfs', options: 'ro,nosuid' }] }), 'write ["ro","nosuid"]');
  t.equal(hint({}, { mounts: 'x' }), undefined);
  t.equal(hint({}, { linux: { namespaces: [{ type: 'mnt' }] } }), 'did you mean mount?');
});
