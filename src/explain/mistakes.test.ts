import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import { config } from '../../test/config.ts';
import { hardenedConfig, hardenedLimits, unusedIds } from '../bundle/hardened.ts';
import { collect } from '../bundle/rules.ts';
import { examine } from './examine.ts';
import { mistakeRules } from './mistakes.ts';

/** The places of what is found, with the words that tell of each. */
function notes(change: unknown): string[] {
  const found = collect(mistakeRules, config(change as Partial<Config>));
  return found.map(
    ({ pointer, message, hint }) => `${pointer ?? ''} ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

function match(t: Test, found: readonly string[], expected: readonly RegExp[]): void {
  t.equal(found.length, expected.length, found.join('\n'));
  expected.forEach((words, index) => t.match(found[index], words));
}

const process = { cwd: '/', args: ['a'] };

t.test('rights that the program loses when it starts', async (t) => {
  const two = ['CAP_KILL', 'CAP_CHOWN'];
  const sets = { permitted: two, effective: two, bounding: ['CAP_KILL'] };
  match(t, notes({ process: { ...process, capabilities: sets } }), [
    /^\/process\/capabilities\/permitted\/1 .*CAP_CHOWN, which .*bounding lacks \(add it to bounding\)/,
  ]);
  const all = { permitted: two, effective: two, bounding: two };
  match(t, notes({ process: { ...process, user: { uid: 1000 }, capabilities: all } }), [
    /^\/process\/capabilities\/effective\/0 uid 1000 loses CAP_KILL, CAP_CHOWN .*ambient\)/,
  ]);
  const ambient = { ...all, inheritable: two, ambient: two };
  match(t, notes({ process: { ...process, user: { uid: 1000 }, capabilities: ambient } }), []);
  match(t, notes({ process: { ...process, capabilities: all } }), []);
});

t.test('a name of a user has no effect', async (t) => {
  match(t, notes({ process: { ...process, user: { username: 'www' } } }), [/^\/process\/user\/username .*as uid 0/]);
});

t.test('a mode in decimal digits that look octal', async (t) => {
  const device = (fileMode: number): object => ({ path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode });
  const modes = (umask: number, fileMode: number): string[] =>
    notes({ process: { ...process, user: { umask } }, linux: { devices: [device(fileMode)] } });
  match(t, modes(22, 666), [
    /^\/process\/user\/umask process.user.umask 22 is octal 026: .*\(for octal 022, write 18\)/,
    /^\/linux\/devices\/0\/fileMode .* 666 is octal 01232: .*\(for octal 0666, write 438\)/,
  ]);
  match(t, modes(18, 0o620), []);
});

t.test('fewer open files than the setup needs', async (t) => {
  const of = (soft: number): string[] =>
    notes({ process: { ...process, rlimits: [{ type: 'RLIMIT_NOFILE', soft, hard: 64 }] } });
  match(t, of(8), [/^\/process\/rlimits\/0\/soft RLIMIT_NOFILE 8 also holds .*\(give at least 16\)/]);
  match(t, of(16), []);
});

t.test('mounts that are relative, or that a later one hides', async (t) => {
  const tmpfs = (destination: string): object => ({ destination, type: 'tmpfs', source: 'tmpfs' });
  match(t, notes({ mounts: ['a', '/b/c', '/d', '/b', '/d/'].map(tmpfs) }), [
    /^\/mounts\/0\/destination .*"a" is relative.*\(write "\/a"\)/,
    /^\/mounts\/1\/destination .*hidden by mounts\[3\].*list mounts\[3\] before it/,
    /^\/mounts\/2\/destination .*hidden by mounts\[4\].*keep one of them/,
  ]);
  match(t, notes({ mounts: ['/b', '/b/c', '/bc'].map(tmpfs) }), []);
});

t.test('limits that are out of the range of the kernel, or so small that they are in another unit', async (t) => {
  const of = (resources: object): string[] => notes({ linux: { resources } });
  match(t, of({ memory: { limit: 1048575, swap: -1 }, cpu: { quota: 999, shares: 1 } }), [
    /^\/linux\/resources\/memory\/limit .*1048575 bytes: a program needs some MiB \(write it in bytes/,
    /^\/linux\/resources\/cpu\/quota .*999 microseconds.*\(write at least 1000 microseconds, or -1 for no limit\)/,
    /^\/linux\/resources\/cpu\/shares .* is 1: .*v2 it is 2 \(write 2 to 262144\)/,
  ]);
  match(t, of({ cpu: { shares: 262145 } }), [/v2 it is 262144/]);
  for (const quota of [-1, 0, 1000]) match(t, of({ memory: { limit: -1 }, cpu: { quota, shares: 2 } }), []);
});

t.test('devices that are made, but cannot be opened', async (t) => {
  const fuse = { path: '/dev/fuse', type: 'c', major: 10, minor: 229 };
  const of = (devices: object[] | undefined, ...nodes: object[]): string[] =>
    notes({ linux: { devices: nodes, resources: devices === undefined ? {} : { devices } } });
  const all = { allow: false, access: 'rwm' };
  const rule = { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' };
  const denied = [
    /^\/linux\/devices\/1 .*"\/dev\/fuse".*\(add \{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"\} to/,
  ];
  const fifo = { path: '/dev/fifo', type: 'p' };
  for (const devices of [
    undefined,
    [],
    [all],
    [rule, all],
    [all, { ...rule, access: 'm' }],
    [all, { ...rule, type: 'b' }],
  ])
    match(t, of(devices, fifo, fuse), denied);
  for (const devices of [
    [all, rule],
    [all, { ...rule, minor: -1 }],
    [{ allow: true, access: 'rwm' }],
    [{ ...rule, allow: false }],
  ])
    match(t, of(devices, fifo, fuse), []);
  match(t, of([all], { path: '/dev/null', type: 'c', major: 1, minor: 3 }), []);
});

t.test('a misspelt path protects nothing', async (t) => {
  const linux = { maskedPaths: ['/proc/kcroe', '/proc/kcore', '/data'], readonlyPaths: ['/proc/sy'] };
  match(t, notes({ linux }), [
    /^\/linux\/maskedPaths\/0 .*\/proc\/kcore\?/,
    /^\/linux\/readonlyPaths\/0 .*\/proc\/sys\?/,
  ]);
});

t.test('a memory limit without one for swap', async (t) => {
  match(t, notes({ linux: { resources: { memory: { limit: 67_108_864 } } } }), [
    /^\/linux\/resources\/memory\/limit .*swap/,
  ]);
  match(t, notes({ linux: { resources: { memory: { limit: 67_108_864, swap: 67_108_864 } } } }), []);
  match(t, notes({ linux: { resources: { memory: { limit: -1 } } } }), []);
});

t.test('rules of a filter without effect', async (t) => {
  const seccomp = (defaultAction: string, ...syscalls: object[]): object => ({
    linux: { seccomp: { defaultAction, syscalls } },
  });
  const rule = (name: string, action: string, errnoRet?: number): object => ({ names: [name], action, errnoRet });
  match(
    t,
    notes(seccomp('SCMP_ACT_ALLOW', rule('opennat', 'SCMP_ACT_ERRNO'), rule('s390_made_up', 'SCMP_ACT_ERRNO'))),
    [/^\/linux\/seccomp\/syscalls\/0\/names\/0 .*"opennat".*openat\?/],
  );
  match(t, notes(seccomp('SCMP_ACT_ERRNO', rule('read', 'SCMP_ACT_ERRNO', 1), rule('write', 'SCMP_ACT_ERRNO', 38))), [
    /^\/linux\/seccomp\/syscalls\/0\/action .*no effect/,
  ]);
  match(t, notes(seccomp('SCMP_ACT_ALLOW')), [/^\/linux\/seccomp\/defaultAction .*allows every call/]);
});

t.test('configs of engines have none, but for one with a device of its own', async (t) => {
  const folder = new URL('../../conformance/configs/', import.meta.url);
  for (const name of readdirSync(folder)) {
    const { faults, ineffective, notes, unsupported } = examine(readFileSync(new URL(name, folder), 'utf8'), name);
    const found = [...faults, ...ineffective, ...notes, ...unsupported].map(({ code }) => code);
    t.strictSame(found, name === 'kubernetes.json' ? ['device.denied'] : [], name);
  }
});

t.test('examine names what create would refuse or warn of on every host', async (t) => {
  const mount = { destination: '/a', source: '/b', type: 'bind', options: ['size=1', 'remount'] };
  const text = JSON.stringify(
    config({
      mounts: [mount],
      linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }], resources: { memory: { kernel: 1 } } },
    }),
  );
  t.match(examine(text, 'c'), {
    faults: [],
    unsupported: [{ pointer: '/mounts/0/options/1' }],
    ineffective: [{ pointer: '/mounts/0/options/0' }, { pointer: '/linux/resources/memory/kernel' }],
    notes: [],
  });
});

t.test('a text that was not UTF-8', async (t) => {
  const text = `{\n"ociVersion": "1.3.0", "root": {"path": "/"},\n"hostname": "\uFFFD", "linux": {"namespaces": [{"type": "uts"}, {"type": "pid"}]}}`;
  t.match(examine(text, 'c').ineffective, [{ code: 'config.encoding', location: { line: 3, column: 14 } }]);
});

t.test('there is none in a hardened config', async (t) => {
  for (const denied of ['error', 'kill'] as const) {
    const program = { root: '/', args: ['/a'], env: [], cwd: '/', mounts: [], denied };
    t.strictSame(collect(mistakeRules, hardenedConfig(program, hardenedLimits, unusedIds(0))), []);
  }
});
