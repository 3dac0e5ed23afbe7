import { constants } from 'node:os';
import t from 'tap';
import { ContainerDirectory } from './directory.ts';
import { FakeHost } from '../../test/fake-host.ts';
import type { StateRoot } from './root.ts';

const root: StateRoot = { path: '/run/rt', sticky: false, explicit: false };

t.test('a directory is private, made with its ancestors, and only once', async (t) => {
  const host = new FakeHost();
  ContainerDirectory.make(host.native, root, 'c1');
  t.equal(host.directories.get('/run/rt'), 0o700);
  t.equal(host.directories.get('/run/rt/c1'), 0o700);
  t.throws(() => ContainerDirectory.make(host.native, root, 'c1'), {
    message: 'container with given ID already exists: "c1"',
  });
  ContainerDirectory.make(host.native, { path: '/run/user/9/rt', sticky: true, explicit: false }, 'c1');
  t.equal(host.directories.get('/run/user/9/rt'), 0o1700);
  t.equal(host.directories.get('/run/user/9'), 0o700);
});

t.test('a directory that the caller may not make is reported with the cure', async (t) => {
  const host = new FakeHost();
  ContainerDirectory.make(host.native, root, 'c1');
  host.fault = (call) => (call.startsWith('mkdir') ? -constants.errno.EACCES : 0);
  const failure = t.throws(() => ContainerDirectory.make(host.native, root, 'c2'), {
    message: 'cannot create state directory "/run/rt/c2": permission denied (mkdir)',
  });
  t.match(failure, { diagnostics: [{ hint: 'set XDG_RUNTIME_DIR to a directory of yours, or give --root DIR' }] });
});

t.test('a directory is removed with its contents', async (t) => {
  const host = new FakeHost();
  const directory = ContainerDirectory.make(host.native, root, 'c1');
  host.files.set('/run/rt/c1/.state.json', 'half');
  host.directories.set('/run/rt/c1/d', 0o700);
  host.files.set('/run/rt/c1/d/f', '');
  t.equal(directory.remove(), false, 'there was no record');
  t.notOk(host.directories.has('/run/rt/c1'));
  t.same([...host.files.keys()], []);
  const second = ContainerDirectory.make(host.native, root, 'c1');
  host.files.set('/run/rt/c1/state.json', '');
  t.equal(second.remove(), true);
  t.equal(ContainerDirectory.open(host.native, root.path, 'c1'), undefined);
});

t.test('only the intended directory is removed', async (t) => {
  const host = new FakeHost();
  ContainerDirectory.make(host.native, root, 'c1');
  const late = ContainerDirectory.open(host.native, root.path, 'c1');
  const undone = ContainerDirectory.open(host.native, root.path, 'c1');
  t.equal(undone?.lock(), true);
  host.native.rmdir('/run/rt/c1');
  t.equal(late?.lock(), false, 'gone');
  ContainerDirectory.make(host.native, root, 'c1');
  host.files.set('/run/rt/c1/state.json', '');
  t.equal(late?.lock(), false, 'another has its name');
  t.equal(undone?.lock(), false);
  t.ok(host.files.has('/run/rt/c1/state.json'));
});

t.test('a lock that is not available is reported after some time, with its owner', async (t) => {
  const host = new FakeHost();
  ContainerDirectory.make(host.native, root, 'c1');
  host.locked.add('/run/rt/c1');
  const directory = ContainerDirectory.open(host.native, root.path, 'c1');
  let calls = 0;
  t.throws(() => directory?.lock(() => calls++), {
    message: 'container c1 is being created or deleted by another process',
  });
  t.equal(calls, 1);
  host.fault = (call) => (call.startsWith('flock') ? -constants.errno.ENOLCK : 0);
  t.throws(() => directory?.lock(), {
    message: 'cannot lock state directory "/run/rt/c1": no locks available (flock)',
  });
});

t.test('a directory that a delete removes as a leftover is made again, and is not shared', async (t) => {
  const host = new FakeHost();
  let opens = 0;
  host.fault = (call) => {
    if (call === 'open /run/rt/c1' && opens++ === 0) host.native.rmdir('/run/rt/c1');
    return 0;
  };
  t.type(ContainerDirectory.make(host.native, root, 'c1').lock(), 'boolean');
  t.equal(opens, 2);
  const other = new FakeHost();
  other.fault = (call) => {
    // Meanwhile another create has made it and finished.
    if (call === 'open /run/rt/c1') other.files.set('/run/rt/c1/state.json', '');
    return 0;
  };
  t.throws(() => ContainerDirectory.make(other.native, root, 'c1'), { message: /already exists/ });
  t.ok(other.files.has('/run/rt/c1/state.json'));
});

t.test('a directory that cannot be opened, locked or looked into is not left behind', async (t) => {
  for (const call of ['open /run/rt/c1', 'flock ', 'statAt /run/rt/c1/state.json']) {
    const host = new FakeHost();
    host.fault = (made) => (made.startsWith(call) ? -constants.errno.EMFILE : 0);
    t.throws(() => ContainerDirectory.make(host.native, root, 'c1'), /too many open files/);
    t.notOk(host.directories.has('/run/rt/c1'), call);
    host.fault = () => 0;
    t.ok(ContainerDirectory.make(host.native, root, 'c1'), 'the id is free');
  }
});
