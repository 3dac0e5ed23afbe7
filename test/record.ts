import type { ContainerRecord } from '../src/state/record.ts';

/** The saved data of a container without cgroups, whose init has pid 40. */
export const record: ContainerRecord = {
  version: 2,
  id: 'c1',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2023-11-14T22:13:20.000000005Z',
  annotations: {},
  pid: 40,
  startTime: 500,
  creator: { pid: 30, startTime: 400 },
  cgroup: { manager: 'cgroupfs', version: 2, hierarchies: [] },
  privatePidNamespace: true,
  keyring: true,
  hooks: {},
};
