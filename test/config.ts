import type { Config } from '../schema/generated/config.ts';
import type { CgroupFacts, Facts } from '../src/facts/facts.ts';
import { typicalHost } from '../src/page/host.ts';
import type { ContainerCgroup } from '../src/plan/cgroup/record.ts';
import type { PlanOptions } from '../src/plan/plan.ts';

/** A host for plan tests: cgroup v1 with the usual controllers, and an empty v2 hierarchy. */
export const hybrid: CgroupFacts = {
  version: 1,
  hierarchies: [
    { mount: '/sys/fs/cgroup/unified', controllers: [], own: '/', version: 2 },
    ...['cpuset', 'cpu', 'memory', 'devices', 'pids', 'freezer', 'blkio', 'hugetlb', 'rdma', 'net_cls', 'net_prio'].map(
      (name) => ({
        mount: `/sys/fs/cgroup/${name}`,
        controllers: [name],
        own: '/',
        version: 1 as const,
      }),
    ),
    { mount: '/sys/fs/cgroup/systemd', controllers: ['name=systemd'], own: '/', version: 1 },
  ],
};

export const unified: CgroupFacts = {
  version: 2,
  hierarchies: [
    {
      mount: '/sys/fs/cgroup',
      controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'],
      own: '/user.slice/session.scope',
      version: 2,
    },
  ],
};

export function facts(cgroups: CgroupFacts = hybrid): Facts {
  return {
    ...typicalHost,
    cgroups,
    hasApparmor: false,
    realPath: (path) => path.replace(/^\/srv\/(?=bundle)/, '/'),
    linkAt: (path) => (path === '/srv/link' ? 'target' : undefined),
    isBlockDevice: (path) => path === '/dev/sdb1',
    usesDevice: (type) => type !== 'proc',
    resctrl: undefined,
    delegatedCgroupFiles: ['cgroup.procs'],
  };
}

export const options: PlanOptions = {
  id: 'c1',
  bundle: '/bundle',
  rootless: 'auto',
  keyring: '_ses.c1',
  awaitStart: 'socket',
};

/** The smallest config of a container with its own mounts. */
export function config(change: Partial<Config> = {}): Config {
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['/bin/true'], env: ['PATH=/bin'] },
    ...change,
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], ...change.linux },
  };
}

/** A cgroup directly below the mount point of its hierarchy, which is that of v2 when no controllers are given. */
export function cgroupAt(directory: string, ...controllers: string[]): ContainerCgroup {
  const mount = directory.slice(0, directory.lastIndexOf('/'));
  return { version: controllers.length === 0 ? 2 : 1, controllers, mount, directory };
}
