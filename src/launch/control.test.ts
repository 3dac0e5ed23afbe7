import t from 'tap';
import { EACCES, ENODEV, ENOENT } from '../kernel/errno.ts';
import type { PlannedOp } from '../plan/types.ts';
import { CgroupVanished, failureOf } from './control.ts';

t.test('failureOf: a cgroup that is removed before, or between opening and writing, can be made again', async (t) => {
  const join: PlannedOp = { op: 'cgroup_join', file: '/sys/fs/cgroup/pids/c1/tasks', from: '/linux/cgroupsPath' };
  const failure = (errno: number): unknown =>
    failureOf({ kind: 'failed', op: 0, errno, call: 'write', detail: new Uint8Array(0) }, [join]);
  t.ok(failure(ENOENT) instanceof CgroupVanished);
  t.ok(failure(ENODEV) instanceof CgroupVanished);
  t.notOk(failure(EACCES) instanceof CgroupVanished);
});
