import t from 'tap';
import type { CgroupRecord, ContainerCgroup } from '../plan/cgroup/record.ts';
import { cgroupAt } from '../../test/config.ts';
import { FakeHost } from '../../test/fake-host.ts';
import type { Native } from '../host/native.ts';
import { EMFILE } from '../kernel/errno.ts';
import {
  driverOf,
  freeze,
  isFrozen,
  killCgroup,
  readStats,
  thaw,
  thawForKill,
  wasOutOfMemory,
  watchMemory,
} from './control.ts';

function record(version: 1 | 2, ...hierarchies: ContainerCgroup[]): CgroupRecord {
  return { manager: 'cgroupfs', version, hierarchies };
}

/** A host that records the cgroups to be thawed. */
function hostThat(): { host: FakeHost; native: Native; thawed: string[] } {
  const host = new FakeHost();
  const thawed: string[] = [];
  const thawCgroups = (path: string): number => {
    thawed.push(path);
    return 0;
  };
  const pidfdOpen = (pid: number): number => 1000 + pid;
  return { host, native: { ...host.native, thawCgroups, pidfdOpen }, thawed };
}

const together = record(
  1,
  cgroupAt('/sys/fs/cgroup/unified/c'),
  cgroupAt('/sys/fs/cgroup/pids/c', 'pids'),
  cgroupAt('/sys/fs/cgroup/memory,freezer/c', 'memory', 'freezer'),
);
const directory = '/sys/fs/cgroup/memory,freezer/c';

t.test('v1 controllers that are mounted together: the container is frozen, and thawed again', async (t) => {
  const { host, native } = hostThat();
  freeze(native, together);
  t.equal(host.files.get(`${directory}/freezer.state`), 'FROZEN');
  host.files.set(`${directory}/freezer.self_freezing`, '1\n');
  t.ok(isFrozen(native, together));
  thaw(native, together);
  t.equal(host.files.get(`${directory}/freezer.state`), 'THAWED');
  t.equal(driverOf(together).freezer(together), directory);
});

t.test('v1 controllers that are mounted together: a kill thaws', async (t) => {
  const { host, native, thawed } = hostThat();
  host.files.set(`${directory}/cgroup.procs`, '41\n42\n');
  killCgroup(native, together);
  t.same(host.signals, ['41 9', '42 9']);
  t.same(thawed, [directory]);
  thawForKill(native, together);
  t.same(thawed, [directory, directory]);
});

t.test('v1 controllers that are mounted together: what happens for want of memory is known', async (t) => {
  const { host, native } = hostThat();
  t.notOk(wasOutOfMemory(native, together));
  host.files.set(`${directory}/memory.oom_control`, 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
  t.ok(wasOutOfMemory(native, together));
  const open = (path: string): number => (path === `${directory}/memory.oom_control` ? 8 : -2);
  const watch = watchMemory({ ...native, open, eventDescriptor: () => 9, readFd: () => '\u0002' }, together);
  t.equal(host.files.get(`${directory}/cgroup.event_control`), '9 8');
  t.same(watch?.wanted, [9, 1]);
  host.directories.set(directory, 0o755);
  t.equal(watch?.count(), 2);
});

t.test('v1 controllers that are mounted together: usage and limits are those of the one cgroup', async (t) => {
  const { host, native } = hostThat();
  host.files
    .set(`${directory}/memory.usage_in_bytes`, '4096\n')
    .set(`${directory}/memory.memsw.usage_in_bytes`, '8192\n');
  t.match(readStats(native, together).memory.usage, { usage: 4096 });
  t.same(driverOf(together).memoryUsage(native, directory), { memory: 4096n, withSwap: 8192n });
});

t.test('without a freezer a v1 container is never frozen, and its processes are those of any cgroup', async (t) => {
  const { host, native, thawed } = hostThat();
  const alone = record(1, cgroupAt('/sys/fs/cgroup/pids/c', 'pids'));
  host.files.set('/sys/fs/cgroup/pids/c/cgroup.procs', '41\n');
  t.notOk(isFrozen(native, alone));
  killCgroup(native, alone);
  t.same(host.signals, ['41 9']);
  t.same(thawed, []);
  t.throws(() => freeze(native, alone), { message: /no mounted cgroup hierarchy with the controller "freezer"/ });
  t.equal(watchMemory(native, alone), undefined);
});

t.test('a controller of the v2 half of a hybrid is not taken for one of v1', async (t) => {
  const { native } = hostThat();
  const half = { ...cgroupAt('/sys/fs/cgroup/unified/c'), controllers: ['freezer', 'memory'] };
  const hybrid = record(1, half);
  t.equal(driverOf(hybrid).freezer(hybrid), undefined);
  t.equal(watchMemory(native, hybrid), undefined);
});

t.test('v1: a process that has left the cgroup since it was read is not signalled', async (t) => {
  const { host, native } = hostThat();
  const lists = ['41\n42\n', '42\n'];
  killCgroup({ ...native, cgroupProcesses: () => lists.shift() ?? '' }, together);
  t.same(host.signals, ['42 9']);
});

t.test('v1: with fewer descriptors than processes they are signalled in lots, and none is left', async (t) => {
  const { host, native } = hostThat();
  const pids = Array.from({ length: 20 }, (_, index) => 41 + index);
  const gone = new Set<number>();
  let free = 12;
  const few: Native = {
    ...native,
    cgroupProcesses: () => pids.filter((pid) => !gone.has(pid)).join('\n'),
    pidfdOpen: (pid) => (free > 0 ? (free--, 1000 + pid) : -EMFILE),
    pidfdSignal: (pidfd, signal) => {
      gone.add(pidfd - 1000);
      return native.pidfdSignal(pidfd, signal);
    },
    close: () => (free++, 0),
  };
  killCgroup(few, together);
  t.same(
    host.signals,
    pids.map((pid) => `${pid} 9`),
  );
  gone.clear();
  t.throws(() => killCgroup({ ...few, pidfdOpen: () => -EMFILE }, together), {
    message: /cannot open process 41: too many open files/,
  });
});

t.test('v2: one cgroup has everything', async (t) => {
  const { host, native } = hostThat();
  const unified = record(2, cgroupAt('/sys/fs/cgroup/c'));
  host.files.set('/sys/fs/cgroup/c/cgroup.freeze', '1\n').set('/sys/fs/cgroup/c/memory.events', 'oom 1\noom_kill 3\n');
  t.ok(isFrozen(native, unified));
  t.ok(wasOutOfMemory(native, unified));
  killCgroup(native, unified);
  t.equal(host.files.get('/sys/fs/cgroup/c/cgroup.kill'), '1');
  t.equal(host.files.get('/sys/fs/cgroup/c/cgroup.freeze'), '0');
});
