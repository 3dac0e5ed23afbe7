import t from 'tap';
import type { Config } from '../../schema/generated/config.ts';
import type { Options } from '../options/options.ts';
import { Failure } from '../diag/diagnostic.ts';
import { ENOENT } from '../kernel/errno.ts';
import { planExec } from '../plan/exec.ts';
import { config, facts } from '../../test/config.ts';
import { FakeHost } from '../../test/fake-host.ts';
import { handedDescriptors } from '../container/descriptors.ts';
import { execProcess } from '../options/exec-process.ts';

const container: Config = config({
  process: {
    cwd: '/srv',
    args: ['/init'],
    env: ['PATH=/bin'],
    user: { uid: 7, gid: 8, umask: 0o77, additionalGids: [3] },
    capabilities: { bounding: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }],
  },
});

function words(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics.map(({ message }) => message).join('; ');
    throw error;
  }
  return '';
}

function composed(options: Options, ...command: string[]): ReturnType<typeof execProcess>['process'] {
  return execProcess(new FakeHost().native, container, options, command).process;
}

t.test('a process from options is that of the container with changes', async (t) => {
  t.same(composed({}, 'ls', '-l'), { ...container.process, args: ['ls', '-l'], terminal: false });
  t.match(composed({ tty: true, cwd: '/x', 'no-new-privs': true }, 'ls'), {
    terminal: true,
    cwd: '/x',
    noNewPrivileges: true,
  });
  t.same(composed({ env: ['A=1', 'B=2'] }, 'ls').env, ['PATH=/bin', 'A=1', 'B=2']);
  t.same(composed({ user: '5', 'additional-gids': ['9'] }, 'ls').user, {
    uid: 5,
    gid: 8,
    umask: 0o77,
    additionalGids: [3, 9],
  });
  t.match(composed({ user: '5:6' }, 'ls').user, { uid: 5, gid: 6 });
  t.same(composed({ cap: ['CAP_CHOWN'] }, 'ls').capabilities, {
    bounding: ['CAP_KILL', 'CAP_CHOWN'],
    effective: ['CAP_CHOWN'],
    permitted: ['CAP_CHOWN'],
  });
});

t.test('user ids that are not plain numbers are refused', async (t) => {
  for (const user of ['', 'root', '1:', ':1', '-1', '+1', '0x1', '1e3', ' 1', '4294967295', '4294967296', '1:2:3']) {
    if (user === '') continue;
    t.match(
      words(() => composed({ user }, 'ls')),
      /^bad (uid|gid): /,
      user,
    );
  }
  t.match(
    words(() => composed({ 'additional-gids': ['x'] }, 'ls')),
    'bad additional gid',
  );
});

t.test('a process that cannot be run is refused', async (t) => {
  t.equal(
    words(() => composed({})),
    'exec args cannot be empty',
  );
  t.match(
    words(() => composed({ cwd: 'x' }, 'ls')),
    'Cwd must be an absolute path',
  );
});

t.test('descriptors of a service manager are counted only if they are for this process', async (t) => {
  const host = new FakeHost();
  const open = new Map([3, 4, 5].map((descriptor) => [`/proc/self/fd/${descriptor}`, 'socket:[1]']));
  const native = { ...host.native, readLink: (path: string): string | number => open.get(path) ?? -ENOENT };
  t.same(handedDescriptors(native, undefined, true), { count: 0, env: [] });
  host.environment.set('LISTEN_FDS', '2');
  host.environment.set('LISTEN_PID', '1');
  t.same(handedDescriptors(native, undefined, true), { count: 0, env: [] });
  host.environment.set('LISTEN_PID', String(host.pid));
  t.same(handedDescriptors(native, 1, true), { count: 3, env: ['LISTEN_FDS=2', 'LISTEN_PID=1'] });
  const refusal = (preserved: number, activation: boolean): string =>
    words(() => handedDescriptors(native, preserved, activation));
  t.match(refusal(2, true), 'unable to stat preserved-fd 1 (of 2): no such file or directory');
  t.match(refusal(4, false), 'unable to stat preserved-fd 3 (of 4): no such file or directory');
  for (const own of ['anon_inode:[eventpoll]', '/memfd:rt-trace (deleted)']) {
    open.set('/proc/self/fd/4', own);
    const words = 'cannot pass on descriptor 4, one of 2 announced by LISTEN_FDS: bad file descriptor';
    t.match(refusal(0, true), words, own);
  }
});

t.test(
  'planExec: capabilities are dropped before the process is in the pid namespace, and the filter is loaded after it',
  async (t) => {
    const order = (change: Partial<Config>, noNewPrivileges: boolean): string[] => {
      const made = { ...config(change) };
      const process = { cwd: '/', args: ['x'], noNewPrivileges };
      const origin = { user: { device: 4, inode: 5 } };
      const options = { id: 'c1', bundle: '/b', initPid: 40, origin, keyring: '_ses.c1', tasks: ['/t/tasks'] };
      return planExec(made, process, facts(), options).ops.map(({ op }) => op);
    };
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
    } as const;
    const filtered = { linux: { namespaces: [{ type: 'pid' }], seccomp } } as unknown as Partial<Config>;
    for (const noNewPrivileges of [true, false]) {
      const plain = order({}, noNewPrivileges);
      t.ok(plain.indexOf('cgroup_join') < plain.indexOf('join_process'), 'cgroups by paths of the host');
      t.ok(plain.indexOf('set_capabilities') < plain.indexOf('outlive'));
      t.equal(plain.at(-1), 'exec');
      const strict = order(filtered, noNewPrivileges);
      t.ok(strict.indexOf('outlive') < strict.indexOf('seccomp'), 'the filter may forbid the fork');
      t.ok(strict.indexOf('set_capabilities') < strict.indexOf('outlive'));
    }
  },
);
