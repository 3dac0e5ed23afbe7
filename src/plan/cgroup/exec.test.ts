import t from 'tap';
import { Failure } from '../../diag/diagnostic.ts';
import { hybrid, unified as unifiedHost } from '../../../test/config.ts';
import { execCgroups, ownPlace } from './exec.ts';
import type { CgroupRecord, ContainerCgroup } from './record.ts';

function words(attempt: () => unknown): string {
  try {
    attempt();
    return '';
  } catch (error) {
    return error instanceof Failure ? error.message : String(error);
  }
}

function cgroup(version: 1 | 2, name: string, controllers: string[]): ContainerCgroup {
  const mount = `/sys/fs/cgroup/${name}`;
  return { version, controllers, mount, directory: `${mount}/c` };
}

const legacy: CgroupRecord = {
  manager: 'cgroupfs',
  version: 1,
  hierarchies: [
    cgroup(2, 'unified', []),
    cgroup(1, 'pids', ['pids']),
    cgroup(1, 'cpu,cpuacct', ['cpu', 'cpuacct']),
    cgroup(1, 'systemd', ['name=systemd']),
  ],
};
const unified: CgroupRecord = {
  manager: 'cgroupfs',
  version: 2,
  hierarchies: [{ version: 2, controllers: ['pids'], mount: '/sys/fs/cgroup', directory: '/sys/fs/cgroup/c' }],
};

t.test('cgroups of a further process', async (t) => {
  const initPath = (): string => '/c/init.scope';
  t.same(execCgroups(legacy, [], initPath), {
    tasks: ['/sys/fs/cgroup/pids/c/tasks', '/sys/fs/cgroup/cpu,cpuacct/c/tasks', '/sys/fs/cgroup/systemd/c/tasks'],
    directories: ['/sys/fs/cgroup/unified/c', '/sys/fs/cgroup/unified/c/init.scope'],
    counted: '/sys/fs/cgroup/pids/c/tasks',
  });
  t.same(execCgroups(unified, [], initPath), {
    tasks: [],
    directories: ['/sys/fs/cgroup/c', '/sys/fs/cgroup/c/init.scope'],
    counted: undefined,
  });
  t.same(execCgroups(unified, ['a//b'], initPath), {
    tasks: [],
    directories: ['/sys/fs/cgroup/c/a/b'],
    counted: undefined,
  });
  t.same(execCgroups(legacy, ['cpuacct:x', 'pids:/y'], initPath).tasks, [
    '/sys/fs/cgroup/pids/c/y/tasks',
    '/sys/fs/cgroup/cpu,cpuacct/c/x/tasks',
    '/sys/fs/cgroup/systemd/c/tasks',
  ]);
  t.same(execCgroups(legacy, ['/z'], initPath).tasks, [
    '/sys/fs/cgroup/pids/c/z/tasks',
    '/sys/fs/cgroup/cpu,cpuacct/c/z/tasks',
    '/sys/fs/cgroup/systemd/c/z/tasks',
  ]);
  for (const bad of [['../x'], ['/a/../../b'], ['pids:..'], ['x', 'y'], [':x'], ['pids:a', 'pids:b'], ['none:a']]) {
    t.match(
      words(() => execCgroups(legacy, bad, initPath)),
      'invalid --cgroup argument',
      bad.join(' '),
    );
  }
  t.match(
    words(() => execCgroups(unified, ['pids:x'], initPath)),
    'cgroup v2 takes one path',
  );
});

t.test('the place of the runtime is where processes are counted', async (t) => {
  t.equal(ownPlace(hybrid), '/sys/fs/cgroup/pids/tasks');
  t.equal(ownPlace(unifiedHost), '/sys/fs/cgroup/user.slice/session.scope/cgroup.procs');
  t.match(
    words(() => ownPlace({ version: 1, hierarchies: [] })),
    'no cgroups',
  );
});
