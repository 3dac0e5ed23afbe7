import t from 'tap';
import { RECORD } from '../../schema/generated/protocol.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EMFILE, ENODEV, ENOENT, ETIMEDOUT } from '../kernel/errno.ts';
import type { PlannedOp } from '../plan/types.ts';
import { CgroupVanished, failureOf, receiveFrom } from './control.ts';

t.test('failureOf: too few open files are the fault of their limit', async (t) => {
  const told = (soft: number, errno: number, call = 'openat2'): unknown => {
    const ops: PlannedOp[] = [
      { op: 'rlimit', resource: 7, soft, hard: soft, from: '/process/rlimits/1' },
      { op: 'stdio_owner', uid: 0, user: 0, null: 1, from: '/process/user/uid' },
    ];
    return failureOf({ kind: 'failed', op: 1, errno, call, detail: new Uint8Array(0) }, ops).diagnostics[0];
  };
  const limit = { pointer: '/process/rlimits/1', errno: 'EMFILE', hint: /at least 16/ };
  t.match(told(3, ENODEV), { ...limit, message: /^cannot open a null device .* RLIMIT_NOFILE is 3$/ });
  t.match(told(40, EMFILE), { ...limit, message: /too many open files \(openat2\): RLIMIT_NOFILE is 40$/ });
  t.match(told(1024, ENODEV), { pointer: '/process/user/uid', message: /\/dev\/null of the host/ });
});

t.test('failureOf: a cgroup that is removed before, or between opening and writing, can be made again', async (t) => {
  const join: PlannedOp = { op: 'cgroup_join', file: '/sys/fs/cgroup/pids/c1/tasks', from: '/linux/cgroupsPath' };
  const failure = (errno: number): unknown =>
    failureOf({ kind: 'failed', op: 0, errno, call: 'write', detail: new Uint8Array(0) }, [join]);
  t.ok(failure(ENOENT) instanceof CgroupVanished);
  t.ok(failure(ENODEV) instanceof CgroupVanished);
  t.notOk(failure(EACCES) instanceof CgroupVanished);
});

const helperLink = '/memfd:rt-init (deleted)';
/** The file of the runtime, unlike one of the container at the same path. */
const runtime = '/usr/sbin/rt of the host';
const zombie = (name: string, exitCode: number): string => `5 (${name}) Z ${'0 '.repeat(48)}${exitCode}`;

/** What receiveFrom makes of process 5, which is silent: its program, its record of proc_pid_stat(5), the record at last. */
function heard(programs: (string | number)[], stat: string, recordAfter = Infinity): { kind: string; rounds: number } {
  let rounds = 0;
  let program: string | number = '';
  const native = {
    receive: (): ArrayBuffer | number => {
      rounds++;
      return rounds > recordAfter ? new Uint32Array([RECORD.ready, 0, 0, 0, 0, 0]).buffer : -ETIMEDOUT;
    },
    readLink: (): string | number => (program = (programs.length > 1 ? programs.shift() : programs[0]) ?? -ENOENT),
    // Each path of the host is an inode of its own; the container has another program at that of the runtime.
    stat: (path: string): number[] => [0, 0, 0, path === '/proc/self/exe' || program === runtime ? 1 : 2, 1],
    readText: (): string => stat,
  } as unknown as Native;
  return { kind: receiveFrom(native, 3, 5).kind, rounds };
}

t.test('receiveFrom: silence is the end once the process has executed its program, or has ended', async (t) => {
  t.equal(heard([helperLink, helperLink, '/bin/program'], '').kind, 'end');
  t.equal(heard([helperLink, -ENOENT], zombie('rt:init', 9)).kind, 'end', 'killed');
  t.equal(heard([-ENOENT], zombie('program', 0)).kind, 'end');
  t.equal(heard(['/usr/sbin/rt', '/usr/sbin/rt'], '', 100).kind, 'end', 'a program of the container');
});

t.test('receiveFrom: a helper that is slow is waited for', async (t) => {
  t.equal(heard([helperLink], '', 100).kind, 'ready');
  t.equal(heard([runtime, helperLink], '', 3).kind, 'ready', 'it has not executed the helper yet');
  t.equal(heard([-EACCES], '', 100).kind, 'ready', 'what it runs cannot be seen');
});

t.test('receiveFrom: one that was slow before it forked is waited for as long', async (t) => {
  const slow = Array.from({ length: 30 }, () => helperLink);
  t.equal(heard([...slow, -ENOENT], zombie('rt:init', 0), 35).kind, 'ready');
});

t.test('receiveFrom: a helper that has forked has ended, and its child has yet to speak', async (t) => {
  t.equal(heard([-ENOENT], zombie('rt:init', 0), 5).kind, 'ready');
  const { kind, rounds } = heard([-ENOENT], zombie('rt:init', 0));
  t.equal(kind, 'end', 'but it may have been killed');
  t.ok(rounds < 20);
});
