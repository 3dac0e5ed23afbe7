import t from 'tap';
import { list } from '../commands/list.ts';
import { cgroupAt } from '../../test/config.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { record } from '../../test/record.ts';
import type { ContainerRecord } from './record.ts';

const hook = { path: '/bin/hook', args: ['hook'], timeout: 3 };
const whole: ContainerRecord = {
  ...record,
  rootMount: 30,
  annotations: { a: 'b', 'c.d': '' },
  cgroup: {
    manager: 'systemd',
    unit: 'rt-c1.scope',
    version: 1,
    hierarchies: ['freezer', 'pids'].map((name) => ({
      ...cgroupAt(`/sys/fs/cgroup/${name}/a/rt-c1.scope`, name),
      mount: `/sys/fs/cgroup/${name}`,
    })),
  },
  origin: { user: { device: 4, inode: 5 } },
  keyringName: '_ses.c1.0123456789abcdef',
  hooks: { poststop: [hook] },
};
const onlyUnified: ContainerRecord = {
  ...record,
  cgroup: {
    manager: 'cgroupfs',
    version: 2,
    hierarchies: [{ ...cgroupAt('/sys/fs/cgroup/a/c1'), mount: '/sys/fs/cgroup' }],
  },
};

/** The same record of another container. */
function textOf(source: ContainerRecord, id: string): string {
  return JSON.stringify({ ...source, pid: 41, startTime: 501 }).replaceAll('c1', id);
}

/** What `list` prints about others than c1, and how often it read a record as a whole. */
function listed(records: Readonly<Record<string, string>>): { output: string[]; reads: number } {
  const host = new FakeHost();
  host.directories.set('/run/rt', 0o700);
  for (const [id, text] of Object.entries(records)) {
    host.directories.set(`/run/rt/${id}`, 0o700);
    host.files.set(`/run/rt/${id}/state.json`, text);
  }
  host.processes.set(41, { state: 'S', startTime: 501, exe: '/memfd:rt-init (deleted)' });
  host.files.set('/run/rt/c2/start.sock', '');
  let reads = 0;
  host.fault = (call) => {
    if (call.startsWith('readTextAt')) reads += 1;
    return 0;
  };
  const found = list({ native: host.native, globals: {}, options: { format: 'json' }, operands: [], debug: () => {} });
  const reports = (JSON.parse(found.output ?? '') ?? []) as { id: string }[];
  const others = reports.filter(({ id }) => id !== 'c1');
  return { output: [JSON.stringify(others), ...(found.warnings ?? []).map(({ message }) => message)], reads };
}

/** Changes to a text: pieces left out or replaced at each place, as a disk or a hand would make them. */
function* changed(text: string): Generator<string> {
  const pieces = text.split(/(?<=[,:{}[\]"/.])|(?=[,:{}[\]"/.])/);
  for (const [index, piece] of pieces.entries()) {
    for (const other of [
      '',
      '1',
      '-1',
      '01',
      '4194305',
      '1e3',
      '1.5',
      '"',
      '\\',
      '\\u0001',
      '\0',
      '..',
      'é',
      '\u0007',
      '\n',
      '{}',
      piece + piece,
    ]) {
      yield [...pieces.slice(0, index), other, ...pieces.slice(index + 1)].join('');
    }
  }
  for (let length = 0; length < text.length; length += 5) yield text.slice(0, length);
}

t.test('a similar record is not read as a whole, and is listed all the same', async (t) => {
  for (const source of [record, whole, onlyUnified]) {
    const text = textOf(source, 'c2');
    const alone = listed({ c2: text });
    t.equal(alone.reads, 1);
    t.match(alone.output[0], /"id":"c2","pid":41,"status":"created"/);
    t.same(listed({ c1: JSON.stringify(source), c2: text }), alone, 'only c1 is read as a whole');
  }
});

t.test('a changed record is listed, or told about, as if it were the only one', async (t) => {
  let count = 0;
  let quick = 0;
  for (const source of [whole, onlyUnified]) {
    const model = JSON.stringify(source);
    for (const text of changed(textOf(source, 'c2'))) {
      const beside = listed({ c1: model, c2: text });
      const alone = listed({ c2: text });
      if (JSON.stringify(beside.output) !== JSON.stringify(alone.output)) {
        t.same(beside.output, alone.output, text);
      }
      count += 1;
      if (beside.reads === 1) quick += 1;
    }
  }
  t.ok(quick > 50 && quick < count / 2, `${quick} of ${count} were similar`);
});
