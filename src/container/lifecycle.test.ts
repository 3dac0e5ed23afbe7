import { constants } from 'node:os';
import t from 'tap';
import type { Options } from '../options/options.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { ENOENT } from '../kernel/errno.ts';
import { cgroupAt } from '../../test/config.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { record } from '../../test/record.ts';
import type { ContainerRecord } from '../state/record.ts';
import type { Command, Outcome } from '../options/command.ts';
import { deleteContainer } from '../commands/delete.ts';
import { events } from '../commands/events.ts';
import { exec } from '../commands/exec.ts';
import { kill } from '../commands/kill.ts';
import { list } from '../commands/list.ts';
import { pause, resume } from '../commands/pause.ts';
import { ps } from '../commands/ps.ts';
import { exitCode } from './foreground.ts';
import { start } from '../commands/start.ts';
import { state } from '../commands/state.ts';
import { update } from '../commands/update.ts';

type Situation = 'creating' | 'created' | 'running' | 'stopped';

/** A host with a container c1, whose init has pid 40. */
function hostWith(situation: Situation, change: Partial<ContainerRecord> = {}): FakeHost {
  const host = new FakeHost();
  host.directories.set('/run/rt', 0o700);
  host.directories.set('/run/rt/c1', 0o700);
  const saved = { ...record, ...(situation === 'creating' ? { pid: 0 } : {}), ...change };
  host.files.set('/run/rt/c1/state.json', JSON.stringify(saved));
  if (situation === 'creating') host.processes.set(30, { state: 'R', startTime: 400 });
  if (situation === 'created') host.files.set('/run/rt/c1/start.sock', '');
  if (situation === 'created') host.processes.set(40, { state: 'S', startTime: 500, exe: '/memfd:init (deleted)' });
  if (situation === 'running') host.processes.set(40, { state: 'S', startTime: 500, exe: '/bin/sh' });
  if (situation === 'stopped') host.processes.set(40, { state: 'Z', startTime: 500 });
  return host;
}

function perform<Given extends readonly string[]>(
  command: Command<Given>,
  host: FakeHost,
  operands: Given,
  options: Options = {},
  root?: string,
): Outcome {
  const globals = root === undefined ? {} : { root };
  return command({ native: host.native, globals, options, operands, debug: () => {} });
}

/** The diagnostics of a failed command; none if it succeeds. */
function failure(body: () => void): readonly Diagnostic[] {
  try {
    body();
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics;
    throw error;
  }
}

t.test('state prints the keys that engines read, in order and without newline', async (t) => {
  t.equal(
    perform(state, hostWith('running'), ['c1']).output,
    '{\n  "ociVersion": "1.3.0",\n  "id": "c1",\n  "pid": 40,\n  "status": "running",\n  "bundle": "/b",\n' +
      '  "rootfs": "/b/rootfs",\n  "created": "2023-11-14T22:13:20.000000005Z",\n  "owner": ""\n}',
  );
  const stopped = perform(state, hostWith('stopped', { annotations: { a: 'b' } }), ['c1']).output ?? '';
  t.match(JSON.parse(stopped), { pid: 0, status: 'stopped', annotations: { a: 'b' } });
  t.throws(() => perform(state, hostWith('running'), ['c2']), { message: 'container does not exist: "c2"' });
});

t.test('start is for created containers', async (t) => {
  const words = {
    creating: 'cannot start a container that is being created',
    running: 'cannot start an already running container',
    stopped: 'cannot start a container that has stopped',
  };
  for (const situation of ['creating', 'running', 'stopped'] as const) {
    t.throws(() => perform(start, hostWith(situation), ['c1']), { message: words[situation] });
  }
  t.throws(() => perform(start, hostWith('created'), ['c2']), { message: 'container does not exist: "c2"' });
});

