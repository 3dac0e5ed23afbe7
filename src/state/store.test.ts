import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import { EACCES } from '../kernel/errno.ts';
import { ContainerDirectory } from './directory.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { record as initial } from '../../test/record.ts';
import type { ContainerRecord } from './record.ts';
import type { StateRoot } from './root.ts';
import { listIds, readRecord, replaceFile, requireRecord, savedConfig, writeRecord } from './store.ts';

const root: StateRoot = { path: '/run/rt', sticky: false, explicit: false };
const record: ContainerRecord = { ...initial, pid: 0, startTime: 0, creator: { pid: 77, startTime: 1 } };

t.test('writeRecord and readRecord keep a record', async (t) => {
  const host = new FakeHost();
  const directory = ContainerDirectory.make(host.native, root, 'c1');
  t.equal(readRecord(directory), undefined);
  writeRecord(host.native, directory, record);
  writeRecord(host.native, directory, { ...record, pid: 5 });
  t.same(readRecord(directory), { ...record, pid: 5 });
  t.equal(host.fileModes.get('/run/rt/c1/.state.json'), 0o600);
  t.same([...host.files.keys()], ['/run/rt/c1/state.json']);
});

t.test('a record of version 1, which has directories alone, is read as one of version 2', async (t) => {
  const host = new FakeHost();
  const directory = ContainerDirectory.make(host.native, root, 'c1');
  const read = (cgroup: object): unknown => {
    host.files.set('/run/rt/c1/state.json', JSON.stringify({ ...record, version: 1, cgroup }));
    return readRecord(directory);
  };
  const manager = 'cgroupfs';
  const legacy = ['unified/c1', 'memory,freezer/a/c1', 'systemd/c1'].map((path) => `/sys/fs/cgroup/${path}`);
  const at = (name: string): object => ({ mount: `/sys/fs/cgroup/${name}` });
  t.same(read({ manager, version: 1, directories: legacy, unit: 'rt-c1.scope' }), {
    ...record,
    cgroup: {
      manager,
      version: 1,
      unit: 'rt-c1.scope',
      hierarchies: [
        { ...at('unified'), version: 2, controllers: [], directory: legacy[0] },
        { ...at('memory,freezer'), version: 1, controllers: ['memory', 'freezer'], directory: legacy[1] },
        { ...at('systemd'), version: 1, controllers: ['systemd'], directory: legacy[2] },
      ],
    },
  });
  t.same(read({ manager, version: 2, directories: ['/sys/fs/cgroup/a/c1'], inside: '/sys/fs/cgroup/a/c1/b' }), {
    ...record,
    cgroup: {
      manager,
      version: 2,
      inside: '/sys/fs/cgroup/a/c1/b',
      hierarchies: [{ version: 2, controllers: [], mount: '/sys/fs/cgroup', directory: '/sys/fs/cgroup/a/c1' }],
    },
  });
  for (const directories of [['/etc/c1'], ['/sys/fs/cgroup/freezer'], ['/sys/fs/cgroup/../c1/d'], [7], 7, undefined]) {
    t.throws(() => read({ manager, version: 1, directories }), { message: /not a state that rt wrote/ });
  }
});

t.test('replaceFile overwrites a leftover and leaves none', async (t) => {
  const host = new FakeHost();
  host.files.set('/run/.pid', 'old');
  replaceFile(host.native, '/run/pid', '12', 0o644);
  t.same([...host.files], [['/run/pid', '12']]);
  host.fault = (call) => (call.startsWith('rename') ? -EACCES : 0);
  t.throws(() => replaceFile(host.native, '/run/other', '13', 0o644), {
    message: 'cannot write "/run/other": permission denied (rename)',
  });
  t.same([...host.files], [['/run/pid', '12']]);
});

t.test('requireRecord tells an absent container from a broken record', async (t) => {
  const host = new FakeHost();
  const read = (id: string): unknown => ContainerDirectory.use(host.native, root.path, id, requireRecord);
  t.throws(() => read('c1'), { message: 'container does not exist: "c1"' });
  t.throws(() => read('../c1'), { message: /^invalid container ID format/ });
  ContainerDirectory.make(host.native, root, 'c1').close();
  t.throws(() => read('c1'), { message: 'container does not exist: "c1"' }, 'no record yet');
  const damaged = [
    ['', 'it is no JSON'],
    ['{', 'it is no JSON'],
    ['null', 'it must be an object, found null'],
    ['[]', 'it must be an object, found an empty array'],
    ['{"version":1,"id":"c1"}', 'bundle is missing'],
    [JSON.stringify({ ...record, pid: 'x' }), 'pid must be an integer from 0 to 4194304, found "x"'],
    [JSON.stringify({ ...record, id: 'c2' }), 'its id is "c2"'],
  ] as const;
  for (const [text, fault] of damaged) {
    host.files.set('/run/rt/c1/state.json', text);
    t.throws(() => read('c1'), {
      message: `cannot read "/run/rt/c1/state.json": not a state that rt wrote: ${fault}`,
    });
  }
  host.files.set('/run/rt/c1/state.json', '{"version":3,"whatever":[]}');
  t.throws(() => read('c1'), {
    message: 'cannot read "/run/rt/c1/state.json": written by a newer rt (state version 3)',
  });
});

t.test('listIds is sorted, and undefined without a state root', async (t) => {
  const host = new FakeHost();
  t.equal(listIds(host.native, root.path), undefined);
  ContainerDirectory.make(host.native, root, 'b');
  ContainerDirectory.make(host.native, root, 'a');
  t.same(listIds(host.native, root.path), ['a', 'b']);
});

t.test('savedConfig: a container whose deletion has begun does not exist', async (t) => {
  const host = new FakeHost();
  ContainerDirectory.make(host.native, root, 'c1').close();
  host.files.set('/run/rt/c1/state.json', JSON.stringify(record));
  const read = (whileLocked: () => void): string =>
    ContainerDirectory.use(
      { ...host.native, flock: (fd, how) => (whileLocked(), host.native.flock(fd, how)) },
      '/run/rt',
      'c1',
      (directory) => {
        try {
          return savedConfig(directory).text;
        } catch (error) {
          return error instanceof Failure ? (error.diagnostics[0]?.message ?? '') : String(error);
        }
      },
    );
  t.match(
    read(() => undefined),
    'cannot read "/run/rt/c1/config.json": no such file or directory (read)',
  );
  const removed = read(() => {
    host.files.delete('/run/rt/c1/state.json');
    host.native.rmdir('/run/rt/c1');
  });
  t.equal(removed, 'container does not exist: "c1"');
});
