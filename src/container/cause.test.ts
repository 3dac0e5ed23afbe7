import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { SIGKILL, SIGSYS } from '../kernel/signals.ts';
import type { CgroupRecord } from '../plan/cgroup/record.ts';
import { causesOfEnd } from './cause.ts';

const config: Config = { ociVersion: '1.3.0', linux: { resources: { memory: { limit: 16777216 } } } };

/** The causes of a SIGKILL, found in these files of the container's cgroup. */
function causes(version: 1 | 2, files: Readonly<Record<string, string>>): readonly Diagnostic[] {
  const native = {
    readText: (path: string) => files[path.slice(path.lastIndexOf('/') + 1)] ?? -ENOENT,
  } as unknown as Native;
  const hierarchy = { version, controllers: ['memory'], mount: '/cg', directory: '/cg/c' };
  const cgroup = { manager: 'cgroupfs', version, hierarchies: [hierarchy] } as unknown as CgroupRecord;
  return causesOfEnd(native, { exitCode: 137, signal: SIGKILL, cgroup, config, unreported: config });
}

/** The files of a cgroup whose `counter` has a limit of 16 MiB, and has been at `most`. */
const v1 = (counter: string, most: number): Readonly<Record<string, string>> => ({
  'memory.oom_control': 'oom_kill 1\n',
  [`${counter}.max_usage_in_bytes`]: `${most}\n`,
  [`${counter}.limit_in_bytes`]: '16777216\n',
});

t.test('a limit is the cause only if the cgroup has reached it, not if one above had no memory', async (t) => {
  for (const [version, at, above] of [
    [2, { 'memory.events': 'oom 1\noom_kill 1\n' }, { 'memory.events': 'oom 0\noom_kill 1\n' }],
    [1, v1('memory', 16_700_000), v1('memory', 8_000_000)],
    [1, v1('memory.memsw', 16_700_000), v1('memory.memsw', 8_000_000)],
  ] as const) {
    t.match(causes(version, at), [{ message: /OOM-killed at the limit of 16777216 bytes$/, pointer: /limit$/ }]);
    const [found] = causes(version, above);
    t.match(found, { code: 'end.memory', message: /OOM-killed$/, hint: /a cgroup above the container/ });
    t.notOk(found?.pointer);
  }
});

t.test('that memory was not the cause is said only if the kernel counts', async (t) => {
  const plain = 'the program was killed by SIGKILL';
  t.match(causes(2, { 'memory.events': 'oom_kill 0\n' }), [{ message: `${plain}, but not for want of memory` }]);
  t.match(causes(2, {}), [{ message: plain, hint: /or the kernel for want of memory$/ }]);
  t.equal(causes(2, {})[0]?.message, plain);
});

t.test('processes that could not be made are told of a program that failed', async (t) => {
  const end = (events: string, exitCode: number, limit = 20): readonly Diagnostic[] => {
    const native = {
      readText: (path: string) => (path === '/cg/c/pids.events' ? events : -ENOENT),
    } as unknown as Native;
    const hierarchy = { version: 2, controllers: ['pids'], mount: '/cg', directory: '/cg/c' };
    const cgroup = { manager: 'cgroupfs', version: 2, hierarchies: [hierarchy] } as unknown as CgroupRecord;
    const limited: Config = { ociVersion: '1.3.0', linux: { resources: { pids: { limit } } } };
    return causesOfEnd(native, { exitCode, signal: 0, cgroup, config: limited, unreported: limited });
  };
  t.match(end('max 3\n', 1), [{ code: 'end.processes', message: /^3 times .* limit of 20$/, pointer: /pids\/limit$/ }]);
  t.match(end('max 1\n', 1), [{ message: /^1 time a/ }]);
  t.strictSame(end('max 0\n', 1), []);
  t.strictSame(end('max 3\n', 0), []);
  t.strictSame(end('max 3\n', 1, -1), []);
});

t.test('a refused call: --explain-denied is named where it can tell more', async (t) => {
  const hint = (defaultAction: string, more: object = {}, reported = false): string => {
    const profile = { ociVersion: '1.3.0', linux: { seccomp: { defaultAction, ...more } } } as Config;
    const cgroup = { manager: 'none' } as unknown as CgroupRecord;
    const unreported = reported ? undefined : profile;
    const end = { exitCode: 159, signal: SIGSYS, cgroup, config: profile, unreported };
    return causesOfEnd({} as Native, end)[0]?.hint ?? '';
  };
  t.match(hint('SCMP_ACT_KILL'), /^run it with --explain-denied, .*dmesg/);
  t.match(hint('SCMP_ACT_ERRNO', { syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_TRAP' }] }), '--explain-denied');
  t.notMatch(hint('SCMP_ACT_ERRNO'), '--explain-denied', 'a filter of its own ended it');
  t.notMatch(hint('SCMP_ACT_KILL', {}, true), '--explain-denied');
  const other = 'another process receives the notifications';
  t.notMatch(hint('SCMP_ACT_KILL', { listenerPath: '/run/x' }), '--explain-denied', other);
  t.notMatch(
    hint('SCMP_ACT_KILL', { syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }] }),
    '--explain-denied',
    other,
  );
});
