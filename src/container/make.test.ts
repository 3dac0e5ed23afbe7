import t from 'tap';
import { RECORD, WAIT } from '../../schema/generated/protocol.ts';
import type { Options } from '../options/options.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { EACCES, EAGAIN } from '../kernel/errno.ts';
import { CGROUP2_SUPER_MAGIC } from '../kernel/file-systems.ts';
import { FakeHost } from '../../test/fake-host.ts';
import type { ContainerContext } from '../options/command.ts';
import { create } from '../commands/create.ts';
import { runPoststop } from './end.ts';
import { spec } from '../commands/spec.ts';

const initPid = 40;

interface Call {
  readonly name: string;
  readonly hook?: string;
  readonly state?: { readonly status: string; readonly pid?: number };
}

/** The behaviour of the fake kernel. Each member is the result of a native function. */
interface Behaviour {
  readonly program?: ReturnType<Native['runProgram']>;
  readonly launch?: number;
  /** Records of init before it is ready. */
  readonly records?: readonly ArrayBuffer[];
  /** Paths of hooks that fail. */
  readonly badHooks?: readonly string[];
  readonly pidFile?: number;
}

class Creation {
  readonly host = new FakeHost();
  readonly calls: Call[] = [];
  private readonly behaviour: Behaviour;

  constructor(behaviour: Behaviour = {}) {
    this.behaviour = behaviour;
    this.host.fileSystem = CGROUP2_SUPER_MAGIC;
    this.host.files.set('/proc/self/cgroup', '0::/\n');
    this.host.files.set('/sys/fs/cgroup/cgroup.controllers', 'cpu memory pids\n');
    this.host.processes.set(this.host.pid, { state: 'R', startTime: 450 });
    spec({ ...this.context({}), options: { bundle: '/b' } });
    const path = '/b/config.json';
    const config = JSON.parse(this.host.files.get(path) ?? '') as { linux: object; process: object };
    const process = { ...config.process, terminal: false };
    const linux = { ...config.linux, resources: { devices: [{ allow: true, access: 'rwm' }] } };
    const hooks = Object.fromEntries(
      ['prestart', 'createRuntime', 'poststop'].map((kind) => [kind, [{ path: `/${kind}` }]]),
    );
    const annotations = { a: 'b' };
    this.host.files.set(path, JSON.stringify({ ...config, process, linux, annotations, hooks }));
    if (behaviour.pidFile !== undefined) {
      this.host.fault = (call) => (call === 'rename /b/.pid' ? (behaviour.pidFile ?? 0) : 0);
    }
  }

  create(options: Options = {}): void {
    create(this.context({ bundle: '/b', ...options }));
  }

