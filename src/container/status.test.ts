import t from 'tap';
import { cgroupAt } from '../../test/config.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { FakeHost } from '../../test/fake-host.ts';
import type { FakeProcess } from '../../test/fake-host.ts';
import { isDying, isRunning, openProcess, readProcess } from './process.ts';
import type { ContainerRecord } from '../state/record.ts';
import { statusOf } from './status.ts';

const helper = '/memfd:rt-init (deleted)';

function record(pid: number): ContainerRecord {
  return {
    version: 2,
    id: 'c1',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: '2023-11-14T22:13:20.000000005Z',
    annotations: {},
    pid,
    startTime: pid === 0 ? 0 : 500,
    creator: { pid: 30, startTime: 400 },
    cgroup: { manager: 'cgroupfs', version: 2, hierarchies: [cgroupAt('/sys/fs/cgroup/c1')] },
    privatePidNamespace: true,
    keyring: true,
    hooks: {},
  };
}

function status(pid: number, processes: [number, FakeProcess][], files: readonly string[] = [], frozen = '0'): string {
  const host = new FakeHost();
  for (const [one, process] of processes) host.processes.set(one, process);
  for (const file of files) host.files.set(file, '');
  host.files.set('/sys/fs/cgroup/c1/cgroup.events', `populated 1\nfrozen ${frozen}\n`);
  host.files.set('/sys/fs/cgroup/c1/cgroup.freeze', `${frozen}\n`);
  host.directories.set('/run/rt', 0o700).set('/run/rt/c1', 0o700);
  return ContainerDirectory.use(host.native, '/run/rt', 'c1', (directory) =>
    statusOf(host.native, directory, record(pid)),
  );
}

const socket = ['/run/rt/c1/start.sock'];

t.test('statusOf asks the kernel', async (t) => {
  const live: FakeProcess = { state: 'S', startTime: 500, exe: helper };
  t.equal(status(0, [[30, { state: 'R', startTime: 400 }]]), 'creating');
  t.equal(status(0, []), 'stopped', 'creator gone');
  t.equal(status(0, [[30, { state: 'R', startTime: 401 }]]), 'stopped', "creator's pid reused");
  t.equal(status(40, [[40, live]], socket), 'created');
  t.equal(status(40, [[40, { ...live, exe: '/bin/sh' }]], socket), 'running', 'socket left by a killed start');
  t.equal(status(40, [[40, live]]), 'running', 'program runs from a memfd of its own');
  t.equal(status(40, [[40, { state: 'S', startTime: 500 }]], socket), 'created', 'exe unreadable');
  t.equal(status(40, []), 'stopped');
  t.equal(status(40, [[40, { ...live, state: 'Z' }]], socket), 'stopped');
  t.equal(status(40, [[40, { ...live, state: 'X' }]], socket), 'stopped');
  t.equal(status(40, [[40, { ...live, startTime: 501 }]], socket), 'stopped', 'pid reused');
  t.equal(status(40, [[40, { ...live, exe: '/bin/sh' }]], [], '1'), 'paused');
});

t.test('readProcess handles any program name', async (t) => {
  const host = new FakeHost();
  host.processes.set(40, { state: 'S', startTime: 500 });
  t.same(readProcess(host.native, 40), { state: 'S', startTime: 500 });
  t.equal(readProcess(host.native, 41), undefined);
});

t.test('openProcess refuses a reused pid', async (t) => {
  const host = new FakeHost();
  host.processes.set(40, { state: 'S', startTime: 500 });
  t.type(openProcess(host.native, 40, 500), 'number');
  t.equal(openProcess(host.native, 40, 499), undefined);
  t.equal(openProcess(host.native, 41, 500), undefined);
  t.ok(isRunning(host.native, 40, 500));
});

t.test('isDying: a SIGKILL is pending, for the thread or the process, or the process is exiting', async (t) => {
  const pending = (thread: number, process: number, flags = 0): boolean => {
    const host = new FakeHost();
    host.processes.set(40, { state: 'S', startTime: 500, flags });
    const [own, shared] = [thread, process].map((mask) => mask.toString(16).padStart(16, '0'));
    host.files.set(
      '/proc/40/status',
      `Name:\tShdPnd\nSigQ:\t1/63448\nSigPnd:\t${own}\nShdPnd:\t${shared}\nSigBlk:\t100\n`,
    );
    return isDying(host.native, 40);
  };
  t.equal(pending(0x4000, 0x4000), false, 'SIGTERM');
  t.equal(pending(0x100, 0), true);
  t.equal(pending(0, 0x100), true);
  t.equal(pending(0, 0, 0x404104), true, 'PF_EXITING');
  t.equal(pending(0, 0, 0x404100), false);
  t.equal(isDying(new FakeHost().native, 40), false, 'no such process');
});
