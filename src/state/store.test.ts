import t from 'tap';
import { FakeHost } from './fake-native.ts';
import type { ContainerRecord } from './record.ts';
import type { StateRoot } from './root.ts';
import {
  directoryExists,
  listIds,
  makeContainerDirectory,
  readRecord,
  removeContainerDirectory,
  replaceFile,
  requireRecord,
  writeRecord,
} from './store.ts';

const root: StateRoot = { path: '/run/rt', sticky: false, explicit: false };
const record: ContainerRecord = {
  version: 1,
  id: 'c1',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2023-11-14T22:13:20.000000005Z',
  annotations: {},
  pid: 0,
  startTime: 0,
  creator: { pid: 77, startTime: 1 },
  cgroup: { manager: 'cgroupfs', version: 2, directories: [] },
  privatePidNamespace: true,
  keyring: true,
  hooks: {},
};

t.test('makeContainerDirectory makes private directories, and each only once', async (t) => {
  const host = new FakeHost();
  makeContainerDirectory(host.native, root, 'c1');
  t.equal(host.directories.get('/run/rt'), 0o700);
  t.equal(host.directories.get('/run/rt/c1'), 0o700);
  t.throws(() => makeContainerDirectory(host.native, root, 'c1'), {
    message: 'container with given ID already exists: "c1"',
  });
  makeContainerDirectory(host.native, { path: '/run/user/9/rt', sticky: true, explicit: false }, 'c1');
  t.equal(host.directories.get('/run/user/9/rt'), 0o1700);
  t.equal(host.directories.get('/run/user/9'), 0o700);
});

t.test('writeRecord and readRecord keep a record', async (t) => {
  const host = new FakeHost();
  makeContainerDirectory(host.native, root, 'c1');
  t.equal(readRecord(host.native, root.path, 'c1'), undefined);
  writeRecord(host.native, root.path, record);
  writeRecord(host.native, root.path, { ...record, pid: 5 });
  t.same(readRecord(host.native, root.path, 'c1'), { ...record, pid: 5 });
  t.equal(host.fileModes.get('/run/rt/c1/.state.json'), 0o600);
  t.same([...host.files.keys()], ['/run/rt/c1/state.json']);
});

t.test('replaceFile survives a leftover and leaves none', async (t) => {
  const host = new FakeHost();
  host.files.set('/run/.pid', 'old');
  replaceFile(host.native, '/run/pid', '12', 0o644);
  t.same([...host.files], [['/run/pid', '12']]);
  host.fault = (call) => (call.startsWith('rename') ? -13 : 0);
  t.throws(() => replaceFile(host.native, '/run/other', '13', 0o644), {
    message: 'cannot write "/run/other": permission denied (rename)',
  });
  t.same([...host.files], [['/run/pid', '12']]);
});

t.test('requireRecord tells an absent container from a broken record', async (t) => {
  const host = new FakeHost();
  t.throws(() => requireRecord(host.native, root.path, 'c1'), { message: 'container does not exist: "c1"' });
  t.throws(() => requireRecord(host.native, root.path, '../c1'), { message: /^invalid container ID format/ });
  for (const text of ['', '{', 'null', '{"version":2,"id":"c1"}', '{"version":1,"id":"c2"}']) {
    host.files.set('/run/rt/c1/state.json', text);
    t.throws(() => requireRecord(host.native, root.path, 'c1'), {
      message: /^cannot read "\/run\/rt\/c1\/state.json"/,
    });
  }
});

t.test('listIds is sorted, and undefined without a root', async (t) => {
  const host = new FakeHost();
  t.equal(listIds(host.native, root.path), undefined);
  makeContainerDirectory(host.native, root, 'b');
  makeContainerDirectory(host.native, root, 'a');
  t.same(listIds(host.native, root.path), ['a', 'b']);
});

t.test('removeContainerDirectory removes whatever is in it', async (t) => {
  const host = new FakeHost();
  makeContainerDirectory(host.native, root, 'c1');
  host.files.set('/run/rt/c1/.state.json', 'half');
  host.directories.set('/run/rt/c1/d', 0o700);
  host.files.set('/run/rt/c1/d/f', '');
  t.ok(directoryExists(host.native, root.path, 'c1'));
  removeContainerDirectory(host.native, root.path, 'c1');
  t.notOk(directoryExists(host.native, root.path, 'c1'));
  t.same([...host.files.keys()], []);
  makeContainerDirectory(host.native, root, 'c1');
  writeRecord(host.native, root.path, record);
  t.equal(removeContainerDirectory(host.native, root.path, 'c1'), true);
  t.equal(removeContainerDirectory(host.native, root.path, 'c1'), false, 'gone already');
});