  failure(options: Options = {}): Failure {
    try {
      this.create(options);
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
    throw new Error('it did not fail');
  }

  names(): string[] {
    return this.calls.map(({ name, hook }) => (hook === undefined ? name : `${name} ${hook}`));
  }

  context(options: Options): ContainerContext {
    return { native: this.native(), globals: {}, options, operands: ['c1'], debug: () => {} };
  }

  private native(): Native {
    const { behaviour, host, calls } = this;
    const records = [...(behaviour.records ?? []), record(3)];
    return {
      ...host.native,
      realPath: (path) => path,
      kernel: () => '6.1.0\0x86_64\0',
      runProgram: () => behaviour.program ?? [],
      launch: () => {
        calls.push({ name: 'launch' });
        if (behaviour.launch !== undefined) return behaviour.launch;
        host.processes.set(initPid, { state: 'S', startTime: 500 });
        return [initPid, 9, -1];
      },
      receive: () => records.shift() ?? new ArrayBuffer(0),
      send: () => 0,
      signalProcess: (pid, signal) => {
        host.signals.push(`${pid} ${signal}`);
        return 0;
      },
      waitChild: () => 0,
      runHook: (hook, _args, _env, _cwd, input) => {
        calls.push({ name: 'hook', hook, state: JSON.parse(input) as NonNullable<Call['state']> });
        const result = new Uint32Array(4);
        result[1] = behaviour.badHooks?.includes(hook) === true ? 3 : 0;
        return result.buffer;
      },
    };
  }
}

/** A record of init without details: native/helper/record.h. */
function record(kind: number, value = 0): ArrayBuffer {
  return new Uint32Array([kind, 0, 0, value, 0, 0]).buffer;
}

const hostHooks = [record(RECORD.waiting, WAIT.hooks)];

t.test('create writes a private record and the pid', async (t) => {
  const made = new Creation({ records: hostHooks });
  made.create({ 'pid-file': '/b/pid' });
  t.equal(made.host.files.get('/b/pid'), '40', 'no newline');
  t.match(JSON.parse(made.host.files.get('/run/rt/c1/state.json') ?? ''), {
    version: 2,
    id: 'c1',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: '2023-11-14T22:13:20.000000005Z',
    annotations: { a: 'b' },
    pid: 40,
    startTime: 500,
    creator: { pid: 77, startTime: 450 },
    privatePidNamespace: true,
    hooks: { poststop: [{ path: '/poststop' }] },
  });
  t.same(made.names(), ['launch', 'hook /prestart', 'hook /createRuntime']);
  t.match(made.calls[1]?.state, { status: 'created', pid: 40, id: 'c1', annotations: { a: 'b' } });
  t.throws(() => made.create(), { message: 'container with given ID already exists: "c1"' });
  t.ok(made.host.files.has('/run/rt/c1/state.json'), 'the one that exists is left alone');
});

t.test('create undoes everything after any failure', async (t) => {
  const cases: [string, Behaviour, RegExp, string[]][] = [
    ['cgroup', { program: [0, 13, 0, 'mkdirat'] }, /^create failed: /, []],
    ['clone', { launch: -EAGAIN }, /^create failed: cannot start the container process: .*\(clone3\)$/, ['launch']],
    ['init', { records: [new ArrayBuffer(0)] }, /^create failed: the container process ended/, ['launch']],
    [
      'hook',
      { records: hostHooks, badHooks: ['/prestart'] },
      /^create failed: error running prestart hook #0 "\/prestart": exit status 3/,
      ['launch', 'hook /prestart', 'hook /poststop'],
    ],
    [
      'pid-file',
      { records: hostHooks, pidFile: -EACCES },
      /^create failed: cannot write "\/b\/pid": permission denied/,
      ['launch', 'hook /prestart', 'hook /createRuntime', 'hook /poststop'],
    ],
  ];
  for (const [name, behaviour, message, calls] of cases) {
    const made = new Creation(behaviour);
    const failure = made.failure({ 'pid-file': '/b/pid' });
    t.match(failure.diagnostics[0]?.message, message, name);
    t.notOk(made.host.directories.has('/run/rt/c1'), `${name}: state is gone`);
    t.notOk(made.host.files.has('/b/pid'), `${name}: no pid-file`);
    t.same(made.names(), calls, `${name}: calls`);
    if (name !== 'cgroup' && name !== 'clone') t.same(made.host.signals, ['40 9'], `${name}: init was killed`);
  }
});

t.test('create gives faults their place in config.json', async (t) => {
  const made = new Creation({ records: hostHooks, badHooks: ['/prestart'] });
  const [diagnostic] = made.failure().diagnostics;
  t.match(diagnostic, { pointer: '/hooks/prestart/0', location: { file: 'config.json', line: 1 } });
});

t.test('create checks the id and the bundle before it makes anything', async (t) => {
  const made = new Creation();
  t.throws(() => create({ ...made.context({ bundle: '/b' }), operands: ['a/b'] }), {
    message: /^invalid container ID/,
  });
  t.throws(() => create(made.context({ bundle: '/none' })), {
    message: 'JSON specification file config.json not found: "/none/config.json"',
  });
  t.notOk(made.host.directories.has('/run/rt'));
});

t.test('runPoststop runs every hook and names the one that failed', async (t) => {
  const made = new Creation({ badHooks: ['/second'] });
  made.create();
  const saved = JSON.parse(made.host.files.get('/run/rt/c1/state.json') ?? '') as Parameters<typeof runPoststop>[1];
  const hooks = { poststop: ['/first', '/second', '/third'].map((path) => ({ path })) };
  const diagnostics = runPoststop(made.context({}).native, { ...saved, hooks });
  t.same(made.names(), ['launch', 'hook /first', 'hook /second', 'hook /third']);
  t.match(diagnostics, [{ message: /^error running poststop hook #1 "\/second"/, pointer: '/hooks/poststop/1' }]);
  t.notOk('pid' in (made.calls[1]?.state ?? {}));
  t.equal(made.calls[1]?.state?.status, 'stopped');
});
