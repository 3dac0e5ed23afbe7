import { readFileSync } from 'node:fs';
import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { validate } from '../commands/validate.ts';
import { EACCES, EAGAIN, EFBIG, EISDIR, ENOENT } from '../kernel/errno.ts';
import { S_IFDIR, S_IFIFO, S_IFREG } from '../kernel/files.ts';
import { checkConfigText, loadBundle } from './load.ts';

const docker = readFileSync(new URL('../../conformance/configs/docker.json', import.meta.url), 'utf8');
const regular = S_IFREG | 0o644;

/** Native functions on a host whose only file is the one named by `path`. */
function host(path: string, content: string | number, mode = regular): Native {
  const part: Partial<Native> = {
    realPath: (name) => name,
    open: () => -ENOENT,
    readText: (name) => (name === path ? content : -ENOENT),
    stat: (name) => (name === path ? [mode, 0, 0, 0, 0, 0, 0] : -ENOENT),
  };
  return part as Native;
}

function failure(action: () => unknown): Failure {
  try {
    action();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

t.test('a bundle is loaded', async (t) => {
  const { config, text } = loadBundle(host('/b/config.json', docker), '/b');
  t.equal(config.process?.args[0], 'sh');
  t.equal(text, docker);
  t.equal(loadBundle(host('/c.json', docker), '/b', '/c.json').config.root.path, 'rootfs', 'another file');
});

t.test('every fault is reported, with its place', async (t) => {
  const text = '{\n  "ociVersion": "1.0.0",\n  "hostname": "x",\n  "process": {\n    "cwd": 7\n  }\n}';
  const { diagnostics } = failure(() => loadBundle(host('/b/config.json', text), '/b'));
  t.match(diagnostics, [
    { pointer: '/process/cwd', location: { file: 'config.json', line: 5, column: 5 } },
    { message: /^unable to set hostname/, location: { line: 3, column: 3 } },
    { message: 'root must be specified', location: { line: 1, column: 1 } },
    { message: /^args must not be empty/, location: { line: 4, column: 3 } },
  ]);
  t.equal(diagnostics.length, 4);
});

t.test('beside a fault, the members that are probably misspelt are named as well', async (t) => {
  const text = docker.replace('"args"', '"arg"').replace('"namespaces"', '"namespace"');
  const { diagnostics } = failure(() => loadBundle(host('/b/config.json', text), '/b'));
  t.match(diagnostics.slice(-3), [
    { message: 'args must not be empty: process.args is missing' },
    { pointer: '/process/arg', hint: 'did you mean args?', location: { file: 'config.json' } },
    { pointer: '/linux/namespace', hint: 'did you mean namespaces?' },
  ]);
});

t.test('unsupported settings are refused by name', async (t) => {
  const text = docker.replace('"user": {', '"commandLine": "x", "user": {');
  t.equal(
    failure(() => loadBundle(host('/b/config.json', text), '/b')).message,
    'process.commandLine is not supported',
  );
});

t.test('members that are null are removed, also with exact integers, and the places of faults are kept', async (t) => {
  const root = '"ociVersion": "1.3.0", "hooks": null, "root": {"path": "rootfs", "readonly": null}';
  const process = '"process": {"cwd": "/", "args": ["x"], "user": {"uid": 0, "gid": 0}, "rlimits": null}';
  const exact = '"linux": {"resources": {"memory": {"limit": 9007199254740993, "swap": null}, "cpu": null}}';
  const text = `{${root}, ${process}, ${exact}}`;
  const { config, saved, text: found } = loadBundle(host('/b/config.json', text), '/b');
  t.strictSame(config, {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['x'], user: { uid: 0, gid: 0 } },
    linux: { resources: { memory: { limit: 9007199254740993n } } },
  });
  t.equal(found, text);
  t.notOk(saved.includes('null'));
  t.ok(saved.includes('9007199254740993'));
  const faulty = '{\n"hooks": null,\n"process": {"cwd": null,\n"args": 7, "env": [null]},\n"annotations": {"a": null}}';
  const { diagnostics } = failure(() => loadBundle(host('/b/config.json', faulty), '/b'));
  t.strictSame(
    new Map(diagnostics.map(({ pointer, location }) => [pointer, location?.line])),
    new Map([
      ['/ociVersion', 1],
      ['/process/cwd', 3],
      ['/process/args', 4],
      ['/process/env/0', 4],
      ['/annotations/a', 5],
      ['/root', 1],
    ]),
  );
});

t.test('integers beyond 2^53 are exact or refused', async (t) => {
  const of = (literal: string): ReturnType<typeof checkConfigText> =>
    checkConfigText(
      docker.replace('"limit": 268435456,\n        "swap": 536870912', `"limit": ${literal}`),
      'config.json',
    );
  const limit = ({ value }: { value: unknown }): unknown =>
    (value as { linux: { resources: { memory: { limit: unknown } } } }).linux.resources.memory.limit;
  t.equal(limit(of('9007199254740993')), 9007199254740993n);
  t.strictSame(of('9007199254740993').faults, []);
  t.equal(limit(of('9007199254740991')), 9007199254740991);
  t.equal(limit(of('1e3')), 1000);
  for (const literal of [
    '9223372036854775808',
    '18446744073709551616',
    '1e30',
    '1e18',
    '1.5',
    '"64m"',
    '-9223372036854775809',
  ]) {
    t.match(of(literal).faults, [{ pointer: '/linux/resources/memory/limit' }], literal);
    t.equal(of(literal).faults.length, 1, literal);
  }
  t.match(of('9223372036854775808').faults[0]?.message, 'found 9223372036854775808');
});

t.test('unreadable files', async (t) => {
  const of = (content: string | number, mode?: number): string =>
    failure(() => loadBundle(host('/b/config.json', content, mode), '/b')).message;
  t.equal(
    failure(() => loadBundle(host('/x', ''), '/b')).message,
    'JSON specification file config.json not found: "/b/config.json"',
  );
  t.equal(of(''), 'config.json is empty');
  t.equal(of('', S_IFIFO | 0o644), 'config.json is not a regular file', 'a fifo without a writer');
  t.equal(of(-EAGAIN, S_IFIFO | 0o644), 'config.json is not a regular file', 'a fifo whose writer is silent');
  t.equal(of(-EISDIR, S_IFDIR | 0o755), 'config.json is not a regular file', 'a directory');
  t.equal(of(-EFBIG), 'config.json is too large: more than 32 MiB');
  t.match(of(-EACCES), /^cannot read config\.json: permission denied/);
  t.match(of('{'), /^config\.json is not valid JSON: /);
  t.match(of('[]'), /must be an object, found an empty array/);
});

t.test('deep nesting', async (t) => {
  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const of = (levels: number, more: string): ReturnType<typeof checkConfigText> =>
    checkConfigText(docker.replace('{', `{ "unknown": ${nested(levels)}, ${more}`), 'config.json');
  t.strictSame(of(1000, '').faults, [], 'in a member that nobody reads');
  t.match(failure(() => of(1000, '"vm": 1,')).message, /nested more than/, 'beside a fault');
  t.match(failure(() => of(100_000, '')).message, /nested more than/);
});

const validated = (content: string | number, format = 'text'): ReturnType<typeof validate> =>
  validate({
    native: host('/b/config.json', content),
    globals: {},
    options: { bundle: '/b', format },
    operands: [],
    debug: () => undefined,
  });

t.test('the validate command', async (t) => {
  t.strictSame(validated(docker), { exitCode: 0, output: 'config.json is valid\n' });
  t.match(validated(docker.replace('"cwd": "/"', '"cwd": "x"')), {
    exitCode: 1,
    output: /^config\.json:\d+:5 \/process\/cwd: Cwd must be an absolute path, found "x"\n$/,
  });
  t.match(validated(docker.replace('"hostname": "b6b6a6f0b0fa"', '"hostname": 7')), {
    exitCode: 1,
    output: /^config\.json:\d+:3 \/hostname: hostname must be a string, found 7\n$/,
  });
  t.match(validated(docker.replaceAll('"CAP_KILL"', '"KILL"')), {
    exitCode: 0,
    output:
      /^config\.json:\d+:\d+ \/process\/capabilities\/bounding\/\d+: warning: unknown capability "KILL" .*\n {2}hint: write CAP_KILL\nconfig\.json is valid\n$/,
  });
  t.match(validated(docker.replace('"hostname"', '"annotations": { "run.oci.seccomp_bpf_data": "" }, "hostname"')), {
    exitCode: 0,
    output:
      /\/annotations\/run\.oci\.seccomp_bpf_data: valid, but create refuses it: .*\n {2}hint: write the rules into linux\.seccomp\nconfig\.json is valid, but create refuses it\n$/,
  });
  t.match(validated(docker.replace('"user": {', '"commandLine": "x", "user": {')), {
    exitCode: 0,
    output:
      /\/process\/commandLine: valid, but create refuses it: process\.commandLine is not supported\n {2}hint: .*\nconfig\.json is valid, but create refuses it\n$/,
  });
  const twice = docker.replace('{', '{"hostname": "a", "mounts": [{"type": "b", "type": "c"}],');
  t.match(validated(twice), {
    exitCode: 0,
    output: new RegExp(
      [
        '^config\\.json:1:31 /mounts/0/type: warning: it is repeated at config\\.json:1:44',
        'config\\.json:1:2 /hostname: warning: it is repeated at config\\.json:\\d+:3',
        'config\\.json:1:19 /mounts: warning: it is repeated at config\\.json:\\d+:3',
        'config\\.json is valid\n$',
      ].join('\n'),
    ),
  });
  const nested = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  const deep = `{"ociVersion": "1.3.0", "root": {"path": "/"}, "unknown": ${nested}}`;
  t.match(validated(deep), { exitCode: 0, output: /\/unknown: warning: [^]*\nconfig\.json is valid\n$/ });
  t.match(validated('{]'), { exitCode: 1, output: /^config\.json:1:2: config\.json is not valid JSON: / });
  t.match(validated(-ENOENT), { exitCode: 1, output: 'JSON specification file config.json not found' });
});

t.test('the validate command: notes, and JSON', async (t) => {
  const noted = {
    ...(JSON.parse(docker) as object),
    process: { cwd: '/', args: ['x'], user: { username: 'a' } },
    hook: {},
  };
  const json: unknown = JSON.parse(validated(JSON.stringify(noted, null, 1), 'json').output ?? '');
  t.match(json, [
    {
      level: 'warning',
      code: 'config.unknown',
      pointer: '/hook',
      file: 'config.json',
      line: Number,
      column: 2,
      hint: /hooks/,
    },
    { level: 'note', code: 'process.username', pointer: '/process/user/username', message: /no effect/ },
  ]);
  t.match(validated('{]', 'json'), { exitCode: 1, output: /"level": "error",\n {4}"code": "config\.syntax",/ });
  t.strictSame(validated(docker, 'json'), { exitCode: 0, output: '[]\n' });
});