t.test('kill signals init', async (t) => {
  const cases: [[string, ...string[]], string][] = [
    [['c1'], '40 15'],
    [['c1', 'KILL'], '40 9'],
    [['c1', 'sigusr1'], '40 10'],
    [['c1', '0'], '40 0'],
  ];
  for (const [operands, signal] of cases) {
    for (const situation of ['created', 'running'] as const) {
      const host = hostWith(situation);
      t.same(perform(kill, host, operands), {});
      t.same(host.signals, [signal], `${situation} ${operands.join(' ')}`);
    }
  }
});

t.test('kill reports why it failed', async (t) => {
  const host = hostWith('stopped');
  t.throws(() => perform(kill, host, ['c1', '9']), { message: 'container not running' });
  t.same(host.signals, [], 'a zombie gets no signal');
  t.same(perform(kill, host, ['c1', '9'], { all: true }), {}, '--all of a stopped container succeeds');
  const reused = hostWith('running', { startTime: 499 });
  t.throws(() => perform(kill, reused, ['c1', '9']), { message: 'container not running' });
  t.same(reused.signals, [], 'a process with a reused pid gets no signal');
  t.throws(() => perform(kill, host, ['c2']), { message: 'container does not exist: "c2"' });
  t.throws(() => perform(kill, hostWith('running'), ['c1', 'FOO']), { message: 'unknown signal "FOO"' });
  t.throws(() => perform(kill, hostWith('running'), ['c1', '99']), {
    message: 'unable to signal init: invalid argument (pidfd_send_signal)',
  });
});

t.test('delete removes a stopped container', async (t) => {
  const host = hostWith('stopped');
  t.same(perform(deleteContainer, host, ['c1']), { warnings: [] });
  t.notOk(host.directories.has('/run/rt/c1'));
  t.throws(() => perform(deleteContainer, host, ['c1']), { message: 'container does not exist: "c1"' });
  for (const situation of ['creating', 'created', 'running'] as const) {
    const other = hostWith(situation);
    t.throws(() => perform(deleteContainer, other, ['c1']), {
      message: `cannot delete container c1 that is not stopped: ${situation}`,
    });
    t.ok(other.files.has('/run/rt/c1/state.json'));
    t.same(other.signals, []);
  }
});

t.test('delete --force kills, and removes leftovers', async (t) => {
  for (const situation of ['creating', 'created', 'running', 'stopped'] as const) {
    const host = hostWith(situation);
    t.same(perform(deleteContainer, host, ['c1'], { force: true }), { warnings: [] }, situation);
    t.notOk(host.directories.has('/run/rt/c1'), situation);
    t.same(host.signals, situation === 'created' || situation === 'running' ? ['40 9'] : [], situation);
  }
  const host = hostWith('running');
  t.same(perform(deleteContainer, host, ['c2'], { force: true }), {}, 'no such container');
  host.files.delete('/run/rt/c1/state.json');
  t.same(perform(deleteContainer, host, ['c1'], { force: true }), { warnings: [] }, 'no record');
  t.notOk(host.directories.has('/run/rt/c1'));
  t.throws(() => perform(deleteContainer, host, ['..'], { force: true }), { message: /^invalid container ID format/ });
});

const pids = {
  manager: 'cgroupfs',
  version: 1,
  hierarchies: [cgroupAt('/sys/fs/cgroup/pids/c1', 'pids')],
} as const;

/** A host whose container has a record with this change. */
function damage(situation: Situation, change: (text: string) => string): FakeHost {
  const host = hostWith(situation, { cgroup: pids });
  host.files.set('/run/rt/c1/state.json', change(host.files.get('/run/rt/c1/state.json') ?? ''));
  return host;
}

function cut(text: string): string {
  return text.slice(0, -10);
}

t.test('delete --force removes a damaged record only if it still shows that nothing runs', async (t) => {
  const tasks = '/sys/fs/cgroup/pids/c1/cgroup.procs';
  const refusals: readonly (readonly [host: FakeHost, procs: string | undefined, hint: string])[] = [
    [damage('running', cut), undefined, 'its processes still run: kill -KILL 40, then try again'],
    [damage('running', cut), '40\n41\n', 'its processes still run: kill -KILL 40 41, then try again'],
    [damage('stopped', cut), '41\n', 'its processes still run: kill -KILL 41, then try again'],
    [
      damage('stopped', () => ''),
      undefined,
      'end its processes and remove its cgroups (find /sys/fs/cgroup -name c1), then remove it: rm -r /run/rt/c1',
    ],
    [
      damage('stopped', (text) => text.replace('"pid":40', '"pid":"x"')),
      undefined,
      'end its processes and remove its cgroups (find /sys/fs/cgroup -name c1), then remove it: rm -r /run/rt/c1',
    ],
    [
      damage('stopped', (text) => cut(text.replaceAll('/sys/fs', '/etc'))),
      undefined,
      'end its processes and remove its cgroups (find /sys/fs/cgroup -name c1), then remove it: rm -r /run/rt/c1',
    ],
  ];
  for (const [host, procs, hint] of refusals) {
    if (procs !== undefined) host.files.set(tasks, procs);
    t.match(
      failure(() => perform(deleteContainer, host, ['c1'], { force: true })),
      [{ message: 'cannot read "/run/rt/c1/state.json": not a state that rt wrote', hint }],
    );
    t.ok(host.files.has('/run/rt/c1/state.json'));
    t.same(host.signals, []);
  }
  const host = damage('stopped', cut);
  t.match(perform(deleteContainer, host, ['c1'], { force: true }).warnings, [{ code: 'delete.damaged' }]);
  t.notOk(host.directories.has('/run/rt/c1'));
});

t.test('delete --force keeps a container whose list of cgroups does not end, or whose record is missing', async (t) => {
  const { hierarchies } = pids;
  const blanks = `"hierarchies":[${`${JSON.stringify(hierarchies[0])}${' '.repeat(20)}`.repeat(40)}`;
  t.match(
    failure(() => {
      const host = damage('stopped', (text) => `${text.slice(0, text.indexOf('"hierarchies"'))}${blanks}`);
      perform(deleteContainer, host, ['c1'], { force: true });
    }),
    [{ message: 'cannot read "/run/rt/c1/state.json": not a state that rt wrote' }],
    'a list that does not end',
  );
  const lost = hostWith('running', { cgroup: pids });
  lost.files.delete('/run/rt/c1/state.json');
  lost.files.set('/run/rt/c1/config.json', '{}');
  t.match(
    failure(() => perform(deleteContainer, lost, ['c1'], { force: true })),
    [{ message: 'cannot read "/run/rt/c1/state.json": no such file or directory' }],
  );
  t.ok(lost.files.has('/run/rt/c1/config.json'), 'that record is missing, not that of a create that was interrupted');
});

/** Errors of a host for a file, a process or a directory, none of which means that it does not exist. */
const { EPERM, EINTR, EIO, ENXIO, EBADF, ENOMEM, EACCES, EMFILE, ENFILE, ELOOP } = constants.errno;
const errnos = { EPERM, EINTR, EIO, ENXIO, EBADF, ENOMEM, EACCES, EMFILE, ENFILE, ELOOP };
const readers = { state, start, kill, deleteContainer, pause, resume, exec, ps, update, events } as const;

t.test('an unknown state is an error of every command, never "stopped" and never success', async (t) => {
  const queries = ['readTextAt /run/rt/c1/state.json', 'processStat 40', 'readOnce /sys/fs/cgroup/c1/cgroup.freeze'];
  for (const [name, command] of Object.entries(readers)) {
    for (const [errno, number] of Object.entries(errnos)) {
      for (const call of queries) {
        const host = hostWith('running', {
          cgroup: { manager: 'cgroupfs', version: 2, hierarchies: [cgroupAt('/sys/fs/cgroup/c1')] },
        });
        const met: string[] = [];
        host.fault = (one) => {
          if (one !== call) return 0;
          met.push(one);
          return -number;
        };
        const options = name === 'deleteContainer' ? { force: true } : name === 'exec' ? { detach: true } : {};
        const words: [string, ...string[]] = ['c1', ...(name === 'exec' ? ['/bin/true'] : [])];
        const [fault] = failure(() => perform(command, host, words, options));
        if (met.length === 0) continue;
        t.match(
          fault?.message ?? 'success',
          `cannot read "${call === 'processStat 40' ? '/proc/40/stat' : call.slice(call.indexOf(' ') + 1)}"`,
          `${name}, ${errno} of ${call}`,
        );
        t.ok(host.files.has('/run/rt/c1/state.json'), `${name} keeps the record`);
        if (call !== queries[2]) t.same(host.signals, [], `${name} sends no signal`);
      }
    }
  }
});

t.test('list shows the others if the state of one container is unknown', async (t) => {
  const host = hostWith('running');
  host.directories.set('/run/rt/c2', 0o700);
  host.files.set(
    '/run/rt/c2/state.json',
    (host.files.get('/run/rt/c1/state.json') ?? '').replace('c1', 'c2').replace('"pid":40', '"pid":41'),
  );
  for (const number of Object.values(errnos)) {
    host.fault = (call) => (call === 'processStat 40' ? -number : 0);
    const { output, warnings } = perform(list, host, [], { quiet: true });
    t.equal(output, 'c2\n');
    t.match(warnings, [{ message: /^load container c1: cannot read "\/proc\/40\/stat"/ }]);
  }
});

t.test('a process that runs but is not in /proc is not reported as stopped', async (t) => {
  const host = hostWith('running');
  host.fault = (call) => (call === 'processStat 40' ? -ENOENT : 0);
  t.throws(() => perform(state, host, ['c1']), { message: 'cannot see process 40 in /proc, though there is one' });
});

t.test('list has the layout of runc', async (t) => {
  const host = hostWith('running');
  host.files.set('/etc/passwd', 'daemon:x:1:1::/:\nroot:x:0:0::/:\n');
  t.equal(
    perform(list, host, []).output,
    'ID          PID         STATUS      BUNDLE      CREATED                          OWNER\n' +
      'c1          40          running     /b          2023-11-14T22:13:20.000000005Z   root\n',
  );
  t.equal(perform(list, host, [], { quiet: true }).output, 'c1\n');
  const json = perform(list, host, [], { format: 'json' }).output ?? '';
  t.match(JSON.parse(json), [{ id: 'c1', pid: 40, status: 'running', owner: 'root' }]);
  t.equal(json.indexOf('\n'), json.length - 1);
  host.files.delete('/etc/passwd');
  t.match(perform(list, host, []).output, /#0\n$/);
});

t.test('list omits entries that it cannot read', async (t) => {
  const host = hostWith('running');
  host.directories.set('/run/rt/c0', 0o700);
  host.directories.set('/run/rt/c2', 0o700);
  host.files.set('/run/rt/c2/state.json', 'x');
  const { output, warnings } = perform(list, host, [], { quiet: true });
  t.equal(output, 'c1\n');
  t.match(warnings, [{ message: /^load container c2: cannot read/ }]);
});

t.test('list without a state root is empty, unless --root was given', async (t) => {
  const host = new FakeHost();
  t.equal(perform(list, host, [], { format: 'json' }).output, 'null\n');
  t.equal(perform(list, host, [], { quiet: true }).output, '');
  t.throws(() => perform(list, host, [], {}, '/none'), { message: /"\/none": no such file or directory/ });
});

t.test('exitCode follows the shell', async (t) => {
  t.equal(exitCode(0), 0);
  t.equal(exitCode(7 << 8), 7);
  t.equal(exitCode(255 << 8), 255);
  t.equal(exitCode(9), 137);
  t.equal(exitCode(11 | 0x80), 139, 'with a core dump');
});
